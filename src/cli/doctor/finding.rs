//! What an examination finds, for people and for programs.

use serde::Serialize;
use serde_json::{Value, json};

use crate::cockpit::text::wrap;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Training works, slower or with less comfort.
    Warn,
    /// Training cannot work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), remedy: None }
    }

    /// It could be better.
    pub fn warn(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// It will not do.
    pub fn fail(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fail, found: found.into(), remedy: Some(remedy.into()) }
    }
}

fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|found| found.verdict).max().unwrap_or(Verdict::Ok)
}

/// For programs.
pub fn json(findings: &[Finding]) -> Value {
    json!({"verdict": worst(findings), "checks": findings})
}

/// For people: a line each, the remedy below it.
pub fn table(findings: &[Finding]) -> String {
    const NAME: usize = 12;
    const WIDTH: usize = 80;
    let mut lines = Vec::new();
    for Finding { name, verdict, found, remedy } in findings {
        let word = match verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "WARN",
            Verdict::Fail => "FAIL",
        };
        let texts = [(found, ""), (remedy.as_ref().unwrap_or(&String::new()), "-> ")]
            .into_iter()
            .filter(|(text, _)| !text.is_empty())
            .flat_map(|(text, mark)| {
                wrap(text, WIDTH).into_iter().enumerate().map(move |(row, part)| {
                    if row == 0 { format!("{mark}{part}") } else { format!("{}{part}", " ".repeat(mark.len())) }
                })
            })
            .collect::<Vec<_>>();
        let head = format!("{word}  {name:<NAME$}  ");
        for (row, text) in texts.iter().enumerate() {
            lines.push(if row == 0 { format!("{head}{text}") } else { format!("{}{text}", " ".repeat(head.len())) });
        }
    }
    let summary = match worst(findings) {
        Verdict::Ok => "Everything is as it should be.",
        Verdict::Warn => "Training works here; the warnings say what could be better.",
        Verdict::Fail => "Training cannot work here yet.",
    };
    format!("{}\n\n{summary}", lines.join("\n"))
}
