//! The settings of exports while a run trains, under transformers' and MLflow's names.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `report`: where figures go while a run trains, beside its store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportSettings {
    /// Who gets them.
    pub report_to: Vec<ReportTo>,
    /// The folder in which the run gets a folder for TensorBoard; `tensorboard/` in the run folder if absent.
    pub logging_dir: Option<PathBuf>,
    /// MLflow's server, as in `http://localhost:5000`.
    pub mlflow_tracking_uri: Option<String>,
    /// The experiment there; it is made if there is none.
    pub mlflow_experiment_name: String,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            report_to: Vec::new(),
            logging_dir: None,
            mlflow_tracking_uri: None,
            mlflow_experiment_name: "sqlr1-tui".into(),
        }
    }
}

/// Who gets figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportTo {
    /// TensorBoard's event files.
    Tensorboard,
    /// An MLflow server.
    Mlflow,
}

impl ReportSettings {
    /// What is wrong, if something is: MLflow needs an address without TLS.
    pub(super) fn finding(&self) -> Option<super::check::Finding> {
        let uri = self.mlflow_tracking_uri.as_deref();
        let wanted = self.report_to.contains(&ReportTo::Mlflow) || uri.is_some();
        let ok = uri.is_some_and(|uri| uri.strip_prefix("http://").is_some_and(|rest| !rest.is_empty()));
        let allowed = "http://HOST:PORT where report.report_to has mlflow (this program speaks no TLS)";
        (wanted && !ok).then(|| ("report.mlflow_tracking_uri", uri.unwrap_or("null").to_owned(), allowed))
    }
}
