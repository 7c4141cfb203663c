//! What Spider's test-suite evaluator does to both queries before it executes them (methods.md 6.1, 1 to 3).

use std::sync::LazyLock;

use regex::Regex;

use super::scan::tokens;

/// MySQL's current year, which some queries ask for. The white space behind it goes too, as in the original.
static CURRENT_YEAR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)YEAR\s*\(\s*CURDATE\s*\(\s*\)\s*\)\s*").ok());

/// The query as the evaluator executes it: operators that were torn apart are joined, every `DISTINCT` is taken out
/// (also in `count(DISTINCT ...)`) unless `keep_distinct`, and `YEAR(CURDATE())` is 2020.
///
/// Taking out `DISTINCT` has a side effect that is kept: only the first of several statements remains.
pub fn test_suite_form(sql: &str, keep_distinct: bool) -> String {
    let joined = sql.replace("> =", ">=").replace("< =", "<=").replace("! =", "!=");
    let kept = if keep_distinct { joined } else { without_distinct(first_statement(&joined)) };
    match CURRENT_YEAR.as_ref() {
        Some(year) => year.replace_all(&kept, "2020").into_owned(),
        None => kept,
    }
}

/// Whether the order of rows counts: `order by`, with one space, occurs anywhere in the gold query.
pub fn order_matters(gold: &str) -> bool {
    gold.to_lowercase().contains("order by")
}

/// Up to and including the first semicolon outside of quotes and parentheses.
fn first_statement(sql: &str) -> &str {
    let mut depth = 0i64;
    for token in tokens(sql) {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        } else if token.is_symbol(";") && depth <= 0 {
            return &sql[..token.end()];
        }
    }
    sql
}

fn without_distinct(sql: &str) -> String {
    tokens(sql).filter(|token| !token.is_word("distinct")).map(|token| token.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_goes_wherever_it_is_a_word_of_its_own() {
        for (sql, form) in [
            ("SELECT DISTINCT a FROM t", "SELECT  a FROM t"),
            ("SELECT count(distinct a)", "SELECT count( a)"),
            (
                "SELECT distinct_a, 'DISTINCT', \"distinct\" FROM t -- distinct",
                "SELECT distinct_a, 'DISTINCT', \"distinct\" FROM t -- distinct",
            ),
            ("SELECT 1; SELECT 2", "SELECT 1;"),
            ("SELECT ';' ; SELECT 2", "SELECT ';' ;"),
            ("SELECT a > = 1, b ! = 2", "SELECT a >= 1, b != 2"),
            ("SELECT Year ( curdate( ) ) - 1", "SELECT 2020- 1"),
        ] {
            assert_eq!(test_suite_form(sql, false), form);
        }
        assert_eq!(test_suite_form("SELECT DISTINCT a; SELECT 2", true), "SELECT DISTINCT a; SELECT 2");
    }

    #[test]
    fn order_matters_wherever_the_words_occur() {
        assert!(order_matters("SELECT a FROM (SELECT a FROM t Order BY b)"));
        assert!(!order_matters("SELECT a FROM t ORDER  BY a"));
    }
}
