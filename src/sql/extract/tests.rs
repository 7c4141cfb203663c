use proptest::prelude::*;

use super::*;

/// That each reply gives its query.
fn assert_extracts(cases: &[(&str, &str)]) {
    for (reply, sql) in cases {
        assert_eq!(extract_sql(reply), *sql, "{reply:?}");
    }
}

#[test]
fn of_tagged_replies_only_the_answer_counts() {
    assert_extracts(&[
        ("<think>SELECT a FROM t?</think><answer>\n```sql\nSELECT b FROM t;\n```\n</answer>", "SELECT b FROM t"),
        ("I'd say SELECT a FROM t</think>\n<answer>SELECT b FROM t</answer> or SELECT c", "SELECT b FROM t"),
        ("<answer>```sql\nSELECT a\n```\nno:\n```sql\nSELECT b\n```</answer>", "SELECT b"),
        ("<answer>SELECT a FROM t</answer>\n<answer>SELECT b FROM t</answer>", "SELECT b FROM t"),
        ("<answer>SELECT a FROM t</answer>\n<answer>none</answer>", "SELECT a FROM t"),
        ("<Answer>SELECT a FROM t", "SELECT a FROM t"),
        ("<think>```sql\nSELECT a\n```</think>\nSo: SELECT b FROM t", "SELECT b FROM t"),
        ("<think>one</think>SELECT a<think>SELECT b</think>\nSELECT c", "SELECT c"),
        ("<think>perhaps SELECT a FROM t", ""),
        ("<think>SELECT a</think><answer>I do not know</answer>", ""),
        ("<think>it's 'odd'</think>\n\n<answer>\nSELECT a FROM t WHERE b<3\n</answer>", "SELECT a FROM t WHERE b<3"),
        ("SELECT a FROM t<think>SELECT b?</think> done", "SELECT a FROM t"),
        ("SELECT a FROM t <think>SELECT b", "SELECT a FROM t"),
        ("SELECT a FROM t WHERE a<thinker", "SELECT a FROM t WHERE a<thinker"),
    ]);
}

#[test]
fn comments_hide_no_query_and_are_none() {
    assert_extracts(&[
        ("```sql\n-- Select all names\nSELECT name FROM t\n```", "SELECT name FROM t"),
        ("```sql\n/* select\n   names */\nSELECT name FROM t\n```", "SELECT name FROM t"),
        ("SELECT a -- first; it's the key\nFROM t; -- done", "SELECT a -- first; it's the key\nFROM t"),
        ("SELECT a /* ; ' */ FROM t; SELECT b", "SELECT a /* ; ' */ FROM t"),
        ("The query -- SELECT a FROM t", "SELECT a FROM t"),
        ("-- SQL: SELECT a FROM t", "SELECT a FROM t"),
        ("SELECT a FROM t -- SELECT b", "SELECT a FROM t -- SELECT b"),
    ]);
}

#[test]
fn of_several_statements_the_first_counts() {
    assert_extracts(&[
        ("SELECT a FROM t;SELECT b FROM t;", "SELECT a FROM t"),
        ("SELECT a FROM t;;", "SELECT a FROM t"),
        (";SELECT a FROM t", "SELECT a FROM t"),
        ("```sql\nSELECT a FROM t;\nDROP TABLE t;\n```", "SELECT a FROM t"),
        ("DROP TABLE t; SELECT a FROM t", "SELECT a FROM t"),
        ("WITH x AS (SELECT ';') SELECT * FROM x; SELECT 1", "WITH x AS (SELECT ';') SELECT * FROM x"),
    ]);
}

#[test]
fn queries_are_found_in_all_kinds_of_replies() {
    for (reply, sql) in [
        ("SELECT 1", "SELECT 1"),
        ("  select a from t ; select b", "select a from t"),
        ("```sql\nSELECT a\nFROM t;\n```\nThis selects.", "SELECT a\nFROM t"),
        ("Here is a select:\n```\nSELECT a FROM t\n```", "SELECT a FROM t"),
        ("```sql\nSELECT a FROM t", "SELECT a FROM t"),
        ("SQL: SELECT a FROM t", "SELECT a FROM t"),
        ("We select names.\nSQL: SELECT a FROM t\n\nIt's right.", "SELECT a FROM t"),
        ("We use MySQL: it can SELECT a FROM t", "SELECT a FROM t"),
        ("To select the names, write:\nSELECT a FROM t", "SELECT a FROM t"),
        ("Use `SELECT a FROM t` for that.", "SELECT a FROM t"),
        ("Use `SELECT `a b` FROM t` for that.", "SELECT `a b` FROM t"),
        ("SELECT `a b` FROM t", "SELECT `a b` FROM t"),
        ("With this query: WITH x AS (SELECT 1) SELECT * FROM x;", "WITH x AS (SELECT 1) SELECT * FROM x"),
        ("SELECT ';' FROM t; --", "SELECT ';' FROM t"),
        ("SELECT \"it's\" FROM t;", "SELECT \"it's\" FROM t"),
        ("SELECT a FROM t WHERE b = 'it's'; done", "SELECT a FROM t WHERE b = 'it's'"),
        ("SELECT a FROM t\n\nWHERE a > 1\n\nThis query", "SELECT a FROM t\n\nWHERE a > 1"),
        ("The answer is SELECT a FROM t UNION\nSELECT b FROM u", "SELECT a FROM t UNION\nSELECT b FROM u"),
        ("<answer>SELECT a FROM t WHERE a < 3</answer>", "SELECT a FROM t WHERE a < 3"),
        ("SELECT a FROM t<|im_end|>", "SELECT a FROM t"),
        ("SELECT a FROM t```", "SELECT a FROM t"),
        ("selection of prose", ""),
        ("DELETE FROM t", ""),
        ("", ""),
    ] {
        assert_eq!(extract_sql(reply), sql, "{reply:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_taken(reply in ".{0,200}") {
        extract_sql(&reply);
    }

    #[test]
    fn text_near_sql_is_taken(
        parts in prop::collection::vec(prop::sample::select(vec![
            "SELECT", "with", " ", "\n\n", ";", "'", "\"", "`", "```", "SQL:", "(", ")", "as", "é", "--", "/*", "</", "[", "<think>",
            "</think>", "<answer>", "</answer>", "İ",
        ]), 0..30)
    ) {
        let reply = parts.concat();
        let sql = extract_sql(&reply);
        prop_assert!(reply.contains(&sql));
        prop_assert!(sql.is_empty() || sql.get(..4).is_some());
    }

    #[test]
    fn what_was_taken_out_stays(name in "[a-z]{1,8}", value in "[a-zA-Z ]{0,8}") {
        let sql = format!("SELECT {name} FROM t WHERE x = '{value}'");
        prop_assert_eq!(extract_sql(&sql), sql.clone());
        prop_assert_eq!(extract_sql(&format!("```sql\n{sql};\n```")), sql.clone());
    }
}
