//! Reading gold queries and predictions for scoring, in the official evaluator's files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A gold query with a prediction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Name of the database.
    pub db_id: String,
    /// The gold query.
    pub gold: String,
    /// The prediction; empty if there is none.
    pub predicted: String,
}

/// Files that cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum PairsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A line of gold that is not a query and a database.
    #[error("{}, line {line}: expected a query, a tab and a database name, found `{found}`", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Its text.
        found: String,
    },
    /// Other numbers of predictions and gold queries.
    #[error(
        "{} has {predictions} predictions for the {golds} gold queries of {}; one line each is needed, an empty line for \
         a prediction that is missing",
        predicted.display(),
        gold.display()
    )]
    Uneven {
        /// The file of gold queries.
        gold: PathBuf,
        /// How many there are.
        golds: usize,
        /// The file of predictions.
        predicted: PathBuf,
        /// How many there are.
        predictions: usize,
    },
}

/// Reads `SQL<TAB>db_id` lines and the predictions for them, one a line.
///
/// As in the official evaluator, white space around lines is dropped and a prediction ends at its first tab. Unlike there,
/// an empty line among the predictions is a prediction that failed. Empty lines of gold are skipped.
///
/// # Errors
/// See [`PairsError`].
pub fn read_pairs(gold: &Path, predicted: &Path) -> Result<Vec<Pair>, PairsError> {
    let golds = read_gold(gold)?;
    let text = read(predicted)?;
    let mut predictions: Vec<&str> = text.lines().map(first_field).collect();
    // Empty lines at the end of the file are predictions only where gold has queries for them.
    while predictions.len() > golds.len() && predictions.last().is_some_and(|last| last.is_empty()) {
        predictions.pop();
    }
    if golds.len() != predictions.len() {
        let (golds, predictions) = (golds.len(), predictions.len());
        return Err(PairsError::Uneven { gold: gold.to_owned(), golds, predicted: predicted.to_owned(), predictions });
    }
    let pair =
        |((gold, db_id), predicted): ((String, String), &str)| Pair { db_id, gold, predicted: predicted.to_owned() };
    Ok(golds.into_iter().zip(predictions).map(pair).collect())
}

fn read_gold(file: &Path) -> Result<Vec<(String, String)>, PairsError> {
    let text = read(file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let pair = |(i, line): (usize, &str)| match line.trim().split('\t').collect::<Vec<_>>()[..] {
        [sql, db_id] => Ok((sql.to_owned(), db_id.to_owned())),
        _ => Err(PairsError::Malformed { file: file.to_owned(), line: i + 1, found: line.chars().take(200).collect() }),
    };
    lines.map(pair).collect()
}

fn first_field(line: &str) -> &str {
    line.trim().split('\t').next().unwrap_or_default()
}

/// Bytes that are not UTF-8 become replacement characters: they are the model's fault and must not stop the scoring.
fn read(file: &Path) -> Result<String, PairsError> {
    let bytes = fs::read(file).map_err(|source| PairsError::Unreadable { file: file.to_owned(), source })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(gold: &str, predicted: &str) -> Result<Vec<Pair>, String> {
        let folder = tempfile::tempdir().unwrap();
        let (g, p) = (folder.path().join("gold.sql"), folder.path().join("pred.sql"));
        fs::write(&g, gold).unwrap();
        fs::write(&p, predicted).unwrap();
        read_pairs(&g, &p).map_err(|e| e.to_string())
    }

    #[test]
    fn lines_are_paired() {
        let pairs = pairs(" SELECT 1\td\r\n\nSELECT 2\te\nSELECT 3\te\n", "SELECT 1\tnoise\n\nSELECT 3\n\n").unwrap();
        let predicted: Vec<_> = pairs.iter().map(|p| p.predicted.as_str()).collect();
        assert_eq!(predicted, ["SELECT 1", "", "SELECT 3"]);
        assert_eq!((pairs[0].gold.as_str(), pairs[2].db_id.as_str()), ("SELECT 1", "e"));
    }

    #[test]
    fn a_last_prediction_may_be_empty() {
        assert_eq!(pairs("SELECT 1\td\nSELECT 2\td", "SELECT 1\n\n").unwrap()[1].predicted, "");
    }

    #[test]
    fn errors_say_where() {
        assert!(pairs("SELECT 1\td\nSELECT 2", "a\nb").unwrap_err().contains("line 2"));
        let uneven = pairs("SELECT 1\td\n", "a\nb").unwrap_err();
        assert!(uneven.contains("2 predictions for the 1 gold"), "{uneven}");
        assert!(read_pairs(Path::new("/no/gold"), Path::new("/no/pred")).unwrap_err().to_string().contains("/no/gold"));
    }
}
