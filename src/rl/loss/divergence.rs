//! Estimates of the KL divergence from the reference policy, by token (Schulman 2020, "Approximating KL divergence").

use crate::settings::KlEstimator;

/// Differences of log-probabilities beyond this are cut off before they are exponentiated: one token must not make a loss infinite.
const MOST: f64 = 20.0;

/// An estimate and its derivative with respect to the policy's log-probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Divergence {
    /// The estimate.
    pub value: f64,
    /// Its derivative.
    pub slope: f64,
}

/// Estimates the divergence from one token's log-probabilities under policy and reference.
pub fn estimate(kind: KlEstimator, logprob: f64, reference: f64) -> Divergence {
    // log(reference / policy)
    let gap = (reference - logprob).clamp(-MOST, MOST);
    let k3 = gap.exp() - gap - 1.0;
    let (value, slope) = match kind {
        KlEstimator::K1 => (-gap, 1.0),
        KlEstimator::K2 => (gap * gap / 2.0, -gap),
        KlEstimator::K3 => (k3, 1.0 - gap.exp()),
        KlEstimator::K3Plus => (k3, -gap),
    };
    Divergence { value, slope }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is only chosen or cut off is exact")]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_what_the_formulas_say() {
        let (p, q) = (-1.2_f64, -0.7_f64);
        let at = |kind| estimate(kind, p, q).value;
        assert!((at(KlEstimator::K1) - (p - q)).abs() < 1e-15);
        assert!((at(KlEstimator::K2) - 0.125).abs() < 1e-15);
        assert!((at(KlEstimator::K3) - (0.5_f64.exp() - 1.5)).abs() < 1e-15);
        assert_eq!(estimate(KlEstimator::K3Plus, p, q).value, at(KlEstimator::K3));
        assert_eq!(estimate(KlEstimator::K3Plus, p, q).slope, estimate(KlEstimator::K2, p, q).slope);
    }

    #[test]
    fn slopes_are_derivatives_but_for_the_one_that_borrows_another() {
        let step = 1e-6;
        for kind in [KlEstimator::K1, KlEstimator::K2, KlEstimator::K3] {
            for (p, q) in [(-0.1, -2.0), (-3.0, -0.2), (-1.0, -1.0)] {
                let rise = estimate(kind, p + step, q).value - estimate(kind, p - step, q).value;
                assert!((rise / (2.0 * step) - estimate(kind, p, q).slope).abs() < 1e-6, "{kind:?}");
            }
        }
    }

    #[test]
    fn no_gap_is_too_wide() {
        for kind in [KlEstimator::K1, KlEstimator::K2, KlEstimator::K3, KlEstimator::K3Plus] {
            let found = estimate(kind, -200.0, -0.001);
            assert!(found.value.is_finite() && found.slope.is_finite());
        }
    }
}
