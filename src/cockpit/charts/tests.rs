//! Pictures of runs, number by number.

use super::*;
use crate::{
    cockpit::{
        fixture::RunBuilder,
        state::{Axis, RunView},
    },
    curve::{Range, Spacing},
    run::{
        event::{Event, StepDone},
        metrics::{self, Metrics},
    },
    settings::ChartSetting,
};

fn look(run: &RunView, columns: usize) -> Look {
    let steps = (0, run.step());
    Look {
        axis: Axis::Step,
        steps,
        spacing: Spacing::default(),
        window: Range { min: 0.0, max: run.step() as f64 },
        smoothing: 0.0,
        envelope: false,
        log: false,
        bands: true,
        columns,
    }
}

fn run_of(values: &[(&str, f64)], steps: u64) -> RunView {
    let mut run = RunBuilder::new();
    for step in 1..=steps {
        let mut metrics = Metrics::default();
        for (name, value) in values {
            metrics.set(name, *value * step as f64);
        }
        run.add(Event::Step(StepDone { step, metrics }));
    }
    RunView::replay(&run.records())
}

fn named(name: &str) -> Chart {
    arranged(&[ChartSetting::named(name)]).remove(0)
}

fn picture(run: &RunView, name: &str, look: &Look) -> Picture {
    Picture::of(Sources { run, ghost: None, limit: Some(1e9) }, &named(name), look)
}

#[test]
fn reward_has_a_band_of_its_spread_and_accuracy_its_intervals() {
    let run = RunView::replay(&RunBuilder::with_steps(42).records());
    let reward = picture(&run, "reward", &look(&run, 200));
    assert_eq!((reward.band.len(), reward.lines[0].points.len()), (42, 42));
    let (_, low, high) = reward.band[10];
    assert!((high - low - 0.6).abs() < 1e-9);
    let accuracy = picture(&run, "accuracy", &look(&run, 200));
    assert_eq!((accuracy.marks.len(), accuracy.intervals.len()), (3, 3));
    let narrow = picture(&run, "reward", &Look { bands: false, ..look(&run, 200) });
    assert!(narrow.band.is_empty());
    assert!(narrow.scale.unwrap().range.span() < reward.scale.unwrap().range.span());
}

#[test]
fn parts_of_a_whole_are_stacked_from_nothing() {
    let run = run_of(&[("time/rollout", 3.0), ("time/scoring", 1.0), ("time/update", 2.0)], 9);
    let phases = picture(&run, "phases", &look(&run, 100));
    let tops: Vec<f64> = phases.lines.iter().map(|line| line.points.last().unwrap().1).collect();
    assert_eq!(tops, [27.0, 36.0, 54.0]);
    assert_eq!(phases.scale.unwrap().range, Range { min: 0.0, max: 54.0 });
}

#[test]
fn a_log_scale_counts_what_it_hides() {
    let mut run = RunBuilder::new();
    for (step, value) in [(1, -1.0), (2, 0.0), (3, 0.01), (4, 10.0)] {
        let mut metrics = Metrics::default();
        metrics.set(metrics::LOSS, value);
        run.add(Event::Step(StepDone { step, metrics }));
    }
    let run = RunView::replay(&run.records());
    let loss = picture(&run, "loss", &Look { log: true, ..look(&run, 100) });
    let scale = loss.scale.unwrap();
    assert!(scale.log);
    assert_eq!((loss.hidden, scale.range), (2, Range { min: 0.01, max: 10.0 }));
    let none = run_of(&[(metrics::LOSS, -1.0)], 5);
    let none = picture(&none, "loss", &Look { log: true, ..look(&none, 100) });
    assert!(!none.scale.unwrap().log, "nothing is above 0: the scale stays even");
}

#[test]
fn memory_is_shown_with_its_limit_where_that_is_near() {
    let near = run_of(&[(metrics::MEMORY_BYTES, 1e8)], 9);
    assert_eq!(picture(&near, "memory", &look(&near, 100)).limit, Some(1e9));
    let far = run_of(&[(metrics::MEMORY_BYTES, 1e6)], 9);
    assert_eq!(picture(&far, "memory", &look(&far, 100)).limit, None);
    // A GPU's memory is stacked up to what others use of it.
    let gpu = run_of(&[("memory/weights", 1e8), ("memory/gpu_others", 3e8)], 9);
    assert_eq!(picture(&gpu, "memory_parts", &look(&gpu, 100)).lines.len(), 2);
}

#[test]
fn a_past_run_is_seen_at_equal_tokens() {
    let mut runs = [0.5, 1.0].map(|slope| {
        let mut run = RunBuilder::new();
        for step in 1..=20_u64 {
            let mut metrics = Metrics::default();
            metrics.set(metrics::REWARD, slope * step as f64);
            metrics.set(metrics::NUM_TOKENS, 100.0 * step as f64 / slope);
            run.add(Event::Step(StepDone { step, metrics }));
        }
        RunView::replay(&run.records())
    });
    let past = std::mem::take(&mut runs[0]).into_curves();
    let run = &runs[1];
    let sources = Sources { run, ghost: Some(&past), limit: None };
    let look = Look { axis: Axis::Tokens, window: Range { min: 0.0, max: 2000.0 }, ..look(run, 100) };
    let picture = Picture::of(sources, &named("reward"), &look);
    // It took twice as many tokens for a step: at the same number of them it has done half the steps.
    assert_eq!(picture.ghost[0].last(), Some(&(2000.0, 5.0)));
    assert_eq!(picture.lines[0].points.last(), Some(&(2000.0, 20.0)));
}

#[test]
fn an_envelope_spans_what_is_around_each_step() {
    let mut run = RunBuilder::new();
    for step in 1..=30 {
        let mut metrics = Metrics::default();
        metrics.set(metrics::KL, if step == 15 { 9.0 } else { 1.0 });
        run.add(Event::Step(StepDone { step, metrics }));
    }
    let run = RunView::replay(&run.records());
    let kl = picture(&run, "kl", &Look { envelope: true, ..look(&run, 400) });
    let high: Vec<f64> = kl.band.iter().filter(|rim| rim.2 > 8.0).map(|rim| rim.0).collect();
    assert_eq!((high[0], high[high.len() - 1]), (11.0, 19.0));
    assert!(kl.band.iter().all(|rim| (rim.1 - 1.0).abs() < 1e-12));
}

#[test]
fn families_are_what_the_run_has() {
    let run =
        run_of(&[("rewards/execution/mean", 0.1), ("rewards/partial/mean", 0.2), ("rewards/partial/std", 9.0)], 5);
    let parts = picture(&run, "reward_parts", &look(&run, 100));
    assert_eq!(parts.lines.iter().map(|line| line.label.as_str()).collect::<Vec<_>>(), ["execution", "partial"]);
}

#[test]
fn candidates_are_counted_by_reward() {
    let run = RunView::replay(&RunBuilder::with_steps(10).records());
    let of_step = |step| run.samples().shared_of_step(step).cloned().collect::<Vec<_>>();
    let rewards = histogram(&of_step(10), Measure::Reward, 10).unwrap();
    assert_eq!((rewards.counts[0], rewards.counts[3], rewards.counts[9]), (4, 2, 2), "{rewards:?}");
    assert_eq!(histogram(&of_step(99), Measure::Reward, 10), None);
    let heat = heat(run.samples(), Measure::Length, 5, 4).unwrap();
    assert_eq!((heat.steps, heat.columns.len()), ((1, 10), 5));
    assert!(heat.columns.iter().all(|column| (column.iter().sum::<f64>() - 1.0).abs() < 1e-9));
}

#[test]
fn on_a_logarithmic_x_axis_equal_factors_are_equally_far() {
    let run = RunView::replay(&RunBuilder::with_steps(100).records());
    let spacing = Spacing::log(1.0);
    let look = Look { spacing, window: Range { min: 0.0, max: 2.0 }, ..look(&run, 400) };
    let accuracy = picture(&run, "accuracy", &look);
    let places: Vec<f64> = accuracy.lines[0].points.iter().map(|point| point.0).collect();
    assert!(places.is_sorted() && places.first() == Some(&0.0) && places.last() == Some(&2.0), "{places:?}");
    let at = |place: f64| places.iter().any(|x| (x - place).abs() < 1e-9);
    assert!(at(1.0), "step 10 lies in the middle");
    // The first evaluation, before any step, lies where the first step does.
    assert!(accuracy.marks.iter().any(|mark| mark.x == 0.0), "{:?}", accuracy.marks);
    // Many steps share the last columns: their first, last, lowest and highest stay.
    let few = picture(&run, "loss", &Look { columns: 20, ..look });
    assert!(few.lines[0].points.len() < 70, "{}", few.lines[0].points.len());
}
