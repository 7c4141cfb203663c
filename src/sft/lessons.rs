//! Questions and gold queries as tokens, and the order in which they are learned.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Bundle;
use crate::{
    data::{Cursor, Example, Prompts},
    model::Tokenizer,
    rl::{TrainError, questions::prompt_tokens},
};

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// Number of its database; lessons on one database begin alike.
    pub database: usize,
    /// The chat prompt, up to where the assistant begins to write.
    pub prompt: Vec<u32>,
    /// The gold query and the token that ends a turn.
    pub answer: Vec<u32>,
}

/// Lessons that are longer are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens of a prompt.
    pub prompt: usize,
    /// Tokens of an answer.
    pub answer: usize,
}

/// All lessons of a training file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lessons {
    /// The lessons, in the file's order.
    pub all: Vec<Lesson>,
    /// Questions left out because they exceed the limits.
    pub too_long: usize,
}

/// The gold query as a reply: without the semicolon and blanks that some end with.
pub fn answer_text(example: &Example) -> &str {
    example.gold_sql.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace())
}

impl Lessons {
    /// Tokenizes questions and gold queries.
    ///
    /// # Errors
    /// The schema, the template or the tokenizer fails.
    pub fn new(
        tokenizer: &Tokenizer,
        prompts: &Prompts,
        examples: &[Example],
        limits: Limits,
    ) -> Result<Self, TrainError> {
        let mut databases = BTreeMap::new();
        let mut lessons = Self::default();
        for example in examples {
            let count = databases.len();
            let database = *databases.entry(&example.database).or_insert(count);
            let prompt = prompt_tokens(tokenizer, prompts, example)?;
            let mut answer = tokenizer.encode(answer_text(example))?;
            answer.extend(tokenizer.eos_ids().first());
            if prompt.len() < 2 || prompt.len() > limits.prompt || answer.len() > limits.answer {
                lessons.too_long += 1;
            } else {
                lessons.all.push(Lesson { database, prompt, answer });
            }
        }
        Ok(lessons)
    }

    /// One pass over all lessons, in bundles of at most `size` on one database each. The order depends on `seed` and
    /// `epoch` alone.
    pub fn epoch(&self, size: usize, seed: u64, epoch: u64) -> Vec<Vec<usize>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(epoch);
        let mut by_database: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, lesson) in self.all.iter().enumerate() {
            by_database.entry(lesson.database).or_default().push(index);
        }
        let mut bundles: Vec<Vec<usize>> = Vec::new();
        for mut indices in by_database.into_values() {
            shuffle(&mut indices, &mut random);
            bundles.extend(indices.chunks(size.max(1)).map(<[usize]>::to_vec));
        }
        shuffle(&mut bundles, &mut random);
        bundles
    }
}

/// Fisher and Yates's shuffle, written out so that no library's change of mind changes the order.
fn shuffle<T>(items: &mut [T], random: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.random_range(0..=last));
    }
}

/// Deals out bundles, epoch after epoch.
#[derive(Debug, Clone)]
pub struct Deck {
    size: usize,
    seed: u64,
    cursor: Cursor,
    bundles: Vec<Vec<usize>>,
}

impl Deck {
    /// Bundles of at most `size` lessons, from `cursor` on: its position counts bundles.
    pub fn new(lessons: &Lessons, size: usize, seed: u64, cursor: Cursor) -> Self {
        Self { size, seed, cursor, bundles: lessons.epoch(size, seed, cursor.epoch) }
    }

    /// Where the deck is: the cursor to go on from.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The next bundle; `None` only if there are no lessons at all.
    pub fn deal(&mut self, lessons: &Lessons) -> Option<Bundle> {
        if self.cursor.position >= self.bundles.len() {
            self.cursor = Cursor { epoch: self.cursor.epoch + 1, position: 0 };
            self.bundles = lessons.epoch(self.size, self.seed, self.cursor.epoch);
        }
        let indices = self.bundles.get(self.cursor.position)?;
        self.cursor.position += 1;
        Some(Bundle::new(&indices.iter().map(|&index| &lessons.all[index]).collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lessons() -> Lessons {
        let lesson = |n: u32| Lesson { database: n as usize % 3, prompt: vec![n % 3, 90, n], answer: vec![n, 2] };
        Lessons { all: (0..20).map(lesson).collect(), too_long: 0 }
    }

    #[test]
    fn a_pass_has_every_lesson_once_and_bundles_are_of_one_database() {
        let lessons = lessons();
        for epoch in 0..3 {
            let bundles = lessons.epoch(4, 7, epoch);
            let mut seen = bundles.concat();
            seen.sort_unstable();
            assert_eq!(seen, (0..20).collect::<Vec<_>>());
            assert!(bundles.iter().all(|b| b.len() <= 4 && b.iter().all(|i| i % 3 == b[0] % 3)), "{bundles:?}");
        }
        assert_ne!(lessons.epoch(4, 7, 0), lessons.epoch(4, 7, 1));
        assert_eq!(lessons.epoch(4, 7, 1), lessons.epoch(4, 7, 1));
    }

    #[test]
    fn a_deck_goes_on_where_it_was() {
        let lessons = lessons();
        let mut deck = Deck::new(&lessons, 4, 7, Cursor::default());
        for _ in 0..8 {
            deck.deal(&lessons).unwrap();
        }
        let mut resumed = Deck::new(&lessons, 4, 7, deck.cursor());
        assert!((0..20).all(|_| resumed.deal(&lessons) == deck.deal(&lessons)));
        assert!(deck.cursor().epoch > 1);
        assert_eq!(Deck::new(&Lessons::default(), 4, 7, Cursor::default()).deal(&Lessons::default()), None);
    }
}
