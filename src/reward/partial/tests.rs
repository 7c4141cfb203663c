use proptest::prelude::*;

use super::*;

fn set(items: &[&str]) -> Set {
    items.iter().map(|&item| item.to_owned()).collect()
}

#[test]
fn parts_are_found() {
    let sql = "SELECT DISTINCT T1.name , count(*) FROM a AS T1 JOIN \"b\" ON T1.x = b.x WHERE y > 'A, B' AND z IN \
               (SELECT z FROM c, d WHERE q = 1) GROUP BY name ORDER BY count(*) DESC LIMIT 1";
    let parts = Parts::of(sql);
    assert_eq!(parts.select, set(&["T1 . NAME", "COUNT ( * )"]));
    assert_eq!(parts.tables, set(&["A", "B", "C", "D"]));
    let condition = ["Y", ">", "'A, B'", "AND", "Z", "IN", "SELECT", "FROM", "C", "D", "WHERE", "Q", "=", "1"];
    assert_eq!(parts.condition, set(&condition));
    let keywords = ["SELECT", "FROM", "WHERE", "JOIN", "GROUP BY", "ORDER BY", "LIMIT", "DISTINCT", "COUNT"];
    assert_eq!(parts.keywords, set(&keywords));
}

#[test]
fn overlaps_are_averaged_over_what_gold_has() {
    let gold = "SELECT a, b FROM t";
    // Select list 1/2, tables 1, keywords 1, words 4/5 (SELECT, a, FROM, t of those and b).
    let expected = (0.5 + 1.0 + 1.0 + 0.8) / 4.0;
    assert!((partial_credit(gold, "select A from T") - expected).abs() < 1e-12);
    assert_eq!(partial_credit(gold, ""), 0.0);
    assert_eq!(partial_credit("", ""), 0.0);
}

proptest! {
    #[test]
    fn credit_is_a_share_of_one_and_full_for_the_same_text(gold in "[ -~]{0,80}", other in any::<String>()) {
        let credit = partial_credit(&gold, &other);
        prop_assert!((0.0..=1.0).contains(&credit));
        if !Parts::of(&gold).words.is_empty() {
            prop_assert_eq!(partial_credit(&gold, &gold), 1.0);
        }
    }
}
