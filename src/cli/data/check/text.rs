//! The report for people.

use std::{collections::BTreeMap, fmt};

use crate::{
    data::{CheckReport, GoldFinding, SplitReport},
    sql::official::Hardness,
};

/// Findings of a kind that are shown; with --json all are.
const SHOWN: usize = 8;
/// Width of wrapped lines.
const WIDTH: usize = 110;

/// The report for people.
pub struct Text<'a>(pub &'a CheckReport);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        writeln!(f, "{}", report.root.display())?;
        report.unreadable.iter().try_for_each(|why| writeln!(f, "{why}"))?;
        for split in &report.splits {
            let databases = split.questions_per_database.len();
            writeln!(f, "{}: {} questions on {databases} databases", split.split, split.questions)?;
            split.files.iter().try_for_each(|(file, count)| writeln!(f, "  {count} entries in {}", file.display()))?;
        }
        hardness_table(f, &report.splits)?;
        report.splits.iter().try_for_each(|split| details(f, split))
    }
}

fn hardness_table(f: &mut fmt::Formatter<'_>, splits: &[SplitReport]) -> fmt::Result {
    let levels: Vec<String> = Hardness::ALL.iter().map(ToString::to_string).chain(["unknown".to_owned()]).collect();
    write!(f, "\n{:<12}", "hardness")?;
    levels.iter().try_for_each(|level| write!(f, "{level:>9}"))?;
    for split in splits {
        write!(f, "\n{:<12}", split.split)?;
        levels.iter().try_for_each(|level| write!(f, "{:>9}", split.hardness.get(level).unwrap_or(&0)))?;
    }
    writeln!(f)
}

fn details(f: &mut fmt::Formatter<'_>, split: &SplitReport) -> fmt::Result {
    writeln!(f, "\n{}", split.split)?;
    if !split.difficulty.is_empty() {
        counts(f, "difficulty", &split.difficulty)?;
    }
    if split.with_evidence > 0 {
        writeln!(f, "  with evidence: {}", split.with_evidence)?;
    }
    counts(f, "questions per database", &split.questions_per_database)?;
    list(f, "gold queries that fail", split.gold_failing.iter().map(finding))?;
    list(f, "gold queries that return nothing", split.gold_empty.iter().map(finding))?;
    list(f, "slow gold queries", split.gold_slow.iter().map(finding))?;
    list(f, "databases that are missing", split.missing_databases.iter().cloned())?;
    list(f, "entries that cannot be used", split.unusable.iter().cloned())
}

/// Names with their counts, on as many lines as they need.
fn counts(f: &mut fmt::Formatter<'_>, title: &str, counts: &BTreeMap<String, usize>) -> fmt::Result {
    write!(f, "  {title}:")?;
    let mut column = title.len() + 3;
    for (name, count) in counts {
        let item = format!(" {name} {count},");
        if column + item.len() > WIDTH {
            write!(f, "\n   ")?;
            column = 3;
        }
        column += item.len();
        write!(f, "{}", if counts.keys().last() == Some(name) { item.trim_end_matches(',') } else { &item })?;
    }
    writeln!(f)
}

fn finding(found: &GoldFinding) -> String {
    let file = found.file.file_name().unwrap_or_default().to_string_lossy();
    format!("{file}, entry {} on {}: {}, {:.2} s", found.entry, found.db_id, found.outcome, found.seconds)
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, lines: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    let count = lines.len();
    writeln!(f, "  {title}: {count}")?;
    lines.take(SHOWN).try_for_each(|line| writeln!(f, "    {line}"))?;
    if count > SHOWN { writeln!(f, "    ... and {} more; --json lists all", count - SHOWN) } else { Ok(()) }
}
