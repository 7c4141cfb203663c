//! How hard questions are: as Spider or BIRD say it, and estimated where neither does.

use rayon::prelude::*;

use super::Example;
use crate::sql::{
    official::{Hardness, Levels},
    scan::{Token, tokens},
};

/// Words of a query that count towards its estimated level.
const COUNTED: [&str; 14] = [
    "join",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "union",
    "intersect",
    "except",
    "case",
    "like",
    "between",
    "or",
    "over",
];

/// Spider's level of each example, by its gold query; `None` where the official parser fails on it.
pub fn spider_levels(examples: &[Example]) -> Vec<Option<Hardness>> {
    let levels = Levels::default();
    examples.par_iter().map(|example| levels.of(&example.database, &example.gold_sql)).collect()
}

/// Ranks by which a curriculum goes, 0 the easiest, 3 the hardest: BIRD's difficulty if there is one, else Spider's
/// level, else an estimate from the clauses of the gold query.
pub fn ranks(examples: &[Example]) -> Vec<u8> {
    let rank = |(example, level): (&Example, Option<Hardness>)| {
        let said = match example.difficulty.as_deref() {
            Some("simple") => Some(0),
            Some("moderate") => Some(1),
            Some("challenging") => Some(2),
            _ => None,
        };
        said.unwrap_or_else(|| level.unwrap_or_else(|| estimate(&example.gold_sql)) as u8)
    };
    examples.iter().zip(spider_levels(examples)).map(rank).collect()
}

/// A level by the number of clauses, joins and twice the subqueries.
fn estimate(sql: &str) -> Hardness {
    let is = |token: &Token<'_>, word: &str| token.is_word(word);
    let clauses = tokens(sql).filter(|token| COUNTED.iter().any(|word| is(token, word))).count();
    let queries = tokens(sql).filter(|token| is(token, "select")).count();
    match clauses + 2 * queries.saturating_sub(1) {
        0..=1 => Hardness::Easy,
        2..=3 => Hardness::Medium,
        4..=5 => Hardness::Hard,
        _ => Hardness::Extra,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_spiders_parser_does_not_know_are_estimated() {
        assert_eq!(estimate("SELECT a FROM t"), Hardness::Easy);
        assert_eq!(estimate("SELECT a FROM t x JOIN u ON 1 WHERE b IS NULL"), Hardness::Medium);
        let nested = "SELECT a FROM t WHERE b = (SELECT max(b) FROM t WHERE c LIKE 'x') ORDER BY a LIMIT 1";
        assert_eq!(estimate(nested), Hardness::Extra);
    }

    #[test]
    fn birds_own_difficulty_comes_first() {
        let example = |difficulty: Option<&str>, sql: &str| Example {
            difficulty: difficulty.map(str::to_owned),
            gold_sql: sql.into(),
            ..Example::default()
        };
        let long = "SELECT a FROM t JOIN u JOIN v JOIN w JOIN x JOIN y JOIN z";
        assert_eq!(
            ranks(&[example(Some("simple"), long), example(None, long), example(Some("challenging"), "")]),
            [0, 3, 2]
        );
    }
}
