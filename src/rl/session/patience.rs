//! What a session keeps of its best evaluation, and when it has waited long enough for a better one.

use super::Session;
use crate::{
    rl::{TrainError, learner::Learner},
    run::{
        checkpoint,
        event::{BestSoFar, CheckpointReason, LogLevel},
    },
};

impl<L: Learner> Session<'_, L> {
    /// Whether the run ends although it has steps left: `eval.patience` evaluations in a row brought no better accuracy.
    pub(super) fn is_out_of_patience(&self) -> bool {
        let patience = self.trainer.settings().eval.patience;
        let waited = patience.is_some_and(|patience| self.trainer.progress().evals_since_best >= patience);
        waited && !self.trainer.is_content() && self.step() < self.trainer.max_steps()
    }

    /// The best evaluation so far.
    pub(super) fn best(&self) -> Option<BestSoFar> {
        let progress = self.trainer.progress();
        let (step, execution_accuracy) = progress.best_step.zip(progress.best_accuracy)?;
        let checkpoint = checkpoint::of_step(&self.folder.checkpoints(), step);
        Some(BestSoFar { step, execution_accuracy, checkpoint })
    }

    /// Writes the checkpoint of the best evaluation, and lets go of the one before.
    pub(super) fn keep_best(&mut self) -> Result<(), TrainError> {
        self.checkpoint(CheckpointReason::Best)?;
        let (folder, keep) = (self.folder.checkpoints(), self.trainer.settings().run.keep_checkpoints);
        checkpoint::demote_others(&folder, self.step())?;
        if keep > 0 {
            checkpoint::prune(&folder, keep)?;
        }
        Ok(())
    }

    pub(super) fn tell_patience(&mut self, best: Option<&BestSoFar>) -> Result<(), TrainError> {
        let waited = self.trainer.progress().evals_since_best;
        let best = best.map_or_else(String::new, |best| {
            let kept = match &best.checkpoint {
                Some(path) => format!("kept in {}", path.display()),
                None => "of which no checkpoint is kept".to_owned(),
            };
            format!("; the best is {:.1} % at step {}, {kept}", best.execution_accuracy * 100.0, best.step)
        });
        let text = format!(
            "ended early: {waited} evaluations in a row brought no better held-out accuracy (eval.patience){best}"
        );
        Ok(self.reporter.log(LogLevel::Info, text)?)
    }
}
