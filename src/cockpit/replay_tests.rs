//! A replay, driven by keys and seen through a test terminal.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};

use super::{
    App, Leave, Symbols,
    app::Effect,
    draw,
    fixture::RunBuilder,
    state::RunView,
    theme::{ColorDepth, Theme, ThemeFile},
    ui::Overlay,
};
use crate::run::event::{EndReason, Event, LogLevel, LogLine, Record};

fn finished() -> Vec<Record> {
    let mut run = RunBuilder::with_steps(60);
    run.end(60, EndReason::Completed);
    run.records()
}

fn player(records: &[Record], symbols: &'static Symbols) -> App {
    let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), ColorDepth::True);
    let mut app = App::new(theme, symbols, None).replaying(8.0);
    for record in records {
        assert_eq!(app.record(record), None);
    }
    app.begin();
    app
}

fn press(app: &mut App, keys: &str) -> Option<Effect> {
    keys.chars()
        .map(|c| {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\u{8}' => KeyCode::Backspace,
                c => KeyCode::Char(c),
            };
            app.key(&KeyEvent::new(code, KeyModifiers::NONE))
        })
        .last()
        .flatten()
}

fn screen(app: &mut App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(app, frame.area(), frame.buffer_mut())).unwrap();
    terminal.backend().to_string().replace('"', "")
}

#[test]
fn a_replay_at_three_sizes() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut app = player(&finished(), &Symbols::UNICODE);
        press(&mut app, " :30\n");
        insta::assert_snapshot!(format!("replay_{width}x{height}"), screen(&mut app, width, height));
    }
}

#[test]
fn a_replay_starts_at_the_start_and_shows_the_end_only_there() {
    let mut app = player(&finished(), &Symbols::UNICODE);
    assert_eq!(app.run.step(), 0);
    assert!(app.run.info().is_some() && app.run.ended().is_none());
    assert!(screen(&mut app, 80, 24).contains("replay"));
    press(&mut app, "}");
    assert_eq!(app.run, RunView::replay(&finished()));
    assert!(screen(&mut app, 120, 40).contains("all steps are done"));
    press(&mut app, ",");
    assert_eq!((app.run.step(), app.run.ended()), (60, None));
    press(&mut app, "{");
    assert_eq!(app.run.step(), 0);
}

#[test]
fn keys_go_by_steps_and_to_a_step() {
    let mut app = player(&finished(), &Symbols::ASCII);
    press(&mut app, " ...");
    assert_eq!(app.run.step(), 3);
    press(&mut app, ">");
    assert_eq!(app.run.step(), 13);
    press(&mut app, "<,");
    assert_eq!(app.run.step(), 2);
    press(&mut app, ":4x27\u{8}");
    assert!(screen(&mut app, 80, 24).contains("to step: 42 "));
    press(&mut app, "\n");
    assert_eq!(app.run.step(), 42);
    let (group, _) = app.sample().unwrap();
    assert_eq!((group.step, group.group), (42, 1), "with its samples");
    press(&mut app, ":999\n");
    assert!(app.ui.toast.as_ref().unwrap().text.contains("there is no step 999"));
    press(&mut app, ":7");
    app.key(&KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
    assert_eq!((app.run.step(), app.ui.overlay), (60, Overlay::None));
}

#[test]
fn time_goes_on_by_itself_until_it_is_held() {
    let mut app = player(&finished(), &Symbols::UNICODE);
    assert!(app.wait().is_some());
    app.tick(Instant::now() + Duration::from_secs(30));
    assert_eq!(app.run.step(), 9, "240 seconds of the run");
    press(&mut app, "+-+");
    assert!(screen(&mut app, 80, 24).contains("▶ 16x"));
    press(&mut app, " ");
    assert!(app.wait().is_none());
    app.tick(Instant::now() + Duration::from_secs(30));
    assert_eq!(app.run.step(), 9);
    assert!(screen(&mut app, 80, 24).contains("‖ 16x"));
}

#[test]
fn what_needs_a_trainer_is_greyed_and_says_why() {
    let mut app = player(&finished(), &Symbols::UNICODE);
    press(&mut app, " }");
    let shown = screen(&mut app, 200, 30);
    assert!(shown.contains("c checkpoint") && shown.contains("e evaluate"), "{shown}");
    for key in ["c", "e"] {
        press(&mut app, key);
        assert!(app.ui.toast.take().unwrap().text.contains("no trainer is there to ask"));
    }
    press(&mut app, "?");
    assert!(screen(&mut app, 120, 60).contains("Not here: this is a replay"));
    press(&mut app, "?");
    assert_eq!(press(&mut app, "q"), Some(Effect::Leave(Leave::Quit)), "nothing is asked");
}

#[test]
fn a_note_about_the_store_is_shown_and_not_played() {
    let mut app = player(&finished(), &Symbols::UNICODE);
    let event = Event::Log(LogLine { level: LogLevel::Warn, message: "run.db is damaged".into() });
    app.record(&Record { seq: 0, time: 2e9, event });
    assert!(screen(&mut app, 80, 24).contains("run.db is damaged"));
    assert!(app.tape().unwrap().length() < 1e6);
}

#[test]
fn no_size_does_harm() {
    let mut app = player(&finished(), &Symbols::ASCII);
    press(&mut app, ":12");
    for (width, height) in [(1, 1), (29, 7), (30, 8), (40, 9), (78, 20), (300, 5)] {
        screen(&mut app, width, height);
    }
    press(&mut app, "\n");
    assert!(screen(&mut app, 80, 24).is_ascii());
    assert!(screen(&mut player(&[], &Symbols::UNICODE), 80, 24).contains("is being read"));
}
