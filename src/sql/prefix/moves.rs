//! What a piece of a query does to what stands open.

use super::{
    names::Rules,
    parser::{Frame, Parser},
    phase::{Clause, Kind, Phase},
    scope::{Scope, Source, Used},
};

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Move {
    /// On within what stands open.
    To(Phase),
    /// On within a `CASE`, or to another clause of the query.
    Turn(Kind, Phase),
    /// To another table of the query; whether it is joined.
    Next {
        joined: bool,
    },
    /// A query begins: in place of the bracket that was opened for it, or behind `UNION` and its kin.
    Select,
    /// Something opens; what the place around it becomes.
    Open(Kind, Phase, Phase),
    /// The innermost closes.
    Close,
    /// `BETWEEN`, and its `AND`.
    Between,
    And,
    /// A column, with or without what stands before its dot.
    Column(Option<Vec<u8>>, Vec<u8>),
    /// `*` as an item, with or without what stands before its dot.
    Everything(Option<Vec<u8>>),
    /// A table, its alias, an item's alias, a name of `WITH`.
    Table(Vec<u8>),
    NameTable(Vec<u8>),
    NameItem(Vec<u8>),
    Define(Vec<u8>),
}

impl Parser {
    /// Makes a move. A bare name turns out to be a column where what follows neither opens a function's brackets nor is a dot.
    pub(super) fn go(&mut self, step: Move, rules: &Rules) -> bool {
        let calls = matches!(step, Move::To(Phase::Dot(_)) | Move::Open(Kind::Arguments { .. }, ..));
        if !calls {
            self.settle_name(rules);
        }
        let last = self.frames.len() - 1;
        let frame = &mut self.frames[last];
        match step {
            Move::To(phase) => frame.phase = phase,
            Move::Turn(kind, phase) => (frame.kind, frame.phase) = (kind, phase),
            Move::Next { joined } => {
                (frame.kind, frame.phase) = (Kind::Query(Clause::From), Phase::Source);
                frame.scope.joined = joined;
            }
            Move::Select => self.select(rules),
            Move::Open(kind, phase, around) => {
                frame.phase = around;
                self.frames.push(Frame::new(kind, phase));
            }
            Move::Close => self.close(rules),
            Move::Between => (frame.ands, frame.phase) = (frame.ands + 1, Phase::Operand),
            Move::And => (frame.ands, frame.phase) = (frame.ands - 1, Phase::Operand),
            Move::Column(qualifier, column) => {
                frame.phase = Phase::Done;
                self.note(Used { qualifier, column: Some(column) }, rules);
            }
            Move::Everything(qualifier) => {
                frame.phase = Phase::Star;
                frame.scope.needs_source = true;
                if qualifier.is_some() {
                    self.note(Used { qualifier, column: None }, rules);
                }
            }
            Move::Table(name) => {
                frame.phase = Phase::Sourced;
                let table = rules.names.as_ref().and_then(|names| names.table(&name));
                frame.scope.sources.push(Source { name, table });
            }
            Move::NameTable(name) => {
                frame.phase = Phase::SourceAliased;
                if let Some(source) = frame.scope.sources.last_mut() {
                    source.name = name;
                }
            }
            Move::NameItem(name) => {
                frame.phase = Phase::Aliased;
                frame.scope.aliases.push(name);
            }
            Move::Define(name) => {
                frame.phase = Phase::CteNamed;
                frame.scope.ctes.push(name);
            }
        }
        self.forget_without(rules);
        true
    }

    /// With a bare name that stands last taken for a column.
    pub(super) fn with_name(&self, rules: &Rules) -> Self {
        let mut settled = self.clone();
        settled.settle_name(rules);
        settled
    }

    fn settle_name(&mut self, rules: &Rules) {
        if let Phase::Name(text, _) = &self.top().phase {
            let column = Some(text.clone());
            let last = self.frames.len() - 1;
            self.frames[last].phase = Phase::Done;
            self.note(Used { qualifier: None, column }, rules);
        }
    }

    /// Remembers what was used, unless a table that is there has it, with the innermost query that still has its tables to name.
    fn note(&mut self, used: Used, rules: &Rules) {
        let is_alias =
            |scope: &Scope| used.qualifier.is_none() && used.column.as_ref().is_some_and(|c| scope.aliases.contains(c));
        let known = rules.names.as_ref().is_none_or(|names| {
            self.queries()
                .any(|(clause, scope)| scope.has(&used, names) || (clause != Clause::Items && is_alias(scope)))
        });
        let qualified = used.qualifier.is_some();
        let is_open = |frame: &&mut Frame| match frame.kind {
            Kind::Query(clause) => clause == Clause::Items || (clause == Clause::On && qualified && !known),
            _ => false,
        };
        if let Some(frame) = self.frames.iter_mut().rev().find(is_open) {
            frame.scope.needs_source = true;
            if !known {
                frame.scope.remember(used);
            }
        }
    }

    fn select(&mut self, rules: &Rules) {
        let last = self.frames.len() - 1;
        let frame = &mut self.frames[last];
        let (ctes, aliases) = match frame.kind {
            // Behind UNION, what was named before can be ordered by.
            Kind::Query(_) => (std::mem::take(&mut frame.scope.ctes), std::mem::take(&mut frame.scope.aliases)),
            _ => Default::default(),
        };
        self.hand_on(rules);
        let scope = Scope { aliases, ctes, ..Scope::default() };
        self.frames[last] = Frame { scope, ..Frame::new(Kind::Query(Clause::Items), Phase::Start) };
    }

    /// Gives what a query used and does not have to the query around it that still has its tables to name.
    fn hand_on(&mut self, rules: &Rules) {
        let (Some(names), Kind::Query(_)) = (&rules.names, self.top().kind) else { return };
        let unresolved = self.unresolved(names);
        let around = self.frames.len() - 1;
        let is_open = |frame: &&mut Frame| frame.kind == Kind::Query(Clause::Items);
        if let Some(frame) = self.frames[..around].iter_mut().rev().find(is_open) {
            for used in unresolved {
                frame.scope.needs_source = true;
                frame.scope.remember(used);
            }
        }
    }

    fn close(&mut self, rules: &Rules) {
        self.hand_on(rules);
        let Some(closed) = self.frames.pop() else { return };
        let last = self.frames.len() - 1;
        let frame = &mut self.frames[last];
        if frame.phase == Phase::Sourced || frame.phase == Phase::CteDone {
            if frame.phase == Phase::Sourced {
                frame.scope.sources.push(Source { name: Vec::new(), table: None });
            }
            frame.scope.aliases.extend(closed.scope.aliases);
        }
    }

    /// Where names are free, what was used is of no interest: states that differ in nothing else are the same.
    fn forget_without(&mut self, rules: &Rules) {
        if rules.names.is_none() {
            let last = self.frames.len() - 1;
            let scope = &mut self.frames[last].scope;
            scope.used.clear();
            scope.aliases.clear();
            scope.ctes.clear();
            scope.sources.truncate(1);
            scope.sources.iter_mut().for_each(|source| source.name.clear());
            if let Phase::Name(text, _) | Phase::Dot(text) = &mut self.frames[last].phase {
                text.clear();
            }
        }
    }
}
