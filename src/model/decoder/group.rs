//! A prompt with its completions as one packed sequence.

use std::ops::Range;

use super::super::ops::{HeadToken, layout::Segments};
use crate::model::ModelError;

/// A prompt and its completions, computed as one packed sequence: completions see the prompt and themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackedGroup {
    /// Tokens of the prompt.
    pub prompt: Vec<u32>,
    /// Tokens of each completion, of any lengths.
    pub completions: Vec<Vec<u32>>,
}

/// What the model makes of a group's completion tokens, under softmax(logits / temperature).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenScores {
    /// Log-probability of each token of each completion.
    pub logprobs: Vec<Vec<f32>>,
    /// Entropy in nats of the distribution that each token was chosen from.
    pub entropies: Vec<Vec<f32>>,
}

/// dLoss/dlogprob, shaped like [`TokenScores::logprobs`], and dLoss/dentropy likewise; the latter is empty where entropies do not
/// matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenGrads {
    /// By token of each completion.
    pub logprobs: Vec<Vec<f32>>,
    /// By token of each completion, or nothing.
    pub entropies: Vec<Vec<f32>>,
}

impl From<Vec<Vec<f32>>> for TokenGrads {
    fn from(logprobs: Vec<Vec<f32>>) -> Self {
        Self { logprobs, entropies: Vec::new() }
    }
}

/// A row of logits whose entropy matters to the loss.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EntropyRow {
    /// Its entropy.
    pub entropy: f32,
    /// dLoss/dentropy, of all tokens that were chosen from it.
    pub grad: f32,
}

impl PackedGroup {
    /// Checks that there is a prompt and that all ids lie in the vocabulary.
    ///
    /// # Errors
    /// [`ModelError::Compute`].
    pub fn check(&self, vocabulary: usize) -> Result<(), ModelError> {
        if self.prompt.is_empty() {
            return Err(ModelError::Compute("a prompt needs at least one token".into()));
        }
        let ids = self.prompt.iter().chain(self.completions.iter().flatten());
        match ids.copied().find(|&id| id as usize >= vocabulary) {
            Some(id) => Err(ModelError::Compute(format!("token id {id} lies outside the vocabulary of {vocabulary}"))),
            None => Ok(()),
        }
    }

    /// The rows of the sequence. A completion's last token is no input: nothing follows it.
    pub fn segments(&self) -> Segments {
        let completions = self.completions.iter().map(|tokens| tokens.len().saturating_sub(1)).collect();
        Segments { prompt: self.prompt.len(), completions }
    }

    /// Token ids of the rows.
    pub fn row_ids(&self) -> Vec<u32> {
        let inputs = self.completions.iter().flat_map(|tokens| &tokens[..tokens.len().saturating_sub(1)]);
        self.prompt.iter().chain(inputs).copied().collect()
    }
}

/// Which rows the head evaluates, and which tokens they give scores to.
#[derive(Debug, Clone)]
pub struct HeadPlan {
    /// First row: the prompt's last.
    pub first: usize,
    /// Rows, up to the end of the sequence.
    pub rows: usize,
    /// Tokens by ascending row (counted from `first`).
    tokens: Vec<HeadToken>,
    /// Lengths of the completions.
    lengths: Vec<usize>,
}

impl HeadPlan {
    /// The plan for a group: all first tokens come from one row, which is evaluated once.
    pub fn new(group: &PackedGroup) -> Self {
        let token = |row: usize, id: u32| HeadToken { row, id: id as usize };
        let mut tokens: Vec<HeadToken> =
            group.completions.iter().filter_map(|c| c.first()).map(|&id| token(0, id)).collect();
        let mut row = 0;
        for completion in &group.completions {
            for &id in completion.iter().skip(1) {
                row += 1;
                tokens.push(token(row, id));
            }
        }
        let lengths = group.completions.iter().map(Vec::len).collect();
        Self { first: group.prompt.len() - 1, rows: row + 1, tokens, lengths }
    }

    /// The tokens of some rows, with rows counted from the range's start.
    pub fn tokens_of(&self, rows: &Range<usize>) -> Vec<HeadToken> {
        let first = self.tokens.partition_point(|t| t.row < rows.start);
        let inside = self.tokens[first..].iter().take_while(|t| t.row < rows.end);
        inside.map(|t| HeadToken { row: t.row - rows.start, id: t.id }).collect()
    }

    /// Values in the plan's order to one list per completion.
    pub fn unpack(&self, values: &[f32]) -> Vec<Vec<f32>> {
        let starts = self.lengths.iter().filter(|&&length| length > 0).count();
        let (mut firsts, mut others) = (values[..starts].iter(), values[starts..].iter());
        let completion = |&length: &usize| {
            let rest = others.by_ref().take(length.saturating_sub(1));
            if length == 0 { Vec::new() } else { firsts.next().into_iter().chain(rest).copied().collect() }
        };
        self.lengths.iter().map(completion).collect()
    }

    /// Entropies and their gradients by row, both given per completion; empty if there are no gradients, nothing if the lengths
    /// differ from the completions'.
    pub fn entropy_rows(&self, grads: &[Vec<f32>], entropies: &[Vec<f32>]) -> Option<Vec<EntropyRow>> {
        if grads.is_empty() {
            return Some(Vec::new());
        }
        let (grads, entropies) = (self.pack(grads)?, self.pack(entropies)?);
        let mut rows = vec![EntropyRow::default(); self.rows];
        for ((token, grad), entropy) in self.tokens.iter().zip(grads).zip(entropies) {
            rows[token.row].entropy = entropy;
            rows[token.row].grad += grad;
        }
        Some(rows)
    }

    /// One list per completion to the plan's order; nothing if the lengths differ from the completions'.
    pub fn pack(&self, values: &[Vec<f32>]) -> Option<Vec<f32>> {
        if !values.iter().map(Vec::len).eq(self.lengths.iter().copied()) {
            return None;
        }
        let firsts = values.iter().filter_map(|v| v.first());
        Some(firsts.chain(values.iter().flat_map(|v| v.iter().skip(1))).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_covers_each_token_once_and_unpacks_what_it_packs() {
        let group =
            PackedGroup { prompt: vec![1, 2, 3], completions: vec![vec![4, 5, 6], vec![], vec![7], vec![8, 9]] };
        let plan = HeadPlan::new(&group);
        assert_eq!((plan.first, plan.rows), (2, 4));
        assert_eq!(group.row_ids(), [1, 2, 3, 4, 5, 8]);
        assert_eq!(group.segments().positions(), [0, 1, 2, 3, 4, 3]);
        let ids: Vec<(usize, usize)> = plan.tokens_of(&(0..4)).iter().map(|t| (t.row, t.id)).collect();
        assert_eq!(ids, [(0, 4), (0, 7), (0, 8), (1, 5), (2, 6), (3, 9)]);
        assert_eq!(plan.tokens_of(&(2..4)), [HeadToken { row: 0, id: 6 }, HeadToken { row: 1, id: 9 }]);
        let values = vec![vec![0.0, 1.0, 2.0], vec![], vec![3.0], vec![4.0, 5.0]];
        assert_eq!(plan.unpack(&plan.pack(&values).unwrap()), values);
        assert_eq!(plan.pack(&values[..3]), None);
    }

    #[test]
    fn impossible_groups_are_errors() {
        assert!(PackedGroup { prompt: vec![], completions: vec![vec![1]] }.check(9).is_err());
        let error = PackedGroup { prompt: vec![1], completions: vec![vec![9]] }.check(9).unwrap_err();
        assert!(error.to_string().contains("token id 9"), "{error}");
    }
}
