//! What a detached trainer tells the cockpit that started it, through the pipe that its stdout is to begin with: that it can be
//! attached to, which the stages of a configuration do one after another, and in the end how it ended.

use std::{
    fs::File,
    io::{self, BufRead, Write},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{cli::Failure, run::folder::RunFolder};

/// One line of the pipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The trainer has the run folder and listens.
    Ready {
        /// The run folder.
        run: PathBuf,
    },
    /// It has done all that it was told to, or failed.
    Over {
        /// Its exit code.
        code: u8,
        /// What remains to be said: why it failed, or what came of it.
        text: Option<String>,
    },
}

/// A trainer's end of the pipe, if a cockpit started it.
#[derive(Debug, Default)]
pub struct Herald {
    pipe: Option<File>,
    /// Whether a run was announced before: the later stages of a configuration go on with nobody there.
    is_under_way: bool,
}

impl Herald {
    /// Makes the process a trainer of its own: out of the terminal's session, so that neither ctrl-C nor its closing reach it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn detach() -> io::Result<Self> {
        let pipe = io::stdout().as_fd().try_clone_to_owned()?;
        rustix::process::setsid()?;
        Ok(Self { pipe: Some(pipe.into()), is_under_way: false })
    }

    /// Whether a cockpit started the trainer, and no terminal is there to speak to.
    pub fn is_detached(&self) -> bool {
        self.pipe.is_some()
    }

    /// Tells that the trainer of a run can be attached to. From here on, whatever it says goes to the run's log.
    ///
    /// # Errors
    /// The log cannot be opened, or who started the trainer is gone before its first run: nobody wants it then.
    pub fn ready(&mut self, folder: &RunFolder) -> Result<(), Failure> {
        if self.pipe.is_none() {
            return Ok(());
        }
        speak_to(&folder.log()).map_err(|e| Failure::Environment(format!("{}: {e}", folder.log().display())))?;
        let told = self.tell(&Word::Ready { run: folder.root().to_owned() });
        if std::mem::replace(&mut self.is_under_way, true) {
            return Ok(());
        }
        told.map_err(|_| Failure::Run("who started this trainer is gone before it began".into()))
    }

    /// Tells how the trainer ends. Nobody may be listening any more.
    pub fn over(&mut self, ended: &Result<Option<String>, Failure>) {
        let word = match ended {
            Ok(text) => Word::Over { code: 0, text: text.clone() },
            Err(failure) => Word::Over { code: failure.number(), text: Some(failure.to_string()) },
        };
        let _ = self.tell(&word);
    }

    fn tell(&mut self, word: &Word) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        let mut line = serde_json::to_string(word)?;
        line.push('\n');
        pipe.write_all(line.as_bytes())
    }
}

/// Makes stdout and stderr the end of a file.
fn speak_to(log: &Path) -> io::Result<()> {
    let file = File::options().create(true).append(true).open(log)?;
    rustix::stdio::dup2_stdout(&file)?;
    Ok(rustix::stdio::dup2_stderr(&file)?)
}

/// The next word out of the pipe; `None` if the trainer has ended without one.
///
/// # Errors
/// What comes is no word.
pub fn hear(pipe: &mut impl BufRead) -> io::Result<Option<Word>> {
    let mut line = String::new();
    if pipe.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_and_a_broken_pipe_is_no_word() {
        let (reader, writer) = io::pipe().unwrap();
        let mut herald = Herald { pipe: Some(std::os::fd::OwnedFd::from(writer).into()), is_under_way: false };
        herald.over(&Err(Failure::Usage("two\nlines".into())));
        herald.tell(&Word::Ready { run: "/a b".into() }).unwrap();
        drop(herald);
        let mut reader = io::BufReader::new(reader);
        let over = Word::Over { code: 2, text: Some("two\nlines".into()) };
        assert_eq!(hear(&mut reader).unwrap(), Some(over));
        assert_eq!(hear(&mut reader).unwrap(), Some(Word::Ready { run: "/a b".into() }));
        assert_eq!(hear(&mut reader).unwrap(), None);
        assert!(hear(&mut io::Cursor::new("error: what?\n")).is_err());
    }
}
