//! The newest values of something, those that are not finite left out.

use std::collections::VecDeque;

use super::Verdict;

/// Values that it takes at least before anything is said.
pub const ENOUGH: usize = 3;

/// A bounded number of newest values.
#[derive(Debug, Clone, Default)]
pub struct Window {
    values: VecDeque<f64>,
}

impl Window {
    /// Takes in a value, and forgets what is older than `most` values.
    pub fn push(&mut self, value: Option<f64>, most: usize) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.values.push_back(value);
        }
        while self.values.len() > most.max(1) {
            self.values.pop_front();
        }
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn sum(&self) -> f64 {
        self.values.iter().sum()
    }

    /// Share of the values of which something holds.
    pub fn share(&self, holds: impl Fn(f64) -> bool) -> f64 {
        self.values.iter().filter(|value| holds(**value)).count() as f64 / self.len().max(1) as f64
    }

    /// Mean of the values, once there are enough.
    pub fn mean(&self) -> Option<f64> {
        (self.len() >= ENOUGH).then(|| self.values.iter().sum::<f64>() / self.len() as f64)
    }

    /// Median of the values, once there are enough.
    pub fn median(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.values.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        (sorted.len() >= ENOUGH).then(|| sorted[sorted.len() / 2])
    }

    /// Change of the values a step, by least squares, once there are enough.
    pub fn slope(&self) -> Option<f64> {
        let (mean, middle) = (self.mean()?, (self.len() as f64 - 1.0) / 2.0);
        let apart = |(at, value): (usize, &f64)| ((at as f64 - middle) * (value - mean), (at as f64 - middle).powi(2));
        let (joint, spread) =
            self.values.iter().enumerate().map(apart).fold((0.0, 0.0), |sum, (a, b)| (sum.0 + a, sum.1 + b));
        Some(joint / spread)
    }

    /// How sure it is that what `shows` holds of is no accident: the share of values that show it, by Laplace's rule of succession.
    pub fn certainty(&self, shows: impl Fn(f64) -> bool) -> f64 {
        let showing = self.values.iter().filter(|value| shows(**value)).count();
        (showing as f64 + 1.0) / (self.len() as f64 + 2.0)
    }
}

/// Sick from the threshold on, healthy below four fifths of it.
pub fn above(value: f64, threshold: f64) -> Option<Verdict> {
    if value >= threshold {
        return None;
    }
    Some(if value < 0.8 * threshold { Verdict::Healthy } else { Verdict::Unsettled })
}

/// Sick below the threshold, healthy from five quarters of it on.
pub fn below(value: f64, threshold: f64) -> Option<Verdict> {
    if value < threshold {
        return None;
    }
    Some(if value >= 1.25 * threshold { Verdict::Healthy } else { Verdict::Unsettled })
}
