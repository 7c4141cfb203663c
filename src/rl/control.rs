//! What a trainer is asked to do: commands from cockpits, and the signals of the process.

use std::{
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
pub struct Wanted {
    /// Pause at the end of the step.
    pub pause: bool,
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
    let control =
        Control { commands: receiver, signal: Arc::clone(&signal), wanted: Wanted::default(), told: RunState::Loading };
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
            Command::Resume => self.wanted.pause = false,
            Command::Checkpoint => self.wanted.checkpoint = true,
            Command::Evaluate => self.wanted.evaluate = true,
            Command::Stop { checkpoint: true } => self.wanted.stop = self.wanted.stop.or(Some(Stop::AfterStep)),
            Command::Stop { checkpoint: false } => self.wanted.stop = Some(Stop::Now),
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
        for command in [Command::Pause, Command::Checkpoint, Command::Evaluate, Command::Stop { checkpoint: true }] {
            remote.send(command);
        }
        let wanted = control.poll();
        assert_eq!(wanted, Wanted { pause: true, checkpoint: true, evaluate: true, stop: Some(Stop::AfterStep) });
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
}
