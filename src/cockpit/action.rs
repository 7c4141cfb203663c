//! The one registry of what keys do: dispatch, footer hints and help are all made from it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something a person can ask the cockpit for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // [`ACTIONS`] says what each one does.
pub enum Action {
    PauseResume,
    Checkpoint,
    Evaluate,
    TakeControl,
    Export,
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
    Go,
    Erase,
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
    /// While the step to go to is typed.
    Jump,
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    code: KeyCode,
    ctrl: bool,
}

impl Chord {
    const fn key(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    const fn char(c: char) -> Self {
        Self::key(KeyCode::Char(c))
    }

    const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: true }
    }

    /// Whether this key event is the chord. Shift is part of the character, save for shift-tab, which has a code of its own.
    pub fn is(&self, event: &KeyEvent) -> bool {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER);
        event.code == self.code && ctrl == self.ctrl && !alt
    }

    /// The chord as written in hints and help.
    pub fn label(&self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "space".into(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::BackTab => "shift-tab".into(),
            KeyCode::PageDown => "pgdn".into(),
            KeyCode::PageUp => "pgup".into(),
            other => format!("{other:?}").to_lowercase(),
        };
        if self.ctrl { format!("ctrl-{name}") } else { name }
    }
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

macro_rules! actions {
    ($($scope:ident $action:ident $id:literal [$($key:expr),+] $label:literal $help:literal $hint:expr;)*) => {
        /// Every action.
        pub const ACTIONS: &[ActionInfo] = &[$(ActionInfo {
            action: Action::$action, id: $id, scope: Scope::$scope, keys: &[$($key),+], label: $label, help: $help, hint: $hint,
        }),*];
    };
}

use KeyCode as K;

actions! {
    Main PauseResume "pause" [Chord::char(' ')] "pause" "Pause at the end of the step, or go on." Some(1);
    Main Checkpoint "checkpoint" [Chord::char('c')] "checkpoint" "Write a checkpoint at the end of the step." Some(4);
    Main Evaluate "evaluate" [Chord::char('e')] "evaluate" "Evaluate on the held-out questions at the end of the step." Some(5);
    Main TakeControl "take-control" [Chord::char('o')] "take control" "Take control of the training from another viewer." Some(0);
    Main Export "export" [Chord::char('x')] "export" "Write the training curves as a PNG picture into the run folder." Some(6);
    Main PreviousGroup "previous-sample" [Chord::char('[')] "older sample" "Show the question before this one." Some(8);
    Main NextGroup "next-sample" [Chord::char(']')] "newer sample" "Show the next question; past the newest one, follow new ones." Some(9);
    Main FocusNext "focus-next" [Chord::key(K::Tab)] "pane" "Go to the next pane." Some(7);
    Main FocusPrevious "focus-previous" [Chord::key(K::BackTab)] "pane back" "Go to the pane before." None;
    Main Zoom "zoom" [Chord::char('z')] "zoom" "Give the pane in focus the whole screen, or take it back." Some(10);
    Main Smooth "smooth" [Chord::char('s')] "smooth" "Smooth the curves more, then not at all; what was measured stays visible." None;
    Main Down "down" [Chord::char('j'), Chord::key(K::Down)] "down" "Next candidate, next chart, or scroll down." None;
    Main Up "up" [Chord::char('k'), Chord::key(K::Up)] "up" "Previous candidate, previous chart, or scroll up." None;
    Main Left "left" [Chord::char('h'), Chord::key(K::Left)] "left" "The chart to the left." None;
    Main Right "right" [Chord::char('l'), Chord::key(K::Right)] "right" "The chart to the right." None;
    Main PageDown "page-down" [Chord::key(K::PageDown), Chord::ctrl('d')] "page down" "Scroll a result, the log or this text down." None;
    Main PageUp "page-up" [Chord::key(K::PageUp), Chord::ctrl('u')] "page up" "Scroll a result, the log or this text up." None;
    Main First "first" [Chord::char('g'), Chord::key(K::Home)] "first" "Go to the first candidate, chart or line." None;
    Main Last "last" [Chord::char('G'), Chord::key(K::End)] "last" "Go to the last candidate, chart or line." None;
    Main Theme "theme" [Chord::char('t')] "theme" "Change to the next theme." Some(11);
    Main Back "back" [Chord::key(K::Esc)] "back" "Close what is open; leave the zoom." None;
    Main Redraw "redraw" [Chord::ctrl('l')] "redraw" "Draw the whole screen anew." None;
    Main Suspend "suspend" [Chord::ctrl('z')] "suspend" "Suspend the cockpit until the shell's `fg`; training goes on." None;
    Main Help "help" [Chord::char('?')] "help" "Show keys and what every metric means." Some(3);
    Main Quit "quit" [Chord::char('q'), Chord::ctrl('c')] "quit" "Leave; asks first while a trainer is at work." Some(2);
    Replay PlayPause "play" [Chord::char(' ')] "play/pause" "Play or hold the tape; at its end, play it anew." Some(1);
    Replay StepBack "step-back" [Chord::char(',')] "step back" "Go to the end of the step before." Some(2);
    Replay StepOn "step-on" [Chord::char('.')] "step on" "Go to the end of the next step." Some(3);
    Replay LeapBack "leap-back" [Chord::char('<')] "10 back" "Go ten steps back." None;
    Replay LeapOn "leap-on" [Chord::char('>')] "10 on" "Go ten steps on." None;
    Replay Slower "slower" [Chord::char('-')] "slower" "Play at half the speed." Some(5);
    Replay Faster "faster" [Chord::char('+'), Chord::char('=')] "faster" "Play at twice the speed." Some(4);
    Replay ToStart "to-start" [Chord::char('{')] "start" "Go to the start of the run." Some(7);
    Replay ToEnd "to-end" [Chord::char('}')] "end" "Go to the end of the run, or to what there is of it." Some(8);
    Replay ToStep "to-step" [Chord::char(':')] "to step" "Go to a step: type its number, then enter." Some(6);
    Jump Go "jump-go" [Chord::key(K::Enter)] "go" "Go to the step typed." None;
    Jump Erase "jump-erase" [Chord::key(K::Backspace)] "erase" "Take the last digit back." None;
    Jump Stay "jump-stay" [Chord::key(K::Esc), Chord::ctrl('c')] "stay" "Stay at this step." None;
    Quit Detach "detach" [Chord::char('d'), Chord::ctrl('c')] "detach" "Leave; training goes on." None;
    Quit StopWithCheckpoint "stop-checkpoint" [Chord::char('c')] "checkpoint and stop" "Finish the step, write a checkpoint, leave." None;
    Quit StopWithout "stop" [Chord::char('s')] "stop without" "Drop the step in progress and leave." None;
    Quit Stay "stay" [Chord::key(K::Esc), Chord::char('n')] "stay" "Go on training." None;
    Quit Down "quit-down" [Chord::char('j'), Chord::key(K::Down), Chord::key(K::Tab)] "down" "The answer below." None;
    Quit Up "quit-up" [Chord::char('k'), Chord::key(K::Up), Chord::key(K::BackTab)] "up" "The answer above." None;
    Quit Choose "quit-choose" [Chord::key(K::Enter)] "choose" "Take the marked answer." None;
}

/// The action that a key means.
pub fn action_of(event: &KeyEvent, scope: Scope) -> Option<Action> {
    ACTIONS
        .iter()
        .find(|info| info.scope == scope && info.keys.iter().any(|chord| chord.is(event)))
        .map(|info| info.action)
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

    use super::*;

    #[test]
    fn no_two_actions_share_a_key() {
        for scope in [Scope::Main, Scope::Replay, Scope::Quit, Scope::Jump] {
            let mut seen = BTreeSet::new();
            for info in ACTIONS.iter().filter(|info| info.scope == scope) {
                for chord in info.keys {
                    assert!(seen.insert(chord.label()), "{} of {} in {scope:?} is taken", chord.label(), info.id);
                }
            }
        }
    }

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
        let of = |code, modifiers| action_of(&KeyEvent::new(code, modifiers), Scope::Main);
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
