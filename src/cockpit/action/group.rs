//! What actions are about, for lists that a person looks through.

use super::{Action, ActionInfo, Scope};
use crate::cockpit::views::View;

/// What an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The view on show.
    View(View),
    /// The tape of a replay.
    Tape,
    /// The run and its trainer.
    Run,
    /// Questions and curves.
    Look,
    /// From place to place.
    Move,
    /// Other views.
    Views,
    /// The screen itself.
    Screen,
    /// A question or a list that is open.
    Open,
}

impl Group {
    /// Its name.
    pub fn title(self) -> String {
        match self {
            Self::View(view) => view.title().to_lowercase(),
            Self::Tape => "tape".into(),
            Self::Run => "run".into(),
            Self::Look => "look".into(),
            Self::Move => "move".into(),
            Self::Views => "views".into(),
            Self::Screen => "screen".into(),
            Self::Open => "open".into(),
        }
    }
}

impl ActionInfo {
    /// What it is about.
    pub fn group(&self) -> Group {
        match self.scope {
            Scope::View(view) => Group::View(view),
            Scope::Replay => Group::Tape,
            Scope::Main => of_main(self.action),
            Scope::Quit | Scope::Entry | Scope::Palette | Scope::Themes => Group::Open,
        }
    }
}

fn of_main(action: Action) -> Group {
    use Action as A;
    match action {
        A::PauseResume | A::Checkpoint | A::Evaluate | A::TakeControl | A::Export | A::Settings | A::Quit => Group::Run,
        A::PreviousGroup | A::NextGroup | A::Zoom | A::Smooth | A::LessSmooth | A::Copy => Group::Look,
        A::Show(_) => Group::Views,
        A::Theme
        | A::Screenshot
        | A::Mouse
        | A::Bandwidth
        | A::Redraw
        | A::Suspend
        | A::Hints
        | A::Palette
        | A::Help => Group::Screen,
        _ => Group::Move,
    }
}
