//! The one registry of what keys do: dispatch, footer hints and help are all made from it.

mod chord;
mod group;
mod keymap;
mod table;

pub use chord::Chord;
pub use group::Group;
pub use keymap::{Keymap, KeymapError};
pub use table::ACTIONS;

use super::views::View;

/// Something a person can ask the cockpit for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // [`ACTIONS`] says what each one does.
pub enum Action {
    PauseResume,
    Checkpoint,
    Evaluate,
    TakeControl,
    Export,
    Hints,
    Help,
    Quit,
    FocusNext,
    FocusPrevious,
    Down,
    Up,
    Left,
    Right,
    PageDown,
    PageUp,
    First,
    Last,
    PreviousGroup,
    NextGroup,
    Zoom,
    Smooth,
    LessSmooth,
    Cursor,
    LogScale,
    LogX,
    NextAxis,
    Envelope,
    Closer,
    Wider,
    PanBack,
    PanOn,
    WholeRun,
    NextMarker,
    PreviousMarker,
    Theme,
    Back,
    Redraw,
    Suspend,
    PlayPause,
    Faster,
    Slower,
    StepBack,
    StepOn,
    LeapBack,
    LeapOn,
    ToStart,
    ToEnd,
    ToStep,
    Palette,
    Copy,
    Screenshot,
    Mouse,
    Bandwidth,
    Settings,
    Apply,
    Filter,
    AllSettings,
    CopySetting,
    Note,
    StepOnce,
    RollBack,
    Open,
    Sort,
    Reverse,
    Schema,
    Versus,
    Tokens,
    Reweigh,
    TimeBefore,
    TimeAfter,
    NextMatch,
    PreviousMatch,
    ToCharts,
    Quantity,
    FlowBefore,
    FlowAfter,
    Mark,
    Compare,
    ReadAgain,
    Underlay,
    Show(View),
    Enter,
    StopWithCheckpoint,
    StopWithout,
    Stay,
    Choose,
    Detach,
}

/// Where a key means an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere but in a question.
    Main,
    /// In a replay; before what a key means everywhere.
    Replay,
    /// While the cockpit asks how to quit.
    Quit,
    /// While something is typed.
    Entry,
    /// In the palette.
    Palette,
    /// While a theme is chosen.
    Themes,
    /// In one view; before what a key means everywhere.
    View(View),
}

/// An action with its keys and its words.
#[derive(Debug)]
pub struct ActionInfo {
    /// The action.
    pub action: Action,
    /// A name that stays, for key maps.
    pub id: &'static str,
    /// Where its keys mean it.
    pub scope: Scope,
    /// Its keys; hints show the first.
    pub keys: &'static [Chord],
    /// One or two words for hints.
    pub label: &'static str,
    /// A sentence for help.
    pub help: &'static str,
    /// Place among the footer's hints, if it has one; where room is short the highest ones go first.
    pub hint: Option<u8>,
}

/// What is known of an action.
pub fn info_of(action: Action, scope: Scope) -> Option<&'static ActionInfo> {
    ACTIONS.iter().find(|info| info.action == action && info.scope == scope)
}

/// Whether an action asks something of a trainer.
pub fn needs_trainer(action: Action) -> bool {
    matches!(action, Action::PauseResume | Action::Checkpoint | Action::Evaluate | Action::TakeControl)
}

/// The actions of a scope that the footer hints at, the most needed ones first.
pub fn hints(scope: Scope) -> Vec<&'static ActionInfo> {
    let mut hints: Vec<_> = ACTIONS.iter().filter(|info| info.scope == scope && info.hint.is_some()).collect();
    hints.sort_by_key(|info| info.hint);
    hints
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crossterm::event::{KeyCode as K, KeyEvent, KeyModifiers};

    use super::*;

    #[test]
    fn every_action_has_words_a_name_and_a_key() {
        let ids: BTreeSet<_> = ACTIONS.iter().map(|info| info.id).collect();
        assert_eq!(ids.len(), ACTIONS.len());
        for info in ACTIONS {
            assert!(!info.keys.is_empty() && !info.label.is_empty(), "{}", info.id);
            assert!(info.help.ends_with('.') && info.help.len() > 10, "{}", info.id);
        }
    }

    #[test]
    fn keys_of_the_first_issue_mean_what_it_says() {
        let keymap = Keymap::default();
        let of = |code, modifiers| keymap.action(&KeyEvent::new(code, modifiers), Scope::Main);
        let none = KeyModifiers::NONE;
        assert_eq!(of(K::Char(' '), none), Some(Action::PauseResume));
        assert_eq!(of(K::Char('c'), none), Some(Action::Checkpoint));
        assert_eq!(of(K::Char('e'), none), Some(Action::Evaluate));
        assert_eq!(of(K::Char('x'), none), Some(Action::Export));
        assert_eq!(of(K::Char('?'), KeyModifiers::SHIFT), Some(Action::Help));
        assert_eq!(of(K::Char('q'), none), Some(Action::Quit));
        assert_eq!(of(K::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit));
        assert_eq!(of(K::Char('c'), KeyModifiers::ALT), None);
    }
}
