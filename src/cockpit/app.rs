//! The cockpit without a terminal: records and keys go in, effects come out, and [`draw`](super::draw::draw) shows it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyEvent, KeyEventKind};

use super::{
    action::{Action, Scope, action_of},
    options::Place,
    panes::Pane,
    state::RunView,
    symbols::Symbols,
    theme::Theme,
    ui::{Overlay, Toast, Ui},
};
use crate::run::{
    command::{Command, CommandSink},
    event::{Event, GroupScored, LogLevel, Record, RunState},
};

/// What the loop around the app has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Write the curves as a picture.
    Export,
    /// Draw the whole screen anew.
    Redraw,
    /// Suspend the process.
    Suspend,
    /// Load the next theme.
    NextTheme,
    /// Leave the cockpit.
    Leave(Leave),
}

/// Why the cockpit was left by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// No trainer was at work.
    Quit,
    /// The run was stopped from here, and the trainer said that it ended.
    Stopped,
    /// A person did not want to wait for the trainer to end the run.
    Abandoned,
}

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
    /// Where and when the person is.
    pub place: Place,
    commands: Option<Arc<dyn CommandSink>>,
    asked: Option<RunState>,
    leaving: bool,
}

impl App {
    /// A cockpit that has seen nothing yet. Without `commands` it only looks on.
    pub fn new(theme: Theme, symbols: &'static Symbols, commands: Option<Arc<dyn CommandSink>>) -> Self {
        Self {
            run: RunView::default(),
            ui: Ui::default(),
            theme,
            symbols,
            place: Place::default(),
            commands,
            asked: None,
            leaving: false,
        }
    }

    /// Takes in a record.
    pub fn record(&mut self, record: &Record) -> Option<Effect> {
        self.run.apply(record);
        match &record.event {
            Event::State(_) | Event::End(_) => self.asked = None,
            Event::Checkpoint(saved) => {
                self.toast(LogLevel::Info, format!("checkpoint of step {} is saved", saved.step));
            }
            Event::Eval(eval) => {
                self.toast(
                    LogLevel::Info,
                    format!("held-out accuracy {:.1}% ({}/{})", eval.execution_accuracy * 100.0, eval.correct, eval.n),
                );
            }
            _ => {}
        }
        (self.leaving && !self.run.is_live()).then_some(Effect::Leave(Leave::Stopped))
    }

    /// The trainer hung up.
    pub fn trainer_gone(&mut self) -> Option<Effect> {
        self.run.trainer_gone();
        (self.leaving).then_some(Effect::Leave(Leave::Stopped))
    }

    /// Takes in a key.
    pub fn key(&mut self, event: &KeyEvent) -> Option<Effect> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let scope = if matches!(self.ui.overlay, Overlay::Quit(_)) { Scope::Quit } else { Scope::Main };
        let action = action_of(event, scope)?;
        match scope {
            Scope::Main => self.act(action),
            Scope::Quit => self.answer(action),
        }
    }

    /// Does what a key of the main scope means.
    pub fn act(&mut self, action: Action) -> Option<Effect> {
        match action {
            Action::PauseResume => self.pause_or_resume(),
            Action::Checkpoint => {
                self.order(Command::Checkpoint, "a checkpoint is written at the end of the step");
            }
            Action::Evaluate => {
                self.order(Command::Evaluate, "the held-out questions are asked at the end of the step");
            }
            Action::Export => {
                self.toast(LogLevel::Info, "writing the curves …".into());
                return Some(Effect::Export);
            }
            Action::Help => self.toggle_help(),
            Action::Quit => return self.quit(),
            Action::FocusNext => self.ui.focus = self.ui.focus.cycle(1),
            Action::FocusPrevious => self.ui.focus = self.ui.focus.cycle(Pane::ALL.len() - 1),
            Action::PreviousGroup => self.step_group(false),
            Action::NextGroup => self.step_group(true),
            Action::Zoom => self.ui.zoom = !self.ui.zoom,
            Action::Back => self.back(),
            Action::Theme => return Some(Effect::NextTheme),
            Action::Redraw => return Some(Effect::Redraw),
            Action::Suspend => return Some(Effect::Suspend),
            _ => self.travel(action),
        }
        None
    }

    fn travel(&mut self, action: Action) {
        if self.ui.overlay == Overlay::Help {
            scroll(&mut self.ui.help_scroll, action, false);
            return;
        }
        match self.ui.focus {
            Pane::Log => scroll(&mut self.ui.log_scroll, action, true),
            Pane::Charts => match action {
                Action::Left => self.ui.move_chart(-1),
                Action::Right => self.ui.move_chart(1),
                Action::Up => self.ui.move_chart(-(self.ui.chart_columns as isize)),
                Action::Down => self.ui.move_chart(self.ui.chart_columns as isize),
                Action::First => self.ui.chart = 0,
                Action::Last => self.ui.move_chart(isize::MAX),
                _ => {}
            },
            Pane::Sample => match action {
                Action::PageDown | Action::PageUp => scroll(&mut self.ui.detail_scroll, action, false),
                _ => self.choose_candidate(action),
            },
        }
    }

    fn choose_candidate(&mut self, action: Action) {
        let Some((group, _)) = self.sample() else { return };
        let last = group.candidates.len().saturating_sub(1);
        let now = self.candidate_of(&group);
        let chosen = match action {
            Action::Down => (now + 1).min(last),
            Action::Up => now.saturating_sub(1),
            Action::First => 0,
            Action::Last => last,
            _ => return,
        };
        // A person reading a candidate wants it to stay, even if newer questions come.
        self.ui.sample = Some((group.step, group.group));
        self.ui.candidate = Some(chosen);
        self.ui.detail_scroll = 0;
    }

    fn step_group(&mut self, newer: bool) {
        let Some((_, at)) = self.sample() else { return };
        let samples = self.run.samples();
        let next = if newer { at + 1 } else { at.saturating_sub(1) };
        let chosen = samples.get(next).filter(|_| next + 1 < samples.len()).map(|group| (group.step, group.group));
        self.ui.show_sample(chosen);
    }

    /// The question on show, with its place among those kept.
    pub fn sample(&self) -> Option<(Arc<GroupScored>, usize)> {
        let samples = self.run.samples();
        let newest = samples.len().checked_sub(1)?;
        let at = self.ui.sample.and_then(|(step, group)| samples.position(step, group));
        // A question that had to make room leaves the oldest one in its place, not the newest.
        let at = at.unwrap_or(if self.ui.sample.is_some() { 0 } else { newest });
        samples.get(at).map(|group| (Arc::clone(group), at))
    }

    /// The candidate on show: the chosen one, else the one with the highest reward.
    pub fn candidate_of(&self, group: &GroupScored) -> usize {
        let best = || {
            let by_reward = |a: &usize, b: &usize| group.candidates[*a].reward.total_cmp(&group.candidates[*b].reward);
            // Among equals the first one.
            (0..group.candidates.len()).rev().max_by(by_reward).unwrap_or(0)
        };
        self.ui.candidate.filter(|at| *at < group.candidates.len()).unwrap_or_else(best)
    }

    fn toggle_help(&mut self) {
        self.ui.help_scroll = 0;
        self.ui.overlay = if self.ui.overlay == Overlay::Help { Overlay::None } else { Overlay::Help };
    }

    fn back(&mut self) {
        if self.ui.overlay != Overlay::None {
            self.ui.overlay = Overlay::None;
        } else if self.ui.zoom {
            self.ui.zoom = false;
        } else {
            self.ui.show_sample(None);
            self.ui.candidate = None;
            self.ui.log_scroll = 0;
        }
    }

    fn quit(&mut self) -> Option<Effect> {
        if self.ui.overlay == Overlay::Help {
            self.ui.overlay = Overlay::None;
            return None;
        }
        if self.leaving {
            return Some(Effect::Leave(Leave::Abandoned));
        }
        if self.commands.is_none() || !self.run.is_live() {
            return Some(Effect::Leave(Leave::Quit));
        }
        self.ui.overlay = Overlay::Quit(0);
        None
    }

    fn answer(&mut self, action: Action) -> Option<Effect> {
        let Overlay::Quit(marked) = self.ui.overlay else { return None };
        let stop = |checkpoint| Command::Stop { checkpoint };
        let command = match action {
            Action::Down => {
                self.ui.overlay = Overlay::Quit((marked + 1) % 3);
                return None;
            }
            Action::Up => {
                self.ui.overlay = Overlay::Quit((marked + 2) % 3);
                return None;
            }
            Action::Choose => [Some(stop(true)), Some(stop(false)), None][marked.min(2)],
            Action::StopWithCheckpoint => Some(stop(true)),
            Action::StopWithout => Some(stop(false)),
            Action::LeaveNow => return Some(Effect::Leave(Leave::Abandoned)),
            _ => None,
        };
        self.ui.overlay = Overlay::None;
        if let Some(command) = command {
            self.leaving = true;
            self.asked = Some(RunState::Stopping);
            self.order(command, "stopping; q again leaves without waiting");
        }
        None
    }

    fn pause_or_resume(&mut self) {
        let (command, asked, words) = match self.run.state() {
            RunState::Paused | RunState::Pausing => (Command::Resume, RunState::Running, "going on"),
            _ => (Command::Pause, RunState::Pausing, "pausing at the end of the step"),
        };
        if self.order(command, words) {
            self.asked = Some(asked);
        }
    }

    fn order(&mut self, command: Command, words: &str) -> bool {
        match (&self.commands, self.run.is_live()) {
            (Some(commands), true) => {
                commands.send(command);
                self.toast(LogLevel::Info, words.to_owned());
                true
            }
            (None, _) => {
                self.toast(LogLevel::Warn, "no trainer is attached: this is a stored run".into());
                false
            }
            (_, false) => {
                self.toast(LogLevel::Warn, "the run has ended: no trainer is there to ask".into());
                false
            }
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

/// Moves a scroll position; `from_end` counts lines up from the end rather than down from the start.
fn scroll(position: &mut usize, action: Action, from_end: bool) {
    let (forward, backward) = if from_end { (Action::Up, Action::Down) } else { (Action::Down, Action::Up) };
    let (page_forward, page_backward) =
        if from_end { (Action::PageUp, Action::PageDown) } else { (Action::PageDown, Action::PageUp) };
    let (start, end) = if from_end { (Action::Last, Action::First) } else { (Action::First, Action::Last) };
    *position = match action {
        a if a == forward => position.saturating_add(1),
        a if a == backward => position.saturating_sub(1),
        a if a == page_forward => position.saturating_add(10),
        a if a == page_backward => position.saturating_sub(10),
        a if a == start => 0,
        // Drawing brings it back to the last line.
        a if a == end => usize::MAX / 2,
        _ => return,
    };
}
