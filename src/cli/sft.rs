//! `sqlr1-tui sft`: learn from gold queries, an adapter on a base model or a small model from scratch.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, logging, say};
use crate::{
    rl::{TrainError, watch::Unwatched},
    run::{
        event::{EvalDone, Event, StepDone},
        metrics,
    },
    settings::{Override, Settings, Sources},
    sft::{self, Finished, Pupil, Trainer, setup},
};

/// Execution accuracies at which a model made from scratch leaves GRPO something to learn, and something to learn with.
const GAP: std::ops::RangeInclusive<f64> = 0.35..=0.65;

/// What `--from-scratch` means unless a configuration file or a flag says otherwise.
const SCRATCH: [(&str, &str); 12] = [
    ("run.name", "sqlr1-demo"),
    ("run.max_steps", "2000"),
    ("sft.questions_per_bundle", "16"),
    ("sft.bundles_per_step", "2"),
    ("sft.target_accuracy", "0.45"),
    ("optim.learning_rate", "3.0e-3"),
    ("optim.lr_scheduler_type", "cosine"),
    ("optim.warmup_steps", "50"),
    ("optim.adam_beta2", "0.98"),
    ("eval.every", "50"),
    ("eval.questions", "250"),
    ("eval.at_start", "false"),
];

/// Supervised fine-tuning on gold queries: an adapter on a base model, or a small model from scratch.
#[derive(Debug, Clone, Default, Args)]
#[command(after_long_help = "Examples:
  sqlr1-tui sft --from-scratch --data data/demo --out model.gguf --seed 1
  sqlr1-tui sft --model SmolLM2-135M-Instruct.Q4_1.gguf --data spider --out adapter --steps 200

A model made from scratch is trained until it answers --target-accuracy of the held-out questions; then GRPO can go on.
The same data, settings, seed, kind of processor and number of threads give the same file, byte for byte.")]
pub struct SftArgs {
    /// Make a new model: train a vocabulary and all weights, and write a 4-bit GGUF file.
    #[arg(long, conflicts_with = "model")]
    pub from_scratch: bool,
    /// The base model whose adapter is trained: a GGUF file, a folder with one in it, or org/name.
    #[arg(long, value_name = "PATH|ORG/NAME", required_unless_present_any = ["from_scratch", "config"])]
    pub model: Option<String>,
    /// The data folder, in Spider's layout.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What is written: a GGUF file if from scratch, else an adapter folder in PEFT's format.
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// Settings in YAML; with it, none of the special defaults of --from-scratch count.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, as in optim.learning_rate=1e-3; may be repeated, counts after the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// The seed that all randomness derives from.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Steps at which training ends at the latest.
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Held-out execution accuracy at which training ends.
    #[arg(long, value_name = "SHARE")]
    pub target_accuracy: Option<f64>,
}

impl SftArgs {
    fn settings(&self) -> Result<Settings, Failure> {
        let mut overrides = Vec::new();
        if self.from_scratch && self.config.is_none() {
            let preset = SCRATCH.iter().map(|(key, value)| Override::parse(&format!("{key}={value}")));
            overrides.extend(preset.collect::<Result<Vec<_>, _>>()?);
        }
        for set in &self.sets {
            overrides.push(Override::parse(set)?);
        }
        let data = self.data.as_ref().map(|dir| dir.display().to_string());
        let flags = [
            data.map(|dir| Override::flag("--data", "data.root", dir)),
            self.model.clone().map(|model| Override::flag("--model", "model.path", model)),
            self.seed.map(|seed| Override::flag("--seed", "run.seed", seed)),
            self.steps.map(|steps| Override::flag("--steps", "run.max_steps", steps)),
            self.target_accuracy.map(|share| Override::flag("--target-accuracy", "sft.target_accuracy", share)),
        ];
        overrides.extend(flags.into_iter().flatten());
        Ok(Settings::load(&Sources { config: self.config.clone(), overrides })?)
    }
}

/// Trains, writes the result, and says how good it is.
///
/// # Errors
/// See [`Failure`].
pub fn sft(args: &SftArgs) -> Result<(), Failure> {
    let settings = args.settings()?;
    logging::to_stderr();
    if args.from_scratch { from_scratch(args, settings) } else { on_base(args, settings) }
}

fn from_scratch(args: &SftArgs, settings: Settings) -> Result<(), Failure> {
    let mut trainer = setup::from_scratch(settings)?;
    let finished = train(&mut trainer)?;
    let file = trainer.pupil.file().map_err(TrainError::from)?;
    crate::run::atomic::write(&args.out, &file)
        .map_err(|e| Failure::Environment(format!("cannot write {}: {e}", args.out.display())))?;
    say(&format!("{} ({} bytes) after step {}", args.out.display(), file.len(), finished.step));
    let target = trainer.settings.sft.target_accuracy;
    let (Some(target), Some(last)) = (target, &finished.last) else { return Ok(()) };
    if finished.reached && GAP.contains(&last.execution_accuracy) {
        say(&format!("stopped at {}, where GRPO has a real gap to close", accuracy(last)));
        return Ok(());
    }
    Err(Failure::Run(format!(
        "it ends at {}: the target was {:.0} %, and {:.0} to {:.0} % is of use; change --steps, --target-accuracy or eval.every",
        accuracy(last),
        target * 100.0,
        GAP.start() * 100.0,
        GAP.end() * 100.0
    )))
}

fn on_base(args: &SftArgs, settings: Settings) -> Result<(), Failure> {
    let mut trainer = setup::on_base(settings)?;
    let finished = train(&mut trainer)?;
    trainer.pupil.save(&args.out).map_err(TrainError::from)?;
    say(&format!("{} after step {}", args.out.display(), finished.step));
    finished.last.iter().for_each(|last| say(&accuracy(last)));
    Ok(())
}

fn train<P: Pupil>(trainer: &mut Trainer<P>) -> Result<Finished, Failure> {
    let (model, max_steps) = (trainer.pupil.summary(), trainer.max_steps);
    tracing::info!(
        "{} parameters, {} of them trained; {} questions, {} held out; at most {max_steps} steps",
        model.parameters,
        model.trainable_parameters,
        trainer.lessons.all.len(),
        trainer.exam.len()
    );
    let mut report = |event: Event| {
        match &event {
            Event::Step(done) if done.step.is_multiple_of(10) => tracing::info!("{}", line(done, max_steps)),
            Event::Eval(done) => tracing::info!("step {}: {}", done.step, accuracy(done)),
            _ => {}
        }
        Ok(())
    };
    Ok(sft::train(trainer, &mut Unwatched, &mut report)?)
}

fn line(done: &StepDone, max_steps: u64) -> String {
    let get = |name| done.metrics.get(name).unwrap_or(f64::NAN);
    let (loss, norm, rate) = (get(metrics::LOSS), get(metrics::GRAD_NORM), get(metrics::LEARNING_RATE));
    let (tokens, seconds) = (get(metrics::NUM_TOKENS), get(metrics::STEP_TIME));
    format!(
        "step {}/{max_steps}: loss {loss:.4}, grad norm {norm:.2}, learning rate {rate:.1e}, {tokens} tokens, {seconds:.2} s",
        done.step
    )
}

fn accuracy(done: &EvalDone) -> String {
    format!(
        "held-out execution accuracy {:.1} % ({} of {}, 95 % interval {:.1} to {:.1} %), {:.1} s",
        done.execution_accuracy * 100.0,
        done.correct,
        done.n,
        done.wilson[0] * 100.0,
        done.wilson[1] * 100.0,
        done.time
    )
}
