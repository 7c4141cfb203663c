//! Soft punishment of replies that nearly, or quite, reach the greatest length (DAPO, arXiv 2503.14476, equation 13).

use crate::{reward::Scored, settings::Settings};

/// The name of the punishment among the components of a reward.
pub const OVERLONG: &str = "overlong";

/// A buffer before the greatest length in which the reward falls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlong {
    most: usize,
    buffer: usize,
    /// What the longest replies lose.
    pub factor: f64,
}

impl Overlong {
    /// As the settings ask for it; `None` if they do not.
    pub fn of(settings: &Settings) -> Option<Self> {
        let (grpo, most) = (&settings.grpo, settings.rollout.max_completion_length);
        grpo.overlong_buffer_len.map(|buffer| Self {
            most,
            buffer: buffer.min(most),
            factor: grpo.overlong_penalty_factor,
        })
    }

    /// From 0 for replies that end before the buffer to -1 for those of the greatest length.
    fn term(&self, tokens: usize) -> f64 {
        let over = tokens.saturating_sub(self.most.saturating_sub(self.buffer));
        -(over as f64 / self.buffer.max(1) as f64).min(1.0)
    }

    /// Takes its due from the reward of a reply of so many tokens.
    pub fn charge(&self, tokens: usize, scored: &mut Scored) {
        let term = self.term(tokens);
        scored.reward += self.factor * term;
        scored.components.insert(OVERLONG.to_owned(), term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rl::testing::rollout;

    #[test]
    fn rewards_fall_in_the_buffer_as_written_out() {
        let overlong = Overlong { most: 100, buffer: 20, factor: 0.5 };
        for (tokens, expected) in [(0, 0.0), (80, 0.0), (81, -0.05), (90, -0.5), (100, -1.0)] {
            assert!((overlong.term(tokens) - expected).abs() < 1e-12, "{tokens}");
            let mut scored = rollout(&[1.0], &[true]).scored.remove(0);
            overlong.charge(tokens, &mut scored);
            assert!((scored.reward - (1.0 + 0.5 * expected)).abs() < 1e-12);
            assert!((scored.components[OVERLONG] - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn a_buffer_is_asked_for() {
        let mut settings = Settings::default();
        assert_eq!(Overlong::of(&settings), None);
        settings.grpo.overlong_buffer_len = Some(16);
        assert_eq!(Overlong::of(&settings), Some(Overlong { most: 96, buffer: 16, factor: 1.0 }));
    }
}
