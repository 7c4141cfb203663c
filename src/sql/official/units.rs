//! The parser's smaller parts: columns, expressions, conditions.

use super::{
    parse::{CLAUSES, Parser},
    tree::{
        AGGREGATES, ARITHMETIC, BETWEEN, ColumnName, ColumnUnit, Condition, Conditions, Expression, Link, OPERATORS,
        Operand,
    },
};

/// Words of the FROM clause that end a condition.
const JOINS: [&str; 3] = ["join", "on", "as"];

impl Parser<'_> {
    /// The index of an aggregate function's name, 0 if there is none, and the position behind it.
    pub(super) fn aggregate(&self, at: usize) -> (usize, usize) {
        match AGGREGATES.iter().position(|name| self.is(at, name)) {
            Some(index) => (index, at + 1),
            None => (0, at),
        }
    }

    /// A column: `*`, `name.column`, or a column of the first table that has one of this name.
    fn column(&self, at: usize, tables: &[String]) -> Option<(ColumnName, usize)> {
        let word = self.word(at)?;
        let (table, column) = if word == "*" {
            return Some(("*".into(), at + 1));
        } else if let Some((name, column)) = word.split_once('.') {
            (self.names.get(name)?, column)
        } else {
            (tables.iter().find(|table| self.schema.has_column(table, word))?, word)
        };
        self.schema.has_column(table, column).then(|| (format!("{table}.{column}"), at + 1))
    }

    /// A column, possibly with DISTINCT, a function or brackets around it. Brackets around a function stay open.
    pub(super) fn column_unit(&self, start: usize, tables: &[String]) -> Option<(ColumnUnit, usize)> {
        let bracket = self.is(start, "(");
        let (aggregate, at) = self.aggregate(start + usize::from(bracket));
        let is_call = at > start + usize::from(bracket);
        let at = if is_call { self.expect(at, "(")? } else { at };
        let distinct = self.is(at, "distinct");
        let (column, at) = self.column(at + usize::from(distinct), tables)?;
        let at = if is_call || bracket { self.expect(at, ")")? } else { at };
        Some((ColumnUnit { aggregate, column, distinct: Some(distinct) }, at))
    }

    /// One column unit, or two with an operator between them.
    pub(super) fn expression(&self, start: usize, tables: &[String]) -> Option<(Expression, usize)> {
        let bracket = self.is(start, "(");
        let (left, at) = self.column_unit(start + usize::from(bracket), tables)?;
        let operator = ARITHMETIC.iter().position(|sign| self.is(at, sign));
        let (right, at) = match operator {
            Some(_) => self.column_unit(at + 1, tables).map(|(unit, at)| (Some(unit), at))?,
            None => (None, at),
        };
        let at = if bracket { self.expect(at, ")")? } else { at };
        Some((Expression { operator: operator.unwrap_or(0), left, right }, at))
    }

    /// Conditions up to the next clause, closing bracket, semicolon or word of FROM.
    pub(super) fn conditions(&self, mut at: usize, tables: &[String], depth: usize) -> Option<(Conditions, usize)> {
        let mut links = Vec::new();
        while at < self.words.len() {
            let (condition, end) = self.condition(at, tables, depth)?;
            links.push(Link::Condition(Box::new(condition)));
            at = end;
            match self.word(at) {
                Some("and") => links.push(Link::And),
                Some("or") => links.push(Link::Or),
                Some(word) if self.is_boundary(at) || JOINS.contains(&word) => break,
                // A missing connector goes unnoticed.
                _ => continue,
            }
            at += 1;
        }
        Some((Conditions(links), at))
    }

    fn condition(&self, at: usize, tables: &[String], depth: usize) -> Option<(Condition, usize)> {
        let (left, at) = self.expression(at, tables)?;
        let not = self.is(at, "not");
        let at = at + usize::from(not);
        let word = self.word(at)?;
        let operator = OPERATORS.iter().position(|operator| *operator == word)?;
        let (right, mut at) = self.operand(at + 1, tables, depth)?;
        let mut upper = Operand::Nothing;
        if operator == BETWEEN {
            (upper, at) = self.operand(self.expect(at, "and")?, tables, depth)?;
        }
        Some((Condition { not, operator, left, right, upper }, at))
    }

    /// A subquery, a text, a number or a column, possibly in brackets.
    fn operand(&self, start: usize, tables: &[String], depth: usize) -> Option<(Operand, usize)> {
        let bracket = self.is(start, "(");
        let at = start + usize::from(bracket);
        let word = self.word(at)?;
        let (operand, at) = if word == "select" {
            let (query, end) = self.query(at, depth + 1)?;
            (Operand::Query(Box::new(query)), end)
        } else if word.contains('"') {
            (Operand::Text(word.to_owned()), at + 1)
        } else if let Some(number) = number(word) {
            (Operand::Number(number), at + 1)
        } else {
            self.column_operand(start, at, tables)?
        };
        let at = if bracket { self.expect(at, ")")? } else { at };
        Some((operand, at))
    }

    /// A column, read from `start` (with an opening bracket, if there is one, and so in vain) up to a comma, a closing
    /// bracket, an AND or the like. What else is in between, an OR and its condition for one, is skipped.
    fn column_operand(&self, start: usize, at: usize, tables: &[String]) -> Option<(Operand, usize)> {
        let ends = |word: &str| matches!(word, "," | ")" | "and") || CLAUSES.contains(&word) || JOINS.contains(&word);
        let end = at + self.words[at..].iter().take_while(|word| !ends(word)).count();
        let part = Parser { words: &self.words[..end], ..*self };
        let (unit, _) = part.column_unit(start, tables)?;
        Some((Operand::Column(unit), end))
    }
}

/// A number as Python reads it: digits may have single underscores between them.
fn number(word: &str) -> Option<f64> {
    let bytes = word.as_bytes();
    let misplaced = |i: usize| {
        let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        bytes[i] == b'_' && !(is_digit(i.checked_sub(1)) && is_digit(Some(i + 1)))
    };
    if (0..bytes.len()).any(misplaced) {
        return None;
    }
    word.replace('_', "").parse().ok()
}
