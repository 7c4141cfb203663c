//! `sqlr1-tui train`: GRPO.

use std::path::PathBuf;

use clap::Args;

use super::{
    Failure,
    run::{RunArgs, conduct, require},
};
use crate::rl::setup;

/// The configuration that the program runs when it is told nothing.
const DEMO: &str = "demo";

/// Train with GRPO: in the cockpit, or headless where stdout is no terminal.
#[derive(Debug, Clone, Default, Args)]
#[command(after_long_help = "Examples:
  sqlr1-tui train --config demo
  sqlr1-tui train --model SmolLM2-135M-Instruct.Q4_1.gguf --data spider
  sqlr1-tui train --config configs/smollm2-spider.yaml --set grpo.beta=0.1 --max-steps 200
  sqlr1-tui train --resume --run-dir runs/20260101-120000-grpo
  sqlr1-tui train --headless --config c.yaml > events.jsonl

Exit codes: 0 done, 1 run failed, 2 usage or configuration, 3 environment (device, model, data), 130/143 signals.")]
pub struct TrainArgs {
    #[command(flatten)]
    run: RunArgs,
}

impl TrainArgs {
    /// `train --config demo`.
    pub fn demo() -> Self {
        Self { run: RunArgs { config: Some(PathBuf::from(DEMO)), ..RunArgs::default() } }
    }
}

/// Trains as the flags say.
///
/// # Errors
/// See [`Failure`].
pub fn train(args: &TrainArgs) -> Result<(), Failure> {
    let settings = args.run.settings(&[])?;
    require(&settings, true)?;
    conduct(&args.run, settings, "train", setup::load).map(|_| ())
}
