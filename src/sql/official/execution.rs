//! Execution match by the rules of Spider's test-suite evaluator (methods.md 6.1).

use std::path::PathBuf;

use super::{
    super::{Execution, Outcome, Sandbox, Table, order_matters, results_equal, scan, test_suite_form},
    plug::plugged,
};

/// How queries are altered before they are executed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExecutionOptions {
    /// Leave DISTINCT in; otherwise it is taken out of both queries.
    pub keep_distinct: bool,
    /// Let a prediction match with any of gold's values in the places of its own.
    pub plug_value: bool,
}

/// Whether a prediction's results equal gold's.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionMatch {
    /// They do, on every database.
    pub matches: bool,
    /// What came of the prediction, by [`Outcome::kind`]: where it failed first, else `rows`.
    pub outcome: &'static str,
    /// The error's text, where there is one.
    pub message: Option<String>,
    /// What went wrong with the gold query, if something did; nothing matches then.
    pub gold_problem: Option<String>,
}

/// Compares a prediction with gold on every database given. Gold is trusted: it is executed in this process.
pub fn execution_match(
    sandbox: &Sandbox,
    databases: &[PathBuf],
    gold: &str,
    predicted: &str,
    options: ExecutionOptions,
) -> ExecutionMatch {
    let gold = test_suite_form(gold, options.keep_distinct);
    let predicted = test_suite_form(predicted, options.keep_distinct);
    let trusted = sandbox.trusted();
    let golds: Vec<Execution> = databases.iter().map(|database| trusted.run(database, &gold)).collect();
    let comparison = Comparison { sandbox, databases, golds: &golds, order_matters: order_matters(&gold) };
    let (mut matches, outcome, message) = comparison.with(&predicted);
    if !matches && options.plug_value {
        matches = plugged(&gold, &predicted).any(|variant| comparison.with(&variant).0);
    }
    ExecutionMatch { matches, outcome, message, gold_problem: gold_problem(databases, &golds) }
}

struct Comparison<'c> {
    sandbox: &'c Sandbox,
    databases: &'c [PathBuf],
    golds: &'c [Execution],
    order_matters: bool,
}

impl Comparison<'_> {
    /// Whether a prediction's results equal gold's on all databases, what came of it, and the error's text.
    fn with(&self, predicted: &str) -> (bool, &'static str, Option<String>) {
        let mut kind = Outcome::EmptyText.kind();
        for (database, gold) in self.databases.iter().zip(self.golds) {
            let outcome = self.sandbox.run(database, predicted).outcome;
            kind = outcome.kind();
            let message = outcome.message().map(str::to_owned);
            let equal = match (gold.outcome.table(), as_python_sees(outcome, predicted)) {
                (Some(gold), Some(table)) => results_equal(gold, &table, self.order_matters),
                _ => false,
            };
            if !equal {
                return (false, kind, message);
            }
        }
        (!self.databases.is_empty(), kind, None)
    }
}

/// The rows that the evaluator gets from Python's `sqlite3`, where it gets any.
///
/// It gets none, rather than an error, from a text that is only comments, and also from a statement that writes: the
/// evaluator opens databases for writing. We execute no such statement, yet an empty gold result equals it.
fn as_python_sees(outcome: Outcome, sql: &str) -> Option<Table> {
    match outcome {
        Outcome::Rows(table) => (!has_tail(sql)).then_some(table),
        Outcome::EmptyText if !sql.trim().is_empty() => Some(Table::default()),
        Outcome::Forbidden(_) if writes(sql) && !has_tail(sql) => Some(Table::default()),
        _ => None,
    }
}

/// Whether a semicolon follows the one that ends the statement: Python takes that for a second statement.
fn has_tail(sql: &str) -> bool {
    let mut significant = scan::tokens(sql)
        .filter(|token| !token.is_blank())
        .skip_while(|token| token.is_symbol(";"))
        .skip_while(|token| !token.is_symbol(";"))
        .skip(1);
    significant.next().is_some()
}

/// Whether a forbidden statement is one that would have run and returned nothing.
fn writes(sql: &str) -> bool {
    const WRITERS: [&str; 10] =
        ["insert", "replace", "update", "delete", "create", "drop", "alter", "vacuum", "reindex", "analyze"];
    let mut words = scan::tokens(sql).filter(|token| !token.is_blank());
    words.next().is_some_and(|first| WRITERS.iter().any(|writer| first.is_word(writer)))
}

fn gold_problem(databases: &[PathBuf], golds: &[Execution]) -> Option<String> {
    if databases.is_empty() {
        return Some("there is no .sqlite file to execute it on".into());
    }
    let (database, failed) = databases.iter().zip(golds).find(|(_, gold)| gold.outcome.table().is_none())?;
    let message = failed.outcome.message().map(|message| format!(": {message}")).unwrap_or_default();
    Some(format!("{} on {}{message}", failed.outcome.kind(), database.display()))
}
