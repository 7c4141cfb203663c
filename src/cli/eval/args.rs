//! The flags of `eval` and the settings they stand for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    cli::{
        Failure,
        flags::{self, flag, path},
        score,
    },
    evaluate::{Decode, Plan, Split},
    model::Beams,
    settings::{Constrain, Override, Settings},
};

/// Ask a model a file of questions and judge its answers, or compare the answers of two models.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  sqlr1-tui eval --model FILE.gguf --data spider --out base.jsonl
  sqlr1-tui eval --model FILE.gguf --adapter runs/RUN/checkpoints/step-00000200 --data spider --out tuned.jsonl --report tuned.md
  sqlr1-tui eval --model FILE.gguf --data builtin:demo --self-consistency 8 --json
  sqlr1-tui eval --compare base.jsonl tuned.jsonl

Execution and exact match are Spider's official ones; see docs/evaluation.md.")]
pub struct EvalArgs {
    /// The model: a GGUF file, a folder in Hugging Face's layout or with one GGUF file in it, or org/name from the hub.
    #[arg(long, value_name = "PATH|ORG/NAME", required_unless_present_any = ["compare", "config"])]
    pub model: Option<String>,
    /// An adapter in PEFT's format, a run's checkpoint for one.
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// The data folder, Spider's or BIRD's; `builtin:demo` is the data set that comes with the program.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["compare", "config"])]
    pub data: Option<PathBuf>,
    /// Which questions: dev, train, or a file in the data folder.
    #[arg(long, value_name = "dev|train|FILE", default_value = "dev")]
    pub split: String,
    /// Ask so many questions only, spread over the file by the seed, as a run's held-out questions are.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Leave out entries of the data that cannot be used, and say which, instead of ending there.
    #[arg(long)]
    pub skip_bad: bool,
    /// How replies are decoded.
    #[arg(long, value_enum, default_value_t = DecodeFlag::Greedy)]
    pub decode: DecodeFlag,
    /// Beginnings that beam search keeps.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=Beams::MOST as u64))]
    pub beams: u64,
    /// Draw so many replies to each question and take the one whose result most of them share.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub self_consistency: Option<u64>,
    /// Write only queries that are one SELECT (syntax), that name only what the database has (schema).
    #[arg(long, value_name = "off|syntax|schema")]
    pub constrain: Option<String>,
    /// Tell the model up to so many times what came of its query, where that failed or returned nothing, and take its last answer.
    #[arg(long, value_name = "N")]
    pub correction_turns: Option<u64>,
    /// Where every answer with its judgement is written, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where the result is written as Markdown.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Settings in YAML, as a run's settings.yaml or the name of a configuration: prompts, sampling, seed. Flags count after it.
    #[arg(long, value_name = "FILE|NAME")]
    pub config: Option<PathBuf>,
    /// One setting, as in rollout.temperature=0.6; may be repeated, counts after the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Tokens after which a reply is cut off; by default the setting for completions.
    #[arg(long, value_name = "N")]
    pub max_new_tokens: Option<u64>,
    /// Questions with a longer prompt are not asked and count as wrong; by default as long as the model's context takes.
    #[arg(long, value_name = "N")]
    pub max_prompt_tokens: Option<usize>,
    /// The seed of --limit and of sampling.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where to compute: auto, cpu, cuda[:N,...] or wgpu.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Seconds after which a query is stopped and counts as wrong.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub timeout: f64,
    /// Compare two files that `eval --out` or `score --json` wrote.
    #[arg(long, num_args = 2, value_names = ["A.jsonl", "B.jsonl"], conflicts_with_all = ["model", "out", "report"])]
    pub compare: Vec<PathBuf>,
}

/// How replies are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DecodeFlag {
    /// The most probable token each time.
    Greedy,
    /// Drawn at `rollout`'s temperature and filters.
    Sample,
    /// The most probable reply that beam search finds.
    Beam,
}

impl EvalArgs {
    /// What is to be evaluated.
    ///
    /// # Errors
    /// The settings are of no use.
    pub(super) fn plan(&self) -> Result<Plan, Failure> {
        let mut overrides = flags::sets(&self.sets)?;
        overrides.extend(self.flags());
        let mut settings = flags::settings(self.config.clone(), overrides)?;
        // As `score` has it, so that both give the same verdicts.
        settings.sql.max_rows = settings.sql.max_rows.max(score::MAX_ROWS);
        settings.sql.max_steps = settings.sql.max_steps.max(score::MAX_STEPS);
        if settings.data.root.is_none() {
            return Err(Failure::Usage(
                "no data: give --data DIR, a folder in Spider's layout, or builtin:demo".into(),
            ));
        }
        let split = match self.split.as_str() {
            "dev" => Split::Dev,
            "train" => Split::Train,
            file => Split::File(file.into()),
        };
        Ok(Plan {
            settings,
            split,
            limit: self.limit.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
            decode: self.decoding(),
            max_prompt_tokens: self.max_prompt_tokens,
        })
    }

    fn decoding(&self) -> Decode {
        match (self.self_consistency, self.decode) {
            (Some(count), _) => Decode::SelfConsistency(usize::try_from(count).unwrap_or(usize::MAX)),
            (None, DecodeFlag::Greedy) => Decode::Greedy,
            (None, DecodeFlag::Sample) => Decode::Sample,
            (None, DecodeFlag::Beam) => Decode::Beam(usize::try_from(self.beams).unwrap_or(usize::MAX)),
        }
    }

    /// The decoding for people.
    pub(super) fn describe_decoding(&self, settings: &Settings) -> String {
        let rollout = &settings.rollout;
        let drawn = format!("temperature {}, seed {}", rollout.temperature, settings.run.seed);
        let constrained = match rollout.constrain {
            Constrain::Off => String::new(),
            constrain => format!(", constrained to {}", constrain.name()),
        };
        let decoding = match self.decoding() {
            Decode::Greedy => "greedy".into(),
            Decode::Beam(width) => format!("beam search, {width} beams"),
            Decode::Sample => format!("sampled, {drawn}"),
            Decode::SelfConsistency(count) => format!("self-consistency of {count}, {drawn}"),
        };
        let corrected = match rollout.correction_turns {
            0 => String::new(),
            turns => format!(", corrected up to {turns} times"),
        };
        decoding + &constrained + &corrected
    }

    fn flags(&self) -> Vec<Override> {
        let flags = [
            flag("--model", "model.path", self.model.as_ref()),
            path("--adapter", "lora.init_adapter", self.adapter.as_ref()),
            path("--data", "data.root", self.data.as_ref()),
            self.skip_bad.then(|| Override::flag("--skip-bad", "data.skip_bad", true)),
            flag("--device", "run.device", self.device.as_ref()),
            flag("--seed", "run.seed", self.seed.as_ref()),
            flag("--constrain", "rollout.constrain", self.constrain.as_ref()),
            flag("--correction-turns", "rollout.correction_turns", self.correction_turns.as_ref()),
            flag("--max-new-tokens", "rollout.max_completion_length", self.max_new_tokens.as_ref()),
            Some(Override::flag(&format!("--timeout {}", self.timeout), "sql.timeout", self.timeout)),
        ];
        flags.into_iter().flatten().collect()
    }
}
