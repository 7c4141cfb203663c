//! Questions that begin alike, computed together.

use crate::model::PackedGroup;

use super::Lesson;

/// Some lessons as one packed sequence: what all prompts begin with stands once, as the packed group's prompt, and what
/// is left of each lesson sees that and itself only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The sequence. Each completion is the rest of a prompt and its answer.
    pub packed: PackedGroup,
    /// Where in each completion the answer begins; at least 1.
    pub answers: Vec<usize>,
}

/// A token that counts in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The row of the sequence whose output predicts it.
    pub row: usize,
    /// Its id.
    pub id: u32,
}

impl Bundle {
    /// Packs lessons. A prompt has two tokens or more, an answer one.
    pub fn new(lessons: &[&Lesson]) -> Self {
        let shared = shared_len(lessons);
        let completion = |lesson: &&Lesson| [&lesson.prompt[shared..], &lesson.answer].concat();
        let prompt = lessons.first().map(|lesson| lesson.prompt[..shared].to_vec()).unwrap_or_default();
        Self {
            packed: PackedGroup { prompt, completions: lessons.iter().map(completion).collect() },
            answers: lessons.iter().map(|lesson| lesson.prompt.len() - shared).collect(),
        }
    }

    /// Tokens that count in the loss.
    pub fn target_count(&self) -> usize {
        self.packed.completions.iter().zip(&self.answers).map(|(tokens, answer)| tokens.len() - answer).sum()
    }

    /// Rows of the sequence: what is computed.
    pub fn rows(&self) -> usize {
        self.packed.segments().rows()
    }

    /// The tokens that count, by ascending row.
    pub fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::with_capacity(self.target_count());
        let mut first = self.packed.prompt.len();
        for (tokens, &answer) in self.packed.completions.iter().zip(&self.answers) {
            // A completion's last token is no row: nothing follows it.
            targets.extend((answer..tokens.len()).map(|at| Target { row: first + at - 1, id: tokens[at] }));
            first += tokens.len() - 1;
        }
        targets
    }

    /// `weight` for each token that counts and 0 for the others, shaped like the completions.
    pub fn token_weights(&self, weight: f32) -> Vec<Vec<f32>> {
        let one = |(tokens, &answer): (&Vec<u32>, &usize)| {
            (0..tokens.len()).map(|at| if at < answer { 0.0 } else { weight }).collect()
        };
        self.packed.completions.iter().zip(&self.answers).map(one).collect()
    }
}

/// Tokens that all prompts begin with, less one where that would leave nothing of a prompt: an answer's first token must
/// be predicted by a row of its own.
fn shared_len(lessons: &[&Lesson]) -> usize {
    let Some((first, others)) = lessons.split_first() else { return 0 };
    let common = |a: &[u32], b: &[u32]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let shared = others.iter().map(|other| common(&first.prompt, &other.prompt)).min().unwrap_or(first.prompt.len());
    let shortest = lessons.iter().map(|lesson| lesson.prompt.len()).min().unwrap_or(0);
    shared.min(shortest.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(prompt: &[u32], answer: &[u32]) -> Lesson {
        Lesson { database: 0, prompt: prompt.to_vec(), answer: answer.to_vec() }
    }

    #[test]
    fn what_prompts_share_stands_once_and_answers_alone_count() {
        let lessons = [lesson(&[1, 2, 3, 4], &[10, 11]), lesson(&[1, 2, 5, 6, 7], &[12])];
        let bundle = Bundle::new(&lessons.iter().collect::<Vec<_>>());
        assert_eq!(bundle.packed.prompt, [1, 2]);
        assert_eq!(bundle.packed.completions, [vec![3, 4, 10, 11], vec![5, 6, 7, 12]]);
        assert_eq!((bundle.answers.as_slice(), bundle.target_count(), bundle.rows()), (&[2, 3][..], 3, 8));
        // Rows: 1 2 | 3 4 10 | 5 6 7
        assert_eq!(bundle.packed.row_ids(), [1, 2, 3, 4, 10, 5, 6, 7]);
        let targets: Vec<_> = bundle.targets().iter().map(|t| (t.row, t.id)).collect();
        assert_eq!(targets, [(3, 10), (4, 11), (7, 12)]);
        assert_eq!(bundle.token_weights(0.5), [[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.0, 0.5]]);
    }

    #[test]
    fn equal_and_single_prompts_keep_a_row_for_the_first_answer_token() {
        let twice = [lesson(&[1, 2, 3], &[8, 9]), lesson(&[1, 2, 3], &[7])];
        for lessons in [&twice[..], &twice[..1]] {
            let bundle = Bundle::new(&lessons.iter().collect::<Vec<_>>());
            assert_eq!((bundle.packed.prompt.as_slice(), bundle.answers[0]), (&[1, 2][..], 1));
            assert_eq!(bundle.targets()[0], Target { row: 2, id: 8 });
        }
    }
}
