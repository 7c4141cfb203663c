//! The view, driven by keys.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};

use crate::{
    cockpit::{
        App, History, HistoryError, Symbols,
        app::Message,
        draw,
        fixture::{RunBuilder, group},
        theme::{ColorDepth, Theme, ThemeFile},
        views::View,
    },
    run::event::{DatabaseSchema, Event, GroupScored, Record},
};

/// A store in memory.
struct Memory(Mutex<Vec<Record>>);

impl History for Memory {
    fn since(&self, seq: u64) -> Result<Vec<Record>, HistoryError> {
        Ok(self.0.lock().unwrap().iter().filter(|record| record.seq > seq).cloned().collect())
    }
}

struct Driver {
    app: App,
    store: Arc<dyn History>,
}

impl Driver {
    /// Looks at a run of which only the records from `from` on were delivered.
    fn late(run: &RunBuilder, from: usize) -> Self {
        let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), ColorDepth::True);
        let mut app = App::new(theme, &Symbols::UNICODE, None);
        let records = run.records();
        let left_out = records[1..from].iter().filter(|record| matches!(record.event, Event::Group(_))).count();
        app.run.leave_out(left_out as u64);
        app.record(&records[0]);
        for record in &records[from..] {
            app.record(record);
        }
        app.ui.toast = None;
        app.show(View::Rollouts);
        Self { app, store: Arc::new(Memory(Mutex::new(records))) }
    }

    fn new(run: &RunBuilder) -> Self {
        Self::late(run, 1)
    }

    fn key(&mut self, code: KeyCode) -> &mut Self {
        self.app.key(&KeyEvent::new(code, KeyModifiers::NONE));
        self
    }

    fn keys(&mut self, keys: &str) -> &mut Self {
        keys.chars().for_each(|c| {
            self.key(KeyCode::Char(c));
        });
        self
    }

    fn typed(&mut self, key: char, text: &str) -> &mut Self {
        self.app.key(&KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE));
        self.app.key(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
        self.keys(text).key(KeyCode::Enter)
    }

    fn screen(&mut self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(&mut self.app, frame.area(), frame.buffer_mut())).unwrap();
        terminal.backend().to_string().replace('"', "")
    }

    /// Draws, and does what drawing and keys asked for, until nothing is asked for any more.
    fn settled(&mut self, width: u16, height: u16) -> String {
        for _ in 0..9 {
            let screen = self.screen(width, height);
            let due = self.app.take_due();
            if due.is_empty() {
                return screen;
            }
            for work in due {
                work.run(&self.store)(&mut self.app);
            }
        }
        panic!("it asks for more and more");
    }
}

/// A run that asks one question again and again, and that got better and worse at it.
fn again() -> RunBuilder {
    let mut run = RunBuilder::new();
    let tables = "CREATE TABLE singer (singer_id INTEGER PRIMARY KEY, name TEXT, age INTEGER);\nCREATE TABLE concert (year TEXT);";
    run.add(Event::Schema(DatabaseSchema { db_id: "concert_singer".into(), text: tables.into() }));
    for step in 1..=6 {
        run.add(Event::Group(Box::new(asked(step, 0, step % 3 == 0))));
        run.add(Event::Group(Box::new(group(step, 1))));
    }
    run
}

/// Question 7, all right or not.
fn asked(step: u64, number: usize, right: bool) -> GroupScored {
    let mut group = group(step, number);
    group.question_id = 7;
    group.question = "How many singers are there?".into();
    let best = group.candidates[1].clone();
    for candidate in &mut group.candidates {
        *candidate = best.clone();
        candidate.advantage = 0.0;
        candidate.correct = right;
        if !right {
            candidate.reward = 0.3;
            candidate.sql = format!("SELECT name FROM singer LIMIT {step}");
        }
    }
    group
}

#[test]
fn the_view_at_four_sizes() {
    for (width, height) in [(40, 12), (80, 24), (120, 36), (200, 60)] {
        let mut driver = Driver::new(&RunBuilder::with_steps(42));
        insta::assert_snapshot!(format!("rollouts_{width}x{height}"), driver.settled(width, height));
    }
}

#[test]
fn before_the_first_step_the_view_says_what_will_be_here() {
    assert!(Driver::new(&RunBuilder::new()).settled(80, 24).contains("no questions yet"));
}

#[test]
fn tables_probabilities_and_changes_are_shown_by_keys() {
    let mut driver = Driver::new(&again());
    driver.keys("jjj");
    assert!(driver.keys("d").settled(80, 24).contains("CREATE TABLE singer"));
    insta::assert_snapshot!("rollouts_versus", driver.keys("v").settled(120, 36));
    insta::assert_snapshot!("rollouts_tokens", driver.keys("vp").settled(120, 36));
    let plain = Driver::new(&RunBuilder::with_steps(2)).keys("d").settled(80, 24);
    assert!(plain.contains("the run does not tell the tables"), "{plain}");
}

#[test]
fn a_filter_shows_what_it_finds_and_mistakes_are_told() {
    let mut driver = Driver::new(&again());
    let screen = driver.typed('/', "flip:lost").settled(120, 36);
    assert!(screen.contains("questions · 1 of 12 · flip:lost") && screen.contains("step 4 · question 1"), "{screen}");
    let screen = driver.typed('/', "flip:lost step>4").settled(120, 36);
    assert!(screen.contains("nothing is found by flip:lost step>4"), "{screen}");
    let screen = driver.typed('/', "reward<<1").settled(120, 36);
    assert!(screen.contains("at character 8") || screen.contains("/reward<<1"), "{screen}");
    driver.key(KeyCode::Esc).typed('/', "finished:no");
    let screen = driver.settled(120, 36);
    assert!(screen.contains("questions · 6 of 12"), "{screen}");
    driver.keys("n");
    assert_eq!(driver.app.ui.candidate, Some(3), "the one that was cut off");
    driver.typed('/', "");
    assert!(driver.settled(120, 36).contains("questions · 12"));
}

#[test]
fn questions_that_are_only_in_the_store_are_found_and_read() {
    let run = RunBuilder::with_steps(30);
    let late = run.records().len() - 10;
    let mut driver = Driver::late(&run, late);
    assert!(driver.screen(120, 36).contains("reading"));
    assert!(driver.settled(120, 36).contains("questions · 60"));
    let screen = driver.typed('/', "step=3").settled(120, 36);
    assert!(screen.contains("questions · 2 of 60") && screen.contains("step 3 · question 2"), "{screen}");
    assert!(screen.contains("SELECT name, age FROM"), "{screen}");
    assert_eq!(
        driver.app.run.missed(),
        run.records()[1..late].iter().filter(|r| r.seq > 0 && !matches!(r.event, Event::Group(_))).count() as u64
    );
}

#[test]
fn the_same_question_is_followed_through_the_steps() {
    let mut driver = Driver::new(&again());
    driver.typed('/', "id:7 step:5").settled(120, 36);
    for (key, step) in [("b", 4), ("b", 3), ("f", 4), ("f", 5), ("f", 6), ("f", 6)] {
        driver.keys(key).settled(120, 36);
        assert_eq!(driver.app.ui.sample, Some((step, 0)), "{key}");
    }
    assert!(driver.screen(120, 36).contains("asked 6 times"), "{}", driver.screen(120, 36));
}

#[test]
fn other_weights_are_tried_without_the_trainer() {
    let mut driver = Driver::new(&RunBuilder::with_steps(3));
    driver.typed('w', "partial=2");
    insta::assert_snapshot!("rollouts_weights", driver.settled(120, 36));
    driver.typed('w', "ngram=2");
    assert!(driver.settled(120, 36).contains("weights: ngram=2"));
    driver.key(KeyCode::Esc).typed('w', "");
    assert!(!driver.settled(120, 36).contains("would be"));
}

#[test]
fn other_weights_are_tried_on_the_whole_run() {
    let run = RunBuilder::with_steps(30);
    let late = run.records().len() - 10;
    let mut driver = Driver::late(&run, late);
    driver.settled(200, 40);
    driver.typed('w', "partial=2");
    let first = driver.screen(200, 40);
    assert!(first.contains("0% of the run is read"), "{first}");
    let whole = driver.settled(200, 40);
    assert!(whole.contains("all 60 questions until step 30"), "{whole}");
    // All steps of this run have the same questions, so that the whole of it and the newest few come to the same.
    let reward = |screen: &str| {
        screen.split("under partial=2: ").nth(1).and_then(|rest| rest.split(" (").next().map(str::to_owned))
    };
    assert!(reward(&whole).is_some_and(|words| Some(words) == reward(&first)), "{first}{whole}");
    driver.typed('w', "execution=1");
    let due = driver.app.take_due();
    driver.typed('w', "");
    for work in due {
        work.run(&driver.store)(&mut driver.app);
    }
    assert!(!driver.settled(200, 40).contains("under "), "what was read for weights that were taken back is nothing");
}

#[test]
fn keys_go_on_to_questions_that_are_only_in_the_store_and_copy_them() {
    let run = RunBuilder::with_steps(30);
    let mut driver = Driver::late(&run, run.records().len() - 10);
    driver.typed('/', "step<4").settled(120, 36);
    assert_eq!(driver.app.rollout_key(), Some((3, 1)));
    for step in [(3, 0), (2, 1), (2, 0)] {
        driver.keys("[").settled(120, 36);
        assert_eq!(driver.app.rollout_key(), Some(step));
    }
    driver.keys("]").settled(120, 36);
    assert_eq!(driver.app.rollout_key(), Some((2, 1)));
    driver.keys("y");
    let copied = driver.app.take_messages();
    let best = group(2, 1).candidates[1].sql.clone();
    assert_eq!(copied, [Message::Copy(best)]);
}

#[test]
fn the_list_can_be_sorted_and_moved_in() {
    let mut driver = Driver::new(&again());
    assert!(driver.settled(80, 24).contains("newest first"));
    driver.keys("aa");
    assert!(driver.settled(80, 24).contains("by reward"));
    driver.keys("r");
    assert!(driver.settled(80, 24).contains("by reward, reversed"));
    driver.keys("aaarG").settled(80, 24);
    assert_eq!(driver.app.ui.sample, Some((1, 0)));
    driver.keys("g").settled(80, 24);
    assert_eq!(driver.app.ui.sample, Some((6, 1)));
    driver.key(KeyCode::Tab).key(KeyCode::Down).settled(80, 24);
    assert_eq!(driver.app.ui.candidate, Some(2));
}

#[test]
fn no_size_breaks_it() {
    let mut driver = Driver::new(&again());
    for keys in ["", "d", "v", "vp", "z"] {
        driver.keys(keys);
        for (width, height) in [(1, 1), (13, 5), (40, 12), (61, 18), (150, 14), (149, 80)] {
            driver.settled(width, height);
        }
    }
}
