//! How many cells two results have in common: QATCH's metrics (Papicchio et al. 2023), as `Think2SQL` uses them.

use std::collections::HashSet;

use super::{
    Table,
    python::{Equal, equal},
};

/// What a result has in common with gold's, each from 0 to 1. Neither the order of rows nor that of columns counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CellOverlap {
    /// Share of the result's cells that are somewhere in gold's.
    pub precision: f64,
    /// Share of gold's cells that are somewhere in the result.
    pub recall: f64,
    /// The smaller number of rows over the larger.
    pub cardinality: f64,
}

/// Compares two results cell by cell. Two empty results have everything in common, an empty one nothing with another.
pub fn cell_overlap(gold: &Table, predicted: &Table) -> CellOverlap {
    match (gold.rows.len(), predicted.rows.len()) {
        (0, 0) => CellOverlap { precision: 1.0, recall: 1.0, cardinality: 1.0 },
        (0, _) | (_, 0) => CellOverlap::default(),
        (golds, rows) => CellOverlap {
            precision: share_in(predicted, gold),
            recall: share_in(gold, predicted),
            cardinality: golds.min(rows) as f64 / golds.max(rows) as f64,
        },
    }
}

/// The share of `of`'s cells that are in `others`.
fn share_in(of: &Table, others: &Table) -> f64 {
    let there: HashSet<Equal<'_>> = others.rows.iter().flatten().map(equal).collect();
    let (mut all, mut found) = (0_usize, 0_usize);
    for cell in of.rows.iter().flatten() {
        all += 1;
        found += usize::from(there.contains(&equal(cell)));
    }
    found as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Value;

    fn table(rows: &[&[i64]]) -> Table {
        let rows: Vec<Vec<Value>> = rows.iter().map(|r| r.iter().map(|&n| Value::Integer(n)).collect()).collect();
        Table { columns: vec!["c".into(); rows.first().map_or(1, Vec::len)], rows }
    }

    #[test]
    fn shares_are_as_worked_out_by_hand() {
        let overlap = |gold: &Table, predicted: &Table| {
            let found = cell_overlap(gold, predicted);
            [found.precision, found.recall, found.cardinality].map(|x| (x * 12.0).round() as i64)
        };
        let gold = table(&[&[1, 2], &[3, 4]]);
        assert_eq!(overlap(&gold, &table(&[&[4, 3], &[2, 1]])), [12, 12, 12], "no order counts");
        // 1 and 2 of 1, 2, 9 are gold's; of 1, 2, 3, 4 two are there; 2 rows against 3.
        assert_eq!(overlap(&gold, &table(&[&[1], &[2], &[9]])), [8, 6, 8]);
        assert_eq!(overlap(&gold, &table(&[])), [0, 0, 0]);
        assert_eq!(overlap(&table(&[]), &table(&[])), [12, 12, 12]);
    }
}
