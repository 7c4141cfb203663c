//! Where a result differs from gold's.

use std::collections::HashMap;

use crate::run::event::ResultPreview;

/// What a row is when compared with the other result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The other has it, too.
    Same,
    /// The other has one that differs in these cells.
    Differs(Vec<bool>),
    /// The other has none like it.
    Alone,
}

/// Marks for the kept rows of two results: rows are compared as a bag, as the reward compares them; of what is left over, rows stand
/// against each other in their order.
pub fn rows(its: &ResultPreview, golds: &ResultPreview) -> (Vec<Mark>, Vec<Mark>) {
    let (mut left, mut right) = (alone(its, golds), alone(golds, its));
    if its.columns.len() == golds.columns.len() {
        let open = |marks: &[Mark]| (0..marks.len()).filter(|at| marks[*at] == Mark::Alone).collect::<Vec<_>>();
        for (a, b) in open(&left).into_iter().zip(open(&right)) {
            let cells: Vec<bool> = its.rows[a].iter().zip(&golds.rows[b]).map(|(x, y)| x != y).collect();
            // Rows that have nothing in common do not belong together.
            if cells.contains(&false) {
                (left[a], right[b]) = (Mark::Differs(cells.clone()), Mark::Differs(cells));
            }
        }
    }
    (left, right)
}

/// The rows that the other result has, too, and those that it has not.
fn alone(these: &ResultPreview, others: &ResultPreview) -> Vec<Mark> {
    let mut left = HashMap::<&[String], usize>::new();
    for row in &others.rows {
        *left.entry(row).or_default() += 1;
    }
    let mark = |row: &Vec<String>| match left.get_mut(row.as_slice()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            Mark::Same
        }
        _ => Mark::Alone,
    };
    these.rows.iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::fixture::table;

    #[test]
    fn rows_are_matched_whatever_their_order_and_cells_where_they_differ() {
        let gold = table(&["name", "age"], &[&["Joe", "52"], &["Tim", "32"], &["Eve", "29"]], 3);
        let its = table(&["name", "age"], &[&["Tim", "32"], &["Joe", "51"], &["Bob", "7"], &["Eve", "29"]], 4);
        let (left, right) = rows(&its, &gold);
        let differs = Mark::Differs(vec![false, true]);
        assert_eq!(left, [Mark::Same, differs.clone(), Mark::Alone, Mark::Same]);
        assert_eq!(right, [differs, Mark::Same, Mark::Same]);
    }

    #[test]
    fn a_row_that_comes_twice_needs_two_like_it() {
        let one = table(&["n"], &[&["1"]], 1);
        let two = table(&["n"], &[&["1"], &["1"]], 2);
        assert_eq!(rows(&two, &one), (vec![Mark::Same, Mark::Alone], vec![Mark::Same]));
        let other = table(&["n", "m"], &[&["1", "2"]], 1);
        assert_eq!(rows(&other, &one), (vec![Mark::Alone], vec![Mark::Alone]));
    }
}
