//! The dashboard, driven by keys and seen through a test terminal.

use std::{path::Path, sync::Arc};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend};

use crate::{
    cockpit::{
        App, History, HistoryError, Symbols, draw,
        fixture::RunBuilder,
        panes::Pane,
        state::{Axis, RunView},
        theme::{ColorDepth, Theme, ThemeFile},
    },
    run::{
        event::{Alarm, ChangedBy, Event, Record, SettingChanged, Severity, StepDone},
        metrics::{self, Metrics},
    },
    settings::{CHARTS, ChartSetting},
};

fn dashboard(run: &RunBuilder, symbols: &'static Symbols) -> App {
    let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), ColorDepth::True);
    let mut app = App::new(theme, symbols, None);
    for record in run.records() {
        app.record(&record);
    }
    app.ui.focus = Pane::Charts;
    app.ui.toast = None;
    app
}

fn midway() -> App {
    dashboard(&RunBuilder::with_steps(42), &Symbols::UNICODE)
}

/// A run whose steps say all that the trainer does.
fn talkative() -> RunBuilder {
    let mut run = RunBuilder::with_steps(0);
    for step in 1..=30_u64 {
        run.step(step);
        let mut metrics = Metrics::default();
        let wave = 1.0 + 0.2 * (step as f64 * 0.8).sin();
        for (at, info) in metrics::CATALOG.iter().enumerate() {
            metrics.set(info.name, wave * (1.0 + at as f64 * 0.1));
        }
        for (name, value) in [
            ("completions/min_length", 8.0),
            ("completions/max_length", 40.0 * wave),
            (metrics::MEAN_LENGTH, 20.0 * wave),
            ("clip_ratio/low_mean", 0.02 * wave),
            ("clip_ratio/high_mean", 0.05 * wave),
            (metrics::CLIPPED_RATIO, 0.1),
            ("memory/weights", 9e7),
            ("memory/adapters", 2e7),
            ("memory/optimizer", 4e7),
            ("memory/activations_and_rest", 6e8 * wave),
            ("rewards/execution/mean", 0.4 * wave),
            ("rewards/partial/mean", 0.2 * wave),
            ("outcomes/rows", 0.7),
            ("outcomes/syntax_error", 0.3),
            (metrics::NUM_TOKENS, 1234.0 * step as f64),
        ] {
            metrics.set(name, value);
        }
        run.add(Event::Step(StepDone { step, metrics }));
    }
    run
}

fn arranged(names: &[&str], symbols: &'static Symbols) -> App {
    let mut app = dashboard(&talkative(), symbols);
    app.arrange(&names.iter().map(|name| ChartSetting::named(name)).collect::<Vec<_>>());
    app
}

fn press(app: &mut App, keys: &str) {
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{1b}' => KeyCode::Esc,
            '↓' => KeyCode::PageDown,
            '↑' => KeyCode::PageUp,
            c => KeyCode::Char(c),
        };
        app.key(&KeyEvent::new(code, KeyModifiers::NONE));
    }
    app.ui.toast = None;
}

fn screen(app: &mut App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(app, frame.area(), frame.buffer_mut())).unwrap();
    if width == 0 { String::new() } else { terminal.backend().to_string().replace('"', "") }
}

#[test]
fn more_charts_than_fit_come_in_pages() {
    let mut app = arranged(&CHARTS, &Symbols::UNICODE);
    insta::assert_snapshot!("all_charts_200x60", screen(&mut app, 200, 60));
    for (width, height, remark) in [(80, 24, "1-8 of 20"), (120, 36, "1-8 of 20"), (200, 60, "1-12 of 20")] {
        let first = screen(&mut app, width, height);
        assert!(first.contains(remark) && first.contains("reward"), "{first}");
    }
    screen(&mut app, 80, 24);
    press(&mut app, "↓");
    let second = screen(&mut app, 80, 24);
    assert!(second.contains("9-16 of 20") && second.contains("phase times"), "{second}");
    press(&mut app, "G");
    assert!(screen(&mut app, 80, 24).contains("17-20 of 20"));
    press(&mut app, "↑g");
    assert!(screen(&mut app, 80, 24).contains("1-8 of 20"));
    insta::assert_snapshot!("all_charts_40x12", screen(&mut app, 40, 12));
}

#[test]
fn what_is_so_by_construction_is_not_shown_as_health() {
    let with = |updates: f64| {
        let mut run = RunBuilder::with_steps(3);
        for step in 4..=6 {
            let mut metrics = Metrics::default();
            metrics.set("clip_ratio/low_mean", 0.0);
            metrics.set("clip_ratio/high_mean", 0.0);
            metrics.set(metrics::UPDATES_PER_ROLLOUT, updates);
            run.add(Event::Step(StepDone { step, metrics }));
        }
        let mut app = dashboard(&run, &Symbols::UNICODE);
        app.arrange(&[ChartSetting::named("clip")]);
        let grid = screen(&mut app, 120, 40);
        press(&mut app, "z");
        (grid, screen(&mut app, 120, 40))
    };
    let (grid, alone) = with(1.0);
    assert!(grid.contains("0 by construction"), "{grid}");
    assert!(alone.contains("One update a rollout: probability ratios are 1 by construction"), "{alone}");
    let (grid, alone) = with(2.0);
    assert!(!grid.contains("by construction") && !alone.contains("by construction"), "{grid}{alone}");
}

#[test]
fn charts_with_several_curves_bands_and_bars_at_full_size() {
    for name in
        ["reward", "accuracy", "phases", "memory_parts", "length", "outcomes", "length_histogram", "reward_heat"]
    {
        let mut app = arranged(&[name], &Symbols::UNICODE);
        press(&mut app, "z");
        insta::assert_snapshot!(format!("alone_{name}"), screen(&mut app, 100, 26));
    }
    let mut app = arranged(&["phases", "length", "length_histogram"], &Symbols::ASCII);
    for keys in ["", "z", "j", "j"] {
        press(&mut app, keys);
        let plain = screen(&mut app, 100, 26);
        assert!(plain.is_ascii(), "{plain}");
    }
}

#[test]
fn the_cursor_shows_values_and_samples_of_its_step_on_all_charts() {
    let mut app = midway();
    press(&mut app, "v");
    assert_eq!(app.ui.charts.cursor, Some(42));
    press(&mut app, "hh");
    assert_eq!((app.ui.charts.cursor, app.ui.sample), (Some(40), Some((40, 0))));
    insta::assert_snapshot!("cursor_120x36", screen(&mut app, 120, 36));
    let wide = screen(&mut app, 200, 60);
    assert!(wide.contains("sample · step 40") && wide.contains("held-out 21.9%, best so far, checkpoint"), "{wide}");
    press(&mut app, "g");
    assert_eq!(app.ui.charts.cursor, Some(1));
    press(&mut app, "]]");
    assert_eq!((app.ui.charts.cursor, app.ui.sample), (Some(2), Some((2, 0))), "the cursor goes with the samples");
    press(&mut app, "v");
    assert_eq!((app.ui.charts.cursor, app.ui.sample), (None, None));
}

#[test]
fn the_x_axis_can_go_by_powers_of_ten_and_the_cursor_with_it() {
    let mut app = dashboard(&RunBuilder::with_steps(100), &Symbols::UNICODE);
    press(&mut app, "lzp");
    assert!(app.ui.charts.log_x);
    let drawn = screen(&mut app, 100, 26);
    insta::assert_snapshot!("alone_log_x", drawn);
    let row = |screen: &str| screen.lines().find(|line| line.contains("step (log)")).map(str::to_owned);
    let ticks: Vec<String> = row(&drawn).unwrap().split_whitespace().map(str::to_owned).collect();
    assert!(ticks.windows(2).any(|pair| pair == ["5", "10"]) && ticks.contains(&"100".to_owned()), "{ticks:?}");
    // The cursor on step 10 stands above its name.
    app.show_on_charts(10);
    app.ui.zoom = true;
    let pointed = screen(&mut app, 100, 26);
    let cursor = pointed.lines().find_map(|line| line.chars().skip(8).take(90).position(|c| c == '│')).unwrap() + 8;
    let named = row(&pointed).unwrap();
    let at = named.chars().collect::<Vec<_>>().windows(4).position(|four| four == [' ', '1', '0', ' ']).unwrap() + 1;
    assert!(cursor.abs_diff(at) <= 1, "{cursor} {at} {pointed}");
    for _ in 0..4 {
        press(&mut app, "X");
        screen(&mut app, 100, 26);
    }
    press(&mut app, "wp");
    assert!(!app.ui.charts.log_x && !screen(&mut app, 100, 26).contains("(log)"));
}

#[test]
fn from_a_sample_the_cursor_goes_to_its_step() {
    let mut app = midway();
    app.ui.focus = Pane::Sample;
    press(&mut app, "[[[\n");
    assert_eq!((app.ui.focus, app.ui.charts.cursor, app.ui.sample), (Pane::Charts, Some(41), Some((41, 0))));
    press(&mut app, "\u{1b}");
    assert_eq!(app.ui.charts.cursor, None, "esc takes it away");
    app.show_on_charts(7);
    assert_eq!((app.ui.charts.cursor, app.ui.sample), (Some(7), Some((7, 0))));
}

#[test]
fn before_the_first_step_there_is_nothing_to_point_at() {
    let mut app = dashboard(&RunBuilder::new(), &Symbols::UNICODE);
    for key in ["v", "w", "W", "a", "d", "0", "X", "L", "p", "m", "n", "N"] {
        press(&mut app, key);
        screen(&mut app, 80, 24);
    }
    assert_eq!(app.ui.charts.cursor, None);
}

#[test]
fn windows_are_those_of_all_charts_and_follow_the_run() {
    let mut app = midway();
    press(&mut app, "w");
    let near = screen(&mut app, 120, 36);
    assert!(near.contains("21–42 follow") && near.matches("21–42").count() == 8, "{near}");
    press(&mut app, "a");
    let earlier = screen(&mut app, 120, 36);
    assert!(earlier.contains("16–37") && !earlier.contains("follow"), "{earlier}");
    press(&mut app, "v");
    assert_eq!(app.ui.charts.cursor, Some(37), "the cursor comes where one looks");
    press(&mut app, "0v");
    assert!(screen(&mut app, 120, 36).contains("0–42"));
}

#[test]
fn the_axis_counts_steps_samples_or_time() {
    let mut app = midway();
    press(&mut app, "X");
    assert_eq!(app.ui.charts.axis, Axis::Samples, "the fixture counts no tokens");
    assert!(screen(&mut app, 120, 36).contains("0–336"));
    press(&mut app, "X");
    assert!(screen(&mut app, 120, 36).contains("0s–16m 5"));
    press(&mut app, "z");
    insta::assert_snapshot!("time_axis", screen(&mut app, 100, 26));
    press(&mut app, "X");
    assert_eq!(app.ui.charts.axis, Axis::Step);
    let mut app = dashboard(&talkative(), &Symbols::UNICODE);
    press(&mut app, "X");
    assert_eq!(app.ui.charts.axis, Axis::Tokens);
}

#[test]
fn a_log_scale_is_one_charts_own_and_says_what_it_hides() {
    let mut app = midway();
    press(&mut app, "lllL");
    let screen_of = |app: &mut App| screen(app, 200, 60);
    let log = screen_of(&mut app);
    assert!(log.contains(" log, 18 hidden"), "{log}");
    assert_eq!(log.matches(" hidden").count(), 1, "{log}");
    press(&mut app, "z");
    insta::assert_snapshot!("log_alone", screen(&mut app, 100, 26));
    press(&mut app, "L");
    assert!(!screen_of(&mut app).contains("hidden"));
}

#[test]
fn smoothing_goes_both_ways_and_an_envelope_takes_the_place_of_what_was_measured() {
    let mut app = midway();
    let before = app.ui.charts.smoothing;
    press(&mut app, "sS");
    assert!((app.ui.charts.smoothing - before).abs() < 1e-12);
    let measured = screen(&mut app, 120, 36);
    press(&mut app, "m");
    let envelope = screen(&mut app, 120, 36);
    assert_ne!(measured, envelope);
    press(&mut app, "mz");
    assert!(screen(&mut app, 100, 26).contains("as measured, smoothed by 0.9"));
    press(&mut app, "m");
    assert!(screen(&mut app, 100, 26).contains("smallest to largest"));
}

#[test]
fn markers_are_on_the_frames_and_the_cursor_names_them() {
    let mut run = RunBuilder::with_steps(42);
    run.add(Event::Alarm(Box::new(Alarm {
        detector: "kl".into(),
        active: true,
        severity: Severity::Critical,
        since: 25,
        step: 30,
        confidence: 0.9,
        what: "KL is\u{1b}[31m exploding".into(),
        cost: None,
        remedies: Vec::new(),
        done: None,
    })));
    run.add(Event::Changed(SettingChanged {
        key: "optim.learning_rate".into(),
        old: 1e-4.into(),
        new: 1e-5.into(),
        takes_effect: 33,
        by: ChangedBy::Person,
    }));
    let mut app = dashboard(&run, &Symbols::UNICODE);
    let marked = screen(&mut app, 120, 36);
    assert!(marked.contains('!') && marked.contains('±') && marked.contains('┴'), "{marked}");
    press(&mut app, "N");
    assert_eq!(app.ui.charts.cursor, Some(40));
    press(&mut app, "NN");
    assert_eq!(app.ui.charts.cursor, Some(30));
    press(&mut app, "z");
    let named = screen(&mut app, 120, 36);
    assert!(named.contains("KL is␛[31m exploding"), "{named}");
    press(&mut app, "n");
    assert!(screen(&mut app, 120, 36).contains("optim.learning_rate"));
    press(&mut app, "gN");
    assert_eq!(app.ui.charts.cursor, Some(0), "the evaluation before the first step is a marker too");
}

#[test]
fn a_past_run_is_drawn_under_this_one_and_can_be_followed_further() {
    let mut app = midway();
    let bare = screen(&mut app, 120, 36);
    app.set_ghost("last\u{1b}week", RunView::replay(&RunBuilder::with_steps(90).records()).into_curves());
    let beside = screen(&mut app, 120, 36);
    assert_ne!(bare, beside);
    assert!(beside.contains("0–42"), "the window stays that of the run on show");
    press(&mut app, "W");
    assert!(screen(&mut app, 120, 36).contains("0–90"), "until one looks further");
    press(&mut app, "0z");
    assert!(screen(&mut app, 100, 26).contains("last␛week"));
    app.clear_ghost();
    assert!(!screen(&mut app, 100, 26).contains("last"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_size_and_no_key_does_harm(
        sizes in prop::collection::vec((0u16..210, 0u16..70), 1..5),
        keys in "[vwWad0XLpmnNhjklgGzsS\\[\\]\n\t↓↑\u{1b}]{0,24}",
        steps in 0u64..40,
        charts in prop::collection::vec(0usize..CHARTS.len(), 0..12),
        values in prop::collection::vec(any::<f64>(), 0..8),
        ghost in any::<bool>(),
    ) {
        let mut run = RunBuilder::with_steps(steps);
        for (at, value) in values.iter().enumerate() {
            let mut metrics = Metrics::default();
            for name in metrics::CATALOG.iter().map(|info| info.name).chain(["memory/weights", "clip_ratio/low_mean"]) {
                metrics.set(name, *value);
            }
            run.add(Event::Step(StepDone { step: steps + 1 + 3 * at as u64, metrics }));
        }
        let mut app = dashboard(&run, &Symbols::UNICODE);
        app.arrange(&charts.iter().map(|at| ChartSetting::named(CHARTS[*at])).collect::<Vec<_>>());
        if ghost {
            app.set_ghost("past", RunView::replay(&RunBuilder::with_steps(steps * 2).records()).into_curves());
        }
        for (width, height) in sizes {
            screen(&mut app, width, height);
            for key in keys.chars() {
                press(&mut app, &key.to_string());
                if "vwWXLm↓".contains(key) {
                    screen(&mut app, width, height);
                }
            }
            screen(&mut app, width, height);
        }
    }
}

/// A store in memory.
struct Memory(Vec<Record>);

impl History for Memory {
    fn since(&self, seq: u64) -> Result<Vec<Record>, HistoryError> {
        Ok(self.0.iter().filter(|record| record.seq > seq).cloned().collect())
    }
}

/// Of a run with many steps a cockpit has only the newest groups; the others are in the store.
fn long() -> (App, Arc<dyn History>) {
    let run = RunBuilder::with_steps(400);
    let app = dashboard(&run, &Symbols::UNICODE);
    assert_eq!(app.run.samples().forgotten(), 800 - 512);
    (app, Arc::new(Memory(run.records())))
}

/// Draws, and does the work that drawing and keys asked for.
fn settle(app: &mut App, store: &Arc<dyn History>) -> String {
    for _ in 0..9 {
        let screen = screen(app, 120, 40);
        let due = app.take_due();
        if due.is_empty() {
            return screen;
        }
        for work in due {
            work.run(store)(app);
        }
    }
    panic!("it asks for more and more");
}

#[test]
fn the_cursor_shows_the_samples_of_steps_that_are_only_in_the_store() {
    let (mut app, store) = long();
    press(&mut app, "vg");
    let waiting = screen(&mut app, 120, 40);
    assert!(waiting.contains("the questions of step 1 are being read from the store"), "{waiting}");
    let shown = settle(&mut app, &store);
    assert!(shown.contains("step 1 · question 1/2") && shown.contains("stored, esc follows"), "{shown}");
    press(&mut app, "l");
    settle(&mut app, &store);
    press(&mut app, "]");
    assert_eq!(app.ui.sample, Some((2, 1)));
    press(&mut app, "]");
    let shown = settle(&mut app, &store);
    assert!(shown.contains("step 3 · question 1/2"), "{shown}");
    assert_eq!(app.ui.charts.cursor, Some(3));
    press(&mut app, "[");
    assert_eq!((app.ui.sample, app.ui.charts.cursor), (Some((2, 1)), Some(2)));
    app.show_on_charts(50);
    settle(&mut app, &store);
    press(&mut app, "[");
    assert_eq!(app.ui.sample, Some((49, usize::MAX)), "its last one, whichever that is");
    settle(&mut app, &store);
    assert_eq!(app.ui.sample, Some((49, 1)));
    press(&mut app, "g");
    settle(&mut app, &store);
    press(&mut app, "[");
    assert_eq!(app.ui.sample, Some((1, 0)), "there is nothing before the first");
}

#[test]
fn who_runs_through_steps_has_only_those_read_at_which_they_stop() {
    let (mut app, store) = long();
    press(&mut app, "vgllllll");
    let due = app.take_due();
    assert_eq!(due.len(), 1, "{due:?}");
    for work in due {
        work.run(&store)(&mut app);
    }
    let shown = settle(&mut app, &store);
    assert!(shown.contains("step 7 · question 1/2"), "{shown}");
}

#[test]
fn a_question_that_has_to_make_room_is_shown_on_from_the_store() {
    let run = RunBuilder::with_steps(400);
    let (records, store) = (run.records(), Arc::new(Memory(run.records())) as Arc<dyn History>);
    let place = records.iter().position(|record| record.event.step() == Some(300)).unwrap();
    let mut app = dashboard(&RunBuilder::new(), &Symbols::UNICODE);
    records[..place].iter().for_each(|record| drop(app.record(record)));
    press(&mut app, "vg");
    settle(&mut app, &store);
    app.show_on_charts(120);
    let before = settle(&mut app, &store);
    records[place..].iter().for_each(|record| drop(app.record(record)));
    let after = settle(&mut app, &store);
    assert!(before.contains("step 120 · question 1/2") && after.contains("step 120 · question 1/2"), "{after}");
}
