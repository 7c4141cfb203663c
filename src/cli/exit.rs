//! How the program ends.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | the run failed |
//! | 2 | usage or configuration |
//! | 3 | environment: device, model or data missing or damaged |
//! | 128 + n | ended by signal n (130 SIGINT, 143 SIGTERM, 129 SIGHUP) |

use std::process::ExitCode;

use super::score::ScoreError;
use crate::{
    bench::BenchError,
    data::{DataError, generate::GenerateError},
    evaluate::EvalError,
    rl::TrainError,
    run::folder::FolderError,
    settings::SettingsError,
    sql::WorkerError,
};

/// Why a command did not do what it should, with its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The run failed.
    #[error("{0}")]
    Run(String),
    /// Usage or configuration.
    #[error("{0}")]
    Usage(String),
    /// Something outside the program is missing or damaged.
    #[error("{0}")]
    Environment(String),
    /// A signal ended it.
    #[error("ended by signal {0}")]
    Signal(i32),
    /// The trainer that this process started failed.
    #[error("{text}")]
    Trainer {
        /// Its exit code.
        code: u8,
        /// Why, in its words.
        text: String,
    },
    /// It was said already; only the exit code is left.
    #[error("exit code {0}")]
    Told(u8),
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.number())
    }

    /// The exit code as a number.
    pub fn number(&self) -> u8 {
        match self {
            Self::Run(_) => 1,
            Self::Usage(_) => 2,
            Self::Environment(_) => 3,
            Self::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
            Self::Trainer { code, .. } | Self::Told(code) => *code,
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Io { .. } => Self::Environment(error.to_string()),
            _ => Self::Usage(error.to_string()),
        }
    }
}

impl From<ScoreError> for Failure {
    fn from(error: ScoreError) -> Self {
        match error {
            ScoreError::Write(_) => Self::Run(error.to_string()),
            _ => Self::Environment(error.to_string()),
        }
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        match &error {
            TrainError::Unusable(_) | TrainError::Data(DataError::Template { .. } | DataError::NoRoot) => {
                Self::Usage(error.to_string())
            }
            _ if error.is_environment() => Self::Environment(error.to_string()),
            _ => Self::Run(error.to_string()),
        }
    }
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Engine(error) => error.into(),
            BenchError::Prompts { .. } => Self::Environment(error.to_string()),
            BenchError::Usage(_) => Self::Usage(error.to_string()),
        }
    }
}

impl From<WorkerError> for Failure {
    fn from(error: WorkerError) -> Self {
        Self::Environment(error.to_string())
    }
}

impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Self {
        match error {
            EvalError::Engine(error) => error.into(),
            EvalError::Usage(_) | EvalError::NothingCommon { .. } => Self::Usage(error.to_string()),
            EvalError::Tables(_) | EvalError::Read { .. } | EvalError::Malformed { .. } | EvalError::Write { .. } => {
                Self::Environment(error.to_string())
            }
        }
    }
}

impl From<GenerateError> for Failure {
    fn from(error: GenerateError) -> Self {
        use GenerateError::{Exhausted, NoQuestions, NotEmpty, Slot, Sqlite, Write};
        match error {
            NotEmpty { .. } | Exhausted { .. } | NoQuestions { .. } => Self::Usage(error.to_string()),
            Write { .. } => Self::Environment(error.to_string()),
            Sqlite { .. } | Slot { .. } => Self::Run(error.to_string()),
        }
    }
}
