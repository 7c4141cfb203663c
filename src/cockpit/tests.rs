//! The app, driven by keys and seen through a test terminal.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend};

use super::{
    App, Leave, Symbols,
    app::{Effect, Message},
    draw,
    fixture::{RunBuilder, group, started},
    panes::Pane,
    theme::{ColorDepth, Theme, ThemeFile},
    ui::Overlay,
    views::View,
};
use crate::run::{
    command::{Command, CommandSink},
    event::{
        CheckpointReason, CheckpointSaved, EndReason, Event, LogLevel, LogLine, Method, Phase, Record, ResultPreview,
        RunEnded, RunState,
    },
    presence::Presence,
};

/// Remembers what was asked of the trainer.
#[derive(Default)]
struct Sent(Mutex<Vec<Command>>, Mutex<usize>);

impl CommandSink for Sent {
    fn send(&self, command: Command) {
        self.0.lock().unwrap().push(command);
    }

    fn take_control(&self) {
        *self.1.lock().unwrap() += 1;
    }
}

struct Driver {
    app: App,
    sent: Arc<Sent>,
}

impl Driver {
    fn with(records: &[Record], symbols: &'static Symbols, depth: ColorDepth) -> Self {
        let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), depth);
        let sent = Arc::new(Sent::default());
        let mut app = App::new(theme, symbols, Some(Arc::clone(&sent) as Arc<dyn CommandSink>));
        for record in records {
            app.record(record);
        }
        app.ui.toast = None;
        Self { app, sent }
    }

    fn new(run: &RunBuilder) -> Self {
        Self::with(&run.records(), &Symbols::UNICODE, ColorDepth::True)
    }

    fn key(&mut self, code: KeyCode) -> Option<Effect> {
        self.app.key(&KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn keys(&mut self, keys: &str) -> &mut Self {
        for c in keys.chars() {
            self.key(KeyCode::Char(c));
        }
        self
    }

    fn screen(&mut self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(&mut self.app, frame.area(), frame.buffer_mut())).unwrap();
        // A terminal without a cell cannot be shown as text.
        if width == 0 { String::new() } else { terminal.backend().to_string().replace('"', "") }
    }

    fn sent(&self) -> Vec<Command> {
        self.sent.0.lock().unwrap().clone()
    }
}

/// A run in the middle of a rollout.
fn midway() -> RunBuilder {
    let mut run = RunBuilder::with_steps(42);
    run.progress(43, Phase::Rollout, 311, 768);
    run
}

#[test]
fn the_first_screen_at_three_sizes() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        insta::assert_snapshot!(format!("midway_{width}x{height}"), Driver::new(&midway()).screen(width, height));
    }
}

#[test]
fn a_small_screen_shows_one_pane() {
    insta::assert_snapshot!("small_sample", Driver::new(&midway()).screen(48, 16));
    let mut driver = Driver::new(&midway());
    driver.key(KeyCode::BackTab);
    insta::assert_snapshot!("small_charts", driver.screen(40, 12));
    insta::assert_snapshot!("tiny", driver.screen(24, 4));
}

#[test]
fn before_the_first_step_the_screen_says_so() {
    let mut run = RunBuilder::new();
    run.progress(0, Phase::Loading, 30, 90);
    insta::assert_snapshot!("loading", Driver::new(&run).screen(80, 24));
}

#[test]
fn help_says_what_keys_and_metrics_mean() {
    let mut driver = Driver::new(&midway());
    driver.keys("?");
    insta::assert_snapshot!("help", driver.screen(80, 24));
    driver.keys("G");
    insta::assert_snapshot!("help_end", driver.screen(80, 24));
    driver.key(KeyCode::Esc);
    assert_eq!(driver.app.ui.overlay, Overlay::None);
}

#[test]
fn a_zoomed_chart_has_axes_and_words() {
    let mut driver = Driver::new(&midway());
    driver.key(KeyCode::BackTab);
    driver.keys("lz");
    insta::assert_snapshot!("zoomed_accuracy", driver.screen(100, 30));
}

#[test]
fn without_unicode_the_screen_is_ascii() {
    let mut run = midway();
    run.add(Event::Log(LogLine { level: LogLevel::Warn, message: "naïve 東京".into() }));
    let screen = Driver::with(&run.records(), &Symbols::ASCII, ColorDepth::None).screen(80, 24);
    assert!(screen.is_ascii(), "{screen}");
    insta::assert_snapshot!("ascii", screen);
}

#[test]
fn pausing_is_shown_until_the_trainer_says_paused() {
    let mut run = midway();
    let mut driver = Driver::new(&run);
    assert!(driver.screen(80, 24).contains("● running"));
    driver.keys(" ");
    assert_eq!(driver.sent(), [Command::Pause]);
    assert!(driver.screen(80, 24).contains("pause asked"));
    let shown = |driver: &mut Driver, run: &RunBuilder| {
        driver.app.record(run.records().last().unwrap());
        driver.screen(80, 24)
    };
    assert!(shown(&mut driver, run.state(RunState::Pausing)).contains("pausing"));
    assert!(shown(&mut driver, run.state(RunState::Paused)).contains("‖ paused"));
    driver.keys(" ");
    assert_eq!(driver.sent(), [Command::Pause, Command::Resume]);
    assert!(driver.screen(80, 24).contains("resume asked"));
    assert!(shown(&mut driver, run.state(RunState::Running)).contains("● running"));
}

#[test]
fn checkpoint_and_evaluation_are_asked_for() {
    let mut driver = Driver::new(&midway());
    driver.keys("ce");
    assert_eq!(driver.sent(), [Command::Checkpoint { note: None }, Command::Evaluate]);
    assert_eq!(driver.key(KeyCode::Char('x')), Some(Effect::Export));
}

#[test]
fn quitting_asks_and_waits_for_the_trainer() {
    let mut run = midway();
    let mut driver = Driver::new(&run);
    assert_eq!(driver.key(KeyCode::Char('q')), None);
    insta::assert_snapshot!("quit", driver.screen(80, 24));
    driver.key(KeyCode::Esc);
    assert_eq!(driver.app.ui.overlay, Overlay::None);
    assert!(driver.sent().is_empty(), "staying asks nothing of the trainer");
    driver.keys("q");
    driver.key(KeyCode::Down);
    driver.key(KeyCode::Down);
    driver.key(KeyCode::Enter);
    assert_eq!(driver.sent(), [Command::Stop { checkpoint: false }]);
    assert!(driver.screen(80, 24).contains("stopping"));
    run.end(42, EndReason::Stopped);
    let effect = driver.app.record(run.records().last().unwrap());
    assert_eq!(effect, Some(Effect::Leave(Leave::Stopped)));
}

#[test]
fn quitting_with_a_checkpoint_can_be_cut_short() {
    let mut driver = Driver::new(&midway());
    driver.keys("qc");
    assert_eq!(driver.sent(), [Command::Stop { checkpoint: true }]);
    assert_eq!(driver.key(KeyCode::Char('q')), Some(Effect::Leave(Leave::Unwaited)));
}

#[test]
fn leaving_is_not_stopping() {
    for keys in ["d", "\r"] {
        let mut driver = Driver::new(&midway());
        driver.keys("q");
        let code = if keys == "d" { KeyCode::Char('d') } else { KeyCode::Enter };
        assert_eq!(driver.key(code), Some(Effect::Leave(Leave::Detached)));
        assert!(driver.sent().is_empty(), "training goes on");
    }
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    let mut driver = Driver::new(&midway());
    assert_eq!(driver.app.key(&ctrl_c), None, "ctrl-c asks first");
    assert_eq!(driver.app.key(&ctrl_c), Some(Effect::Leave(Leave::Detached)));
}

/// What a viewer is told that is the second of two.
fn looking_on() -> Presence {
    Presence { viewers: 2, control: Some("pts/7 (process 12)".into()), ..Presence::default() }
}

#[test]
fn a_viewer_without_control_is_told_whom_to_take_it_from() {
    let mut driver = Driver::new(&midway());
    driver.app.see(&looking_on());
    insta::assert_snapshot!("looking_on", driver.screen(80, 24));
    driver.app.ui.toast = None;
    let screen = driver.screen(80, 24);
    assert!(screen.contains("o take control") && !screen.contains("c checkpoint"), "{screen}");
    driver.keys(" ce");
    assert!(driver.sent().is_empty(), "no command of a looker-on goes out");
    let toast = driver.app.ui.toast.as_ref().unwrap().text.clone();
    assert!(toast.contains("pts/7 (process 12) is in control; press o"), "{toast}");
    assert_eq!(driver.key(KeyCode::Char('q')), Some(Effect::Leave(Leave::Detached)), "there is nothing to ask");
    driver.keys("o");
    assert_eq!(*driver.sent.1.lock().unwrap(), 1);
    driver.app.see(&Presence { mine: true, control: Some("me".into()), ..looking_on() });
    assert!(driver.screen(120, 40).contains("2 viewers, you steer"));
    driver.keys("c");
    assert_eq!(driver.sent(), [Command::Checkpoint { note: None }]);
}

#[test]
fn losing_control_viewers_and_dropped_events_are_shown() {
    let mut driver = Driver::new(&midway());
    driver.app.see(&Presence::alone());
    assert!(!driver.screen(120, 40).contains("viewer"), "alone there is nothing to say");
    driver.app.see(&looking_on());
    let log: Vec<_> = driver.app.run.log().lines().rev().take(2).map(|entry| entry.message.clone()).collect();
    assert_eq!(log, ["pts/7 (process 12) is in control; press o to take control", "a viewer has come: 1 beside you"]);
    driver.app.see(&Presence { control: None, viewers: 1, dropped: 17, ..looking_on() });
    let screen = driver.screen(120, 40);
    assert!(screen.contains("1 viewer, nobody steers") && screen.contains("17 dropped"), "{screen}");
    driver.app.see(&Presence { control: None, viewers: 1, refused: 1, ..looking_on() });
    assert!(driver.app.ui.toast.as_ref().unwrap().text.starts_with("refused: nobody is in control"));
}

#[test]
fn a_trainer_that_dies_is_told_with_what_is_safe() {
    let mut driver = Driver::new(&midway());
    driver.app.trainer_gone();
    let screen = driver.screen(120, 40);
    assert!(screen.contains("trainer gone") && screen.contains("the checkpoint of step 40 is safe"), "{screen}");
    assert!(screen.contains("train --resume --run-dir"), "{screen}");
    driver.keys("c");
    assert!(driver.sent().is_empty());
    assert_eq!(driver.key(KeyCode::Char('q')), Some(Effect::Leave(Leave::Quit)));
}

#[test]
fn a_run_without_a_trainer_says_so_and_how_to_go_on() {
    let mut driver = Driver::new(&midway());
    driver.app.run.no_trainer();
    let screen = driver.screen(120, 40);
    assert!(screen.contains("not running") && screen.contains("train --resume --run-dir"), "{screen}");
    assert!(screen.contains("it was left at step 42; the checkpoint of step 40 is safe"), "{screen}");
}

#[test]
fn an_ended_run_says_what_next_and_is_left_at_once() {
    let mut run = RunBuilder::with_steps(40);
    run.end(40, EndReason::Completed);
    let mut driver = Driver::new(&run);
    driver.key(KeyCode::Esc);
    insta::assert_snapshot!("ended", driver.screen(120, 40));
    driver.keys("c ");
    assert!(driver.sent().is_empty(), "nobody is there to ask");
    assert_eq!(driver.key(KeyCode::Char('q')), Some(Effect::Leave(Leave::Quit)));
}

#[test]
fn a_stored_run_without_a_trainer_is_only_looked_at() {
    let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), ColorDepth::True);
    let mut app = App::new(theme, &Symbols::UNICODE, None);
    for record in midway().records() {
        app.record(&record);
    }
    app.key(&KeyEvent::new(KeyCode::Char(' '), KeyModifiers::NONE));
    assert!(app.ui.toast.unwrap().text.contains("no trainer"));
}

#[test]
fn samples_follow_the_newest_until_one_is_chosen() {
    let mut run = midway();
    let mut driver = Driver::new(&run);
    let shown = |driver: &Driver| driver.app.sample().map(|(group, _)| (group.step, group.group));
    assert_eq!(shown(&driver), Some((42, 1)));
    driver.keys("[[");
    assert_eq!(shown(&driver), Some((41, 1)));
    run.step(43);
    for record in run.records() {
        driver.app.record(&record);
    }
    assert_eq!(shown(&driver), Some((41, 1)), "a chosen question stays");
    driver.keys("]]]]");
    assert_eq!(shown(&driver), Some((43, 1)));
    assert_eq!(driver.app.ui.sample, None, "past the newest one it follows again");
}

#[test]
fn the_best_candidate_is_shown_first_and_others_on_demand() {
    let mut driver = Driver::new(&midway());
    let (group, _) = driver.app.sample().unwrap();
    assert_eq!(driver.app.candidate_of(&group), 1);
    driver.keys("j");
    assert_eq!(driver.app.candidate_of(&group), 2);
    assert!(driver.screen(120, 40).contains("no such column: nmae"));
    driver.keys("jjjj");
    assert!(driver.screen(120, 40).contains("no SQL in the reply"));
    driver.keys("g");
    assert_eq!(driver.app.candidate_of(&group), 0);
}

#[test]
fn the_log_scrolls_and_follows() {
    let mut driver = Driver::new(&midway());
    driver.key(KeyCode::Tab);
    assert!(driver.screen(120, 40).contains("step 42: reward"));
    driver.keys("g");
    let screen = driver.screen(120, 40);
    assert!(screen.contains("step 1: reward") && !screen.contains("step 42: reward"), "{screen}");
    driver.keys("G");
    assert!(driver.screen(120, 40).contains("step 42: reward"));
}

#[test]
fn nothing_from_outside_reaches_the_terminal_as_a_command() {
    // CSI, a title, the clipboard, a link, C1 controls, direction overrides, characters without width.
    let nasty = "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}]52;c;cm0=\u{7}\u{1b}]8;;u\u{1b}\\\u{9b}31m\u{9d}\u{202e}\u{2066}\u{200b}\u{feff}x\r\n\u{8}\u{7f}";
    let mut group = group(1, 0);
    group.question = nasty.into();
    group.db_id = nasty.into();
    group.gold_sql = nasty.into();
    for candidate in &mut group.candidates {
        candidate.sql = nasty.into();
        candidate.components = [(nasty.to_owned(), 1.0)].into();
        candidate.result.outcome = nasty.into();
        candidate.result.message = Some(nasty.into());
    }
    group.gold = ResultPreview {
        outcome: "rows".into(),
        columns: vec![nasty.into()],
        rows: vec![vec![nasty.into()]],
        ..ResultPreview::default()
    };
    let mut started = started(None);
    (started.name, started.device) = (nasty.into(), nasty.into());
    (started.model.name, started.model.formats) = (nasty.into(), nasty.into());
    (started.data.root, started.run_dir) = (format!("/{nasty}"), nasty.into());
    let mut run = RunBuilder::new();
    run.add(Event::Run(Box::new(started)));
    run.add(Event::Group(Box::new(group))).step(1);
    run.add(Event::Log(LogLine { level: LogLevel::Error, message: nasty.into() }));
    let saved = CheckpointSaved { step: 1, path: nasty.into(), bytes: 1, reason: CheckpointReason::Manual, note: None };
    run.add(Event::Checkpoint(saved));
    let clean = |screen: &str| {
        assert!(screen.contains('␛'), "escapes are shown: {screen}");
        let bad = |c: char| c != '\n' && crate::harmless::is_obeyed(c);
        assert!(!screen.chars().any(bad), "{screen:?}");
    };
    clean(&Driver::new(&run).screen(160, 50));
    let message = Some(nasty.to_owned());
    run.add(Event::End(RunEnded {
        step: 1,
        reason: EndReason::Failed,
        message,
        checkpoint: Some(nasty.into()),
        best: None,
    }));
    let mut driver = Driver::new(&run);
    clean(&driver.screen(160, 50));
    driver.app.toast(LogLevel::Warn, nasty.into());
    clean(&driver.screen(160, 50));
}

#[test]
fn the_theme_changes_no_sign() {
    let records = midway().records();
    let colored = Driver::with(&records, &Symbols::UNICODE, ColorDepth::True).screen(120, 40);
    let plain = Driver::with(&records, &Symbols::UNICODE, ColorDepth::None).screen(120, 40);
    assert_eq!(colored, plain);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_size_and_no_key_does_harm(
        sizes in prop::collection::vec((0u16..170, 0u16..70), 1..5),
        keys in "[ cexo?jkhlgGzt\\[\\]qn]{0,12}",
        steps in 0u64..30,
        text in any::<String>(),
        values in prop::collection::vec(any::<f64>(), 0..6),
    ) {
        let mut run = RunBuilder::with_steps(steps);
        run.add(Event::Log(LogLine { level: LogLevel::Info, message: text.clone() }));
        let mut odd = group(steps + 1, 0);
        odd.question = text.clone();
        odd.gold.columns = values.iter().map(|v| format!("{text}{v}")).collect();
        odd.gold.rows = vec![values.iter().map(|_| text.clone()).collect(), vec![]];
        odd.candidates.truncate(values.len());
        for (candidate, value) in odd.candidates.iter_mut().zip(&values) {
            candidate.reward = *value;
            candidate.advantage = *value;
            candidate.sql.clone_from(&text);
        }
        run.add(Event::Group(Box::new(odd)));
        for (at, value) in values.iter().enumerate() {
            let mut metrics = crate::run::metrics::Metrics::default();
            metrics.set("reward", *value);
            metrics.set("memory_bytes", *value);
            run.add(Event::Step(crate::run::event::StepDone { step: steps + 1 + at as u64, metrics }));
        }
        let mut driver = Driver::new(&run);
        driver.key(KeyCode::Tab);
        for (width, height) in sizes {
            driver.screen(width, height);
            driver.keys(&keys);
            driver.key(KeyCode::Tab);
            driver.screen(width, height);
        }
    }
}

#[test]
fn a_run_that_completes_says_what_it_brought_and_what_next() {
    let mut builder = RunBuilder::with_steps(60);
    builder.end(60, EndReason::Completed);
    let mut driver = Driver::new(&builder);
    for (width, height) in [(80, 24), (120, 40), (40, 12)] {
        let screen = driver.screen(width, height);
        assert!(screen.contains("the run is complete") && screen.contains("60 steps"), "{screen}");
        assert!(width < 80 || screen.contains("train --model FILE.gguf --data DIR"), "{screen}");
    }
    insta::assert_snapshot!("finished", driver.screen(80, 24));
    driver.key(KeyCode::Esc);
    assert!(!driver.screen(80, 24).contains("the run is complete"));
    // A stored run is there to be looked at.
    let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), ColorDepth::True);
    let mut stored = App::new(theme, &Symbols::UNICODE, None);
    for record in builder.records() {
        stored.record(&record);
    }
    assert_eq!(stored.ui.overlay, Overlay::None);
}

#[test]
fn fine_tuning_shows_the_charts_that_it_has() {
    let mut started = started(None);
    started.method = Method::Sft;
    let mut builder = RunBuilder::new();
    builder.add(Event::Run(Box::new(started))).step(1).step(2);
    let mut driver = Driver::new(&builder);
    let screen = driver.screen(120, 40);
    assert!(screen.contains("learn rate") && !screen.contains("reward──"), "{screen}");
    driver.keys("\t\tG");
    driver.key(KeyCode::Tab);
    for _ in 0..9 {
        driver.keys("l");
    }
    assert!(driver.app.ui.chart < 6);
    driver.keys("z");
    assert!(driver.screen(40, 12).contains('/'));
}

#[test]
fn number_keys_show_the_views() {
    let mut driver = Driver::new(&midway());
    for view in View::ALL {
        driver.key(KeyCode::Char(char::from_digit(view.number() as u32, 10).unwrap()));
        assert_eq!(driver.app.ui.view, view);
        let screen = driver.screen(120, 40);
        assert!(screen.contains(&format!("{} {}", view.number(), view.title())), "{screen}");
        for (width, height) in [(40, 12), (80, 24), (200, 60), (0, 0), (1, 1)] {
            driver.screen(width, height);
        }
    }
    driver.keys("2?1");
    assert_eq!((driver.app.ui.view, driver.app.ui.overlay), (View::Train, Overlay::None));
}

#[test]
fn the_palette_finds_actions_and_says_why_some_do_nothing() {
    let mut driver = Driver::new(&midway());
    driver.keys(":ckp");
    insta::assert_snapshot!("palette", driver.screen(100, 24));
    driver.key(KeyCode::Enter);
    assert_eq!((driver.sent(), driver.app.ui.overlay), (vec![Command::Checkpoint { note: None }], Overlay::None));
    driver.keys(":view logs");
    driver.key(KeyCode::Enter);
    assert_eq!(driver.app.ui.view, View::Logs);
    driver.keys(":no such thing");
    assert!(driver.screen(80, 24).contains("no action is called so"));
    driver.key(KeyCode::Esc);
    driver.app.run.trainer_gone();
    driver.keys(":checkpoint");
    assert!(driver.screen(120, 40).contains("not now: no trainer is at work"));
}

#[test]
fn themes_are_chosen_from_a_list_that_shows_each_at_once() {
    let mut driver = Driver::new(&midway());
    assert_eq!(driver.key(KeyCode::Char('t')), Some(Effect::Themes));
    driver.app.choose_theme(vec!["night".into(), "day".into(), "reef".into()]);
    assert_eq!(driver.key(KeyCode::Char('j')), Some(Effect::Theme("day".into())));
    insta::assert_snapshot!("themes", driver.screen(80, 24));
    driver.app.theme = Theme::new(ThemeFile::load("day", Path::new("")).unwrap(), ColorDepth::True);
    assert_eq!(driver.key(KeyCode::Esc), Some(Effect::Theme("night".into())));
    assert_eq!(driver.app.ui.overlay, Overlay::None);
}

#[test]
fn the_query_on_show_is_copied_and_a_new_best_calls() {
    let mut driver = Driver::new(&midway());
    driver.app.take_messages();
    driver.keys("y");
    let copied = driver.app.take_messages();
    assert_eq!(copied, [Message::Copy("SELECT name, age FROM singer ORDER BY age DESC".into())]);
    assert!(driver.app.title().starts_with("test-run 42/200 (21%) · 21.9%"), "{}", driver.app.title());
    let mut run = RunBuilder::with_steps(42);
    run.eval(42, 30);
    for record in run.records() {
        driver.app.record(&record);
    }
    assert!(
        matches!(&driver.app.take_messages()[..], [.., Message::Notice(text)] if text.contains("best held-out accuracy"))
    );
}

#[test]
fn a_click_goes_to_a_tab_or_a_pane_and_the_wheel_moves_there() {
    let mut driver = Driver::new(&midway());
    driver.screen(120, 40);
    let mouse = |kind, column, row| MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    let (tab, _) = *driver.app.ui.tabs.iter().find(|(_, view)| *view == View::Logs).unwrap();
    let (log, _) = *driver.app.ui.panes.iter().find(|(_, pane)| *pane == Pane::Log).unwrap();
    driver.app.mouse(mouse(MouseEventKind::ScrollUp, log.x + 2, log.y + 2));
    assert_eq!((driver.app.ui.focus, driver.app.ui.log_scroll), (Pane::Log, 1));
    driver.app.mouse(mouse(MouseEventKind::Down(MouseButton::Left), tab.x + 1, tab.y));
    assert_eq!(driver.app.ui.view, View::Logs);
}
