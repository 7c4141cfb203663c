//! The settings, group by group, with their defaults. Names are TRL's and PEFT's where those have one.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    ChartSetting, DoctorSettings, GrpoSettings, MemorySettings, ReportSettings, RewardSettings, StageSettings,
};

/// All settings of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The base model.
    pub model: ModelSettings,
    /// The adapter.
    pub lora: LoraSettings,
    /// Questions and databases.
    pub data: DataSettings,
    /// What the model is asked.
    pub prompt: PromptSettings,
    /// Execution of SQL.
    pub sql: SqlSettings,
    /// Generation of completions.
    pub rollout: RolloutSettings,
    /// The objective.
    pub grpo: GrpoSettings,
    /// What a reply is worth.
    pub reward: RewardSettings,
    /// The optimizer.
    pub optim: OptimSettings,
    /// Memory use.
    pub memory: MemorySettings,
    /// Held-out evaluation.
    pub eval: EvalSettings,
    /// Supervised fine-tuning.
    pub sft: SftSettings,
    /// A model made from scratch.
    pub scratch: ScratchSettings,
    /// The run as a whole.
    pub run: RunSettings,
    /// What is watched while it trains.
    pub doctor: DoctorSettings,
    /// Exports while it trains.
    pub report: ReportSettings,
    /// The cockpit.
    pub ui: UiSettings,
    /// Runs one after another, each from the adapter that the one before left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageSettings>,
}

/// `model`: the base model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// A GGUF file, or `org/name` of a repository.
    pub path: Option<String>,
    /// How weights are held in memory.
    pub quantize: Quantize,
    /// The numbers that the model computes with.
    pub dtype: ComputeType,
    /// Adapter folders in PEFT's format that become part of the frozen base, all of them at once.
    pub adapters: Vec<PathBuf>,
}

/// How weights are held in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantize {
    /// As the file has them: quantized blocks stay packed, 16 bits stay 16 bits.
    #[default]
    Auto,
    /// Projections that the file has as F32, F16 or BF16 become NF4 with double quantization, as `QLoRA` has them.
    Nf4,
    /// Such projections become 8-bit blocks (`Q8_0`).
    Int8,
    /// Nothing is quantized: blocks of the file are expanded to float32.
    None,
}

/// The numbers that the model computes with: its activations, and the keys and values it keeps. Adapters, sums, norms, softmax and
/// logits are float32 always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComputeType {
    /// bfloat16 on a GPU that has it, else float32.
    #[default]
    Auto,
    /// float32.
    Float32,
    /// bfloat16; not on a CPU.
    Bfloat16,
}

/// `lora`: the adapter, under PEFT's names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoraSettings {
    /// Rank.
    pub r: usize,
    /// Scale numerator: the adapter's output is multiplied by `lora_alpha / r`.
    pub lora_alpha: f64,
    /// Multiply by `lora_alpha / sqrt(r)` instead (rank-stabilized).
    pub use_rslora: bool,
    /// The share of the adapter's inputs that are left out while gradients are computed, and scaled up for that.
    pub lora_dropout: f64,
    /// Projections that get an adapter.
    pub target_modules: Vec<String>,
    /// An adapter folder in PEFT's format to start from; frozen, it is also the reference policy.
    pub init_adapter: Option<PathBuf>,
}

impl Default for LoraSettings {
    fn default() -> Self {
        let all = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
        Self {
            r: 16,
            lora_alpha: 32.0,
            use_rslora: false,
            lora_dropout: 0.0,
            target_modules: all.map(str::to_owned).to_vec(),
            init_adapter: None,
        }
    }
}

/// `data`: questions and databases in Spider's or BIRD's layout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// The data folder as downloaded, Spider's or BIRD's, or the folder above it.
    pub root: Option<PathBuf>,
    /// Training questions, relative to the data folder; if absent `train_spider.json` with `train_others.json`, or
    /// `train.json`.
    pub train_file: Option<PathBuf>,
    /// Held-out questions, relative to the data folder; `dev.json` if absent.
    pub dev_file: Option<PathBuf>,
    /// Leave out entries that cannot be used, and say which, instead of ending there.
    pub skip_bad: bool,
    /// Questions whose prompt is longer are left out.
    pub max_prompt_tokens: usize,
    /// Take the training questions in a seeded random order, anew each epoch.
    pub shuffle: bool,
    /// Which training questions come first or more often in GRPO.
    pub curriculum: Curriculum,
    /// Use the first so many training questions only.
    pub limit: Option<usize>,
    /// Execute all gold queries at the start (seconds) and leave out the training questions whose gold query fails or
    /// returns nothing: an empty result would reward every query that finds nothing.
    pub check_gold: bool,
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            root: None,
            train_file: None,
            dev_file: None,
            skip_bad: false,
            max_prompt_tokens: 768,
            shuffle: true,
            curriculum: Curriculum::None,
            limit: None,
            check_gold: true,
        }
    }
}

/// Which training questions come first or more often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curriculum {
    /// All alike.
    #[default]
    None,
    /// Each pass goes from easy to hard.
    Hardness,
    /// Questions that were never or always solved are left out of most passes.
    PassRate,
}

/// `prompt`: what the model is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromptSettings {
    /// `plain`, `sql_r1`, `omnisql`, or a template file of one's own (docs/data.md).
    pub template: String,
    /// Values of each column that are shown with the schema.
    pub sample_values: usize,
    /// Tokens that the schema may take; of a longer one, the tables that the question mentions are kept, then those
    /// joined to them, then others.
    pub max_schema_tokens: Option<usize>,
}

impl PromptSettings {
    /// The templates that come with the program.
    pub const TEMPLATES: [&str; 3] = ["plain", "sql_r1", "omnisql"];

    /// The file that `template` names, unless it is one of [`Self::TEMPLATES`].
    pub fn template_file(&self) -> Option<PathBuf> {
        (!Self::TEMPLATES.contains(&self.template.as_str())).then(|| PathBuf::from(&self.template))
    }
}

impl Default for PromptSettings {
    fn default() -> Self {
        Self { template: Self::TEMPLATES[0].to_owned(), sample_values: 0, max_schema_tokens: None }
    }
}

/// `sql`: limits and comparison of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SqlSettings {
    /// Steps of SQLite's virtual machine after which a query is stopped: the limit that normally decides, since it is the
    /// same on every machine and each time.
    pub max_steps: u64,
    /// Seconds after which a query is stopped whatever it has done; a stop by the clock is counted as such.
    pub timeout: f64,
    /// Rows after which a result counts as too large.
    pub max_rows: usize,
    /// Bytes in one cell after which a result counts as too large.
    pub max_cell_bytes: usize,
    /// Megabytes of memory that a worker process may take beyond what the program takes by itself.
    pub max_memory_mb: u64,
    /// Worker processes that execute what the model writes; as many as there are cores if absent.
    pub workers: Option<usize>,
    /// Read each database into memory (each worker for itself, up to a quarter of `max_memory_mb` together) instead of
    /// from its file for each query.
    pub in_memory: bool,
    /// How results are compared.
    pub comparison: Comparison,
}

impl Default for SqlSettings {
    fn default() -> Self {
        Self {
            max_steps: 100_000_000,
            timeout: 5.0,
            max_rows: 100_000,
            max_cell_bytes: 1 << 20,
            max_memory_mb: 512,
            workers: None,
            in_memory: false,
            comparison: Comparison::Spider,
        }
    }
}

/// How two results are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// As Spider's test-suite evaluator does: typed cells, a multiset of rows, columns in any order.
    #[default]
    Spider,
    /// As the plain recipe does: a set of rows, cells as lower-cased text.
    Loose,
}

/// `rollout`: generation of completions, under TRL's names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RolloutSettings {
    /// Completions a question (K).
    pub num_generations: usize,
    /// Tokens after which a completion is cut off.
    pub max_completion_length: usize,
    /// Divisor of the logits.
    pub temperature: f64,
    /// Nucleus: the smallest set of tokens with this much probability; 1 is off.
    pub top_p: f64,
    /// The so many most probable tokens; 0 is off.
    pub top_k: usize,
    /// Tokens at least so probable as this share of the most probable one's probability; 0 is off.
    pub min_p: f64,
    /// Divisor of the logits of tokens already written; 1 is off.
    pub repetition_penalty: f64,
    /// End a completion where it closes its first code fence too, as if it had ended by itself. Not for prompts that ask for
    /// something behind the fence.
    pub stop_at_fence: bool,
    /// What tokens a query may be made of (docs/constrained.md).
    pub constrain: Constrain,
    /// Times that what came of a query that failed or returned nothing goes back to the model, which answers again
    /// (docs/grpo.md); 0 is off.
    pub correction_turns: usize,
    /// Questions a step.
    pub prompts_per_step: usize,
}

impl Default for RolloutSettings {
    fn default() -> Self {
        Self {
            num_generations: 8,
            max_completion_length: 96,
            temperature: 0.8,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            stop_at_fence: false,
            constrain: Constrain::Off,
            correction_turns: 0,
            prompts_per_step: 2,
        }
    }
}

/// Tokens that a query may be made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constrain {
    /// All.
    #[default]
    Off,
    /// Those that can go on a single SELECT.
    Syntax,
    /// Those of them that name what the database has.
    Schema,
}

impl Constrain {
    /// As the settings have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Syntax => "syntax",
            Self::Schema => "schema",
        }
    }
}

/// `optim`: AdamW and its schedule, under the names of Hugging Face's `TrainingArguments`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimSettings {
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub adam_beta1: f64,
    /// Decay of the second moment.
    pub adam_beta2: f64,
    /// Added to the denominator.
    pub adam_epsilon: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Gradients are scaled down to this global norm; 0 is off.
    pub max_grad_norm: f64,
    /// Parts of a rollout whose gradients are added up for an update (`grpo.steps_per_generation`).
    pub gradient_accumulation_steps: usize,
    /// Updates left out in a row, because loss or gradient was not finite, after which the run is paused; 0 never pauses it.
    pub max_skipped_updates: u64,
    /// Steps over which the learning rate rises from 0.
    pub warmup_steps: u64,
    /// What the learning rate does after warm-up.
    pub lr_scheduler_type: LrScheduler,
}

impl Default for OptimSettings {
    fn default() -> Self {
        Self {
            learning_rate: 1e-4,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            adam_epsilon: 1e-8,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            gradient_accumulation_steps: 1,
            max_skipped_updates: 5,
            warmup_steps: 5,
            lr_scheduler_type: LrScheduler::Constant,
        }
    }
}

/// What the learning rate does after warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LrScheduler {
    /// Stays.
    #[default]
    Constant,
    /// Falls to 0 in a straight line.
    Linear,
    /// Falls to 0 along half a cosine.
    Cosine,
}

/// `eval`: held-out evaluation, greedy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvalSettings {
    /// Steps between evaluations; 0 evaluates only on request and at the end.
    pub every: u64,
    /// Held-out questions asked, a fixed sample; 0 switches evaluation off.
    pub questions: usize,
    /// Evaluate before the first step too.
    pub at_start: bool,
    /// Keep a checkpoint of the best accuracy so far, beside those of `run.keep_checkpoints`.
    pub keep_best: bool,
    /// End the run after so many evaluations in a row, of those every `every` steps, without a better accuracy.
    pub patience: Option<u64>,
}

impl Default for EvalSettings {
    fn default() -> Self {
        Self { every: 50, questions: 32, at_start: true, keep_best: true, patience: None }
    }
}

/// `sft`: supervised fine-tuning on gold queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SftSettings {
    /// Questions on one database that are computed together, so that the schema's tokens are computed once.
    pub questions_per_bundle: usize,
    /// Bundles an optimizer step.
    pub bundles_per_step: usize,
    /// End at the first evaluation with at least this execution accuracy; train all steps if absent.
    pub target_accuracy: Option<f64>,
}

impl Default for SftSettings {
    fn default() -> Self {
        Self { questions_per_bundle: 8, bundles_per_step: 2, target_accuracy: None }
    }
}

/// `scratch`: the shape of a model made from scratch, under the names of Hugging Face's `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScratchSettings {
    /// Tokens of the vocabulary, at most.
    pub vocab_size: usize,
    /// Width of the residual stream, a multiple of 32.
    pub hidden_size: usize,
    /// Width inside the feed-forward layers, a multiple of 32.
    pub intermediate_size: usize,
    /// Decoder layers.
    pub num_hidden_layers: usize,
    /// Query heads of a layer; they share `hidden_size` among them.
    pub num_attention_heads: usize,
    /// Key and value heads of a layer.
    pub num_key_value_heads: usize,
}

impl Default for ScratchSettings {
    fn default() -> Self {
        Self {
            vocab_size: 2048,
            hidden_size: 256,
            intermediate_size: 768,
            num_hidden_layers: 4,
            num_attention_heads: 8,
            num_key_value_heads: 4,
        }
    }
}

/// `run`: the run as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSettings {
    /// The run's name.
    pub name: String,
    /// The run folder; `runs/<time>-<name>` if absent.
    pub dir: Option<PathBuf>,
    /// The seed that all randomness derives from.
    pub seed: u64,
    /// Steps at which the run ends, counted from its very beginning; decided by `epochs` if absent.
    pub max_steps: Option<u64>,
    /// Passes over the training questions.
    pub epochs: f64,
    /// Where tensors live: `auto`, `cpu` or `cuda[:N]`.
    pub device: String,
    /// Steps between checkpoints; 0 writes them only on request and at the end.
    pub checkpoint_every: u64,
    /// Periodic checkpoints kept, the newest ones, and best ones that were beaten count among them; 0 keeps all. Others are never deleted.
    pub keep_checkpoints: usize,
    /// Steps between the lines that a headless run logs on stderr.
    pub log_every: u64,
    /// Set by `stages`: which of them this run is, as in `1/2`.
    pub stage: Option<String>,
    /// Steps between reports of each layer's gradient; 0 is off.
    pub gradient_flow_every: u64,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            name: "grpo".into(),
            dir: None,
            seed: 42,
            max_steps: None,
            epochs: 1.0,
            device: "auto".into(),
            checkpoint_every: 20,
            keep_checkpoints: 3,
            log_every: 1,
            stage: None,
            gradient_flow_every: 10,
        }
    }
}

/// `ui`: the cockpit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UiSettings {
    /// Name of a theme: `themes/<name>.yaml` in the working folder, else a built-in one; `auto` takes night or day, by the
    /// terminal's background.
    pub theme: String,
    /// Frames a second at most.
    pub fps: u32,
    /// How to call a person at the run's end, a new best and alarms. One of off, bell, osc9, osc777 (the last two are desktop notices).
    pub notify: String,
    /// Whether the cockpit names the terminal's window.
    pub title: bool,
    /// Whether the mouse is taken: wheel and clicks work, selecting text needs shift then.
    pub mouse: bool,
    /// Whether a slow line is spared: two frames a second. One of auto (by how long the terminal takes to answer), on, off.
    pub low_bandwidth: String,
    /// Other keys for actions, by the names that `sqlr1-tui keys` lists: `checkpoint: [K, f5]`. An empty list takes an action its keys.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The dashboard's charts in their order, by name or metric (docs/cockpit.md); the method's own if empty.
    pub charts: Vec<ChartSetting>,
    /// Whether the x-axis of the charts starts out logarithmic; `p` turns it.
    pub log_x: bool,
}

impl Default for UiSettings {
    fn default() -> Self {
        Self {
            theme: "auto".into(),
            fps: 15,
            notify: "osc9".into(),
            title: true,
            mouse: false,
            low_bandwidth: "auto".into(),
            keys: BTreeMap::new(),
            charts: Vec::new(),
            log_x: false,
        }
    }
}
