//! The grammar: what stands open, and what a word, a name or a value does to it.

use super::{
    moves::Move,
    names::{Rules, Wanted},
    phase::{Clause, Kind, Phase},
    scope::Scope,
    words::{KEYWORDS, begins_reserved, is_reserved},
};

/// Brackets, cases and queries that may stand open.
const DEEPEST: usize = 12;

/// Something that stands open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Frame {
    pub kind: Kind,
    pub phase: Phase,
    /// `BETWEEN`s that wait for their `AND`.
    pub ands: u8,
    /// Names of a query; of anything else none.
    pub scope: Scope,
}

impl Frame {
    pub fn new(kind: Kind, phase: Phase) -> Self {
        Self { kind, phase, ands: 0, scope: Scope::default() }
    }
}

/// The beginning of a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Parser {
    /// What stands open around the innermost.
    pub frames: Vec<Frame>,
}

impl Parser {
    pub fn new() -> Self {
        Self { frames: vec![Frame::new(Kind::Query(Clause::With), Phase::Statement)] }
    }

    /// The innermost that stands open. There is always one: what closes the last is refused.
    pub fn top(&self) -> &Frame {
        &self.frames[self.frames.len() - 1]
    }

    pub fn is_deepest(&self) -> bool {
        self.frames.len() >= DEEPEST
    }

    /// Whether the query could end here.
    pub fn is_complete(&self, rules: &Rules) -> bool {
        self.frames.len() == 1 && self.ends_query(rules)
    }

    /// Whether the innermost query could end here.
    pub fn ends_query(&self, rules: &Rules) -> bool {
        let frame = self.top();
        let ended = frame.phase.is_element() && frame.ands == 0;
        matches!(frame.kind, Kind::Query(clause) if clause != Clause::With)
            && ended
            && self.with_name(rules).is_resolved(rules)
    }

    /// Whether a word may begin with `text`.
    pub fn may_become_word(&self, text: &[u8], rules: &Rules) -> bool {
        let keyword = |word: &str| word.as_bytes().starts_with(text) && self.keyword(word, rules).is_some();
        KEYWORDS.iter().any(|word| keyword(word)) || self.may_be_name(Wanted { text, whole: false }, rules)
    }

    /// Reads a word; whether it may stand here.
    pub fn word(&mut self, text: &[u8], rules: &Rules) -> bool {
        let keyword = KEYWORDS.iter().find(|word| word.as_bytes() == text);
        match keyword.and_then(|word| self.keyword(word, rules)) {
            Some(step) => self.go(step, rules),
            None => !is_reserved(text) && self.name(text, rules),
        }
    }

    /// Whether a name may stand here that is, or begins with, `wanted`.
    pub fn may_be_name(&self, wanted: Wanted<'_>, rules: &Rules) -> bool {
        match &self.top().phase {
            phase if phase.wants_value() => self.roles(wanted, rules).any(),
            Phase::Dot(qualifier) => self.is_column_of(qualifier, wanted, rules),
            Phase::Source => self.is_table(wanted, rules),
            Phase::SourceAlias => self.may_be_alias(wanted, rules),
            // Without AS, what begins with a keyword that may not stand here is mostly just that.
            Phase::Sourced => !begins_reserved(wanted.text) && self.may_be_alias(wanted, rules),
            Phase::UsingColumn => {
                rules.names.as_ref().is_none_or(|names| names.columns().any(|column| wanted.fits(column)))
            }
            Phase::CteName | Phase::Alias => true,
            _ => rules.names.is_none() && !begins_reserved(wanted.text) && self.may_name_item(),
        }
    }

    /// Whether an item of `SELECT` has ended, so that an alias may follow without `AS`.
    fn may_name_item(&self) -> bool {
        let frame = self.top();
        frame.kind == Kind::Query(Clause::Items) && frame.phase.is_value() && frame.ands == 0
    }

    /// Whether the newest table may get this alias. The beginning of one is looked at where it ends in a digit and so is mostly whole:
    /// else what is refused at the end would make aliases long.
    fn may_be_alias(&self, wanted: Wanted<'_>, rules: &Rules) -> bool {
        let looks_whole = wanted.whole || wanted.text.last().is_some_and(u8::is_ascii_digit);
        let fits = |names| self.top().scope.may_be_called(wanted.text, names);
        !looks_whole || rules.names.as_ref().is_none_or(fits)
    }

    /// Reads a name; whether it may stand here.
    pub fn name(&mut self, text: &[u8], rules: &Rules) -> bool {
        let wanted = Wanted { text, whole: true };
        if !self.may_be_name(wanted, rules) {
            return false;
        }
        let step = match self.top().phase.clone() {
            phase if phase.wants_value() => Move::To(Phase::Name(text.to_vec(), self.roles(wanted, rules))),
            Phase::Dot(qualifier) => Move::Column(Some(qualifier), text.to_vec()),
            Phase::Source => Move::Table(text.to_vec()),
            Phase::SourceAlias | Phase::Sourced => Move::NameTable(text.to_vec()),
            Phase::UsingColumn => Move::To(Phase::UsingDone),
            Phase::CteName => Move::Define(text.to_vec()),
            _ => Move::NameItem(text.to_vec()),
        };
        self.go(step, rules)
    }

    /// Whether a number or a text in quotes may begin here.
    pub fn may_be_value(&self, number: bool) -> bool {
        let phase = &self.top().phase;
        phase.wants_value() || (number && *phase == Phase::Count)
    }

    /// Reads a number or a text in quotes; whether it may stand here.
    pub fn value(&mut self, number: bool, rules: &Rules) -> bool {
        if !self.may_be_value(number) {
            return false;
        }
        let counts = self.top().phase == Phase::Count;
        self.go(Move::To(if counts { Phase::Counted } else { Phase::Done }), rules)
    }

    /// Whether an operator between two values may stand here.
    pub fn may_be_operator(&self) -> bool {
        self.top().phase.is_value()
    }

    /// Reads such an operator; whether it may stand here.
    pub fn operator(&mut self, rules: &Rules) -> bool {
        self.may_be_operator() && self.go(Move::To(Phase::Operand), rules)
    }
}
