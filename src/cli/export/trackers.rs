//! `sqlr1-tui export RUN tensorboard|mlflow`: for other programs' own formats, by the exporters that training uses too.

use super::{ExportArgs, Failure, What, read_run, say};
use crate::{
    export::{ExportError, Mlflow, Target as _, tensorboard},
    run::{folder::RunFolder, store::RunStore},
    settings::ReportSettings,
};

/// Exports, and prints where it is.
///
/// # Errors
/// A flag does not belong here, the run has no step yet, or what is written to does not take it.
pub fn export(args: &ExportArgs, folder: &RunFolder) -> Result<(), Failure> {
    if args.format.is_some() {
        return Err(Failure::Usage("tensorboard and mlflow have a format of their own: leave --format out".into()));
    }
    let place = if args.what == What::Mlflow { to_mlflow(args, folder) } else { to_tensorboard(args, folder) };
    say(&place?);
    Ok(())
}

fn to_tensorboard(args: &ExportArgs, folder: &RunFolder) -> Result<String, Failure> {
    let in_run = || folder.exports().join("tensorboard");
    let dir = args.out.as_ref().map_or_else(in_run, |out| out.join(folder.name()));
    Ok(tensorboard::write(&read_run(folder)?, &dir)?.display().to_string())
}

fn to_mlflow(args: &ExportArgs, folder: &RunFolder) -> Result<String, Failure> {
    // What was sent is noted in the run folder.
    folder.require_own()?;
    let uri = args.uri.as_deref().ok_or_else(|| {
        Failure::Usage(
            "no MLflow server: give --uri, as in --uri http://localhost:5000, or set MLFLOW_TRACKING_URI".into(),
        )
    })?;
    let experiment = args.experiment.clone().unwrap_or_else(|| ReportSettings::default().mlflow_experiment_name);
    let store = RunStore::open_read_only(&folder.store()).map_err(ExportError::from)?;
    let mut mlflow = Mlflow::new(uri, &experiment, folder)?;
    mlflow.catch_up(&store)?;
    mlflow.page().ok_or_else(|| ExportError::Empty.into())
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Address { .. } => Self::Usage(error.to_string()),
            ExportError::Empty => Self::Run(error.to_string()),
            _ => Self::Environment(error.to_string()),
        }
    }
}
