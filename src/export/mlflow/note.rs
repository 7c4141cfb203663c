//! What was sent to MLflow, noted in the run folder.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ExportError;
use crate::run::{
    atomic,
    event::{Event, Record},
};

/// Which MLflow run it is and how much of ours it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The server.
    pub tracking_uri: String,
    /// The experiment's name there.
    pub experiment_name: String,
    /// The experiment's number there.
    pub experiment_id: String,
    /// The run's identifier there.
    pub run_id: String,
    /// The newest record whose figures it has.
    pub seq: u64,
    /// The newest step that it has.
    pub step: u64,
    /// The step of the newest evaluation that it has: asked for once more, it brings the same.
    pub evaluated: Option<u64>,
    /// Whether it has the settings.
    #[serde(default = "yes")]
    pub params: bool,
    /// What is being sent: whether it arrived is found out when somebody goes on from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<UnderWay>,
}

/// A batch on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderWay {
    /// The newest record in it, the newest step, and that of the newest evaluation.
    pub reached: (u64, u64, Option<u64>),
    /// Its last metric's name, time and step, by which it is known.
    pub last: (String, i64, i64),
}

impl UnderWay {
    /// Whether a run whose newest metrics are these has the batch.
    pub fn is_in(&self, metrics: &Value) -> bool {
        let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
        let (key, timestamp, step) = &self.last;
        metrics.as_array().into_iter().flatten().any(|metric| {
            metric["key"] == key.as_str()
                && number(&metric["timestamp"]) == Some(*timestamp)
                && number(&metric["step"]) == Some(*step)
        })
    }
}

/// Notes of older versions were written when the settings had been sent.
fn yes() -> bool {
    true
}

impl Note {
    /// The note of a run; `None` if there is none that can be read.
    pub fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read(path).ok()?;
        serde_json::from_slice(&text)
            .inspect_err(|e| tracing::warn!("{}: {e}; the run is sent to MLflow anew", path.display()))
            .ok()
    }

    /// Writes it down.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ExportError> {
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other);
        let written = text.and_then(|text| atomic::write(path, &text));
        written.map_err(|source| ExportError::Write { path: path.to_owned(), source })
    }

    /// Notes what the run has.
    pub fn reach(&mut self, reached: (u64, u64, Option<u64>)) {
        (self.seq, self.step, self.evaluated) = reached;
        self.under_way = None;
    }

    /// Whether it is about this experiment.
    pub fn is_of(&self, uri: &str, experiment: &str) -> bool {
        self.tracking_uri == uri && self.experiment_name == experiment
    }

    /// Whether `records`, which follow what was sent, make some of that void.
    pub fn is_void(&self, records: &[Record]) -> bool {
        records.iter().any(
            |record| matches!(&record.event, Event::Run(run) if run.resumed_from.is_some_and(|from| from < self.step)),
        )
    }
}
