//! A report as Markdown.

use std::fmt::Write as _;

use super::{
    Report, Score,
    report::{Example, percent, range},
};
use crate::harmless::is_obeyed;

/// The report for a file: what was evaluated, the table, the failures with examples.
pub fn markdown(report: &Report) -> String {
    let about = &report.about;
    let mut text = String::from("# Evaluation\n\n");
    let facts = [
        ("model", about.model.as_str()),
        ("adapter", about.adapter.as_deref().unwrap_or("none")),
        ("data", about.data.as_str()),
        ("questions", about.split.as_str()),
        ("decoding", about.decode.as_str()),
    ];
    for (name, value) in facts {
        line(&mut text, &format!("- {name}: {}", code(value)));
    }
    line(&mut text, &format!("- time: {:.1} s", about.seconds));
    text.push_str("\n| hardness | n | execution % | 95 % interval | exact match % | 95 % interval | execution, as written | exact, as written |\n");
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for (name, score) in report.columns() {
        line(&mut text, &table_row(&name, &score));
    }
    text.push('\n');
    for note in report.notes() {
        line(&mut text, &note);
    }
    failures(&mut text, report);
    text
}

fn table_row(name: &str, s: &Score) -> String {
    let cells = [
        name.to_owned(),
        s.n.to_string(),
        percent(Some(s.execution_accuracy)),
        range(Some(s.execution_interval)),
        percent(s.exact_match),
        range(s.exact_interval),
        percent(Some(s.execution_accuracy_clean)),
        percent(s.exact_match_clean),
    ];
    format!("| {} |", cells.join(" | "))
}

fn failures(text: &mut String, report: &Report) {
    let found = report.by_frequency();
    if found.is_empty() {
        return;
    }
    text.push_str("\n## Failures\n\n| kind | count |\n|---|---|\n");
    for (kind, failures) in &found {
        line(text, &format!("| {} | {} |", kind.title(), failures.count));
    }
    for (kind, failures) in &found {
        line(text, &format!("\n### {}\n", kind.title()));
        failures.examples.iter().for_each(|e| example(text, e));
    }
}

fn example(text: &mut String, e: &Example) {
    line(text, &format!("- question {} on {}: {}", e.index, code(&e.db_id), plain(&e.question)));
    line(text, &format!("  - gold: {}", code(&e.gold_sql)));
    match &e.reply {
        Some(reply) => line(text, &format!("  - reply without a query: {}", code(reply))),
        None => line(text, &format!("  - model: {}", code(&e.sql))),
    }
    if let Some(message) = &e.message {
        line(text, &format!("  - SQLite: {}", code(message)));
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a String does not fail.
    _ = writeln!(text, "{line}");
}

/// Text as inline code, whatever is in it: the fence is one backtick longer than any run of them inside.
pub fn code(text: &str) -> String {
    let text = one_line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Text that no Markdown is made of.
pub fn plain(text: &str) -> String {
    let escape = |c: char| if "\\`*_{}[]<>#|".contains(c) { format!("\\{c}") } else { c.to_string() };
    one_line(text).chars().map(escape).collect()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_model_writes_stays_inside_its_fence() {
        assert_eq!(code("SELECT 1"), "`SELECT 1`");
        assert_eq!(code("SELECT `a``b`"), "``` SELECT `a``b` ```");
        assert_eq!(code("a\nb"), "`a b`");
        assert_eq!(plain("a|b <i>\n*x*"), "a\\|b \\<i\\> \\*x\\*");
    }
}
