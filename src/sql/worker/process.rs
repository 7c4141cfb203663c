//! One worker process, from its parent's side.

use std::{
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, ExitStatus},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, ioctl_fionbio},
};

use super::{
    program::{Provisions, WorkerProgram, command},
    wire,
};

/// How long a new worker may take until it is ready: long on a quiet machine, enough on a busy one.
const START: Duration = Duration::from_secs(30);
/// Bytes read at a time.
const CHUNK: usize = 16 << 10;
/// Bytes of room for an answer that are kept for the next one.
const KEPT_ROOM: usize = 1 << 20;

/// Why there is no worker.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The system does not say which program this is.
    #[error("cannot find this program's file to start SQL workers: {0}")]
    NoProgram(io::Error),
    /// The system does not start it.
    #[error("cannot start {} as an SQL worker: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not ready in time, or ends before.
    #[error("{} does not work as an SQL worker: {why}", program.display())]
    Useless {
        /// The program.
        program: PathBuf,
        /// What it did.
        why: String,
    },
}

/// Why a worker gave no answer. It has ended by then.
#[derive(Debug)]
pub enum Broken {
    /// It had not answered by the deadline and was killed.
    Overrun,
    /// It ended by itself, or was killed by somebody else.
    Died(ExitStatus),
    /// It did not keep to the protocol, or the system failed; what happened, in words.
    Garbled(String),
}

/// A running worker. Dropping it kills it.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: ChildStdout,
    /// What it has said since it was asked.
    said: Vec<u8>,
    /// Bytes of that which were handed out as answers.
    heard: usize,
    /// The database that it worked on last, whose pages it has at hand.
    pub last_database: PathBuf,
}

impl Worker {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub fn start(program: &WorkerProgram, provisions: Provisions) -> Result<Self, WorkerError> {
        let path = || program.path().to_owned();
        let start = |source| WorkerError::Start { program: path(), source };
        let mut child = command(program, provisions).spawn().map_err(start)?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(start(io::Error::other("it has no pipes")));
        };
        let mut worker = Self { child, requests, answers, said: Vec::new(), heard: 0, last_database: PathBuf::new() };
        ioctl_fionbio(&worker.requests, true).map_err(|e| start(e.into()))?;
        ioctl_fionbio(&worker.answers, true).map_err(|e| start(e.into()))?;
        let useless = |why: String| WorkerError::Useless { program: path(), why };
        match worker.answer(Instant::now() + START, 0, true) {
            Ok(_) => Ok(worker),
            Err(Broken::Overrun) => Err(useless(format!("it was not ready within {} s", START.as_secs()))),
            Err(Broken::Died(status)) => Err(useless(format!("it ended at once, {status}"))),
            Err(Broken::Garbled(why)) => Err(useless(why)),
        }
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it is still there.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends frames, each of which will be answered in its turn. They should fit in a pipe, or be one.
    ///
    /// # Errors
    /// See [`Broken`]; the worker is of no more use.
    pub fn tell(&mut self, mut frames: &[u8], database: &Path, deadline: Instant, most: usize) -> Result<(), Broken> {
        if self.last_database != database {
            database.clone_into(&mut self.last_database);
        }
        self.said.clear();
        self.said.shrink_to(KEPT_ROOM);
        self.heard = 0;
        while !frames.is_empty() {
            match self.requests.write(frames) {
                Ok(count) => frames = &frames[count..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.make_room(deadline, most)?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.broken(&e)),
            }
        }
        Ok(())
    }

    /// Waits until the worker has read something, or listens to what it says first.
    fn make_room(&mut self, deadline: Instant, most: usize) -> Result<(), Broken> {
        let mut pipes = [PollFd::new(&self.requests, PollFlags::OUT), PollFd::new(&self.answers, PollFlags::IN)];
        let waited = wait(&mut pipes, deadline);
        let speaks = !pipes[1].revents().is_empty();
        if !waited.map_err(|e| self.broken(&e))? {
            return Err(self.overrun());
        }
        if speaks {
            self.hear_some()?;
        }
        if self.said.len() > most { Err(self.talkative(self.said.len(), most)) } else { Ok(()) }
    }

    /// The content of the next answer, which may have `most` bytes; nothing may come after the `last`.
    ///
    /// # Errors
    /// See [`Broken`]; the worker is of no more use.
    pub fn answer(&mut self, deadline: Instant, most: usize, last: bool) -> Result<&[u8], Broken> {
        let start = self.heard;
        let mut wanted = start + wire::HEADER;
        loop {
            if let Some(header) = self.said[start..].first_chunk() {
                let length = u32::from_le_bytes(*header) as usize;
                if length > most {
                    return Err(self.talkative(length, most));
                }
                wanted = start + wire::HEADER + length;
            }
            if self.said.len() >= wanted {
                break;
            }
            if !wait(&mut [PollFd::new(&self.answers, PollFlags::IN)], deadline).map_err(|e| self.broken(&e))? {
                return Err(self.overrun());
            }
            self.hear_some()?;
        }
        if last && self.said.len() > wanted {
            self.kill();
            return Err(Broken::Garbled("it said more than it was asked".into()));
        }
        self.heard = wanted;
        Ok(&self.said[start + wire::HEADER..wanted])
    }

    fn hear_some(&mut self) -> Result<(), Broken> {
        match self.hear() {
            Ok(0) => Err(self.died()),
            Err(e) if !matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Err(self.broken(&e))
            }
            _ => Ok(()),
        }
    }

    fn talkative(&mut self, length: usize, most: usize) -> Broken {
        self.kill();
        Broken::Garbled(format!("it answered with {length} bytes, where {most} are allowed"))
    }

    /// Reads what is there, up to a chunk of it, and returns how much that was.
    fn hear(&mut self) -> io::Result<usize> {
        let before = self.said.len();
        self.said.resize(before + CHUNK, 0);
        let count = self.answers.read(&mut self.said[before..]);
        self.said.truncate(before + *count.as_ref().unwrap_or(&0));
        count
    }

    fn overrun(&mut self) -> Broken {
        self.kill();
        Broken::Overrun
    }

    fn broken(&mut self, error: &io::Error) -> Broken {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return self.died();
        }
        self.kill();
        Broken::Garbled(error.to_string())
    }

    /// A closed pipe means that it is ending, if it has not ended.
    fn died(&mut self) -> Broken {
        let patience = Instant::now() + Duration::from_millis(100);
        while Instant::now() < patience {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Broken::Died(status);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        self.kill();
        Broken::Garbled("it closed its pipe".into())
    }

    fn kill(&mut self) {
        // Both fail only where it has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until one of these pipes can be used or has closed; `false` if that does not come about by the deadline.
fn wait(pipes: &mut [PollFd<'_>], deadline: Instant) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(pipes, Some(&timeout)) {
            // At the deadline one look is taken in any case: what has come counts, however late we look.
            Ok(count) if count > 0 => return Ok(true),
            Ok(_) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What ended a process, in words, and the signal if it was one.
pub fn cause_of_death(status: ExitStatus) -> (String, Option<i32>) {
    match status.signal() {
        Some(signal) => (format!("the worker process was ended by signal {signal}"), Some(signal)),
        None => (format!("the worker process ended, {status}"), None),
    }
}
