//! What a completion's tokens are to the objective where the model did not write all of them (self-correction): those that it was given are
//! left out of everything that the objective sees, and get a gradient of exactly zero.

use std::{borrow::Cow, ops::Range};

use crate::model::{TokenGrads, TokenScores};

/// Tokens of a completion that the model did not write, in order.
pub type Given = Vec<Range<usize>>;

/// The tokens of some completions that the model did not write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mask<'a>(pub &'a [Given]);

impl Mask<'_> {
    /// Only what belongs to tokens that the model wrote.
    pub fn written(self, scores: &TokenScores) -> Cow<'_, TokenScores> {
        if self.0.iter().all(Vec::is_empty) {
            return Cow::Borrowed(scores);
        }
        let all = |values: &[Vec<f32>]| values.iter().zip(self.0).map(|(v, given)| without(v, given)).collect();
        Cow::Owned(TokenScores { logprobs: all(&scores.logprobs), entropies: all(&scores.entropies) })
    }

    /// A gradient for every token, from one for those that the model wrote.
    pub fn spread(self, gradients: TokenGrads) -> TokenGrads {
        if self.0.iter().all(Vec::is_empty) {
            return gradients;
        }
        let all = |values: Vec<Vec<f32>>| values.iter().zip(self.0).map(|(v, given)| spread(v, given)).collect();
        TokenGrads { logprobs: all(gradients.logprobs), entropies: all(gradients.entropies) }
    }
}

fn without(values: &[f32], given: &[Range<usize>]) -> Vec<f32> {
    let is_given = |at: &usize| given.iter().any(|range| range.contains(at));
    values.iter().enumerate().filter(|(at, _)| !is_given(at)).map(|(_, value)| *value).collect()
}

fn spread(values: &[f32], given: &[Range<usize>]) -> Vec<f32> {
    let mut all = Vec::with_capacity(values.len() + given.iter().map(ExactSizeIterator::len).sum::<usize>());
    let mut left = values;
    for range in given {
        let (before, behind) = left.split_at(range.start - all.len());
        all.extend_from_slice(before);
        all.resize(range.end, 0.0);
        left = behind;
    }
    all.extend_from_slice(left);
    all
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a list of ranges may have one")]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_comes_back_as_zero_in_its_place() {
        let values: Vec<f32> = (1..=9).map(|i| i as f32).collect();
        for (given, written) in [
            (vec![], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]),
            (vec![2..5], vec![1.0, 2.0, 6.0, 7.0, 8.0, 9.0]),
            (vec![1..3, 4..8], vec![1.0, 4.0, 9.0]),
            (vec![7..9], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
        ] {
            assert_eq!(without(&values, &given), written);
            let expected: Vec<f32> = values
                .iter()
                .enumerate()
                .map(
                    |(at, value)| {
                        if given.iter().any(|range: &Range<usize>| range.contains(&at)) { 0.0 } else { *value }
                    },
                )
                .collect();
            assert_eq!(spread(&written, &given), expected);
        }
    }
}
