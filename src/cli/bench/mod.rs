//! `sqlr1-tui bench`: how fast this machine trains and generates, and what the cockpit costs.

mod cockpit;

use std::{fmt::Write as _, path::PathBuf};

use burn::tensor::Device;
use clap::{Args, Subcommand};

use super::{Failure, fetching, flags, say};
use crate::{
    assets,
    bench::{
        BenchError,
        decode::{DecodePlan, DecodeReport, decode},
        grpo::{GrpoReport, MemoryReport, Steps, grpo, random_prompts, read_prompts},
        machine::Place,
    },
    cockpit::figures,
    model::{
        Model, ModelError, device,
        synthetic::{self, Format},
    },
    run::memory::MemoryMeter,
    settings::{ComputeType, ModelSettings, Quantize, Settings},
};

/// Measure how fast training steps or generation are on this machine (docs/performance.md).
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    Grpo(GrpoArgs),
    Decode(DecodeArgs),
    Cockpit(cockpit::CockpitArgs),
}

/// What both have in common.
#[derive(Debug, Clone, Args)]
struct Common {
    /// The model: a GGUF file, a folder in Hugging Face's layout or with one GGUF file in it, org/name from the hub, or builtin:demo.
    #[arg(long, value_name = "PATH|ORG/NAME", required_unless_present = "synthetic")]
    model: Option<String>,
    /// A model of random weights in the shape of a published one, made without any file.
    #[arg(long, value_name = "NAME", conflicts_with = "model", value_parser = synthetic::NAMES)]
    synthetic: Option<String>,
    /// How its projections are held: nf4, or q4 as a GGUF file's blocks.
    #[arg(long, value_name = "FORMAT", requires = "synthetic", default_value = "nf4", value_parser = ["nf4", "q4"])]
    format: String,
    /// The numbers that it computes with: auto, float32 or bfloat16 (not on a CPU).
    #[arg(long, value_name = "TYPE", default_value = "auto", value_parser = ["auto", "float32", "bfloat16"])]
    dtype: String,
    /// Where to compute: auto, cpu, cuda or cuda:N.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// Threads that compute [default: one for each core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Whole training steps by the trainer's own code: `LoRA` of rank 16 on all seven projections, beta 0.04, temperature 0.8, a reward
/// that costs nothing, every completion exactly --new-tokens long.
#[derive(Debug, Clone, Args)]
struct GrpoArgs {
    #[command(flatten)]
    common: Common,
    /// Ready prompts: a JSON list of strings, one for each step, control tokens spelled out. Without them prompts are random tokens.
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// Tokens of a random prompt.
    #[arg(long, value_name = "N", default_value_t = 512, conflicts_with = "prompts")]
    prompt_tokens: usize,
    /// Completions of a prompt.
    #[arg(long, value_name = "N", default_value_t = 8)]
    k: usize,
    /// Tokens of each completion.
    #[arg(long, value_name = "N", default_value_t = 48)]
    new_tokens: usize,
    /// Steps.
    #[arg(long, value_name = "N", default_value_t = 3)]
    steps: usize,
    /// Steps before those, which are not measured: kernels are compiled at their first use [default: 1 on a GPU, else 0].
    #[arg(long, value_name = "N")]
    warmup_steps: Option<usize>,
    /// One setting, as in memory.recompute=always; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

/// Generation alone, without adapter: a batch of samples of one prompt.
#[derive(Debug, Clone, Args)]
struct DecodeArgs {
    #[command(flatten)]
    common: Common,
    /// Samples written at a time.
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: usize,
    /// Tokens of the prompt, which the samples share.
    #[arg(long, value_name = "N", default_value_t = 256)]
    prompt_tokens: usize,
    /// Tokens of each sample.
    #[arg(long, value_name = "N", default_value_t = 64)]
    new_tokens: usize,
}

/// Measures and prints.
///
/// # Errors
/// See [`Failure`].
pub fn bench(args: &BenchArgs) -> Result<(), Failure> {
    match &args.what {
        What::Cockpit(args) => args.run(),
        What::Grpo(args) => {
            let settings = args.settings()?;
            let texts = args.prompts.as_deref().map(read_prompts).transpose()?;
            let (model, place) = args.common.load()?;
            let warmup = args.warmup_steps.unwrap_or(usize::from(device::is_gpu(&model.decoder().device())));
            let steps = Steps { warmup, measured: args.steps };
            let prompts = args.prompts_for(&model, &settings, texts, steps)?;
            let report = grpo(&model, &settings, &prompts, steps, &place)?;
            args.common.tell(&report, describe_grpo(&report))
        }
        What::Decode(args) => {
            let plan = DecodePlan { batch: args.batch, prompt_tokens: args.prompt_tokens, new_tokens: args.new_tokens };
            let (model, place) = args.common.load()?;
            let report = decode(&model, plan, &place)?;
            args.common.tell(&report, describe_decode(&report))
        }
    }
}

impl Common {
    fn load(&self) -> Result<(Model, Place), Failure> {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
            pool.map_err(|e| Failure::Run(format!("cannot start {threads} threads: {e}")))?;
        }
        let chosen = device::choose(&self.device).map_err(BenchError::from)?;
        let place = Place { device: chosen.description, meter: MemoryMeter::new(chosen.gpu_index) };
        let model = match &self.synthetic {
            Some(name) => {
                let format = Format::ALL.into_iter().find(|format| format.name() == self.format).unwrap_or_default();
                Model::synthetic(name, format, 0, &chosen.device)
            }
            None => self.read(&chosen.device)?,
        };
        let mut model = model.map_err(BenchError::from)?;
        let dtype = match self.dtype.as_str() {
            "float32" => ComputeType::Float32,
            "bfloat16" => ComputeType::Bfloat16,
            _ => ComputeType::Auto,
        };
        model.compute_in(dtype).map_err(BenchError::from)?;
        Ok((model, place))
    }

    fn read(&self, device: &Device) -> Result<Result<Model, ModelError>, Failure> {
        let named = ModelSettings { path: self.model.clone(), ..ModelSettings::default() };
        let settings = assets::resolve(Settings { model: named, ..Settings::default() });
        let path = settings.map_err(|e| Failure::Environment(e.to_string()))?.model.path.unwrap_or_default();
        let found = fetching::model(&path);
        Ok(found.and_then(|path| Model::load(&path, Quantize::Auto, device, &mut |_, _| {})))
    }

    fn tell<R: serde::Serialize>(&self, report: &R, text: String) -> Result<(), Failure> {
        let json = || serde_json::to_string(report).map_err(|e| Failure::Run(e.to_string()));
        say(&if self.json { json()? } else { text });
        Ok(())
    }
}

impl GrpoArgs {
    /// The prompts' tokens, one for each step if they are random.
    fn prompts_for(
        &self,
        model: &Model,
        settings: &Settings,
        texts: Option<Vec<String>>,
        steps: Steps,
    ) -> Result<Vec<Vec<u32>>, Failure> {
        let Some(texts) = texts else {
            let count = (steps.warmup + steps.measured) * settings.rollout.prompts_per_step;
            return Ok(random_prompts(model.config.vocab_size, self.prompt_tokens, count));
        };
        let encoded = texts.iter().map(|text| model.tokenizer.encode(text)).collect::<Result<_, _>>();
        Ok(encoded.map_err(BenchError::from)?)
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let fixed = [
            format!("rollout.num_generations={}", self.k),
            format!("rollout.max_completion_length={}", self.new_tokens),
            "rollout.temperature=0.8".into(),
            "rollout.prompts_per_step=1".into(),
            "lora.r=16".into(),
            "lora.lora_alpha=32".into(),
            "grpo.beta=0.04".into(),
            "optim.learning_rate=1e-5".into(),
        ];
        flags::settings(None, flags::sets(&fixed.into_iter().chain(self.sets.iter().cloned()).collect::<Vec<_>>())?)
    }
}

fn describe_grpo(report: &GrpoReport) -> String {
    let (model, place) = (&report.model, &report.place);
    let gpu = place.gpu.as_ref().map_or_else(String::new, |gpu| format!(" ({gpu})"));
    let mut text = format!(
        "{model} on {}{gpu}: {} completions of {} tokens, {} threads\n",
        place.device, report.k, report.new_tokens, report.threads
    );
    for (step, (seconds, prompt)) in report.step_s.iter().zip(&report.prompt_tokens).enumerate() {
        let _ = writeln!(text, "step {:<3} {seconds:8.2} s, prompt of {prompt} tokens", step + 1);
    }
    let parts = [
        ("rollout", report.rollout_s),
        ("reward", report.reward_s),
        ("reference", report.reference_s),
        ("update", report.update_s),
    ];
    for (name, seconds) in parts {
        let _ = writeln!(text, "{name:<9}{seconds:8.2} s a step");
    }
    let _ = write!(
        text,
        "{:.1} tokens/s in the rollout, {:.1} in the update, {:.1} over the whole step; {:.0} % of {:.0} GFLOP/s; peak memory {} MiB\n{}",
        report.rollout_tok_s,
        report.update_tok_s,
        report.tok_s,
        report.peak_fraction * 100.0,
        report.matmul_gflops,
        megabytes(report.peak_mb),
        describe_memory(&report.memory)
    );
    text
}

fn describe_memory(memory: &MemoryReport) -> String {
    let known = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".into(), |bytes| figures::bytes(bytes as f64));
    format!(
        "memory: weights {}, adapters {}, optimizer {}, rest {}; rollout up to {}, update up to {}; forecast {} and {}",
        known(Some(memory.weights)),
        known(Some(memory.adapters)),
        known(Some(memory.optimizer)),
        known(memory.rest),
        known(memory.peak_rollout),
        known(memory.peak_update),
        known(Some(memory.forecast.rollout_peak)),
        known(Some(memory.forecast.update_peak)),
    )
}

fn describe_decode(report: &DecodeReport) -> String {
    format!(
        "prefill {:9.1} tokens/s, {:3.0} % of {:.0} GFLOP/s\ndecode  {:9.1} tokens/s at batch {}, {:3.0} %\npeak memory {} MiB",
        report.prefill_tok_s,
        report.prefill_peak_fraction * 100.0,
        report.matmul_gflops,
        report.decode_tok_s,
        report.batch,
        report.decode_peak_fraction * 100.0,
        megabytes(report.peak_mb)
    )
}

fn megabytes(peak: Option<f64>) -> String {
    peak.map_or_else(|| "unknown".into(), |megabytes| format!("{megabytes:.0}"))
}
