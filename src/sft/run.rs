//! The training loop.

use super::{Pupil, Trainer};
use crate::{
    rl::{TrainError, watch::Watch},
    run::event::{EvalDone, Event},
};

/// How training ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Steps trained.
    pub step: u64,
    /// The last evaluation.
    pub last: Option<EvalDone>,
    /// Whether `sft.target_accuracy` was reached.
    pub reached: bool,
    /// Whether `watch` broke it off.
    pub broken_off: bool,
}

/// Steps after which `eval.every` asks for an evaluation, up to the accuracy wanted or the last step. Steps and
/// evaluations are handed to `report`.
///
/// # Errors
/// A step, an evaluation or `report` fails.
pub fn train<P: Pupil>(
    trainer: &mut Trainer<P>,
    watch: &mut dyn Watch,
    report: &mut dyn FnMut(Event) -> Result<(), TrainError>,
) -> Result<Finished, TrainError> {
    let target = trainer.settings.sft.target_accuracy;
    let mut last = None;
    loop {
        let step = trainer.progress.step;
        let every = trainer.settings.eval.every;
        let due = step == trainer.max_steps
            || (step == 0 && trainer.settings.eval.at_start)
            || (step > 0 && every > 0 && step.is_multiple_of(every));
        if due && trainer.progress.last_eval != Some(step) {
            match trainer.evaluate(watch)? {
                Some(done) => {
                    report(Event::Eval(done.clone()))?;
                    last = Some(done);
                }
                None if !trainer.exam.is_empty() => {
                    return Ok(Finished { step, last, reached: false, broken_off: true });
                }
                None => {}
            }
        }
        let reached = target.zip(last.as_ref()).is_some_and(|(target, done)| done.execution_accuracy >= target);
        if reached || step >= trainer.max_steps {
            return Ok(Finished { step, last, reached, broken_off: false });
        }
        match trainer.step(watch)? {
            Some(done) => report(Event::Step(done))?,
            None => return Ok(Finished { step, last, reached: false, broken_off: true }),
        }
    }
}
