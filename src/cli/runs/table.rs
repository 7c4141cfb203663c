//! The list for people.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    cockpit::{figures, runs::RunSummary},
    harmless,
    run::event::Method,
};

const HEAD: [&str; 8] = ["run", "state", "step", "left", "best", "size", "method", "started"];

/// A line of headings, and one for each run.
pub fn lines(runs: &[RunSummary]) -> Vec<String> {
    if runs.is_empty() {
        return Vec::new();
    }
    let zone = TimeZone::system();
    let rows: Vec<_> = std::iter::once(HEAD.map(str::to_owned)).chain(runs.iter().map(|run| row(run, &zone))).collect();
    let widths: Vec<_> =
        (0..HEAD.len()).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &[String; HEAD.len()]| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn row(run: &RunSummary, zone: &TimeZone) -> [String; HEAD.len()] {
    let none = || "-".to_owned();
    let step = run.max_steps.map_or_else(|| run.step.to_string(), |max| format!("{}/{max}", run.step));
    let started = run.started.and_then(|time| Timestamp::from_second(time as i64).ok());
    [
        harmless::text(&run.name),
        run.state.word().to_owned(),
        step,
        run.eta.map_or_else(none, figures::duration),
        run.best_accuracy.map_or_else(none, |share| format!("{:.1}%", share * 100.0)),
        figures::bytes(run.bytes as f64),
        run.method.map_or_else(none, |method| match method {
            Method::Grpo => "grpo".to_owned(),
            Method::Sft => "sft".to_owned(),
        }),
        match &run.error {
            Some(error) => harmless::text(error),
            None => {
                started.map_or_else(none, |time| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string())
            }
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::runs::State;

    #[test]
    fn columns_stand_under_each_other_and_names_do_no_harm() {
        let run = RunSummary {
            name: "demo\u{1b}[2J".into(),
            path: "runs/demo".into(),
            state: State::Paused,
            method: Some(Method::Sft),
            step: 7,
            max_steps: Some(150),
            eta: Some(187.0),
            best_accuracy: Some(0.435),
            bytes: 3 << 20,
            started: Some(0.0),
            error: None,
        };
        let lines = lines(&[
            run.clone(),
            RunSummary { name: "a-longer-name".into(), state: State::Killed, best_accuracy: None, ..run },
        ]);
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("demo␛[2J       paused  7/150  3m 07s  43.5%"), "{}", lines[1]);
        let column = |line: &str, word: &str| line.find(word).map(|at| line[..at].chars().count());
        let places = [(0, "state"), (1, "paused"), (2, "killed")].map(|(line, word)| column(&lines[line], word));
        assert_eq!(places, [Some(15); 3]);
    }
}
