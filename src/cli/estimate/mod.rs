//! `sqlr1-tui estimate`: how long a run will take, and how much memory, before it is started.

mod fit;

use clap::Args;

use super::{
    Failure,
    run::{SettingArgs, require},
    say,
};
use crate::{
    assets,
    bench::{
        estimate::{Estimate, estimate},
        fit::{Fit, fit},
    },
    cockpit::figures,
    model::synthetic::{self, Format},
    run::{event::MemorySource, pace::duration},
    settings::{MemoryLimit, Settings},
    sql::{Sandbox, WorkerProgram},
};

/// Say how long a GRPO run will take and how much memory, from a few measured steps.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  sqlr1-tui estimate --config demo
  sqlr1-tui estimate --config c.yaml --model FILE.gguf --data spider --max-steps 500 --json
  sqlr1-tui estimate --fit --device cuda --model FILE.gguf
  sqlr1-tui estimate --synthetic qwen2.5-coder-7b --memory 24GiB --set rollout.num_generations=8

It trains some steps that leave nothing behind. How completions will grow or shrink nobody knows beforehand: they are taken to stay as
long as in these steps, and the time is told as well that it would take if all were as long as they may be.

With --fit, --memory or --synthetic nothing is computed: a step's memory is counted by category from settings and model files, set against
the memory there is, and what would make it fit is told.")]
pub struct EstimateArgs {
    #[command(flatten)]
    set: SettingArgs,
    /// Steps that are measured.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    measure: u64,
    /// Only count memory, by category; neither data nor the device is needed.
    #[arg(long)]
    fit: bool,
    /// The memory there is, as 24GiB, where it is not this machine's; implies --fit, and a GPU unless --device says cpu.
    #[arg(long, value_name = "BYTES")]
    memory: Option<MemoryLimit>,
    /// The shape of a published model with 4-bit weights, in place of a model's files; implies --fit.
    #[arg(long, value_name = "NAME", value_parser = synthetic::NAMES)]
    synthetic: Option<String>,
    /// Tokens of the longest prompt that is counted [default: `data.max_prompt_tokens`].
    #[arg(long, value_name = "N")]
    prompt_tokens: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Measures and tells.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &EstimateArgs) -> Result<(), Failure> {
    let settings = args.set.settings(&[], None, Vec::new())?;
    if !settings.stages.is_empty() {
        return Err(Failure::Usage("a configuration with stages is several runs: estimate them one by one".into()));
    }
    if args.fit || args.memory.is_some() || args.synthetic.is_some() {
        return count(args, settings);
    }
    require(&settings, true)?;
    super::logging::to_stderr();
    let settings = assets::resolve(settings).map_err(|e| Failure::Environment(e.to_string()))?;
    let sandbox = Sandbox::in_workers(&settings.sql, WorkerProgram::this()?)?;
    let work = std::env::temp_dir().join(format!("sqlr1-tui-estimate-{}", std::process::id()));
    let found = estimate(&settings, sandbox, args.measure, &work)?;
    let json = || serde_json::to_string(&found).map_err(|e| Failure::Run(e.to_string()));
    say(&if args.json { json()? } else { describe(&found) });
    Ok(())
}

fn count(args: &EstimateArgs, settings: Settings) -> Result<(), Failure> {
    super::logging::to_stderr();
    let settings = assets::resolve(settings).map_err(|e| Failure::Environment(e.to_string()))?;
    let synthetic = args.synthetic.clone().map(|name| (name, Format::default()));
    let asked = Fit { synthetic, memory: args.memory, prompt_tokens: args.prompt_tokens };
    let found = fit(&settings, &asked)?;
    let json = || serde_json::to_string(&found).map_err(|e| Failure::Run(e.to_string()));
    say(&if args.json { json()? } else { fit::describe(&found) });
    Ok(())
}

fn describe(found: &Estimate) -> String {
    let each: Vec<_> = found.measured_step_s.iter().map(|seconds| format!("{seconds:.2}")).collect();
    let memory = match found.memory_source {
        MemorySource::Gpu => "of the GPU's memory",
        MemorySource::Process => "of memory for the process",
    };
    let peak = found.peak_bytes.map_or_else(|| "an unknown amount".into(), |bytes| figures::bytes(bytes as f64));
    let row = |what: &str, many: u64, seconds: f64, more: &str| {
        format!("  {what:<13}{many:>6} of {seconds:>8.2} s  {:>9}{more}", duration(many as f64 * seconds))
    };
    [
        format!("about {} for {} steps, and {peak} {memory}", duration(found.total_s), found.steps),
        row("loading", 1, found.load_s, ""),
        row("steps", found.steps, found.step_s, &format!("  (measured: {} s)", each.join(", "))),
        row(
            "evaluations",
            found.evaluations,
            found.evaluation_s,
            &format!("  ({} questions each, {} asked)", found.questions, found.measured_questions),
        ),
        row(
            "checkpoints",
            found.checkpoints,
            found.checkpoint_s,
            &format!("  ({} each)", figures::bytes(found.checkpoint_bytes as f64)),
        ),
        format!(
            "assumed: completions stay {:.0} tokens long; if all were {}, as long as they may be: about {}",
            found.completion_tokens,
            found.max_completion_tokens,
            duration(found.longest_total_s)
        ),
        "not foreseen: checkpoints of better evaluations, other programs at work, memory that grows with longer completions".into(),
    ]
    .join("\n")
}
