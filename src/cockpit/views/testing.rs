//! Drives the app by keys, for the tests of views.

use std::sync::{Arc, Mutex};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};

use crate::{
    cockpit::{
        App, Symbols, draw,
        theme::{ColorDepth, Theme, ThemeFile},
    },
    run::{
        command::{Command, CommandSink},
        event::{Event, Record},
        fixture::{RunBuilder, started},
    },
    settings::Settings,
};

/// Remembers what was asked of the trainer.
#[derive(Default)]
pub(crate) struct Sent(Mutex<Vec<Command>>);

impl CommandSink for Sent {
    fn send(&self, command: Command) {
        self.0.lock().unwrap().push(command);
    }
}

/// An app with a trainer that remembers what it is asked.
pub(crate) struct Driver {
    pub app: App,
    sent: Arc<Sent>,
}

impl Driver {
    /// The app after these records.
    pub fn new(records: &[Record], symbols: &'static Symbols, depth: ColorDepth) -> Self {
        let theme = Theme::new(ThemeFile::load("night", std::path::Path::new("")).unwrap(), depth);
        let sent = Arc::new(Sent::default());
        let mut app = App::new(theme, symbols, Some(Arc::clone(&sent) as Arc<dyn CommandSink>));
        for record in records {
            app.record(record);
        }
        app.ui.toast = None;
        Self { app, sent }
    }

    /// Presses a key.
    pub fn press(&mut self, code: KeyCode) -> &mut Self {
        self.app.key(&KeyEvent::new(code, KeyModifiers::NONE));
        self
    }

    /// Presses the keys of characters.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        keys.chars().for_each(|c| {
            self.press(KeyCode::Char(c));
        });
        self
    }

    /// The screen as text.
    pub fn screen(&mut self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw::draw(&mut self.app, frame.area(), frame.buffer_mut())).unwrap();
        terminal.backend().to_string().replace('"', "")
    }

    /// What was asked of the trainer.
    pub fn sent(&self) -> Vec<Command> {
        self.sent.0.lock().unwrap().clone()
    }
}

/// The records of a run with the default settings, some databases, steps and checkpoints, and what else is given.
pub(crate) fn run(more: Vec<Event>) -> Vec<Record> {
    let mut builder = RunBuilder::with_steps(42);
    for event in more {
        builder.add(event);
    }
    let mut records = builder.records();
    let mut first = started(None);
    first.settings = serde_json::to_value(Settings::default()).unwrap();
    first.data.databases = ["concert_singer", "pets_1", "world_1"].map(str::to_owned).to_vec();
    records[0].event = Event::Run(Box::new(first));
    records
}

/// The sizes at which views are looked at.
pub(crate) const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 36), (200, 60)];
