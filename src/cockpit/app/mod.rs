//! The cockpit without a terminal: records and keys go in, effects come out, and [`draw`](super::draw::draw) shows it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyEvent, KeyEventKind};

mod arrival;
mod charts;
mod effect;
mod entries;
mod hints;
mod manners;
mod mouse;
mod orders;
mod others;
mod palette;
mod playback;
mod records;
mod stored;
mod themes;
mod travel;

pub use charts::Ghost;
pub use effect::{Effect, Leave};
pub use hints::Hint;
pub use manners::Message;
pub use orders::QUIT_ANSWERS;
pub use playback::NO_TRAINER;
pub use stored::Key;
pub(super) use travel::scroll;

use super::{
    action::{Action, Keymap, Scope, needs_trainer},
    charts::{Chart, Pictures},
    draw::painted::Painted,
    entry::Purpose,
    options::Place,
    shelf::Shelf,
    state::RunView,
    symbols::Symbols,
    tape::Tape,
    theme::Theme,
    ui::{Overlay, Toast, Ui},
    views::{self, View},
    work::Work,
};
use crate::run::{
    command::{Command, CommandSink},
    event::{LogLevel, RunState},
    presence::Presence,
};

/// How long a notice stays.
const TOAST: Duration = Duration::from_secs(6);

/// The cockpit's whole state.
pub struct App {
    /// The run.
    pub run: RunView,
    /// The person's place on the screen.
    pub ui: Ui,
    /// Colours.
    pub theme: Theme,
    /// Signs.
    pub symbols: &'static Symbols,
    /// Keys.
    pub keymap: Keymap,
    /// Where and when the person is.
    pub place: Place,
    commands: Option<Arc<dyn CommandSink>>,
    presence: Option<Presence>,
    asked: Option<RunState>,
    leaving: bool,
    messages: Vec<Message>,
    tape: Option<Tape>,
    /// Charts that settings name; the method's own if empty.
    arranged: Vec<Chart>,
    ghost: Option<Ghost>,
    pictures: Pictures,
    pub(super) painted: Painted,
    due: Vec<Work>,
    arrival: Option<arrival::Arrival>,
    shelf: Shelf,
}

impl App {
    /// A cockpit that has seen nothing yet. Without `commands` it only looks on.
    pub fn new(theme: Theme, symbols: &'static Symbols, commands: Option<Arc<dyn CommandSink>>) -> Self {
        Self {
            run: RunView::default(),
            ui: Ui::default(),
            theme,
            symbols,
            keymap: Keymap::default(),
            place: Place::default(),
            commands,
            presence: None,
            asked: None,
            leaving: false,
            messages: Vec::new(),
            tape: None,
            arranged: Vec::new(),
            ghost: None,
            pictures: Pictures::default(),
            painted: Painted::default(),
            due: Vec::new(),
            arrival: None,
            shelf: Shelf::default(),
        }
    }

    /// Has some work done as soon as the loop comes to it; drawing may ask for it.
    pub fn later(&mut self, work: Work) {
        self.due.push(work);
    }

    /// The work that is due.
    pub fn take_due(&mut self) -> Vec<Work> {
        std::mem::take(&mut self.due)
    }

    /// Takes in a key.
    pub fn key(&mut self, event: &KeyEvent) -> Option<Effect> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let meant = self.scopes().into_iter().find_map(|scope| Some((scope, self.keymap.action(event, scope)?)));
        match (meant, self.ui.overlay) {
            (Some((scope, action)), Overlay::Hints(page)) => return self.in_hints(page, scope, action),
            (Some((scope, action)), _) => return self.perform(scope, action),
            (None, Overlay::Entry(purpose)) => {
                self.ui.line.key(event, purpose);
            }
            (None, Overlay::Palette(_)) => {
                self.ui.line.key(event, Purpose::Command);
                self.ui.overlay = Overlay::Palette(0);
            }
            _ => {}
        }
        None
    }

    /// Does what a key means in a scope.
    pub(super) fn perform(&mut self, scope: Scope, action: Action) -> Option<Effect> {
        match scope {
            Scope::Main => self.act(action),
            Scope::Quit => self.answer(action),
            Scope::Replay => {
                self.play(action);
                None
            }
            Scope::Entry => self.leave_entry(action),
            Scope::Palette => self.in_palette(action),
            Scope::Themes => self.in_themes(action),
            Scope::View(_) => views::act(self, action),
        }
    }

    /// Does what a key of the main scope means.
    pub fn act(&mut self, action: Action) -> Option<Effect> {
        match action {
            _ if needs_trainer(action) && self.tape.is_some() => self.toast(LogLevel::Warn, NO_TRAINER.into()),
            Action::PauseResume => self.pause_or_resume(),
            Action::Checkpoint => {
                self.order(Command::Checkpoint { note: None }, "a checkpoint is written at the end of the step");
            }
            Action::Evaluate => {
                self.order(Command::Evaluate, "the held-out questions are asked at the end of the step");
            }
            Action::TakeControl => self.take_control(),
            Action::Export => {
                self.toast(LogLevel::Info, "writing the curves …".into());
                return Some(Effect::Export);
            }
            Action::Help => self.toggle_help(),
            Action::Hints => self.ui.overlay = Overlay::Hints(0),
            Action::Palette => self.open_palette(),
            Action::Quit => return self.quit(),
            Action::Show(view) => self.show(view),
            Action::PreviousGroup => self.step_group(false),
            Action::NextGroup => self.step_group(true),
            Action::Smooth | Action::LessSmooth => {
                self.ui.charts.smooth(action == Action::Smooth);
                self.toast(LogLevel::Info, format!("smoothing {}", self.ui.charts.smoothing));
            }
            Action::Back => self.back(),
            Action::Theme => return Some(Effect::Themes),
            // What is on show is no query.
            Action::Copy if self.ui.view == View::Controls => return views::act(self, Action::CopySetting),
            Action::Copy => self.copy_query(),
            Action::Settings => views::controls::show_all(self),
            Action::Screenshot => return Some(Effect::Screenshot),
            Action::Mouse => return Some(Effect::Mouse),
            Action::Bandwidth => {
                self.ui.sparing = !self.ui.sparing;
                let words = if self.ui.sparing {
                    "two frames a second at most, for slow lines"
                } else {
                    "as many frames as `ui.fps` allows"
                };
                self.toast(LogLevel::Info, words.into());
            }
            Action::Redraw => return Some(Effect::Redraw),
            Action::Suspend => return Some(Effect::Suspend),
            _ if self.ui.overlay == Overlay::Help => scroll(&mut self.ui.help_scroll, action, false),
            _ => return views::act(self, action),
        }
        None
    }

    /// Goes to a view.
    pub fn show(&mut self, view: View) {
        self.close();
        self.ui.view = view;
    }

    fn toggle_help(&mut self) {
        self.ui.help_scroll = 0;
        self.ui.overlay = if self.ui.overlay == Overlay::Help { Overlay::None } else { Overlay::Help };
    }

    /// Closes whatever lies over the panes.
    pub fn close(&mut self) {
        self.ui.overlay = Overlay::None;
    }

    fn back(&mut self) {
        if self.ui.overlay != Overlay::None {
            self.close();
        } else if self.ui.charts.cursor.is_some() {
            self.drop_cursor();
        } else if self.ui.zoom {
            self.ui.zoom = false;
        } else {
            self.ui.show_sample(None);
            self.ui.candidate = None;
            self.ui.log_scroll = 0;
        }
    }

    /// Shows a short notice.
    pub fn toast(&mut self, level: LogLevel, text: String) {
        self.ui.toast = Some(Toast { level, text, until: Instant::now() + TOAST });
    }

    /// What was asked of the trainer and is not acknowledged yet.
    pub fn asked(&self) -> Option<RunState> {
        self.asked
    }

    /// Whether commands go anywhere.
    pub fn has_trainer(&self) -> bool {
        self.commands.is_some() && self.run.is_live()
    }
}
