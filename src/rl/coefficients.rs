//! Coefficients of the objective that may follow what is measured: those of the KL term and of the entropy bonus.

use serde::{Deserialize, Serialize};

use crate::settings::GrpoSettings;

/// The largest error of the KL divergence, relative to its target, that the controller answers in proportion (Ziegler et al. 2019,
/// arXiv 1909.08593).
const MOST_ERROR: f64 = 0.2;

/// What has become of the coefficients; part of a checkpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Coefficients {
    /// The KL term's, where it follows `kl_target`: what it began with, by the settings, and what it is now.
    beta: Option<[f64; 2]>,
    /// The entropy bonus's, where it is adaptive, likewise.
    entropy: Option<[f64; 2]>,
    /// The mean entropy of the last update.
    measured: Option<f64>,
}

impl Coefficients {
    /// The KL term's weight in the next update.
    pub fn beta(&self, grpo: &GrpoSettings) -> f64 {
        grpo.kl_target.and(self.beta).map_or(grpo.beta, |moved| since(grpo.beta, moved))
    }

    /// The entropy bonus's weight as it stands.
    pub fn entropy_coef(&self, grpo: &GrpoSettings) -> f64 {
        let moved = self.entropy.filter(|_| grpo.use_adaptive_entropy);
        moved.map_or(grpo.entropy_coef, |moved| since(grpo.entropy_coef, moved))
    }

    /// The entropy bonus's weight in the next update: where it is adaptive, nothing while entropy is above its target, nor before it
    /// was measured.
    pub fn applied_entropy_coef(&self, grpo: &GrpoSettings) -> f64 {
        let low = self.measured.is_some_and(|entropy| entropy <= grpo.entropy_target);
        if grpo.use_adaptive_entropy && !low { 0.0 } else { self.entropy_coef(grpo) }
    }

    /// After an update of so many completions with this mean entropy and KL divergence.
    #[must_use]
    pub fn after(self, grpo: &GrpoSettings, entropy: f64, kl: f64, completions: usize) -> Self {
        let beta = grpo.kl_target.filter(|_| kl.is_finite()).map(|target| {
            let error = (kl / target - 1.0).clamp(-MOST_ERROR, MOST_ERROR);
            self.beta(grpo) * (1.0 + error * completions as f64 / grpo.kl_horizon)
        });
        let low = entropy <= grpo.entropy_target;
        let step = if low { grpo.entropy_coef_delta } else { -grpo.entropy_coef_delta };
        let moved = self.entropy_coef(grpo) + step;
        // Each bound where it is met, as in TRL: a coefficient that starts outside of them is not moved there at once.
        let moved = if low { moved.min(grpo.entropy_coef_max) } else { moved.max(grpo.entropy_coef_min) };
        Self {
            beta: grpo.kl_target.map(|_| [grpo.beta, beta.unwrap_or_else(|| self.beta(grpo))]),
            entropy: grpo.use_adaptive_entropy.then_some([grpo.entropy_coef, moved]),
            measured: grpo.use_adaptive_entropy.then_some(entropy),
        }
    }
}

/// Where a coefficient has moved to; what the settings say, if they say something else than when it began to move.
fn since(setting: f64, [began, now]: [f64; 2]) -> f64 {
    if began.to_bits() == setting.to_bits() { now } else { setting }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is only chosen or cut off is exact")]
mod tests {
    use super::*;

    #[test]
    fn without_controllers_settings_decide() {
        let grpo = GrpoSettings { entropy_coef: 0.3, ..GrpoSettings::default() };
        let later = Coefficients::default().after(&grpo, 0.1, 5.0, 100);
        assert_eq!((later.beta(&grpo), later.applied_entropy_coef(&grpo)), (grpo.beta, 0.3));
    }

    #[test]
    fn the_entropy_bonus_follows_its_target_as_written_out() {
        let grpo = GrpoSettings {
            use_adaptive_entropy: true,
            entropy_coef: 0.01,
            entropy_coef_delta: 0.005,
            entropy_coef_max: 0.02,
            entropy_target: 0.5,
            ..GrpoSettings::default()
        };
        let mut now = Coefficients::default();
        assert_eq!(now.applied_entropy_coef(&grpo), 0.0, "nothing was measured yet");
        let mut expected: f64 = 0.01;
        for entropy in [0.9, 0.4, 0.3, 0.2, 0.1, 0.6, 0.7, 0.8, 0.9, 0.5] {
            expected = if entropy <= 0.5 { (expected + 0.005).min(0.02) } else { (expected - 0.005).max(0.0) };
            now = now.after(&grpo, entropy, 0.0, 8);
            assert!((now.entropy_coef(&grpo) - expected).abs() < 1e-12);
            let applied = if entropy <= 0.5 { expected } else { 0.0 };
            assert!((now.applied_entropy_coef(&grpo) - applied).abs() < 1e-12);
        }
    }

    #[test]
    fn beta_follows_the_divergence() {
        let grpo = GrpoSettings { kl_target: Some(0.1), kl_horizon: 1000.0, beta: 0.04, ..GrpoSettings::default() };
        let start = Coefficients::default();
        let up = start.after(&grpo, 1.0, 0.5, 100).beta(&grpo);
        let down = start.after(&grpo, 1.0, 0.01, 100).beta(&grpo);
        assert!((up - 0.04 * 1.02).abs() < 1e-12 && (down - 0.04 * 0.98).abs() < 1e-12);
        assert_eq!(start.after(&grpo, 1.0, 0.1, 100).beta(&grpo), 0.04);
        assert_eq!(start.after(&grpo, 1.0, f64::NAN, 100).beta(&grpo), 0.04);
    }

    #[test]
    fn what_a_resumption_sets_anew_counts_from_there() {
        let grpo = GrpoSettings { kl_target: Some(0.1), use_adaptive_entropy: true, ..GrpoSettings::default() };
        let moved = Coefficients::default().after(&grpo, 0.1, 0.5, 100);
        assert!(moved.beta(&grpo) > grpo.beta && moved.entropy_coef(&grpo) > grpo.entropy_coef);
        let other = GrpoSettings { beta: 0.2, entropy_coef: 0.3, ..grpo.clone() };
        assert_eq!((moved.beta(&other), moved.entropy_coef(&other)), (0.2, 0.3));
        let off = GrpoSettings { kl_target: None, ..grpo.clone() };
        assert_eq!(moved.after(&off, 0.1, 0.5, 100).beta(&grpo), grpo.beta);
    }

    #[test]
    fn a_checkpoint_gives_them_back_to_the_bit() {
        let grpo = GrpoSettings { kl_target: Some(0.07), use_adaptive_entropy: true, ..GrpoSettings::default() };
        let mut moved = Coefficients::default();
        for i in 1..200 {
            moved = moved.after(&grpo, 1.0 / f64::from(i), f64::from(i) / 997.0, 8);
            let text = serde_json::to_string(&moved).unwrap();
            assert_eq!(serde_json::from_str::<Coefficients>(&text).unwrap(), moved, "{text}");
        }
    }
}
