//! The fold, record by record.

use super::*;
use crate::{
    cockpit::fixture::{RunBuilder, group},
    run::{
        event::{Alarm, EndReason, Event, Phase, Record, RunState, Severity},
        metrics,
    },
};

#[test]
fn a_run_is_folded_into_what_is_known_of_it() {
    let view = RunView::replay(&RunBuilder::with_steps(45).records());
    assert_eq!(view.step(), 45);
    assert_eq!(view.state(), RunState::Running);
    assert_eq!(view.max_steps(), Some(200));
    assert_eq!(view.series(metrics::REWARD).unwrap().points().len(), 45);
    assert_eq!(view.evals().iter().map(|e| e.step).collect::<Vec<_>>(), [0, 20, 40]);
    assert_eq!(view.checkpoints().len(), 2);
    assert_eq!(view.samples().len(), 90);
    assert_eq!(view.samples().of_step(45).count(), 2);
    assert_eq!(view.missed(), 0);
    assert_eq!(view.eta(), Some(155.0 * 21.0));
    assert!(view.is_live());
}

#[test]
fn what_follows_the_checkpoint_of_a_resumption_is_void() {
    let mut run = RunBuilder::with_steps(50);
    run.resume(40);
    let view = RunView::replay(&run.records());
    assert_eq!(view.step(), 40);
    assert_eq!(view.series(metrics::LOSS).unwrap().points().last().unwrap().0, 40);
    assert_eq!(view.samples().get(view.samples().len() - 1).unwrap().step, 40);
    assert_eq!(view.evals().last().unwrap().step, 40);
    run.step(41);
    let view = RunView::replay(&run.records());
    let steps: Vec<u64> = view.series(metrics::LOSS).unwrap().points().iter().map(|p| p.0).collect();
    assert_eq!(steps, (1..=41).collect::<Vec<_>>());
}

#[test]
fn the_time_of_training_goes_on_over_a_resumption() {
    let of = |steps| RunView::replay(&RunBuilder::with_steps(steps).records()).elapsed();
    let mut run = RunBuilder::with_steps(50);
    run.resume(40);
    let elapsed = RunView::replay(&run.records()).elapsed();
    assert!(elapsed > of(39) && elapsed <= of(40), "{elapsed} {} {}", of(39), of(40));
}

#[test]
fn an_alarm_that_a_resumed_trainer_tells_again_was_never_over() {
    let alarm = |step| Alarm {
        detector: "kl".into(),
        active: true,
        severity: Severity::Warning,
        since: 8,
        step,
        confidence: 0.9,
        what: "KL is 3".into(),
        cost: None,
        remedies: Vec::new(),
        done: None,
    };
    let mut run = RunBuilder::with_steps(20);
    run.add(Event::Alarm(Box::new(alarm(10)))).resume(20);
    let view = RunView::replay(&run.records());
    assert_eq!((view.notices().active().len(), view.notices().past().len()), (0, 1), "nobody says that it is still so");
    run.add(Event::Alarm(Box::new(alarm(20))));
    let view = RunView::replay(&run.records());
    assert_eq!((view.notices().active().len(), view.notices().past().len()), (1, 0));
    let marks = view.markers().iter().filter(|marker| matches!(marker.kind, MarkerKind::Alarm(_)));
    assert_eq!(marks.map(|marker| marker.step).collect::<Vec<_>>(), [10], "marked once");
}

#[test]
fn a_resumption_at_step_0_forgets_everything() {
    let mut run = RunBuilder::with_steps(5);
    run.resume(0);
    let view = RunView::replay(&run.records());
    assert_eq!(view.step(), 0);
    assert!(view.series(metrics::REWARD).is_none());
    assert!(view.samples().is_empty());
    assert_eq!(view.evals().len(), 1, "the evaluation before the first step still holds");
}

#[test]
fn records_that_come_twice_count_once_and_missing_ones_are_counted() {
    let records = RunBuilder::with_steps(3).records();
    let mut view = RunView::default();
    for record in records.iter().chain(&records) {
        view.apply(record);
    }
    assert_eq!(view, RunView::replay(&records));
    assert_eq!(view.apply(&records[0]), Applied::Duplicate);
    let mut gappy = RunView::default();
    for record in records.iter().filter(|r| ![2, 4, 5].contains(&r.seq)) {
        gappy.apply(record);
    }
    assert_eq!(gappy.missed(), 3);
}

#[test]
fn progress_is_of_the_moment() {
    let mut run = RunBuilder::with_steps(1);
    run.progress(2, Phase::Rollout, 10, 100);
    let view = RunView::replay(&run.records());
    assert_eq!(view.phase(), Some(Phase::Rollout));
    assert_eq!(view.progress().unwrap().done, 10);
    run.end(1, EndReason::Stopped);
    let view = RunView::replay(&run.records());
    assert_eq!(view.progress(), None);
    assert_eq!(view.state(), RunState::Ended);
    assert!(!view.is_live());
    assert_eq!(view.eta(), None);
}

#[test]
fn a_trainer_that_hangs_up_without_an_end_is_missed() {
    let mut view = RunView::replay(&RunBuilder::with_steps(1).records());
    view.trainer_gone();
    assert!(view.is_lost() && !view.is_live());
    let mut run = RunBuilder::with_steps(1);
    run.end(1, EndReason::Completed);
    let mut view = RunView::replay(&run.records());
    view.trainer_gone();
    assert!(!view.is_lost());
}

#[test]
fn checkpoints_and_evaluations_are_marked_until_a_resumption_takes_them_back() {
    let mut run = RunBuilder::with_steps(45);
    run.eval(40, 9);
    let marks = |run: &RunBuilder| {
        let view = RunView::replay(&run.records());
        view.markers().iter().map(|marker| (marker.step, marker.kind)).collect::<Vec<_>>()
    };
    let (eval, checkpoint) = (MarkerKind::Evaluation, MarkerKind::Checkpoint);
    assert_eq!(marks(&run), [(0, eval), (20, eval), (20, checkpoint), (40, checkpoint), (40, eval)]);
    run.resume(20);
    assert_eq!(marks(&run), [(0, eval), (20, eval), (20, checkpoint)]);
}

#[test]
fn steps_lie_where_their_records_were_written() {
    let view = RunView::replay(&RunBuilder::with_steps(10).records());
    let timeline = view.curves().timeline();
    // Each step is two groups of four candidates, 24 seconds with its log line; before the first one state and evaluation.
    assert!((timeline.x(Axis::Samples, 10) - 80.0).abs() < 1e-9);
    assert!((timeline.x(Axis::Clock, 10) - timeline.x(Axis::Clock, 9) - 24.0).abs() < 1e-9);
    assert!(!timeline.has(Axis::Tokens), "the fixture does not count them");
    assert_eq!(view.series(metrics::REWARD).unwrap().between(3, 5), 2..5);
}

#[test]
fn histories_are_bounded() {
    let mut view = RunView::default();
    for at in 0..3000_u64 {
        view.apply(&Record { seq: 2 * at + 1, time: 0.0, event: Event::Group(Box::new(group(at, 0))) });
        view.say(None, crate::run::event::LogLevel::Info, at.to_string());
    }
    assert_eq!(view.samples().len(), Samples::LIMIT);
    assert_eq!(view.samples().forgotten(), 3000 - Samples::LIMIT as u64);
    assert_eq!(view.log().lines().len(), LogTail::LIMIT);
    assert_eq!(view.log().lines().next_back().unwrap().message, "2999");
}

#[test]
fn a_series_ignores_what_is_not_finite() {
    let mut series = Series::default();
    for (step, value) in [(1, f64::NAN), (2, 3.0), (3, f64::INFINITY), (4, 1.0)] {
        series.push(step, value);
    }
    assert_eq!(series.range(), Some(Range { min: 1.0, max: 3.0 }));
    assert_eq!(series.recent_mean(10), Some(2.0));
    series.push(2, 7.0);
    assert_eq!(series.points()[1..], [(2, 7.0)]);
    series.push(0, 5.0);
    assert_eq!(series.points(), [(0, 5.0)]);
}
