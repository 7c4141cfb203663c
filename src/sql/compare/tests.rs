use std::iter::repeat_n;

use proptest::prelude::*;

use super::*;

fn table(rows: Vec<Vec<Value>>) -> Table {
    let width = rows.first().map_or(0, Vec::len);
    Table { columns: repeat_n("c".to_owned(), width).collect(), rows }
}

fn ints(rows: &[&[i64]]) -> Table {
    table(rows.iter().map(|row| row.iter().map(|n| Value::Integer(*n)).collect()).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn results_without_rows_are_equal_whatever_their_columns() {
    let narrow = Table { columns: vec!["a".into()], rows: vec![] };
    let wide = Table { columns: vec!["a".into(), "b".into()], rows: vec![] };
    assert!(results_equal(&narrow, &wide, true));
    assert!(!results_equal(&narrow, &ints(&[&[1]]), false));
}

#[test]
fn rows_are_a_multiset_or_a_sequence() {
    assert!(results_equal(&ints(&[&[1], &[2]]), &ints(&[&[2], &[1]]), false));
    assert!(!results_equal(&ints(&[&[1], &[2]]), &ints(&[&[2], &[1]]), true));
    assert!(!results_equal(&ints(&[&[1], &[1], &[2]]), &ints(&[&[1], &[2], &[2]]), false));
}

#[test]
fn columns_come_in_any_order_but_the_same_in_all_rows() {
    assert!(results_equal(&ints(&[&[1, 2, 3], &[4, 5, 6]]), &ints(&[&[3, 1, 2], &[6, 4, 5]]), true));
    assert!(!results_equal(&ints(&[&[1, 2], &[3, 4]]), &ints(&[&[2, 1], &[3, 4]]), false));
    // Each column has the same values here, yet no order of columns yields the same rows.
    let gold = ints(&[&[1, 2, 3], &[2, 3, 1], &[3, 1, 2]]);
    let other = ints(&[&[1, 3, 2], &[2, 1, 3], &[3, 2, 1]]);
    assert!(results_equal(&gold, &other, false));
    let none = ints(&[&[1, 1, 1], &[2, 2, 2], &[3, 3, 3]]);
    assert!(!results_equal(&gold, &none, false));
}

#[test]
fn cells_are_equal_as_in_python() {
    let one = |value: Value| table(vec![vec![value]]);
    assert!(results_equal(&one(Value::Integer(1)), &one(Value::Real(1.0)), true));
    assert!(!results_equal(&one(Value::Integer(1)), &one(text("1")), true));
    assert!(results_equal(&one(Value::Null), &one(Value::Null), true));
    assert!(!results_equal(&one(Value::Real(0.3)), &one(Value::Real(0.1 + 0.2)), true));
}

#[test]
fn printed_forms_that_sort_differently_cost_the_match() {
    // "10<class 'int'>" sorts before "1<class"? '0' (0x30) < '<' (0x3c): yes. "10.0<" sorts before "1<" as well, but
    // 1 against 1.0 turns around: "1.0<" < "1.5<" < "1<".
    let gold = table(vec![vec![Value::Integer(1), Value::Real(1.5)]]);
    let same = table(vec![vec![Value::Real(1.0), Value::Real(1.5)]]);
    assert!(!results_equal(&gold, &same, false));
    let far = table(vec![vec![Value::Integer(1), Value::Real(2.5)]]);
    assert!(results_equal(&far, &table(vec![vec![Value::Real(1.0), Value::Real(2.5)]]), false));
}

#[test]
fn a_search_made_to_be_hard_ends() {
    // All rows of a Latin square: every column holds the same values.
    let square = |shift: i64| -> Table {
        table((0..40).map(|i| (0..40).map(|j| Value::Integer((i * shift + j) % 40)).collect()).collect())
    };
    let start = std::time::Instant::now();
    let _ = results_equal(&square(1), &square(3), false);
    assert!(start.elapsed().as_secs() < 20);
}

fn cell() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        (0i64..3).prop_map(Value::Integer),
        (0i64..3).prop_map(|n| text(&n.to_string())),
        (0u8..3).prop_map(|n| Value::Real(f64::from(n) / 2.0)),
    ]
}

fn any_table() -> impl Strategy<Value = Table> {
    (1usize..5).prop_flat_map(|width| prop::collection::vec(prop::collection::vec(cell(), width), 1..6)).prop_map(table)
}

/// All orders of columns tried one by one, as the official evaluator does.
fn by_brute_force(gold: &Table, predicted: &Table, order_matters: bool) -> bool {
    let width = gold.rows[0].len();
    let mut orders = vec![Vec::new()];
    for _ in 0..width {
        orders = orders
            .iter()
            .flat_map(|o: &Vec<usize>| (0..width).filter(|c| !o.contains(c)).map(|c| [o.as_slice(), &[c]].concat()))
            .collect();
    }
    let keys = |rows: Vec<Vec<Value>>| -> Vec<String> {
        let mut keys: Vec<_> =
            rows.iter().map(|row| format!("{:?}", row.iter().map(equal).collect::<Vec<_>>())).collect();
        if !order_matters {
            keys.sort();
        }
        keys
    };
    let target = keys(gold.rows.clone());
    orders.iter().any(|order| {
        let rows = predicted.rows.iter().map(|row| order.iter().map(|&c| row[c].clone()).collect()).collect();
        keys(rows) == target
    }) && sorted_rows_agree(&gold.rows, &predicted.rows, order_matters)
}

proptest! {
    #[test]
    fn agrees_with_trying_all_orders(a in any_table(), b in any_table(), order in any::<bool>()) {
        if a.rows.len() == b.rows.len() && a.rows[0].len() == b.rows[0].len() {
            prop_assert_eq!(results_equal(&a, &b, order), by_brute_force(&a, &b, order));
        } else {
            prop_assert!(!results_equal(&a, &b, order));
        }
    }

    #[test]
    fn rearranged_results_are_equal(a in any_table(), rotation in 0usize..5, reverse in any::<bool>()) {
        let width = a.rows[0].len();
        let mut rows: Vec<Vec<Value>> =
            a.rows.iter().map(|row| (0..width).map(|c| row[(c + rotation) % width].clone()).collect()).collect();
        prop_assert!(results_equal(&a, &table(rows.clone()), true));
        if reverse {
            rows.reverse();
        }
        prop_assert!(results_equal(&a, &table(rows), false));
    }
}
