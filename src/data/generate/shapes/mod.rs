//! Shapes of questions: a query with slots, and ways to ask for it.
//!
//! Slots name a table and what is wanted of it. Tables: `t` alone; `p` (parent) and `c` (the child that refers to it),
//! which become `T1` and `T2` where the query joins; `x`, `m`, `y`, where `m` refers to both others (`T1`, `T2`, `T3`).
//!
//! | slot in a query | stands for |
//! |---|---|
//! | `{t}` | the table's name |
//! | `{p.id}`, `{c.p}` | the primary key, the column that refers to `p` |
//! | `{t.label}` `{t.kind}` `{t.num}` `{t.measure}` `{t.sum}` `{t.any}` `{t.any2}` | a column: of names, of few words, of numbers, of numbers to average, of numbers to add up, any |
//! | `{t.num=}` | a value that stands in the column |
//! | `{t.cond}`, `{t.cond2}` | a condition on a column of its own |
//! | `{t.is}`, `{t.is2}` | conditions on the column `kind` with different words |
//! | `{t.above}`, `{t.below}` | conditions on the column `num` that exclude each other |
//! | `{t.between}`, `{t.like}` | a range of a number, a pattern of a name |
//! | `{n}`, `{many}`, `{dir}`, `{agg}` | a small number, a comparison with one, the order, an aggregate |
//!
//! In questions, conditions are said in words; nouns and columns take a sign: `{t}` many, `{t'}` one; `{t.num}` one,
//! `{t.num+}` many, `{t.num^}` the row at the query's end of the order ("oldest singer"), `{t.num^+}` several of them,
//! `{t.num~}` sorted by it, `{t.num*}` the aggregate of it; `{c.of}` the relation to the parent. Other slots are
//! choices between words, see `phrase.rs`.

mod easy;
mod extra;
mod hard;
mod medium;

use crate::sql::official::Hardness;

/// The levels with their shares of Spider's held-out questions, of 1034.
pub const SHARES: [(Hardness, usize); 4] =
    [(Hardness::Easy, 248), (Hardness::Medium, 446), (Hardness::Hard, 174), (Hardness::Extra, 166)];

/// The tables that a shape is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `t`.
    One,
    /// `p` and `c`.
    Link,
    /// `x`, `m`, `y`.
    Bridge,
}

/// A shape of query with ways to ask for it.
#[derive(Debug)]
pub struct Shape {
    /// Its tables.
    pub scope: Scope,
    /// The query.
    pub sql: &'static str,
    /// Questions.
    pub asks: &'static [&'static str],
}

/// The shapes of a level.
pub fn shapes(level: Hardness) -> &'static [Shape] {
    match level {
        Hardness::Easy => easy::SHAPES,
        Hardness::Medium => medium::SHAPES,
        Hardness::Hard => hard::SHAPES,
        Hardness::Extra => extra::SHAPES,
    }
}

impl Shape {
    /// Whether columns need their table's alias.
    pub fn has_aliases(&self) -> bool {
        self.sql.contains(" AS T1")
    }
}

const fn one(sql: &'static str, asks: &'static [&'static str]) -> Shape {
    Shape { scope: Scope::One, sql, asks }
}

const fn link(sql: &'static str, asks: &'static [&'static str]) -> Shape {
    Shape { scope: Scope::Link, sql, asks }
}

const fn bridge(sql: &'static str, asks: &'static [&'static str]) -> Shape {
    Shape { scope: Scope::Bridge, sql, asks }
}
