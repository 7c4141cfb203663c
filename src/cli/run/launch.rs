//! The cockpit's side of the start: a trainer in a process of its own, and the cockpit attached to it.

use std::{
    io::BufReader,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use super::{
    herald::{Word, hear},
    screen::{self, Unshown, parting},
    stages,
};
use crate::{
    cli::{Failure, command_line},
    cockpit::Left,
    run::folder::{RunFolder, of_all_stages},
    settings::Settings,
    sql::WorkerProgram,
};

/// The hidden flag that makes a command a trainer without a terminal.
const DETACHED: &str = "--detached";

/// A trainer that this process has started.
struct Trainer {
    child: Child,
    words: BufReader<ChildStdout>,
}

/// Starts a trainer with this process's own command line, shows it with a past run beside it if one is named, and says in the end what became of it.
///
/// # Errors
/// The trainer does not start, or fails while somebody watches; its own exit code is kept.
pub fn launch(settings: &Settings, ghost: Option<&Path>) -> Result<(), Failure> {
    let look = screen::beside(screen::look(settings)?, ghost)?;
    let mut trainer = Trainer::start()?;
    let (mut word, mut is_first) = (trainer.hear()?, true);
    loop {
        let folder = match word {
            Some(Word::Ready { run }) => RunFolder::open(&run)?,
            Some(Word::Over { code, text }) => return over(code, text),
            None => return Err(trainer.gone()),
        };
        // A later stage may have ended while the one before was still looked at.
        let is_over = !std::mem::replace(&mut is_first, false) && !folder.is_locked()?;
        let shown = if is_over {
            screen::stored(&folder, false, look.clone())
        } else {
            screen::attached(&folder, look.clone())
        };
        let outcome = shown.map_err(|unshown| unseen(unshown, &folder))?;
        let Some(ended) = &outcome.ended else { return parting(&outcome, folder.root()) };
        let done = ended.reason.is_done();
        if let (Left::Signal(signal), true) = (outcome.left, done && stages::follower(&folder).is_some()) {
            // The next stage trains, or will; who sent the signal wants to see nothing more of it.
            let whole = of_all_stages(folder.root()).unwrap_or(folder.root()).display();
            crate::cli::say(&format!("training goes on in {whole}\nto come back: sqlr1-tui attach {whole}"));
            return Err(Failure::Signal(screen::number(signal)));
        }
        word = trainer.hear()?;
        match word {
            // The next stage is at work by now.
            Some(Word::Ready { .. }) if done => {}
            Some(Word::Over { code: 0, text }) => {
                parting(&outcome, folder.root())?;
                return over(0, text);
            }
            Some(Word::Over { code, text }) => return over(code, text),
            _ => return Err(trainer.gone()),
        }
    }
}

impl Trainer {
    fn start() -> Result<Self, Failure> {
        let program = WorkerProgram::this()?;
        let mut command = Command::new(program.path());
        std::os::unix::process::CommandExt::arg0(&mut command, "sqlr1-tui");
        command.args(command_line().into_iter().skip(1)).arg(DETACHED);
        // Until it has the run's log, what it has to say goes where this process's words go.
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let cannot = |e: &dyn std::fmt::Display| Failure::Environment(format!("cannot start the trainer: {e}"));
        let mut child = command.spawn().map_err(|e| cannot(&e))?;
        let pipe = child.stdout.take().ok_or_else(|| cannot(&"it has no pipe"))?;
        Ok(Self { child, words: BufReader::new(pipe) })
    }

    fn hear(&mut self) -> Result<Option<Word>, Failure> {
        hear(&mut self.words).map_err(|e| Failure::Run(format!("the trainer does not say how it is: {e}")))
    }

    /// Why there is no word: it has said why on stderr, or was killed.
    fn gone(&mut self) -> Failure {
        match self.child.wait().map(|status| (status.code(), status)) {
            Ok((Some(code), _)) => Failure::Told(u8::try_from(code).unwrap_or(1)),
            Ok((None, status)) => Failure::Run(format!("the trainer was killed ({status})")),
            Err(error) => Failure::Run(format!("the trainer is gone: {error}")),
        }
    }
}

/// What the trainer leaves to be said, as if this process had trained.
fn over(code: u8, text: Option<String>) -> Result<(), Failure> {
    match (code, text) {
        (0, Some(text)) => crate::cli::say(&text),
        (0, None) => {}
        (code, text) => return Err(Failure::Trainer { code, text: text.unwrap_or_default() }),
    }
    Ok(())
}

/// The trainer is at work although it cannot be shown.
fn unseen(unshown: Unshown, folder: &RunFolder) -> Failure {
    let root = folder.root().display();
    let goes_on = format!("training goes on in {root}; to see it: sqlr1-tui attach {root}");
    match Failure::from(unshown) {
        Failure::Run(text) => Failure::Run(format!("{text}\n{goes_on}")),
        Failure::Environment(text) => Failure::Environment(format!("{text}\n{goes_on}")),
        other => other,
    }
}
