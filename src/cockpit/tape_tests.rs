use proptest::prelude::*;

use super::*;
use crate::cockpit::fixture::RunBuilder;

fn tape(records: &[Record]) -> Tape {
    let mut tape = Tape::new(1.0);
    for record in records {
        tape.push(record);
    }
    tape.toggle(&mut RunView::default());
    tape
}

/// 30 steps, then again from step 20 to 40.
fn resumed() -> Vec<Record> {
    let mut run = RunBuilder::with_steps(30);
    run.resume(20);
    for step in 21..=40 {
        run.step(step);
    }
    run.records()
}

#[test]
fn steps_are_found_and_the_last_time_that_one_was_trained_holds() {
    let records = resumed();
    let (mut tape, mut view) = (tape(&records), RunView::default());
    assert_eq!(tape.seek_step(25, &mut view), 25);
    assert!(tape.at > records.len() / 2, "of the second trainer");
    tape.by_steps(-5, &mut view);
    assert_eq!((view.step(), view.evals().len()), (30, 2), "before it came the end of the first");
    tape.by_steps(2, &mut view);
    assert_eq!(view.step(), 22);
    assert_eq!(tape.seek_step(0, &mut view), 0);
    assert!(view.info().is_some());
    tape.by_steps(-1, &mut view);
    tape.by_steps(1, &mut view);
    assert_eq!(view.step(), 1);
    assert_eq!(tape.seek_step(9999, &mut view), 40);
    assert!(tape.is_at_end());
}

#[test]
fn time_passes_at_the_tapes_speed_and_stops_at_its_end() {
    let records = RunBuilder::with_steps(10).records();
    let (mut tape, mut view) = (tape(&records), RunView::default());
    tape.accelerate(60.0);
    tape.toggle(&mut view);
    let now = tape.ticked;
    tape.tick(now + Duration::from_secs(2), &mut view);
    assert!((tape.clock() - 120.0).abs() < 1e-6);
    assert_eq!(view.step(), 4, "a step takes some 24 seconds");
    assert_eq!(view, RunView::replay(&records[..tape.at]));
    let now = tape.ticked;
    tape.tick(now + Duration::from_hours(1), &mut view);
    assert!(tape.is_at_end() && tape.wait().is_none());
    tape.toggle(&mut view);
    tape.toggle(&mut view);
    assert!(tape.is_playing() && view.step() == 0, "from the end it starts anew");
}

#[test]
fn neither_a_clock_set_back_nor_a_night_between_two_trainers_is_played() {
    let mut records = RunBuilder::with_steps(2).records();
    let shift = records.len();
    records.extend(RunBuilder::with_steps(4).state(RunState::Loading).records().split_off(shift));
    for record in &mut records[shift..] {
        record.time -= 50_000.0;
    }
    let set_back = tape(&records);
    assert!(set_back.times.is_sorted() && set_back.length() < 200.0);
    let mut night = RunBuilder::with_steps(2).state(RunState::Loading).records();
    let before = tape(&night).length();
    night.last_mut().unwrap().time += 40_000.0;
    assert!(tape(&night).length() <= before);
}

#[test]
fn what_comes_later_is_added_and_nothing_twice() {
    let records = RunBuilder::with_steps(6).records();
    let (mut tape, mut view) = (tape(&records[..10]), RunView::default());
    tape.wind_on(&mut view);
    for record in &records {
        tape.push(record);
    }
    assert_eq!((tape.records.len(), tape.is_at_end()), (records.len(), false));
    tape.wind_on(&mut view);
    assert_eq!(view, RunView::replay(&records));
}

#[test]
fn few_folds_of_a_long_run_are_kept() {
    let records = RunBuilder::with_steps(2000).records();
    let (mut tape, mut view) = (tape(&records), RunView::default());
    tape.wind_on(&mut view);
    assert!(tape.kept.len() <= KEPT + 1 && tape.kept.len() > KEPT / 4, "{}", tape.kept.len());
    tape.seek_step(1000, &mut view);
    assert_eq!(view, RunView::replay(&records[..tape.at]));
}

#[test]
#[ignore = "a measurement: cargo nextest run --release --lib seeking_takes --run-ignored only --no-capture"]
fn seeking_takes_so_long() {
    let records = RunBuilder::with_steps(2000).records();
    let (mut tape, mut view) = (tape(&records), RunView::default());
    let time = |name: &str, work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        println!("{name}: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    };
    println!("{} records", records.len());
    time("all records anew", &mut || drop(RunView::replay(&records)));
    time("to the end, the first time", &mut || tape.wind_on(&mut view));
    for step in [1999, 1000, 10, 1990] {
        time(&format!("to step {step}"), &mut || assert_eq!(tape.seek_step(step, &mut view), step));
    }
    time("to the start", &mut || tape.rewind(&mut view));
    time("to the end again", &mut || tape.wind_on(&mut view));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_place_shows_what_a_live_cockpit_had_seen_there(places in prop::collection::vec(0usize..2000, 1..12)) {
        let mut records = resumed();
        let mut later = RunBuilder::with_steps(300).records();
        let last = records.last().unwrap().seq;
        for record in &mut later {
            record.seq += last;
        }
        records.extend(later);
        let (mut tape, mut view) = (tape(&records), RunView::default());
        for place in places {
            tape.seek(place, &mut view);
            prop_assert_eq!(&view, &RunView::replay(&records[..place.min(records.len())]));
        }
    }
}
