//! One question's answer with its judgement: a line of `predictions.jsonl`.

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::sql::official::Hardness;

/// An answer with its judgement. Names are those of `sqlr1-tui score --json`, marks are 0 or 1 as there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// Index of the question in its file, from 0.
    pub index: usize,
    /// Name of the database.
    pub db_id: String,
    /// Spider's level; `None` where the official parser fails on the gold query.
    pub hardness: Option<Hardness>,
    /// The question.
    pub question: String,
    /// The gold query.
    pub gold_sql: String,
    /// The query taken out of the reply, on one line; empty if there is none.
    pub sql: String,
    /// The reply as the model wrote it, the last one where there were several.
    pub reply: String,
    /// Tokens of the reply, and of those before it.
    pub tokens: usize,
    /// Whether the reply ended by itself; `false` where the prompt was too long to be asked.
    pub finished: bool,
    /// Whether the prompt was too long to be asked.
    pub too_long: bool,
    /// The replies before, each with the feedback that it got; absent without self-correction.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// Of how many sampled replies this one's result was the most frequent, and how often it was; absent without vote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub votes: Option<[usize; 2]>,
    /// Execution match by the official rules.
    pub exec: u8,
    /// Exact set match by the official rules; `None` without `tables.json`.
    pub exact: Option<u8>,
    /// Execution match of the query as it was written, without the official replacement of `value` by `1`.
    pub exec_clean: u8,
    /// Exact set match of the query as it was written.
    pub exact_clean: Option<u8>,
    /// What came of the query as it was written, by [`Outcome::kind`](crate::sql::Outcome::kind).
    pub outcome: String,
    /// The error's text, where there is one.
    pub message: Option<String>,
    /// Why it is wrong; `None` where it is right as written.
    pub failure: Option<Failure>,
    /// What went wrong with the gold query, if something did.
    pub gold_problem: Option<String>,
}

/// A reply that got feedback.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Turn {
    /// The query taken out of the reply, on one line; empty if there is none.
    pub sql: String,
    /// The reply as the model wrote it.
    pub reply: String,
    /// What came of the query.
    pub outcome: String,
    /// The error's text, where there is one.
    pub message: Option<String>,
    /// What the model was told.
    pub feedback: String,
    /// Execution match by the official rules, had this been the answer.
    pub exec: u8,
}

/// A query on one line, as files of predictions need it. A line comment would swallow what follows it, so comments go.
pub(super) fn one_line(sql: &str) -> String {
    use crate::sql::scan::{Kind, tokens};
    let text: String = tokens(sql)
        .map(|token| match token.kind {
            Kind::Comment | Kind::Space => " ",
            _ => token.text,
        })
        .collect();
    // Line breaks within quotes are all that is left of them.
    text.replace(['\n', '\r', '\t'], " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_one_line_that_means_the_same() {
        assert_eq!(one_line("SELECT a -- the first\n  FROM\tt\n"), "SELECT a   FROM t");
        assert_eq!(one_line("SELECT 'a  b' /* c */ FROM t"), "SELECT 'a  b'   FROM t");
        assert_eq!(one_line(""), "");
    }

    #[test]
    fn a_line_can_be_read_again() {
        let answer = Answer {
            index: 3,
            hardness: Some(Hardness::Extra),
            exact: Some(1),
            votes: Some([5, 8]),
            failure: Some(Failure::WrongJoin),
            ..Answer::default()
        };
        let line = serde_json::to_string(&answer).unwrap();
        assert!(line.contains(r#""hardness":"extra""#) && line.contains(r#""failure":"wrong_join""#), "{line}");
        assert_eq!(serde_json::from_str::<Answer>(&line).unwrap(), answer);
    }
}
