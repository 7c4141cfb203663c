//! The learning rate by step: Hugging Face's schedules, one step ahead of theirs, whose first update has rate 0.

use crate::settings::{LrScheduler, OptimSettings};

/// The learning rate of `step` (from 1) of `max_steps`.
pub fn learning_rate(optim: &OptimSettings, step: u64, max_steps: u64) -> f64 {
    let done = step.saturating_sub(1) as f64;
    let warmup = optim.warmup_steps as f64;
    if step <= optim.warmup_steps {
        return optim.learning_rate * step as f64 / warmup;
    }
    let progress = (done - warmup) / (max_steps as f64 - warmup).max(1.0);
    let factor = match optim.lr_scheduler_type {
        LrScheduler::Constant => 1.0,
        LrScheduler::Linear => 1.0 - progress,
        LrScheduler::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
    };
    optim.learning_rate * factor.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warms_up_and_then_follows_the_schedule() {
        let at = |kind, step| {
            let optim = OptimSettings {
                learning_rate: 1.0,
                warmup_steps: 4,
                lr_scheduler_type: kind,
                ..OptimSettings::default()
            };
            learning_rate(&optim, step, 24)
        };
        for kind in [LrScheduler::Constant, LrScheduler::Linear, LrScheduler::Cosine] {
            assert!(
                (at(kind, 1) - 0.25).abs() < 1e-12
                    && (at(kind, 4) - 1.0).abs() < 1e-12
                    && (at(kind, 5) - 1.0).abs() < 1e-12
            );
        }
        assert!((at(LrScheduler::Constant, 24) - 1.0).abs() < 1e-12);
        assert!((at(LrScheduler::Linear, 15) - 0.5).abs() < 1e-12);
        assert!((at(LrScheduler::Cosine, 15) - 0.5).abs() < 1e-12);
        assert!(at(LrScheduler::Linear, 40) >= 0.0, "a run prolonged beyond its schedule does not train backwards");
    }
}
