//! What a trainer says: typed events, the one source of everything on screen, in the store and on headless stdout.
//!
//! Every event is one JSON object with a `type`. [`SCHEMA_VERSION`] grows when a reader of an older version could
//! misunderstand a newer file; fields are only ever added within a version.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

mod alarm;
mod answer;
mod change;

pub use alarm::{Alarm, Cost, CostOf, Remedy, SetTo, Severity};
pub use answer::{Answer, Reply};
pub use change::{ChangedBy, Refusal, SettingChanged};

use super::metrics::Metrics;

/// Version of the event schema, written in the first event of every run.
pub const SCHEMA_VERSION: u32 = 1;

/// An event with its place in the run's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the run, from 1, without gaps among stored events. 0 marks an event that is shown but not stored.
    pub seq: u64,
    /// Unix time in seconds.
    pub time: f64,
    /// The event itself.
    pub event: Event,
}

/// Everything a trainer reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A trainer took up the run: the first event of a run, and of each resumption.
    Run(Box<RunStarted>),
    /// Progress within a phase. Not stored.
    Progress(Progress),
    /// One optimizer step is done.
    Step(StepDone),
    /// The candidates of one question of a step.
    Group(Box<GroupScored>),
    /// Each layer's gradient in a step.
    Gradients(GradientFlow),
    /// The tables of a database, before the first of its questions that this trainer reports.
    Schema(DatabaseSchema),
    /// A held-out evaluation is done.
    Eval(EvalDone),
    /// A checkpoint is on disk.
    Checkpoint(CheckpointSaved),
    /// The run changed its state.
    State(StateChanged),
    /// A line for the log pane.
    Log(LogLine),
    /// Something is wrong with the run, or no longer is.
    Alarm(Box<Alarm>),
    /// A setting was changed while the run trains.
    Changed(SettingChanged),
    /// A command is not obeyed.
    Refused(Refusal),
    /// A person's question is answered.
    Answer(Box<Answer>),
    /// The trainer is done with the run, for now or for good.
    End(RunEnded),
    /// Something that only a newer program knows: counted, and passed over. Never stored.
    #[serde(other)]
    Other,
}

impl Event {
    /// Whether the store keeps this event. Progress is too frequent and says nothing once it is over.
    pub fn is_stored(&self) -> bool {
        !matches!(self, Event::Progress(_) | Event::Other)
    }

    /// The value of `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Run(_) => "run",
            Event::Progress(_) => "progress",
            Event::Step(_) => "step",
            Event::Group(_) => "group",
            Event::Gradients(_) => "gradients",
            Event::Schema(_) => "schema",
            Event::Eval(_) => "eval",
            Event::Checkpoint(_) => "checkpoint",
            Event::State(_) => "state",
            Event::Log(_) => "log",
            Event::Alarm(_) => "alarm",
            Event::Changed(_) => "changed",
            Event::Refused(_) => "refused",
            Event::Answer(_) => "answer",
            Event::End(_) => "end",
            Event::Other => "other",
        }
    }

    /// The step that the event belongs to, where it has one.
    pub fn step(&self) -> Option<u64> {
        match self {
            Event::Step(e) => Some(e.step),
            Event::Group(e) => Some(e.step),
            Event::Gradients(e) => Some(e.step),
            Event::Eval(e) => Some(e.step),
            Event::Checkpoint(e) => Some(e.step),
            Event::Progress(e) => Some(e.step),
            Event::End(e) => Some(e.step),
            Event::Run(e) => e.resumed_from,
            Event::Alarm(e) => Some(e.step),
            Event::Changed(e) => Some(e.takes_effect),
            Event::Answer(e) => Some(e.step),
            Event::Schema(_) | Event::State(_) | Event::Log(_) | Event::Refused(_) | Event::Other => None,
        }
    }
}

/// First event: what runs, with which settings, on what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of the program.
    pub program_version: String,
    /// How it trains.
    #[serde(default)]
    pub method: Method,
    /// The run's name.
    pub name: String,
    /// The run folder.
    pub run_dir: PathBuf,
    /// All settings as resolved.
    pub settings: serde_json::Value,
    /// The seed that all randomness derives from.
    pub seed: u64,
    /// What the tensors live on, for people: `cpu (2 threads)`, `cuda:0 NVIDIA H100`.
    pub device: String,
    /// The model.
    pub model: ModelSummary,
    /// The data.
    pub data: DataSummary,
    /// Steps at which the run ends.
    pub max_steps: u64,
    /// Which memory `memory_bytes` measures.
    pub memory_source: MemorySource,
    /// The step of the checkpoint that this trainer continued from. Events of later steps that precede this one are void.
    pub resumed_from: Option<u64>,
    /// Settings that were changed while it trained, and are in `settings` as they are by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<SettingChanged>,
}

impl RunStarted {
    /// The command that goes on with the run.
    pub fn command(&self) -> &'static str {
        match self.method {
            Method::Grpo => "train",
            Method::Sft if self.settings["model"]["path"].is_null() => "sft --from-scratch",
            Method::Sft => "sft",
        }
    }
}

impl RunStarted {
    /// Which stage of how many it is, where a configuration has several.
    pub fn stage(&self) -> Option<(usize, usize)> {
        let (stage, of) = self.settings["run"]["stage"].as_str()?.split_once('/')?;
        Some((stage.parse().ok()?, of.parse().ok()?))
    }

    /// The command that takes the run up again, and the folder it is told: those for all stages, where it is one of several.
    pub fn taken_up_by(&self) -> (&'static str, &Path) {
        let whole = self.stage().and_then(|_| self.run_dir.parent());
        whole.map_or((self.command(), &*self.run_dir), |whole| ("train", whole))
    }
}

/// How a run trains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Reinforcement learning on its own answers.
    #[default]
    Grpo,
    /// Supervised fine-tuning on gold queries.
    Sft,
}

/// The model in figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Name as the file gives it, or the file's stem.
    pub name: String,
    /// Path of the file.
    pub path: String,
    /// Architecture (`llama`, ...).
    pub architecture: String,
    /// Parameters of the base.
    pub parameters: u64,
    /// Parameters of the adapter, all of them trained.
    pub trainable_parameters: u64,
    /// Bytes of the base as held in memory.
    pub weight_bytes: u64,
    /// Weight formats with their tensor counts, as in `Q4_1 ×210, F32 ×61`.
    pub formats: String,
}

/// The data in figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// The data folder.
    pub root: String,
    /// Training questions in use.
    pub train: usize,
    /// Held-out questions in use.
    pub dev: usize,
    /// The databases, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<String>,
}

/// What `memory_bytes` measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemorySource {
    /// The GPU's memory in use, read by NVML.
    Gpu,
    /// The process's resident set.
    Process,
}

/// What the trainer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading model and data.
    Loading,
    /// Generating completions.
    Rollout,
    /// Executing SQL, computing rewards.
    Scoring,
    /// Log-probabilities under the reference policy, gradient, optimizer.
    Update,
    /// Held-out evaluation.
    Evaluation,
    /// Writing a checkpoint.
    Checkpoint,
}

/// How far a phase is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The step being computed, from 1.
    pub step: u64,
    /// The phase.
    pub phase: Phase,
    /// Units done.
    pub done: u64,
    /// Units in all; 0 when not known.
    pub total: u64,
}

/// How gradients flow through an adapter in a step, before clipping: L2 norms of its matrices A and B and of their gradients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientFlow {
    /// The step.
    pub step: u64,
    /// The adapted projections, under PEFT's names.
    pub modules: Vec<String>,
    /// By layer, in the order of `modules`.
    pub layers: Vec<Vec<AdapterNorms>>,
}

/// Norms of one projection's adapter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdapterNorms {
    /// Of the gradient with respect to A, and of that with respect to B.
    pub grad: [f32; 2],
    /// Of A and of B.
    pub weight: [f32; 2],
}

impl GradientFlow {
    /// From norms by layer, then module, A before B.
    pub fn new(step: u64, modules: Vec<String>, gradients: &[f64], weights: &[f64]) -> Self {
        let both = |norms: &[f64]| -> Vec<[f32; 2]> {
            norms.chunks_exact(2).map(|pair| [pair[0] as f32, pair[1] as f32]).collect()
        };
        let pairs = both(gradients).into_iter().zip(both(weights));
        let norms: Vec<AdapterNorms> = pairs.map(|(grad, weight)| AdapterNorms { grad, weight }).collect();
        let layers = norms.chunks(modules.len().max(1)).map(<[AdapterNorms]>::to_vec).collect();
        Self { step, modules, layers }
    }
}

/// A database, for people who look at questions on it: so that a run that was moved away from its data still has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseSchema {
    /// The database.
    pub db_id: String,
    /// Its tables, a line each, in the form of `CREATE TABLE` statements.
    pub text: String,
}

/// A finished step with its metrics, flat in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepDone {
    /// The step, from 1.
    pub step: u64,
    /// Values by the names of [`super::metrics`].
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// A question of a step with its scored candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupScored {
    /// The step, from 1.
    pub step: u64,
    /// Index of the group within the step.
    pub group: usize,
    /// Index of the question in the training file.
    pub question_id: usize,
    /// The database.
    pub db_id: String,
    /// The question.
    pub question: String,
    /// The gold query.
    pub gold_sql: String,
    /// What the gold query returns.
    pub gold: ResultPreview,
    /// The K candidates.
    pub candidates: Vec<Candidate>,
}

/// One completion with its judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The reply as the model wrote it, the last one where there were several.
    pub text: String,
    /// The SQL taken out of it; empty if there is none.
    pub sql: String,
    /// Weighted total reward.
    pub reward: f64,
    /// Unweighted reward components by name.
    pub components: BTreeMap<String, f64>,
    /// Group-relative advantage.
    pub advantage: f64,
    /// Whether its result equals gold's.
    pub correct: bool,
    /// What came of executing it.
    pub result: ResultPreview,
    /// Tokens that the model wrote, in all its replies.
    pub tokens: usize,
    /// Whether it ended by itself rather than at `max_completion_length`.
    pub finished: bool,
    /// How probable each token of the text was when it was sampled, as [`trace`](super::trace) writes it; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace: String,
    /// The replies before, each with the feedback that it got.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<EarlierTurn>,
}

/// A reply that got feedback instead of a reward.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlierTurn {
    /// The reply as the model wrote it.
    pub text: String,
    /// The SQL taken out of it; empty if there is none.
    pub sql: String,
    /// Whether its result equals gold's.
    pub correct: bool,
    /// What came of executing it.
    pub result: ResultPreview,
    /// What the model was told.
    pub feedback: String,
}

/// The outcome of a query, cut to what a screen can show.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultPreview {
    /// The outcome's kind, as `sql::Outcome::kind` names it (`rows`, `syntax_error`, `timeout`, ...).
    pub outcome: String,
    /// The error's text, where there is one.
    pub message: Option<String>,
    /// Column names.
    pub columns: Vec<String>,
    /// The first rows, each cell as text and cut to a bounded length.
    pub rows: Vec<Vec<String>>,
    /// How many rows there are in all.
    pub total_rows: usize,
    /// Execution time in milliseconds.
    pub millis: f64,
}

/// A held-out evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalDone {
    /// Steps trained so far.
    pub step: u64,
    /// Questions asked.
    pub n: usize,
    /// Questions answered rightly.
    pub correct: usize,
    /// `correct / n`.
    pub execution_accuracy: f64,
    /// Wilson 95 % interval of the accuracy.
    pub wilson: [f64; 2],
    /// Mean total reward.
    pub reward: f64,
    /// Seconds taken.
    pub time: f64,
    /// Whether this is the best held-out accuracy of the run so far.
    pub best: bool,
}

/// A checkpoint that is safely on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointSaved {
    /// Steps trained so far.
    pub step: u64,
    /// Its folder.
    pub path: PathBuf,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Why it was written.
    pub reason: CheckpointReason,
    /// What the person who asked for it says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why a checkpoint was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointReason {
    /// Every `run.checkpoint_every` steps.
    Periodic,
    /// The best held-out accuracy so far.
    Best,
    /// Asked for.
    Manual,
    /// The run ends or stops.
    Final,
}

/// The run's state, as acknowledged by the trainer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Reading model and data.
    Loading,
    /// Training.
    Running,
    /// Will pause at the end of the step.
    Pausing,
    /// Waiting.
    Paused,
    /// Will stop.
    Stopping,
    /// Over.
    Ended,
}

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChanged {
    /// The new state.
    pub state: RunState,
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Detail.
    Debug,
    /// Normal.
    Info,
    /// Something to know about.
    Warn,
    /// Something failed.
    Error,
}

/// A log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Severity.
    pub level: LogLevel,
    /// Text.
    pub message: String,
}

/// How a trainer's work on the run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEnded {
    /// Steps trained.
    pub step: u64,
    /// Why.
    pub reason: EndReason,
    /// Text of the error, for `failed`.
    pub message: Option<String>,
    /// The newest checkpoint.
    pub checkpoint: Option<PathBuf>,
    /// The best held-out evaluation, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestSoFar>,
}

/// The best held-out evaluation of a run, the first of equals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// Steps trained by then.
    pub step: u64,
    /// Its accuracy.
    pub execution_accuracy: f64,
    /// Its checkpoint, where one is kept.
    pub checkpoint: Option<PathBuf>,
}

impl RunEnded {
    /// The checkpoint to go on with: the best one of a run that ended because it got no better, else the newest.
    pub fn offered(&self) -> Option<&Path> {
        let best = self.best.as_ref().filter(|_| self.reason == EndReason::EarlyStopped);
        best.and_then(|best| best.checkpoint.as_deref()).or(self.checkpoint.as_deref())
    }
}

/// Why a trainer's work on the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// All steps done.
    Completed,
    /// `eval.patience` ran out: the held-out accuracy got no better.
    EarlyStopped,
    /// Stopped by command.
    Stopped,
    /// Stopped by SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// An error.
    Failed,
}

impl EndReason {
    /// Whether the run did what it was to do.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Completed | Self::EarlyStopped)
    }
}
