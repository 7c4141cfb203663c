//! The view, driven by keys, over run folders.

use std::{path::Path, sync::Arc};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};

use crate::{
    cockpit::{
        App, History, HistoryError, Symbols, draw,
        fixture::RunBuilder,
        theme::{ColorDepth, Theme, ThemeFile},
        views::View,
    },
    run::{
        event::{EndReason, Record},
        folder::RunFolder,
        store::RunStore,
    },
    settings::Settings,
};

struct Nothing;

impl History for Nothing {
    fn since(&self, _: u64) -> Result<Vec<Record>, HistoryError> {
        Ok(Vec::new())
    }
}

fn folder(root: &Path, name: &str, steps: u64, rate: f64) {
    let mut run = RunBuilder::with_steps(steps);
    run.end(steps, EndReason::Completed);
    let folder = RunFolder::create(&root.join(name)).unwrap();
    let mut settings = Settings::default();
    settings.optim.learning_rate = rate;
    settings.run.name = "same".into();
    folder.write_settings(&settings).unwrap();
    let mut store = RunStore::open(&folder.store()).unwrap();
    for record in run.records().into_iter().filter(|record| record.event.is_stored()) {
        store.append(record.time, record.event).unwrap();
    }
}

struct Driver(App);

impl Driver {
    fn new(runs: &Path) -> Self {
        let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), ColorDepth::True);
        let mut app = App::new(theme, &Symbols::UNICODE, None);
        app.place.run = Some(runs.join("this"));
        app.show(View::Runs);
        Self(app)
    }

    fn keys(&mut self, keys: &[KeyCode]) -> String {
        for code in keys {
            self.0.key(&KeyEvent::new(*code, KeyModifiers::NONE));
        }
        let store: Arc<dyn History> = Arc::new(Nothing);
        loop {
            let screen = self.screen(120, 40);
            let due = self.0.take_due();
            if due.is_empty() {
                return screen;
            }
            for work in due {
                work.run(&store)(&mut self.0);
            }
        }
    }

    fn screen(&mut self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(&mut self.0, frame.area(), frame.buffer_mut())).unwrap();
        terminal.backend().to_string().replace('"', "")
    }
}

fn place_of(screen: &str, name: &str) -> usize {
    screen.find(name).unwrap_or_else(|| panic!("no {name} in\n{screen}"))
}

#[test]
fn runs_are_listed_sorted_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), "alpha", 60, 1e-5);
    folder(dir.path(), "beta", 20, 2e-5);
    let mut driver = Driver::new(dir.path());
    let c = KeyCode::Char;
    let screen = driver.keys(&[]);
    assert!(screen.contains("newest first") && screen.contains("28.1%") && screen.contains("60/200"), "{screen}");
    let longest = driver.keys(&[c('a'), c('a')]);
    assert!(place_of(&longest, "alpha") < place_of(&longest, "beta"));
    assert!(!driver.keys(&[KeyCode::Enter]).contains("comparison"), "one alone is nothing to compare");
    let screen = driver.keys(&[c('g'), c('m'), c('j'), KeyCode::Enter]);
    assert!(screen.contains("comparison · 1 settings differ"), "{screen}");
    let differs = screen.lines().find(|line| line.contains("optim.learning_rate")).unwrap();
    assert!(place_of(differs, "0.00001") < place_of(differs, "0.00002"), "{differs}");
    assert!(screen.contains("28.1% (9/32) at step 60"), "{screen}");
    for (width, height) in [(1, 1), (20, 5), (40, 12), (80, 24), (200, 60)] {
        driver.screen(width, height);
    }
}

#[test]
fn a_folder_without_runs_says_so() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Driver::new(dir.path()).keys(&[]).contains("no runs here"));
}
