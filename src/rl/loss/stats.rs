//! What a loss tells beside its value.

/// Sums from which the metrics of a batch are made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LossStats {
    /// Tokens counted.
    pub tokens: usize,
    /// Sum of the KL estimates.
    pub kl: f64,
    /// Sum of the entropies.
    pub entropy: f64,
    /// The loss without the entropy bonus.
    pub policy_loss: f64,
    /// Clipping, where the loss clips ratios on both sides.
    pub clipped: Option<Clipped>,
    /// Ratios that `cispo` cut off.
    pub cut_off: Option<Share>,
    /// The weights that `vespo` gives to sequences.
    pub phi: Option<Share>,
}

/// A mean in the making: over tokens, or over sequences where there is one value for each.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share {
    /// The values' sum.
    pub sum: f64,
    /// How many there are.
    pub count: usize,
}

impl Share {
    /// Adds values.
    pub fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn mean(self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

/// What was clipped.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clipped {
    /// From below (negative advantage).
    pub low: Share,
    /// From above (positive advantage).
    pub high: Share,
    /// The shares from below and from above, by sequence.
    pub by_sequence: Vec<[f64; 2]>,
}

impl LossStats {
    /// Adds another part of the batch.
    pub fn merge(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.kl += other.kl;
        self.entropy += other.entropy;
        self.policy_loss += other.policy_loss;
        if let Some(other) = other.clipped {
            let clipped = self.clipped.get_or_insert_default();
            clipped.low.add(other.low);
            clipped.high.add(other.high);
            clipped.by_sequence.extend(other.by_sequence);
        }
        for (mine, theirs) in [(&mut self.cut_off, other.cut_off), (&mut self.phi, other.phi)] {
            if let Some(theirs) = theirs {
                mine.get_or_insert_default().add(theirs);
            }
        }
    }

    /// Mean entropy of the tokens counted.
    pub fn mean_entropy(&self) -> f64 {
        self.entropy / self.tokens.max(1) as f64
    }

    /// Mean KL estimate of the tokens counted.
    pub fn mean_kl(&self) -> f64 {
        self.kl / self.tokens.max(1) as f64
    }

    /// The metrics under TRL's names.
    pub fn metrics(&self) -> Vec<(&'static str, f64)> {
        let mut metrics = vec![("kl", self.mean_kl()), ("entropy", self.mean_entropy())];
        if let Some(clipped) = &self.clipped {
            let extreme = |side: usize, pick: fn(f64, f64) -> f64| {
                clipped.by_sequence.iter().map(|shares| shares[side]).reduce(pick).unwrap_or(0.0)
            };
            metrics.extend([
                ("clip_ratio/low_mean", clipped.low.mean()),
                ("clip_ratio/low_min", extreme(0, f64::min)),
                ("clip_ratio/high_mean", clipped.high.mean()),
                ("clip_ratio/high_max", extreme(1, f64::max)),
                ("clip_ratio/region_mean", clipped.low.mean() + clipped.high.mean()),
            ]);
        }
        metrics.extend(self.cut_off.map(|share| ("cispo_clip_ratio", share.mean())));
        metrics.extend(self.phi.map(|share| ("vespo/phi_seq_mean", share.mean())));
        metrics
    }
}
