//! The order in which training questions come.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Where in the data a run is; kept in checkpoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Passes done.
    pub epoch: u64,
    /// Questions taken of the current pass.
    pub position: usize,
}

/// A sequence of indices below `len`, pass after pass, each pass in an order of its own that depends on nothing but
/// the seed and the pass's number. So a run that resumes from a [`Cursor`] sees the questions it would have seen.
#[derive(Debug, Clone)]
pub struct Order {
    seed: u64,
    shuffle: bool,
    cursor: Cursor,
    indices: Vec<usize>,
    /// Each pass goes from low ranks to high ones, if there are any.
    ranks: Vec<u8>,
    /// How likely each index is to stay in a pass; certain, if there are none.
    chances: Vec<f64>,
}

/// Streams of random numbers from here on say what stays in a pass; those below arrange passes.
const THINNING: u64 = 1 << 63;

impl Order {
    /// An order of `len` questions from `cursor` on. Without `shuffle` each pass goes from first to last.
    pub fn new(len: usize, seed: u64, shuffle: bool, cursor: Cursor) -> Self {
        let indices = (0..len).collect();
        let mut order = Self { seed, shuffle, cursor, indices, ranks: Vec::new(), chances: Vec::new() };
        // A cursor made with more questions than there are now starts the next pass.
        if order.cursor.position > len {
            order.cursor = Cursor { epoch: order.cursor.epoch + 1, position: 0 };
        }
        order.arrange();
        order
    }

    /// The same with each pass sorted by rank, one rank for each index.
    #[must_use]
    pub fn by_rank(mut self, ranks: Vec<u8>) -> Self {
        self.ranks = ranks;
        self.arrange();
        self
    }

    /// The same with some indices left out of a pass: each stays with its own chance, between 0 and 1.
    #[must_use]
    pub fn thinned(mut self, chances: Vec<f64>) -> Self {
        self.chances = chances;
        self
    }

    /// Where the sequence is: the cursor to resume from.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The next index; `None` only if there are no questions at all.
    pub fn next_index(&mut self) -> Option<usize> {
        // However small the chances are, some question has to come.
        let patience = 8 * self.indices.len();
        (0..patience).find_map(|_| self.advance().filter(|&index| self.stays(index))).or_else(|| self.advance())
    }

    fn advance(&mut self) -> Option<usize> {
        if self.cursor.position >= self.indices.len() {
            self.cursor = Cursor { epoch: self.cursor.epoch + 1, position: 0 };
            self.arrange();
        }
        let index = self.indices.get(self.cursor.position).copied();
        self.cursor.position += usize::from(index.is_some());
        index
    }

    /// Whether an index is in the current pass.
    fn stays(&self, index: usize) -> bool {
        let Some(&chance) = self.chances.get(index).filter(|chance| **chance < 1.0) else { return true };
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(THINNING | self.cursor.epoch);
        // A number of 64 bits is two words.
        random.set_word_pos(2 * index as u128);
        random.random::<f64>() < chance
    }

    /// Fisher and Yates's shuffle, written out so that no library's change of mind changes old runs' orders.
    fn arrange(&mut self) {
        let len = self.indices.len();
        self.indices = (0..len).collect();
        if self.shuffle {
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(self.cursor.epoch);
            for last in (1..len).rev() {
                self.indices.swap(last, random.random_range(0..=last));
            }
        }
        if self.ranks.len() == len {
            self.indices.sort_by_key(|&index| self.ranks[index]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(order: &mut Order, count: usize) -> Vec<usize> {
        (0..count).map(|_| order.next_index().unwrap()).collect()
    }

    #[test]
    fn without_shuffle_the_order_is_the_files() {
        assert_eq!(take(&mut Order::new(3, 7, false, Cursor::default()), 7), [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn passes_and_seeds_differ() {
        let mut order = Order::new(50, 7, true, Cursor::default());
        let (first, second) = (take(&mut order, 50), take(&mut order, 50));
        assert_ne!(first, second);
        assert_ne!(first, take(&mut Order::new(50, 8, true, Cursor::default()), 50));
    }

    #[test]
    fn no_questions_have_no_order() {
        assert_eq!(Order::new(0, 1, true, Cursor::default()).next_index(), None);
    }

    proptest! {
        #[test]
        fn every_pass_has_every_question_once(len in 1usize..60, seed: u64, passes in 1usize..4) {
            let mut order = Order::new(len, seed, true, Cursor::default());
            for _ in 0..passes {
                let mut pass = take(&mut order, len);
                pass.sort_unstable();
                prop_assert_eq!(pass, (0..len).collect::<Vec<_>>());
            }
        }

        #[test]
        fn resuming_goes_on_where_it_was(len in 1usize..40, seed: u64, taken in 0usize..100) {
            let mut order = Order::new(len, seed, true, Cursor::default());
            take(&mut order, taken);
            let mut resumed = Order::new(len, seed, true, order.cursor());
            prop_assert_eq!(take(&mut resumed, 50), take(&mut order, 50));
        }
    }
}
