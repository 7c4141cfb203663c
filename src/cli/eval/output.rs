//! The files that an evaluation writes.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

use super::args::EvalArgs;
use crate::{
    evaluate::{Answer, EvalError},
    harmless::Harmless,
    run::atomic,
};

/// The file of answers, written as they come, and the report, written at the end.
pub(super) struct Output {
    answers: Option<(PathBuf, Harmless<BufWriter<File>>)>,
    report: Option<PathBuf>,
}

impl Output {
    /// Makes both files at once, so that one that cannot be written is told before hours of work and not after.
    pub(super) fn open(args: &EvalArgs) -> Result<Self, EvalError> {
        let create =
            |path: &PathBuf| File::create(path).map_err(|source| EvalError::Write { path: path.clone(), source });
        let answers = args
            .out
            .as_ref()
            .map(|path| Ok::<_, EvalError>((path.clone(), Harmless::json(BufWriter::new(create(path)?)))));
        if let Some(path) = &args.report {
            create(path)?;
        }
        Ok(Self { answers: answers.transpose()?, report: args.report.clone() })
    }

    /// Writes answers as JSON, one a line, all the way to the file.
    pub(super) fn add(&mut self, answers: &[Answer]) -> Result<(), EvalError> {
        let Some((path, file)) = &mut self.answers else { return Ok(()) };
        let mut write = || {
            for answer in answers {
                serde_json::to_writer(&mut *file, answer)?;
                file.write_all(b"\n")?;
            }
            file.flush()
        };
        write().map_err(|source| EvalError::Write { path: path.clone(), source })
    }

    /// Writes the report.
    pub(super) fn finish(self, markdown: &str) -> Result<(), EvalError> {
        match self.report {
            Some(path) => atomic::write(&path, markdown.as_bytes()).map_err(|source| EvalError::Write { path, source }),
            None => Ok(()),
        }
    }
}
