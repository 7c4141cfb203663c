//! `sqlr1-tui train`: GRPO.

use clap::Args;

use super::{
    Failure,
    run::{RunArgs, conduct, require, run, stages},
};
use crate::rl::setup;

/// Train with GRPO: in the cockpit, or headless where stdout is no terminal.
#[derive(Debug, Clone, Default, Args)]
#[command(after_long_help = "Examples:
  sqlr1-tui train --config demo
  sqlr1-tui train --model SmolLM2-135M-Instruct.Q4_1.gguf --data spider
  sqlr1-tui train --config configs/smollm2-spider.yaml --set grpo.beta=0.1 --max-steps 200
  sqlr1-tui train --resume --run-dir runs/20260101-120000-grpo
  sqlr1-tui train --headless --config c.yaml > events.jsonl
  sqlr1-tui train --config sft-then-grpo --model FILE.gguf --data spider

Exit codes: 0 done, 1 run failed, 2 usage or configuration, 3 environment (device, model, data), 130/143 signals.")]
pub struct TrainArgs {
    #[command(flatten)]
    run: RunArgs,
}

/// Trains as the flags say.
///
/// # Errors
/// See [`Failure`].
pub fn train(args: &TrainArgs) -> Result<(), Failure> {
    let settings = args.run.settings(&[])?;
    if !settings.stages.is_empty() {
        return stages::train(&args.run, settings);
    }
    require(&settings, true)?;
    run(&args.run, settings, |settings, herald| {
        conduct(&args.run, settings, herald, setup::load)?.unsignalled().map(|_| None)
    })
}
