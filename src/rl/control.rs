//! What a trainer is asked to do: commands from cockpits, and the signals of the process.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    time::Duration,
};

use crate::run::{
    command::{Command, CommandSink},
    event::RunState,
};

/// The trainer's end of the line.
#[derive(Debug)]
pub struct Control {
    commands: Receiver<Command>,
    signal: Arc<AtomicBool>,
    /// What has been asked for and not yet done.
    pub wanted: Wanted,
    /// What is said of the checkpoint that is wanted.
    pub note: Option<String>,
    /// What has to be done one after the other, between steps: changes, questions, going back.
    pub orders: VecDeque<Command>,
    /// The state that viewers were told last.
    pub told: RunState,
}

/// The other end.
#[derive(Debug, Clone)]
pub struct Remote {
    commands: Sender<Command>,
    signal: Arc<AtomicBool>,
}

/// What has been asked for and not yet done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "wishes, each independent of the others")]
pub struct Wanted {
    /// Pause at the end of the step.
    pub pause: bool,
    /// Train one step although a pause is wanted.
    pub once: bool,
    /// Write a checkpoint.
    pub checkpoint: bool,
    /// Evaluate.
    pub evaluate: bool,
    /// End.
    pub stop: Option<Stop>,
}

/// How to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// After the step, with a checkpoint.
    AfterStep,
    /// At once, without a checkpoint.
    Now,
    /// At once, with a checkpoint: the process was sent a signal.
    Signal,
}

impl Stop {
    /// Whether the step under way is dropped.
    pub fn drops_step(self) -> bool {
        self != Self::AfterStep
    }
}

/// A line between a trainer and those who steer it.
pub fn line() -> (Remote, Control) {
    let (commands, receiver) = mpsc::channel();
    let signal = Arc::new(AtomicBool::new(false));
    let control = Control {
        commands: receiver,
        signal: Arc::clone(&signal),
        wanted: Wanted::default(),
        note: None,
        orders: VecDeque::new(),
        told: RunState::Loading,
    };
    (Remote { commands, signal }, control)
}

impl Remote {
    /// Tells the trainer that the process was sent a signal to end.
    pub fn signal(&self) {
        self.signal.store(true, Ordering::Relaxed);
    }
}

impl CommandSink for Remote {
    fn send(&self, command: Command) {
        // A trainer that has ended no longer listens; its `end` event has said so.
        let _ = self.commands.send(command);
    }
}

impl Control {
    /// Takes note of everything asked since the last call.
    pub fn poll(&mut self) -> Wanted {
        while let Ok(command) = self.commands.try_recv() {
            self.note(command);
        }
        self.note_signal();
        self.wanted
    }

    /// As [`Control::poll`], but waits a little while there is nothing to do.
    pub fn wait(&mut self) -> Wanted {
        match self.commands.recv_timeout(Duration::from_millis(50)) {
            Ok(command) => self.note(command),
            Err(RecvTimeoutError::Timeout) => {}
            // Nobody is left who could end the pause.
            Err(RecvTimeoutError::Disconnected) => self.wanted.stop = self.wanted.stop.or(Some(Stop::AfterStep)),
        }
        self.poll()
    }

    /// The state that follows from what is wanted, while a computation is under way.
    pub fn due(&self) -> RunState {
        match (self.wanted.stop, self.wanted.pause, self.told) {
            (Some(_), _, _) => RunState::Stopping,
            (None, true, RunState::Paused) => RunState::Paused,
            (None, true, _) => RunState::Pausing,
            (None, false, RunState::Loading) => RunState::Loading,
            (None, false, _) => RunState::Running,
        }
    }

    fn note(&mut self, command: Command) {
        match command {
            Command::Pause => self.wanted.pause = true,
            Command::Resume => (self.wanted.pause, self.wanted.once) = (false, false),
            // A step that is under way is the one.
            Command::StepOnce => (self.wanted.pause, self.wanted.once) = (true, self.told == RunState::Paused),
            Command::Checkpoint { note } => {
                self.wanted.checkpoint = true;
                self.note = note.or(self.note.take());
            }
            Command::Evaluate => self.wanted.evaluate = true,
            Command::Stop { checkpoint: true } => self.wanted.stop = self.wanted.stop.or(Some(Stop::AfterStep)),
            Command::Stop { checkpoint: false } => self.wanted.stop = Some(Stop::Now),
            Command::Set { .. } | Command::RollBack { .. } | Command::Ask { .. } | Command::Unknown => {
                self.orders.push_back(command);
            }
        }
    }

    fn note_signal(&mut self) {
        if self.signal.load(Ordering::Relaxed) && self.wanted.stop != Some(Stop::Now) {
            self.wanted.stop = Some(Stop::Signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_add_up_and_the_hardest_stop_wins() {
        let (remote, mut control) = line();
        for command in
            [Command::Pause, Command::Checkpoint { note: None }, Command::Evaluate, Command::Stop { checkpoint: true }]
        {
            remote.send(command);
        }
        let wanted = control.poll();
        assert_eq!(
            wanted,
            Wanted { pause: true, once: false, checkpoint: true, evaluate: true, stop: Some(Stop::AfterStep) }
        );
        remote.send(Command::Resume);
        remote.signal();
        assert_eq!((control.poll().pause, control.poll().stop), (false, Some(Stop::Signal)));
        remote.send(Command::Stop { checkpoint: false });
        assert_eq!(control.poll().stop, Some(Stop::Now));
    }

    #[test]
    fn a_paused_trainer_that_nobody_can_reach_stops() {
        let (remote, mut control) = line();
        remote.send(Command::Pause);
        assert_eq!(control.wait().stop, None);
        drop(remote);
        assert_eq!(control.wait().stop, Some(Stop::AfterStep));
    }

    #[test]
    fn one_step_is_the_one_under_way_or_else_the_next() {
        let (remote, mut control) = line();
        for (told, once) in [(RunState::Running, false), (RunState::Paused, true)] {
            control.told = told;
            remote.send(Command::StepOnce);
            assert_eq!((control.poll().pause, control.poll().once), (true, once));
        }
        remote.send(Command::Resume);
        assert_eq!((control.poll().pause, control.poll().once), (false, false));
    }

    #[test]
    fn orders_keep_their_order_and_the_newest_note_stays() {
        let (remote, mut control) = line();
        let set = |value: f64| Command::Set { key: "grpo.beta".into(), value: value.into() };
        for command in [set(0.1), Command::RollBack { checkpoint: 3 }, set(0.2), Command::Unknown] {
            remote.send(command);
        }
        for note in [Some("before the change"), None] {
            remote.send(Command::Checkpoint { note: note.map(str::to_owned) });
        }
        assert!(control.poll().checkpoint);
        assert_eq!(control.orders, [set(0.1), Command::RollBack { checkpoint: 3 }, set(0.2), Command::Unknown]);
        assert_eq!(control.note.as_deref(), Some("before the change"));
    }
}
