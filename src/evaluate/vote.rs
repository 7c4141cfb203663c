//! Self-consistency: of several replies the one whose result most of them share.

use rayon::prelude::*;

use super::examinee::Reply;
use crate::{
    data::Example,
    sql::{Sandbox, Table, extract_sql, results_equal},
};

/// The index of the chosen reply, and how many replies' queries return what its query returns.
///
/// Queries that fail have no vote unless all do. Of equally frequent results the one wins that has the most probable reply, which is also
/// the reply chosen within a result.
pub(super) fn vote(sandbox: &Sandbox, question: &Example, replies: &[Reply]) -> (usize, usize) {
    let run = |reply: &Reply| sandbox.run(&question.database, &extract_sql(&reply.text)).outcome;
    let outcomes: Vec<_> = replies.par_iter().map(run).collect();
    let tables: Vec<Option<&Table>> = outcomes.iter().map(|outcome| outcome.table()).collect();
    elect(&tables, &replies.iter().map(|reply| reply.logprob).collect::<Vec<_>>())
}

fn elect(tables: &[Option<&Table>], logprobs: &[f64]) -> (usize, usize) {
    let mut by_probability: Vec<usize> = (0..tables.len()).collect();
    // Stable: of equally probable replies the first counts.
    by_probability.sort_by(|&a, &b| logprobs[b].total_cmp(&logprobs[a]));
    // The first of each group is its most probable reply.
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in by_probability {
        let Some(table) = tables[index] else { continue };
        let same = |group: &&mut Vec<usize>| tables[group[0]].is_some_and(|first| results_equal(first, table, false));
        match groups.iter_mut().find(same) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    let most = groups.iter().map(Vec::len).max().unwrap_or(0);
    let winner = groups.iter().find(|group| group.len() == most);
    let most_probable = || (0..tables.len()).max_by(|&a, &b| logprobs[a].total_cmp(&logprobs[b]).then(b.cmp(&a)));
    winner.map_or_else(|| (most_probable().unwrap_or(0), 0), |group| (group[0], most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Value;

    fn table(number: i64) -> Table {
        Table { columns: vec!["a".into()], rows: vec![vec![Value::Integer(number)]] }
    }

    #[test]
    fn the_most_frequent_result_wins_whatever_its_probability() {
        let (one, two) = (table(1), table(2));
        let tables = [Some(&one), Some(&two), None, Some(&two)];
        assert_eq!(elect(&tables, &[-1.0, -9.0, -0.1, -8.0]), (3, 2));
    }

    #[test]
    fn ties_go_to_the_most_probable_reply() {
        let (one, two) = (table(1), table(2));
        assert_eq!(elect(&[Some(&one), Some(&two)], &[-2.0, -1.0]), (1, 1));
        assert_eq!(elect(&[Some(&one), Some(&two)], &[-1.0, -1.0]), (0, 1), "then to the first");
    }

    #[test]
    fn failures_are_chosen_only_among_themselves() {
        let one = table(1);
        assert_eq!(elect(&[None, None, Some(&one)], &[-0.1, -0.2, -9.0]), (2, 1));
        assert_eq!(elect(&[None, None], &[-2.0, -1.0]), (1, 0));
        assert_eq!(elect(&[None, None], &[-1.0, -1.0]), (0, 0));
    }
}
