//! What each token spells, in the order in which beginnings are shared.

use std::sync::Arc;

use super::pieces::Pieces;

/// The bytes of a vocabulary's tokens, for looking many of them up at once.
#[derive(Debug)]
pub struct Spellings {
    pieces: Arc<Pieces>,
    /// Tokens that spell something, sorted by what.
    order: Vec<u32>,
    ends: Vec<u32>,
}

impl Spellings {
    /// Sorts a vocabulary; `ends` end a reply.
    pub(super) fn new(pieces: Arc<Pieces>, ends: Vec<u32>) -> Self {
        let mut order: Vec<u32> = (0..pieces.len() as u32).collect();
        order.retain(|&id| !pieces.piece(id as usize).is_empty());
        order.sort_unstable_by_key(|&id| pieces.piece(id as usize));
        Self { pieces, order, ends }
    }

    /// What a token spells: bytes that may be a part of a character; nothing for tokens that steer and ids beyond the vocabulary.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.pieces.piece(id as usize)
    }

    /// Whether a token ends a reply.
    pub fn ends(&self, id: u32) -> bool {
        self.ends.contains(&id)
    }

    /// The tokens that end a reply.
    pub fn end_ids(&self) -> &[u32] {
        &self.ends
    }

    /// The tokens that spell something, sorted by what they spell.
    pub fn sorted(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.order.iter().map(|&id| (id, self.bytes(id)))
    }
}
