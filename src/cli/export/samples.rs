//! Questions with the candidates that a run wrote to them.

use std::fmt::Write as _;

use super::table;
use crate::{
    evaluate::markdown::{code, plain},
    harmless,
    run::event::{Candidate, Event, GroupScored, Record},
};

fn groups<'a>(records: &'a [&'a Record]) -> impl Iterator<Item = &'a GroupScored> {
    records.iter().filter_map(|record| match &record.event {
        Event::Group(group) => Some(&**group),
        _ => None,
    })
}

/// A question a line, with everything that the run stored of it.
pub fn jsonl(records: &[&Record]) -> String {
    let line = |group| serde_json::to_string(group).map(|json| format!("{}\n", harmless::json(&json)));
    // Of what was read as JSON nothing fails to be written as such.
    groups(records).filter_map(|group| line(group).ok()).collect()
}

const COLUMNS: [&str; 20] = [
    "step",
    "group",
    "question_id",
    "db_id",
    "question",
    "gold_sql",
    "candidate",
    "sql",
    "reply",
    "reward",
    "components",
    "advantage",
    "correct",
    "outcome",
    "message",
    "rows",
    "milliseconds",
    "tokens",
    "finished",
    "turns",
];

/// A candidate a row.
pub fn csv(records: &[&Record]) -> String {
    let mut rows = String::new();
    for group in groups(records) {
        for (at, candidate) in group.candidates.iter().enumerate() {
            rows.push_str(&table::row(&cells(group, at, candidate)));
        }
    }
    if rows.is_empty() { rows } else { format!("{}{rows}", table::row(&COLUMNS.map(str::to_owned))) }
}

fn cells(group: &GroupScored, at: usize, candidate: &Candidate) -> [String; COLUMNS.len()] {
    [
        group.step.to_string(),
        group.group.to_string(),
        group.question_id.to_string(),
        table::text(&group.db_id),
        table::text(&group.question),
        table::text(&group.gold_sql),
        at.to_string(),
        table::text(&candidate.sql),
        table::text(&candidate.text),
        table::number(Some(candidate.reward)),
        // A column for each would depend on the run.
        table::text(&serde_json::json!(candidate.components).to_string()),
        table::number(Some(candidate.advantage)),
        candidate.correct.to_string(),
        table::text(&candidate.result.outcome),
        table::text(candidate.result.message.as_deref().unwrap_or_default()),
        candidate.result.total_rows.to_string(),
        table::number(Some(candidate.result.millis)),
        candidate.tokens.to_string(),
        candidate.finished.to_string(),
        (1 + candidate.turns.len()).to_string(),
    ]
}

/// A heading a step, a list of candidates for each question.
pub fn markdown(records: &[&Record]) -> String {
    let (mut text, mut step) = (String::new(), None);
    for group in groups(records) {
        if step != Some(group.step) {
            step = Some(group.step);
            // Writing to a String does not fail.
            let _ = writeln!(text, "\n## Step {}\n", group.step);
        }
        let _ = writeln!(text, "- {} ({})", plain(&group.question), code(&group.db_id));
        let _ = writeln!(text, "  - gold: {}", code(&group.gold_sql));
        for candidate in &group.candidates {
            let _ = writeln!(text, "  - {}", describe(candidate));
            for turn in &candidate.turns {
                let wrote = if turn.sql.is_empty() { &turn.text } else { &turn.sql };
                let _ = writeln!(text, "    - before: {}; told: {}", code(wrote), plain(&turn.feedback));
            }
        }
    }
    if text.is_empty() { text } else { format!("# Samples\n{text}") }
}

fn describe(candidate: &Candidate) -> String {
    let mark = if candidate.correct { "right" } else { "wrong" };
    let what =
        if candidate.sql.is_empty() { format!("no SQL in {}", code(&candidate.text)) } else { code(&candidate.sql) };
    let message = candidate.result.message.as_ref().map(|message| format!(", {}", plain(message))).unwrap_or_default();
    format!("{mark}, reward {:.3}: {what} ({}{message})", candidate.reward, plain(&candidate.result.outcome))
}
