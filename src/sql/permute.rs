//! The search for a column order under which two results agree.

use std::{collections::HashMap, hash::Hash};

use super::{
    Value,
    python::{Equal, equal},
};

/// Cells that the search may look at before it gives up and calls the results different. Only a result made to be
/// hard, with many columns that hold the same values in different rows, gets near it.
const WORK: usize = 200_000_000;

/// Whether some order of `b`'s columns makes it equal `a`, as sequences of rows or as multisets of them.
/// Both have the same number of rows, at least one, and of columns.
pub fn columns_match(a: &[Vec<Value>], b: &[Vec<Value>], order_matters: bool) -> bool {
    let mut numbers = HashMap::new();
    let a = numbered_columns(a, &mut numbers);
    let b = numbered_columns(b, &mut numbers);
    if order_matters {
        // Equal sequences of rows are equal columns, paired off in any way.
        return sorted(a) == sorted(b);
    }
    let groups = vec![0; a.first().map_or(0, Vec::len)];
    Search { a: &a, b: &b, used: vec![false; b.len()], work: WORK }.extend(0, &groups, &groups)
}

/// Columns in which equal cells have the same number.
fn numbered_columns<'v>(rows: &'v [Vec<Value>], numbers: &mut HashMap<Equal<'v>, u32>) -> Vec<Vec<u32>> {
    let width = rows.first().map_or(0, Vec::len);
    (0..width).map(|column| rows.iter().map(|row| number(numbers, equal(&row[column]))).collect()).collect()
}

fn number<K: Eq + Hash>(numbers: &mut HashMap<K, u32>, key: K) -> u32 {
    let next = numbers.len() as u32;
    *numbers.entry(key).or_insert(next)
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

struct Search<'s> {
    a: &'s [Vec<u32>],
    b: &'s [Vec<u32>],
    used: Vec<bool>,
    work: usize,
}

impl Search<'_> {
    /// Pairs off `a`'s columns from `column` on. The groups number the rows by what the columns paired so far hold:
    /// the multisets of these partial rows are equal.
    fn extend(&mut self, column: usize, groups_a: &[u32], groups_b: &[u32]) -> bool {
        if column == self.a.len() {
            return true;
        }
        for candidate in 0..self.b.len() {
            if self.used[candidate] || self.same_as_earlier(candidate) {
                continue;
            }
            self.work = self.work.saturating_sub(groups_a.len());
            if self.work == 0 {
                return false;
            }
            let Some((next_a, next_b)) = refine(groups_a, &self.a[column], groups_b, &self.b[candidate]) else {
                continue;
            };
            self.used[candidate] = true;
            if self.extend(column + 1, &next_a, &next_b) {
                return true;
            }
            self.used[candidate] = false;
        }
        false
    }

    /// Of several equal columns that are free, the first stands for all.
    fn same_as_earlier(&self, candidate: usize) -> bool {
        (0..candidate).any(|earlier| !self.used[earlier] && self.b[earlier] == self.b[candidate])
    }
}

/// The groups of both sides with one more column each, if their multisets are still equal.
fn refine(groups_a: &[u32], column_a: &[u32], groups_b: &[u32], column_b: &[u32]) -> Option<(Vec<u32>, Vec<u32>)> {
    let mut numbers = HashMap::new();
    let mut surplus: Vec<i64> = Vec::new();
    let mut next_a = Vec::with_capacity(groups_a.len());
    for pair in groups_a.iter().zip(column_a) {
        let group = number(&mut numbers, pair);
        if group as usize == surplus.len() {
            surplus.push(0);
        }
        surplus[group as usize] += 1;
        next_a.push(group);
    }
    let mut next_b = Vec::with_capacity(groups_b.len());
    for pair in groups_b.iter().zip(column_b) {
        let group = *numbers.get(&pair)?;
        surplus[group as usize] -= 1;
        if surplus[group as usize] < 0 {
            return None;
        }
        next_b.push(group);
    }
    Some((next_a, next_b))
}
