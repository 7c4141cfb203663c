//! How long what is left of a run takes, if it goes on as it does.

use std::collections::VecDeque;

/// Steps whose mean time counts.
const RECENT: usize = 16;

/// What is left of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Steps to come.
    pub steps: u64,
    /// Evaluations to come.
    pub evals: u64,
}

impl Left {
    /// After `step` of `max_steps`, with an evaluation every `every` steps, unless that is 0, and one at the end.
    pub fn after(step: u64, max_steps: u64, every: u64) -> Self {
        let steps = max_steps.saturating_sub(step);
        // Those by the calendar lie before the last step, after which there is one anyway.
        let due = if every == 0 || steps == 0 { 0 } else { (max_steps - 1) / every - step / every };
        Self { steps, evals: due + u64::from(steps > 0) }
    }

    /// Seconds that it takes.
    pub fn seconds(self, step_time: f64, eval_time: f64) -> f64 {
        self.steps as f64 * step_time + self.evals as f64 * eval_time
    }
}

/// The times of the newest steps and of the newest evaluation.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    steps: VecDeque<f64>,
    eval: f64,
}

impl Pace {
    /// Takes note of a step's seconds.
    pub fn step(&mut self, seconds: f64) {
        if self.steps.len() == RECENT {
            self.steps.pop_front();
        }
        self.steps.push_back(seconds);
    }

    /// Takes note of an evaluation's seconds.
    pub fn eval(&mut self, seconds: f64) {
        self.eval = seconds;
    }

    /// Seconds that `left` takes; `None` before the first step.
    pub fn of(&self, left: Left) -> Option<f64> {
        let mean = self.steps.iter().sum::<f64>() / self.steps.len() as f64;
        (!self.steps.is_empty() && left.steps > 0).then(|| left.seconds(mean, self.eval))
    }
}

/// A span of time in its two largest units.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".into();
    }
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m {:02}s", s / 60, s % 60),
        3600..86_400 => format!("{}h {:02}m", s / 3600, s / 60 % 60),
        _ => format!("{}d {}h", s / 86_400, s / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_to_come_are_those_that_a_session_makes() {
        // As `rl::session` has it: after a step that is a multiple and not the last, and at the end.
        let made = |step: u64, max: u64, every: u64| {
            let due = (step + 1..max).filter(|s| every > 0 && s % every == 0).count() as u64;
            due + u64::from(step < max)
        };
        for max in 1..40 {
            for step in 0..=max {
                for every in 0..12 {
                    let left = Left::after(step, max, every);
                    assert_eq!((left.steps, left.evals), (max - step, made(step, max, every)), "{step} {max} {every}");
                }
            }
        }
    }

    #[test]
    fn a_pace_is_the_newest_steps_mean() {
        let mut pace = Pace::default();
        assert_eq!(pace.of(Left::after(0, 9, 0)), None);
        pace.step(1000.0);
        (0..RECENT).for_each(|_| pace.step(2.0));
        pace.eval(5.0);
        assert_eq!(pace.of(Left::after(10, 20, 4)), Some(10.0 * 2.0 + 3.0 * 5.0));
        assert_eq!(pace.of(Left::after(20, 20, 4)), None);
    }
}
