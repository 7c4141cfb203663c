//! The logits behind every token of a text: what other implementations are compared by.

use std::sync::Arc;

use super::{Decoder, PackedGroup};
use crate::model::{ModelError, ops, ops::layout::Segments};

impl Decoder<'_> {
    /// One row of logits, as wide as the vocabulary, for each token.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for no tokens, ids outside the vocabulary, or a device that fails.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, ModelError> {
        PackedGroup { prompt: tokens.to_vec(), completions: vec![] }.check(self.config.vocab_size)?;
        let segments = Arc::new(Segments { prompt: tokens.len(), completions: vec![] });
        let rotation = self.rotation(&segments.positions())?;
        let mut x = self.embed(tokens);
        for index in 0..self.weights.layers.len() {
            x = self.layer(index, None, &rotation).forward(x, &segments).0;
        }
        let logits = ops::matmul_wide(self.norm(x), self.weights.head()).try_into_vec_as::<f32>();
        let logits = logits.map_err(|e| ModelError::Compute(format!("cannot read logits: {e:?}")))?;
        Ok(logits.chunks(self.config.vocab_size).map(<[f32]>::to_vec).collect())
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::model::testing::{random_weights, tiny_config};

    #[test]
    fn logits_give_the_log_probabilities_that_scoring_gives() {
        let config = tiny_config();
        let weights = random_weights(&config, 1, &crate::model::testing::device());
        let decoder = Decoder { config: &config, weights: &weights };
        let tokens = [5, 9, 33, 2, 71];
        let group = PackedGroup { prompt: tokens[..1].to_vec(), completions: vec![tokens[1..].to_vec()] };
        let scores = decoder.score(None, &group, 1.0).unwrap();
        let rows = decoder.logits(&tokens).unwrap();
        for ((row, next), expected) in rows.iter().zip(&tokens[1..]).zip(&scores.logprobs[0]) {
            let log_sum = row.iter().map(|l| f64::from(*l).exp()).sum::<f64>().ln();
            assert!((f64::from(row[*next as usize]) - log_sum - f64::from(*expected)).abs() < 1e-4);
        }
        assert!(decoder.logits(&[]).is_err() && decoder.logits(&[96]).is_err());
    }
}
