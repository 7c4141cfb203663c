//! The parser: the part of SQL that Spider's own parser understands, and what it makes of the rest.
//!
//! It fails on much valid SQL (aliases without AS, IS NULL, lists in IN, outer joins, ...) and accepts some that is
//! invalid; whatever follows a complete query is ignored. Exact match is defined by it, so its limits are kept.

use std::collections::HashMap;

use super::{
    schema::Schema,
    tree::{ColumnUnit, Conditions, Ordering, Query, Selected},
    words::words,
};

/// Words that begin a clause and so end what is before them.
pub const CLAUSES: [&str; 9] = ["select", "from", "where", "group", "order", "limit", "intersect", "union", "except"];

/// Subqueries within subqueries beyond which a text is taken for no query, as Python's recursion limit does.
const DEEPEST: usize = 150;

/// Parses a query; `None` where the official parser fails.
pub fn parse(schema: &Schema, sql: &str) -> Option<Query> {
    let words = words(sql)?;
    let names = table_names(schema, &words)?;
    let parser = Parser { words: &words, schema, names: &names };
    parser.query(0, 0).map(|(query, _)| query)
}

/// What each name in FROM means: aliases (wherever an AS is) and the tables themselves.
fn table_names(schema: &Schema, words: &[String]) -> Option<HashMap<String, String>> {
    let mut names = HashMap::new();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| *word == "as") {
        let table = words.get(at.checked_sub(1).unwrap_or(words.len() - 1))?;
        names.insert(words.get(at + 1)?.clone(), table.clone());
    }
    for table in schema.tables() {
        // An alias that is also a table's name is an error.
        if names.insert(table.to_owned(), table.to_owned()).is_some() {
            return None;
        }
    }
    Some(names)
}

/// Each method parses something from a position on and returns it with the position behind it.
#[derive(Clone, Copy)]
pub struct Parser<'p> {
    /// The words of the query, or of the part that may be read.
    pub words: &'p [String],
    /// The database's schema.
    pub schema: &'p Schema,
    /// What the names in FROM mean.
    pub names: &'p HashMap<String, String>,
}

impl<'p> Parser<'p> {
    /// The word at a position.
    pub fn word(&self, at: usize) -> Option<&'p str> {
        self.words.get(at).map(String::as_str)
    }

    /// Whether the word at a position is this one.
    pub fn is(&self, at: usize, word: &str) -> bool {
        self.word(at) == Some(word)
    }

    /// The position behind a word that has to be there.
    pub fn expect(&self, at: usize, word: &str) -> Option<usize> {
        self.is(at, word).then_some(at + 1)
    }

    /// Whether a clause, a closing bracket or a semicolon is here.
    pub fn is_boundary(&self, at: usize) -> bool {
        self.word(at).is_some_and(|word| CLAUSES.contains(&word) || word == ")" || word == ";")
    }

    /// A whole query, possibly in brackets, with what INTERSECT, UNION or EXCEPT adds to it.
    pub fn query(&self, start: usize, depth: usize) -> Option<(Query, usize)> {
        if depth > DEEPEST {
            return None;
        }
        let bracket = self.is(start, "(");
        // FROM comes first, since the columns are those of its tables.
        let from = self.from(start, depth)?;
        let tables = &from.tables;
        let (distinct, select) = self.select(start + usize::from(bracket), tables)?;
        let (filter, at) = self.conditions_after("where", from.end, tables, depth)?;
        let (group_by, at) = self.group_by(at, tables)?;
        let (having, at) = self.conditions_after("having", at, tables, depth)?;
        let (order_by, at) = self.order_by(at, tables)?;
        let (limit, at) = self.limit(at)?;
        let at = self.skip_semicolons(at);
        let at = if bracket { self.expect(at, ")")? } else { at };
        let at = self.skip_semicolons(at);
        let query = Query {
            distinct: Some(distinct),
            select,
            sources: from.sources,
            join_on: from.join_on,
            filter,
            group_by,
            having,
            order_by,
            limit,
            ..Query::default()
        };
        self.combined(query, at, depth)
    }

    fn combined(&self, mut query: Query, at: usize, depth: usize) -> Option<(Query, usize)> {
        let slot = match self.word(at) {
            Some("intersect") => &mut query.intersect,
            Some("union") => &mut query.union,
            Some("except") => &mut query.except,
            _ => return Some((query, at)),
        };
        let (other, at) = self.query(at + 1, depth + 1)?;
        *slot = Some(Box::new(other));
        Some((query, at))
    }

    fn select(&self, start: usize, tables: &[String]) -> Option<(bool, Vec<Selected>)> {
        let mut at = self.expect(start, "select")?;
        let distinct = self.is(at, "distinct");
        at += usize::from(distinct);
        let mut list = Vec::new();
        while self.word(at).is_some_and(|word| !CLAUSES.contains(&word)) {
            let (aggregate, begin) = self.aggregate(at);
            let (expression, end) = self.expression(begin, tables)?;
            list.push(Selected { aggregate, expression });
            at = end + usize::from(self.is(end, ","));
        }
        Some((distinct, list))
    }

    fn conditions_after(
        &self,
        keyword: &str,
        at: usize,
        tables: &[String],
        depth: usize,
    ) -> Option<(Conditions, usize)> {
        if self.is(at, keyword) { self.conditions(at + 1, tables, depth) } else { Some((Conditions::default(), at)) }
    }

    fn group_by(&self, at: usize, tables: &[String]) -> Option<(Vec<ColumnUnit>, usize)> {
        if !self.is(at, "group") {
            return Some((Vec::new(), at));
        }
        self.list(self.expect(at + 1, "by")?, |at| self.column_unit(at, tables))
    }

    fn order_by(&self, at: usize, tables: &[String]) -> Option<(Option<Ordering>, usize)> {
        if !self.is(at, "order") {
            return Some((None, at));
        }
        let mut descending = false;
        let (by, at) = self.list(self.expect(at + 1, "by")?, |at| {
            let (expression, end) = self.expression(at, tables)?;
            let direction = self.is(end, "desc") || self.is(end, "asc");
            if direction {
                // Of several directions the last one is taken for all.
                descending = self.is(end, "desc");
            }
            Some((expression, end + usize::from(direction)))
        })?;
        Some((Some(Ordering { descending, by }), at))
    }

    /// Items with commas between them.
    fn list<T>(&self, mut at: usize, mut item: impl FnMut(usize) -> Option<(T, usize)>) -> Option<(Vec<T>, usize)> {
        let mut items = Vec::new();
        while at < self.words.len() && !self.is_boundary(at) {
            let (next, end) = item(at)?;
            items.push(next);
            at = end;
            if !self.is(at, ",") {
                break;
            }
            at += 1;
        }
        Some((items, at))
    }

    /// LIMIT and the word behind it, whatever that is.
    fn limit(&self, at: usize) -> Option<(bool, usize)> {
        if !self.is(at, "limit") {
            return Some((false, at));
        }
        self.word(at + 1)?;
        Some((true, at + 2))
    }

    fn skip_semicolons(&self, mut at: usize) -> usize {
        while self.is(at, ";") {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests;
