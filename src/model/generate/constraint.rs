//! Constrained decoding: which tokens can go on a reply so that its query keeps to the rules.
//!
//! A token is drawn first and looked at then: what a trained model draws is mostly allowed, and looking at one token costs microseconds. Only
//! where several in a row were refused is the whole vocabulary looked through, beginnings that tokens share once, and what is found is kept
//! for the next time the same place is come to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    model::tokenizer::Spellings,
    sql::prefix::{Reply, Rules},
};

/// Places whose tokens are remembered, of each grammar.
const MOST_MASKS: usize = 64;

/// Rules for the queries on one database, with what was found out by them.
#[derive(Debug)]
pub struct Grammar {
    rules: Rules,
    spellings: Arc<Spellings>,
    masks: Mutex<HashMap<Reply, Arc<Mask>>>,
}

/// What a reply to one prompt has to keep to.
#[derive(Debug, Clone)]
pub struct Constraint {
    grammar: Arc<Grammar>,
    start: Reply,
}

/// The tokens that are allowed at a place.
#[derive(Debug, Default)]
pub struct Mask {
    allowed: Vec<u64>,
}

impl Mask {
    fn allow(&mut self, id: u32) {
        let word = id as usize / 64;
        if self.allowed.len() <= word {
            self.allowed.resize(word + 1, 0);
        }
        self.allowed[word] |= 1 << (id % 64);
    }

    /// Whether a token is allowed.
    pub fn allows(&self, id: usize) -> bool {
        self.allowed.get(id / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.allowed.iter().all(|&word| word == 0)
    }
}

impl Grammar {
    /// For a vocabulary.
    pub fn new(rules: Rules, spellings: Arc<Spellings>) -> Self {
        Self { rules, spellings, masks: Mutex::default() }
    }

    /// The reply with one more token; `None` if that may not be.
    fn after(&self, reply: &Reply, id: u32) -> Option<Reply> {
        if self.spellings.ends(id) {
            return reply.may_end(&self.rules).then(|| reply.clone());
        }
        let bytes = self.spellings.bytes(id);
        if bytes.is_empty() {
            // Tokens that steer have no place in a query.
            return (!reply.is_in_query()).then(|| reply.clone());
        }
        let mut next = reply.clone();
        bytes.iter().all(|&byte| next.push(byte, &self.rules)).then_some(next)
    }

    fn mask(&self, reply: &Reply) -> Arc<Mask> {
        let masks = || self.masks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mask) = masks().get(reply) {
            return Arc::clone(mask);
        }
        let mask = Arc::new(self.look_through(reply));
        let mut masks = masks();
        if masks.len() >= MOST_MASKS {
            masks.clear();
        }
        masks.insert(reply.clone(), Arc::clone(&mask));
        mask
    }

    /// Looks through the vocabulary. Tokens come sorted, so that what the previous one has in common with the next is read once.
    fn look_through(&self, reply: &Reply) -> Mask {
        let mut mask = Mask::default();
        let (mut states, mut previous, mut dead) = (vec![reply.clone()], &[][..], None);
        for (id, bytes) in self.spellings.sorted() {
            let common = previous.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            previous = bytes;
            // The first bytes that these two share were refused.
            if dead.is_some_and(|length| common >= length) {
                continue;
            }
            states.truncate(common + 1);
            dead = None;
            for &byte in &bytes[states.len() - 1..] {
                let mut next = states[states.len() - 1].clone();
                if !next.push(byte, &self.rules) {
                    dead = Some(states.len());
                    break;
                }
                states.push(next);
            }
            if dead.is_none() {
                mask.allow(id);
            }
        }
        if reply.may_end(&self.rules) {
            self.spellings.end_ids().iter().for_each(|&id| mask.allow(id));
        }
        mask
    }
}

impl Constraint {
    /// For a reply to `prompt`.
    pub fn new(grammar: Arc<Grammar>, prompt: &str) -> Self {
        Self { grammar, start: Reply::to(prompt) }
    }

    /// For a reply that begins.
    pub fn guide(&self) -> Guide {
        Guide { grammar: Arc::clone(&self.grammar), reply: Some(self.start.clone()), refused: 0, stuck: 0 }
    }
}

/// A reply on its way.
#[derive(Debug, Clone)]
pub struct Guide {
    grammar: Arc<Grammar>,
    /// The reply so far; nothing once it has left the grammar.
    reply: Option<Reply>,
    /// Tokens for which the model's first choice was refused.
    pub refused: usize,
    /// Tokens for which none was allowed.
    pub stuck: usize,
}

impl Guide {
    /// Whether a token is allowed.
    pub fn allows(&self, id: usize) -> bool {
        self.reply.as_ref().is_none_or(|reply| self.grammar.after(reply, id as u32).is_some())
    }

    /// All allowed tokens; `None` if there is nothing to keep to any more.
    pub fn mask(&self) -> Option<Arc<Mask>> {
        Some(self.grammar.mask(self.reply.as_ref()?))
    }

    /// Whether the query is being written.
    pub fn is_in_query(&self) -> bool {
        self.reply.as_ref().is_some_and(Reply::is_in_query)
    }

    /// Notes what was written. A token that is not allowed ends the constraint: there is no telling any more what could follow.
    pub fn push(&mut self, id: u32) {
        self.reply = self.reply.take().and_then(|reply| self.grammar.after(&reply, id));
    }
}
