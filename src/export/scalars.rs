//! What an event measures, as numbers by name.

use crate::run::event::{EvalDone, Event};

/// Numbers that belong to a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalars {
    /// Steps trained.
    pub step: u64,
    /// Values by name.
    pub values: Vec<(String, f64)>,
}

/// What `event` measures: a step's metrics under their names, an evaluation's with the prefix `eval_`, as in TRL's
/// `trainer_state.json`.
pub fn of(event: &Event) -> Option<Scalars> {
    match event {
        Event::Step(done) => {
            let values = done.metrics.0.iter().map(|(name, value)| (name.clone(), *value)).collect();
            Some(Scalars { step: done.step, values })
        }
        Event::Eval(eval) => Some(Scalars { step: eval.step, values: of_eval(eval).to_vec() }),
        _ => None,
    }
}

fn of_eval(eval: &EvalDone) -> [(String, f64); 7] {
    [
        ("execution_accuracy", eval.execution_accuracy),
        ("execution_accuracy_low", eval.wilson[0]),
        ("execution_accuracy_high", eval.wilson[1]),
        ("questions", eval.n as f64),
        ("correct", eval.correct as f64),
        ("reward", eval.reward),
        ("runtime", eval.time),
    ]
    .map(|(name, value)| (format!("eval_{name}"), value))
}
