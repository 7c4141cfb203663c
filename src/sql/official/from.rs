//! The parser's FROM clause.

use super::{
    parse::Parser,
    tree::{Conditions, Link, Source},
};

/// A FROM clause.
#[derive(Default)]
pub(super) struct FromClause {
    /// Tables and subqueries.
    pub sources: Vec<Source>,
    /// The tables among the sources.
    pub tables: Vec<String>,
    /// Join conditions.
    pub join_on: Conditions,
    /// The position behind the clause.
    pub end: usize,
}

impl Parser<'_> {
    /// The next FROM at or after `start`, wherever it is.
    pub(super) fn from(&self, start: usize, depth: usize) -> Option<FromClause> {
        let mut at = start + self.words.get(start..)?.iter().position(|word| word == "from")? + 1;
        let mut from = FromClause::default();
        while at < self.words.len() {
            let bracket = self.is(at, "(");
            at += usize::from(bracket);
            if self.is(at, "select") {
                let (query, end) = self.query(at, depth + 1)?;
                from.sources.push(Source::Query(Box::new(query)));
                at = end;
            } else {
                at += usize::from(self.is(at, "join"));
                let table = self.names.get(self.word(at)?).filter(|table| self.schema.has_table(table))?;
                from.sources.push(Source::Table(table.clone()));
                from.tables.push(table.clone());
                at += if self.is(at + 1, "as") { 3 } else { 1 };
            }
            if self.is(at, "on") {
                let (conditions, end) = self.conditions(at + 1, &from.tables, depth)?;
                if !from.join_on.is_empty() {
                    from.join_on.0.push(Link::And);
                }
                from.join_on.0.extend(conditions.0);
                at = end;
            }
            if bracket {
                at = self.expect(at, ")")?;
            }
            if self.is_boundary(at) {
                break;
            }
        }
        Some(FromClause { end: at, ..from })
    }
}
