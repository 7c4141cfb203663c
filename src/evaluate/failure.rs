//! Why an answer is wrong.

use serde::{Deserialize, Serialize};

use super::clauses::{Clause, words};

/// Why an answer is wrong: what SQLite said, or the first clause, from tables to order, in which it differs from gold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// There is no query in the reply.
    Empty,
    /// It is not SQL.
    Syntax,
    /// It names a table that is not there.
    UnknownTable,
    /// It names a column that is not there or could be several.
    UnknownColumn,
    /// It takes too long.
    Timeout,
    /// It reads other tables, or joins them on other columns.
    WrongJoin,
    /// It aggregates or groups otherwise.
    WrongAggregate,
    /// It filters otherwise.
    WrongFilter,
    /// It sorts or cuts off otherwise.
    WrongOrderOrLimit,
    /// It selects other columns.
    WrongColumns,
    /// Something else: other set operations, more than one statement, a write, too large a result.
    Other,
}

impl Failure {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::Empty,
        Self::Syntax,
        Self::UnknownTable,
        Self::UnknownColumn,
        Self::Timeout,
        Self::WrongJoin,
        Self::WrongAggregate,
        Self::WrongFilter,
        Self::WrongOrderOrLimit,
        Self::WrongColumns,
        Self::Other,
    ];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Empty => "no query in the reply",
            Self::Syntax => "syntax error",
            Self::UnknownTable => "unknown table",
            Self::UnknownColumn => "unknown column",
            Self::Timeout => "timeout",
            Self::WrongJoin => "wrong tables or join",
            Self::WrongAggregate => "wrong aggregate or grouping",
            Self::WrongFilter => "wrong filter",
            Self::WrongOrderOrLimit => "wrong order or limit",
            Self::WrongColumns => "wrong columns",
            Self::Other => "other",
        }
    }

    /// Why a query that is wrong is so. `outcome` and `message` are what came of it.
    pub(super) fn of(gold: &str, predicted: &str, outcome: &str, message: Option<&str>) -> Self {
        match outcome {
            "rows" => Self::by_clause(gold, predicted),
            "empty_text" => Self::Empty,
            "syntax_error" => Self::Syntax,
            "timeout" => Self::Timeout,
            "unknown_name" => match message.unwrap_or_default() {
                m if m.starts_with("no such table") => Self::UnknownTable,
                m if m.starts_with("no such column") || m.starts_with("ambiguous column") => Self::UnknownColumn,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    fn by_clause(gold: &str, predicted: &str) -> Self {
        let (gold, predicted) = (words(gold), words(predicted));
        let differ = |clauses: &[Clause]| clauses.iter().any(|clause| gold.get(clause) != predicted.get(clause));
        // UNION and its kin bring in tables and filters of their own, so they are looked at first.
        let checks: [(&[Clause], Self); 6] = [
            (&[Clause::Combine], Self::Other),
            (&[Clause::Tables, Clause::JoinOn], Self::WrongJoin),
            (&[Clause::Aggregate, Clause::Group], Self::WrongAggregate),
            (&[Clause::Filter], Self::WrongFilter),
            (&[Clause::Order], Self::WrongOrderOrLimit),
            (&[Clause::Select], Self::WrongColumns),
        ];
        checks.iter().find(|(clauses, _)| differ(clauses)).map_or(Self::Other, |(_, failure)| *failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqlite_said_comes_first() {
        let of = |outcome, message| Failure::of("SELECT a FROM t", "x", outcome, message);
        assert_eq!(of("empty_text", None), Failure::Empty);
        assert_eq!(of("syntax_error", Some("near \"x\": syntax error")), Failure::Syntax);
        assert_eq!(of("unknown_name", Some("no such table: x")), Failure::UnknownTable);
        assert_eq!(of("unknown_name", Some("no such column: x")), Failure::UnknownColumn);
        assert_eq!(of("unknown_name", Some("ambiguous column name: a")), Failure::UnknownColumn);
        assert_eq!(of("unknown_name", Some("no such function: x")), Failure::Other);
        assert_eq!(of("timeout", None), Failure::Timeout);
        assert_eq!(of("forbidden", Some("DELETE")), Failure::Other);
    }

    #[test]
    fn then_the_clause_that_differs() {
        let gold = "SELECT T1.a FROM t AS T1 JOIN u AS T2 ON T1.i = T2.i WHERE T2.b = 'x' ORDER BY T1.a LIMIT 3";
        for (predicted, failure) in [
            ("SELECT a FROM t WHERE b = 'x' ORDER BY a LIMIT 3", Failure::WrongJoin),
            ("SELECT a FROM t JOIN u ON t.i = u.j WHERE b = 'x' ORDER BY a LIMIT 3", Failure::WrongJoin),
            ("SELECT max(a) FROM t JOIN u ON t.i = u.i WHERE b = 'x' ORDER BY a LIMIT 3", Failure::WrongAggregate),
            ("SELECT a FROM t JOIN u ON t.i = u.i WHERE b = 'X' ORDER BY a LIMIT 3", Failure::WrongFilter),
            ("SELECT a FROM t JOIN u ON t.i = u.i WHERE b = 'x' ORDER BY a DESC LIMIT 3", Failure::WrongOrderOrLimit),
            ("SELECT c FROM t JOIN u ON t.i = u.i WHERE b = 'x' ORDER BY a LIMIT 3", Failure::WrongColumns),
            ("SELECT a FROM t UNION SELECT a FROM u", Failure::Other),
        ] {
            assert_eq!(Failure::of(gold, predicted, "rows", None), failure, "{predicted}");
        }
    }
}
