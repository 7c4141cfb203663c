//! Code fences in what a model writes, told from its tokens without decoding them.

use std::collections::HashMap;

/// Backticks in a row that make a fence.
const FENCE: usize = 3;

/// The tokens of a vocabulary that have backticks in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fences {
    /// For each, which of its characters are backticks.
    marks: HashMap<u32, Vec<bool>>,
}

impl Fences {
    /// Looks through a vocabulary. Byte-level vocabularies spell a backtick as it is.
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let with_backticks = (0..).zip(tokens).filter(|(_, text)| text.contains('`'));
        Self { marks: with_backticks.map(|(id, text)| (id, text.chars().map(|c| c == '`').collect())).collect() }
    }

    /// Whether the newest of `tokens` completes a fence that closes an earlier one.
    pub fn closes(&self, tokens: &[u32]) -> bool {
        let (Some((newest, earlier)), mut run, mut fences) = (tokens.split_last(), 0, 0) else { return false };
        if !self.marks.contains_key(newest) {
            return false;
        }
        let mut count = |tokens: &[u32]| {
            for token in tokens {
                for &backtick in self.marks.get(token).map_or(&[false][..], Vec::as_slice) {
                    run = if backtick { run + 1 } else { 0 };
                    // Once for a run, however long it goes on.
                    fences += usize::from(run == FENCE);
                }
            }
            fences
        };
        let before = count(earlier);
        let after = count(&[*newest]);
        after / 2 > before / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The index of the token that ends the text, if one does.
    fn end(fences: &Fences, tokens: &[u32]) -> Option<usize> {
        (1..=tokens.len()).find(|&length| fences.closes(&tokens[..length])).map(|length| length - 1)
    }

    #[test]
    fn the_second_fence_closes_however_it_is_cut_into_tokens() {
        let fences = Fences::new(["SELECT", "```", "`", "``", "sql", "\n```\n", "`x`"]);
        assert_eq!(end(&fences, &[1, 4, 0, 1, 0]), Some(3));
        assert_eq!(end(&fences, &[1, 4, 0, 5, 0]), Some(3));
        assert_eq!(end(&fences, &[3, 2, 0, 2, 3, 0]), Some(4));
        assert_eq!(end(&fences, &[2, 2, 2, 2, 0, 3, 2]), Some(6), "four in a row are one fence");
        assert_eq!(end(&fences, &[1, 0, 6, 2, 0, 3, 0]), None, "quoted names are no fences");
        assert_eq!(end(&fences, &[1, 0, 0]), None);
        assert_eq!(end(&fences, &[]), None);
    }
}
