//! `sqlr1-tui sft`: learn from gold queries, an adapter on a base model or a small model from scratch.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure,
    history::read_run,
    run::{RunArgs, conduct, require},
};
use crate::{
    model::lora::{CONFIG_FILE, WEIGHTS_FILE},
    run::{
        atomic,
        event::{EvalDone, Event, RunEnded},
        folder::RunFolder,
    },
    sft::{scratch::MODEL_FILE, setup},
};

/// Execution accuracies at which a model made from scratch leaves GRPO something to learn, and something to learn with.
const GAP: std::ops::RangeInclusive<f64> = 0.35..=0.65;

/// What `--from-scratch` means unless a configuration file or a flag says otherwise.
const SCRATCH: [(&str, &str); 19] = [
    ("run.name", "sqlr1-demo"),
    ("run.max_steps", "4000"),
    ("run.checkpoint_every", "500"),
    ("run.log_every", "10"),
    ("scratch.hidden_size", "192"),
    ("scratch.intermediate_size", "512"),
    ("scratch.num_attention_heads", "6"),
    ("scratch.num_key_value_heads", "2"),
    ("scratch.vocab_size", "1536"),
    ("sft.questions_per_bundle", "16"),
    ("sft.bundles_per_step", "2"),
    ("sft.target_accuracy", "0.65"),
    ("optim.learning_rate", "4.0e-3"),
    ("optim.lr_scheduler_type", "cosine"),
    ("optim.warmup_steps", "50"),
    ("optim.adam_beta2", "0.98"),
    ("eval.every", "250"),
    ("eval.questions", "200"),
    ("eval.at_start", "false"),
];

/// The same for an adapter.
const ADAPTER: [(&str, &str); 1] = [("run.name", "sft")];

/// Supervised fine-tuning on gold queries: an adapter on a base model, or a small model from scratch.
#[derive(Debug, Clone, Default, Args)]
#[command(after_long_help = "Examples:
  sqlr1-tui sft --from-scratch --data data/demo --out model.gguf --seed 1
  sqlr1-tui sft --model SmolLM2-135M-Instruct.Q4_1.gguf --data spider --out adapter --steps 200
  sqlr1-tui train --model SmolLM2-135M-Instruct.Q4_1.gguf --data spider --init-adapter adapter

It runs in the cockpit, or headless where stdout is no terminal, as train does: same run folder, checkpoints, resumption and exit codes.
The same data, settings, seed, kind of processor and number of threads give the same file, byte for byte.")]
pub struct SftArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Make a new model: train a vocabulary and all weights, and write a 4-bit GGUF file.
    #[arg(long, conflicts_with = "model")]
    from_scratch: bool,
    /// Where the result is put as well as into the run folder, also if a signal or a command ended the run: a GGUF file if from scratch,
    /// else an adapter folder in PEFT's format.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Held-out execution accuracy at which training ends.
    #[arg(long, value_name = "SHARE")]
    target_accuracy: Option<f64>,
}

/// Trains, writes the result, and says how good it is.
///
/// # Errors
/// See [`Failure`].
pub fn sft(args: &SftArgs) -> Result<(), Failure> {
    let mut run = args.run.clone();
    run.set.sets.extend(args.target_accuracy.map(|share| format!("sft.target_accuracy={share}")));
    let settings = run.settings(if args.from_scratch { &SCRATCH } else { &ADAPTER })?;
    require(&settings, !args.from_scratch)?;
    super::run::run(&run, settings, |settings, herald| {
        let conducted = if args.from_scratch {
            conduct(&run, settings, herald, setup::from_scratch)?
        } else {
            conduct(&run, settings, herald, setup::on_base)?
        };
        if let Some(out) = &args.out {
            let checkpoint = conducted.ended.offered().ok_or_else(|| {
                Failure::Run(format!("nothing is written to {}: the run ended without a checkpoint", out.display()))
            })?;
            if args.from_scratch { copy_model(checkpoint, out)? } else { copy_adapter(checkpoint, out)? }
        }
        // One that a signal ended has saved, and is of use.
        let (ended, folder) = conducted.unsignalled()?;
        if args.from_scratch { judge_gap(&folder, &ended) } else { Ok(None) }
    })
}

fn copy_model(checkpoint: &Path, out: &Path) -> Result<(), Failure> {
    copy(&checkpoint.join(MODEL_FILE), out)
}

fn copy_adapter(checkpoint: &Path, out: &Path) -> Result<(), Failure> {
    fs::create_dir_all(out).map_err(|e| Failure::Environment(format!("cannot create {}: {e}", out.display())))?;
    [WEIGHTS_FILE, CONFIG_FILE].iter().try_for_each(|name| copy(&checkpoint.join(name), &out.join(name)))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = fs::read(from).and_then(|content| atomic::write(to, &content));
    copied.map_err(|e| Failure::Environment(format!("cannot copy {} to {}: {e}", from.display(), to.display())))
}

/// Says whether a model made from scratch leaves GRPO a gap to close.
fn judge_gap(folder: &RunFolder, ended: &RunEnded) -> Result<Option<String>, Failure> {
    let records = read_run(folder)?;
    let last = records.into_iter().rev().find_map(|record| match record.event {
        Event::Eval(done) => Some(done),
        _ => None,
    });
    let Some(last) = last.filter(|last| last.step == ended.step) else { return Ok(None) };
    let (low, high) = (GAP.start() * 100.0, GAP.end() * 100.0);
    if GAP.contains(&last.execution_accuracy) {
        return Ok(Some(format!("it ends at {}: a real gap is left for GRPO to close", accuracy(&last))));
    }
    Err(Failure::Run(format!(
        "it ends at {}: {low:.0} to {high:.0} % is of use to GRPO; change --steps, --target-accuracy or eval.every",
        accuracy(&last)
    )))
}

fn accuracy(done: &EvalDone) -> String {
    format!(
        "held-out execution accuracy {:.1} % ({} of {}, 95 % interval {:.1} to {:.1} %)",
        done.execution_accuracy * 100.0,
        done.correct,
        done.n,
        done.wilson[0] * 100.0,
        done.wilson[1] * 100.0
    )
}
