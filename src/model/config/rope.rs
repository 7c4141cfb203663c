//! Rotary frequencies, and how models stretch them to texts longer than those they were first trained on.

use std::f32::consts::TAU;

/// How the frequencies theta^(−2i / dim) are changed.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All are divided by `factor` (Chen et al. 2023, position interpolation; DeepSeek-Coder).
    Linear {
        /// Divisor.
        factor: f32,
    },
    /// Low frequencies are divided by `factor`, high ones kept, those between mixed (Llama 3.1, as in `transformers`).
    Llama3 {
        /// Divisor of low frequencies.
        factor: f32,
        /// Turns within `original_positions` up to which a frequency is low.
        low_freq_factor: f32,
        /// Turns within `original_positions` from which a frequency is high.
        high_freq_factor: f32,
        /// Positions of the first training.
        original_positions: usize,
    },
    /// Each has a divisor of its own (`rope_freqs.weight` in GGUF files).
    Factors(Vec<f32>),
}

impl RopeScaling {
    /// The frequencies of heads of width `dim` with base `theta`, `[dim / 2]`.
    pub fn frequencies(&self, theta: f32, dim: usize) -> Vec<f32> {
        let plain = (0..dim / 2).map(|i| theta.powf(-((2 * i) as f32) / dim as f32));
        match self {
            Self::None => plain.collect(),
            Self::Linear { factor } => plain.map(|f| f / factor).collect(),
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } => plain
                .map(|frequency| {
                    let turns = *original_positions as f32 * frequency / TAU;
                    let kept = ((turns - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0.0, 1.0);
                    kept * frequency + (1.0 - kept) * frequency / factor
                })
                .collect(),
            Self::Factors(factors) => plain.zip(factors).map(|(frequency, factor)| frequency / factor).collect(),
        }
    }

    /// In words, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::None => "none".into(),
            Self::Linear { factor } => format!("linear, factor {factor}"),
            Self::Llama3 { factor, original_positions, .. } => {
                format!("llama3, factor {factor} beyond {original_positions} positions")
            }
            Self::Factors(factors) => {
                let largest = factors.iter().copied().fold(0.0, f32::max);
                format!("a factor for each frequency, up to {largest}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(ours: &[f32], expected: &[f32]) {
        assert_eq!(ours.len(), expected.len());
        for (a, b) in ours.iter().zip(expected) {
            assert!((a - b).abs() <= b.abs() * 1e-6, "{a} {b}");
        }
    }

    #[test]
    fn scaling_divides_the_frequencies_it_should() {
        let plain = RopeScaling::None.frequencies(10_000.0, 8);
        assert_close(&plain, &[1.0, 0.1, 0.01, 0.001]);
        assert_close(&RopeScaling::Linear { factor: 4.0 }.frequencies(10_000.0, 8), &[0.25, 0.025, 0.0025, 0.00025]);
        let factors = RopeScaling::Factors(vec![1.0, 1.0, 2.0, 8.0]);
        assert_close(&factors.frequencies(10_000.0, 8), &[1.0, 0.1, 0.005, 0.000_125]);
    }

    #[test]
    fn llama_3s_scaling_keeps_high_and_divides_low_frequencies() {
        let scaling =
            RopeScaling::Llama3 { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_positions: 64 };
        // Turns within 64 positions: 10.2, 1.02, 0.1, 0.01. The second lies between: (1.0186 - 1) / 3 of it is kept.
        let kept = (6.4 / TAU - 1.0) / 3.0;
        let between = kept * 0.1 + (1.0 - kept) * 0.1 / 8.0;
        assert_close(&scaling.frequencies(10_000.0, 8), &[1.0, between, 0.01 / 8.0, 0.001 / 8.0]);
    }
}
