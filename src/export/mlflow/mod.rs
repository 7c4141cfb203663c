//! A run in MLflow: an MLflow run with settings as parameters, figures as metrics with step and time, and its final status.
//!
//! What was sent is noted in `mlflow.json` in the run folder, so that a resumed trainer, or an export afterwards, goes on with the same
//! MLflow run. Where a resumption made sent steps void, MLflow's run is put into its bin and a new one takes its place: histories there
//! cannot be taken back in part. Who sends holds a lock in the run folder, so that an export beside a live exporter sends nothing twice.

mod client;
mod note;
#[cfg(test)]
mod tests;
mod words;

use std::{fs::File, path::PathBuf};

use serde_json::{Value, json};

use client::Client;
use note::{Note, UnderWay};

use super::{ExportError, Target, scalars};
use crate::run::{
    event::{Event, Record, RunStarted},
    folder::RunFolder,
    standing::standing,
    store::RunStore,
};

/// Metrics that MLflow takes in one request.
const METRICS: usize = 1000;
/// Parameters that it takes in one request.
const PARAMS: usize = 100;

/// A run as MLflow has it.
#[derive(Debug)]
pub struct Mlflow {
    client: Client,
    experiment: String,
    note_path: PathBuf,
    run_dir: PathBuf,
    /// What was sent, once it is known that the server knows of it.
    note: Option<Note>,
}

impl Mlflow {
    /// Sends the run of `folder` to the server at `uri`, into an experiment of this name.
    ///
    /// # Errors
    /// The address can be none.
    pub fn new(uri: &str, experiment: &str, folder: &RunFolder) -> Result<Self, ExportError> {
        Ok(Self {
            client: Client::new(uri)?,
            experiment: experiment.to_owned(),
            note_path: folder.root().join("mlflow.json"),
            run_dir: folder.root().to_owned(),
            note: None,
        })
    }

    /// Where MLflow shows the run, once something was sent.
    pub fn page(&self) -> Option<String> {
        let note = self.note.as_ref()?;
        Some(format!("{}/#/experiments/{}/runs/{}", self.client.uri(), note.experiment_id, note.run_id))
    }

    /// Keeps other processes from sending the same for as long as it lives.
    fn turn(&self) -> Result<File, ExportError> {
        let path = self.run_dir.join("mlflow.lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let locked = file.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|source| ExportError::Write { path, source })
    }

    /// Takes note of what was sent before, by whomever, if the server still has it; and of whether the last batch, whose sending was cut
    /// short, arrived.
    fn recall(&mut self) -> Result<(), ExportError> {
        let noted = Note::read(&self.note_path).filter(|note| note.is_of(self.client.uri(), &self.experiment));
        if self.note.is_some() && self.note == noted && noted.as_ref().is_none_or(|note| note.under_way.is_none()) {
            return Ok(());
        }
        self.note = None;
        let Some(mut note) = noted else { return Ok(()) };
        match self.client.get("runs/get", "run_id", &note.run_id) {
            Ok(answer) if answer["run"]["info"]["lifecycle_stage"] == "deleted" => {}
            Ok(answer) => {
                if let Some(batch) = note.under_way.take() {
                    if batch.is_in(&answer["run"]["data"]["metrics"]) {
                        note.reach(batch.reached);
                    }
                    note.write(&self.note_path)?;
                }
                self.note = Some(note);
            }
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Makes a run in MLflow for what the first of `records` begins, and notes at once that it is there: whatever fails from here on, no
    /// second one is made.
    fn begin(&self, records: &[Record]) -> Result<Option<Note>, ExportError> {
        let begun = records.iter().find(|record| matches!(record.event, Event::Run(_)));
        let (Some(begun), Some(started)) = (begun, started(records)) else { return Ok(None) };
        let experiment_id = self.experiment_id()?;
        let answer = self.client.post(
            "runs/create",
            &json!({
                "experiment_id": experiment_id, "run_name": started.name, "start_time": words::millis(begun.time),
                "tags": words::tags(started, &self.run_dir),
            }),
        )?;
        let run_id = client::text(&answer["run"]["info"]["run_id"], "runs/create", self.client.uri())?;
        let note = Note {
            tracking_uri: self.client.uri().to_owned(),
            experiment_name: self.experiment.clone(),
            experiment_id,
            run_id,
            seq: 0,
            step: 0,
            evaluated: None,
            params: false,
            under_way: None,
        };
        note.write(&self.note_path)?;
        Ok(Some(note))
    }

    fn experiment_id(&self) -> Result<String, ExportError> {
        let found = self.client.get("experiments/get-by-name", "experiment_name", &self.experiment);
        let answer = match found {
            Err(error) if error.is_missing() => {
                let made = self.client.post("experiments/create", &json!({ "name": self.experiment }))?;
                return client::text(&made["experiment_id"], "experiments/create", self.client.uri());
            }
            answer => answer?,
        };
        client::text(&answer["experiment"]["experiment_id"], "experiments/get-by-name", self.client.uri())
    }

    /// Sends the settings, once. Those that count in the end are those of the newest start.
    fn send_params(&self, note: &mut Note, records: &[Record]) -> Result<(), ExportError> {
        let Some(started) = started(records).filter(|_| !note.params) else { return Ok(()) };
        for some in words::params(started).chunks(PARAMS) {
            self.client.post("runs/log-batch", &json!({ "run_id": note.run_id, "params": some }))?;
        }
        note.params = true;
        note.write(&self.note_path)
    }

    /// Sends what `records` measured, in the largest batches that MLflow takes, and notes after each how far it is.
    fn send(&self, note: &mut Note, records: &[Record]) -> Result<(), ExportError> {
        let (mut batch, mut step) = (Vec::new(), note.step);
        let (mut sent, mut evaluated) = (note.seq, note.evaluated);
        for record in standing(records) {
            let found = scalars::of(&record.event);
            let examined = if matches!(record.event, Event::Eval(_)) { record.event.step() } else { None };
            if examined.is_some() && examined == evaluated {
                continue;
            }
            let values = found.as_ref().map_or(&[][..], |found| &found.values);
            if batch.len() + values.len() > METRICS {
                self.send_batch(note, &mut batch, (sent, step, evaluated))?;
            }
            if let Some(found) = &found {
                step = step.max(found.step);
                batch.extend(words::metrics(record.time, found));
            }
            evaluated = examined.or(evaluated);
            sent = sent.max(record.seq);
        }
        let last = records.last().map_or(sent, |record| record.seq);
        self.send_batch(note, &mut batch, (last, step, evaluated))
    }

    fn send_batch(
        &self,
        note: &mut Note,
        batch: &mut Vec<Value>,
        reached: (u64, u64, Option<u64>),
    ) -> Result<(), ExportError> {
        if let Some(last) = batch.last() {
            let number = |key: &str| last[key].as_i64().unwrap_or_default();
            let last = (last["key"].as_str().unwrap_or_default().to_owned(), number("timestamp"), number("step"));
            note.under_way = Some(UnderWay { reached, last });
            note.write(&self.note_path)?;
        }
        for some in std::mem::take(batch).chunks(METRICS) {
            self.client.post("runs/log-batch", &json!({ "run_id": note.run_id, "metrics": some }))?;
        }
        note.reach(reached);
        note.write(&self.note_path)
    }

    /// Tells how the run is, where the newest of `records` says so.
    fn send_status(&self, note: &Note, records: &[Record]) -> Result<(), ExportError> {
        let telling = records.iter().rev().find(|record| matches!(record.event, Event::Run(_) | Event::End(_)));
        let Some(record) = telling else { return Ok(()) };
        let (status, ended) = words::status(&record.event);
        let mut body = json!({ "run_id": note.run_id, "status": status });
        if ended {
            body["end_time"] = words::millis(record.time).into();
        }
        self.client.post("runs/update", &body).map(|_| ())
    }
}

/// The newest start among some records.
fn started(records: &[Record]) -> Option<&RunStarted> {
    records.iter().rev().find_map(|record| match &record.event {
        Event::Run(started) => Some(&**started),
        _ => None,
    })
}

impl Target for Mlflow {
    fn name(&self) -> &'static str {
        "MLflow"
    }

    fn catch_up(&mut self, store: &RunStore) -> Result<(), ExportError> {
        let _turn = self.turn()?;
        self.recall()?;
        let sent = self.note.as_ref().map_or(0, |note| note.seq);
        let mut records = store.read(sent, usize::MAX)?.records;
        if records.is_empty() {
            return Ok(());
        }
        if let Some(note) = self.note.as_ref().filter(|note| note.is_void(&records)) {
            self.client.post("runs/delete", &json!({ "run_id": note.run_id }))?;
            self.note = None;
            records = store.read(0, usize::MAX)?.records;
        }
        let Some(mut note) = self.note.take().map_or_else(|| self.begin(&records), |note| Ok(Some(note)))? else {
            return Ok(());
        };
        // The status first: once the last batch is noted as sent, these records are not looked at again.
        let sent = self
            .send_params(&mut note, &records)
            .and_then(|()| self.send_status(&note, &records))
            .and_then(|()| self.send(&mut note, &records));
        self.note = Some(note);
        sent
    }
}
