//! Reading a file of judged answers.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

use super::EvalError;

/// What a comparison needs of a line; lines of `score --json` have no more than the marks.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Line {
    pub(super) index: usize,
    pub(super) db_id: String,
    pub(super) exec: u8,
    #[serde(default)]
    pub(super) exact: Option<u8>,
    #[serde(default)]
    pub(super) question: String,
    #[serde(default)]
    pub(super) gold_sql: String,
    #[serde(default)]
    pub(super) sql: String,
}

/// Answers by the question's index and database. Lines without an index, as the totals at the end of `score --json`, are passed over.
pub(super) fn read(path: &Path) -> Result<BTreeMap<(usize, String), Line>, EvalError> {
    let text = fs::read_to_string(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    let mut lines = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let malformed = |why: String| EvalError::Malformed { path: path.to_owned(), line: number + 1, why };
        let value: Value = serde_json::from_str(line).map_err(|e| malformed(e.to_string()))?;
        if value.is_object() && value.get("index").is_none() {
            continue;
        }
        let line: Line = serde_json::from_value(value).map_err(|e| malformed(e.to_string()))?;
        let key = (line.index, line.db_id.clone());
        if lines.insert(key, line).is_some() {
            return Err(malformed("the question was answered before".into()));
        }
    }
    Ok(lines)
}
