use super::{
    super::{canonical::canonical, keys::SameColumns, parse::parse, schema::Schema},
    *,
};

/// Whether two queries match exactly, the second one being the prediction.
fn matches(gold: &str, predicted: &str) -> bool {
    let schema = Schema::of(&[("a", &["id", "x", "y"]), ("b", &["a_id", "x"])]);
    let same: SameColumns = [("a.id", "a.id"), ("b.a_id", "a.id")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let tree = |sql| canonical(parse(&schema, sql).unwrap(), &same, &schema);
    exact_match(&tree(gold), &tree(predicted))
}

#[test]
fn order_of_items_and_values_do_not_count() {
    for (gold, predicted) in [
        ("SELECT x , y FROM a", "SELECT y , x FROM a"),
        ("SELECT DISTINCT x FROM a", "SELECT x FROM a"),
        ("SELECT count(DISTINCT x) FROM a", "SELECT count(x) FROM a"),
        ("SELECT x FROM a WHERE x = 1 AND y = 2", "SELECT x FROM a WHERE y = 'z' AND x = 5"),
        ("SELECT x FROM a ORDER BY y LIMIT 1", "SELECT x FROM a ORDER BY y ASC LIMIT 9"),
        (
            "SELECT x FROM a WHERE x IN (SELECT x FROM b WHERE x = 1)",
            "SELECT x FROM a WHERE x IN (SELECT x FROM b WHERE x = 2)",
        ),
        // Columns that a foreign key makes one; join conditions.
        ("SELECT a.id FROM a JOIN b ON a.id = b.a_id", "SELECT b.a_id FROM b JOIN a ON a.x = b.x"),
    ] {
        assert!(matches(gold, predicted), "{gold} / {predicted}");
    }
}

#[test]
fn everything_else_counts() {
    for (gold, predicted) in [
        ("SELECT x FROM a", "SELECT max(x) FROM a"),
        ("SELECT x FROM a", "SELECT x FROM b"),
        ("SELECT x FROM a", "SELECT x , x FROM a"),
        ("SELECT x FROM a WHERE x = 1", "SELECT x FROM a WHERE x > 1"),
        ("SELECT x FROM a WHERE x = 1 AND y = 1", "SELECT x FROM a WHERE x = 1 OR y = 1"),
        ("SELECT x FROM a GROUP BY x", "SELECT x FROM a GROUP BY x HAVING count(*) > 1"),
        ("SELECT x FROM a GROUP BY x , y", "SELECT x FROM a GROUP BY y , x"),
        ("SELECT x FROM a ORDER BY y", "SELECT x FROM a ORDER BY y DESC"),
        ("SELECT x FROM a ORDER BY y", "SELECT x FROM a ORDER BY y LIMIT 1"),
        ("SELECT x FROM a UNION SELECT x FROM b", "SELECT x FROM a EXCEPT SELECT x FROM b"),
        // DISTINCT counts in subqueries of conditions, and values in those of FROM.
        ("SELECT x FROM a WHERE x IN (SELECT x FROM b)", "SELECT x FROM a WHERE x IN (SELECT DISTINCT x FROM b)"),
        ("SELECT count(*) FROM (SELECT x FROM a WHERE x = 1)", "SELECT count(*) FROM (SELECT x FROM a WHERE x = 2)"),
    ] {
        assert!(!matches(gold, predicted), "{gold} / {predicted}");
        assert!(!matches(predicted, gold), "{predicted} / {gold}");
    }
}
