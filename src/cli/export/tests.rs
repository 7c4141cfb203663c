use std::{fs, io::Write};

use super::*;
use crate::{
    cli::history::read_records,
    cockpit::fixture::{RunBuilder, group},
    run::event::{EndReason, Event},
};

fn all() -> impl Iterator<Item = (What, Format)> {
    What::value_variants().iter().flat_map(|what| what.formats().iter().map(|format| (*what, *format)))
}

/// A run with one question that is won, and text that a terminal would obey.
fn records() -> Vec<Record> {
    let mut run = RunBuilder::with_steps(30);
    let (mut before, mut after) = (group(31, 0), group(32, 0));
    for candidate in &mut before.candidates {
        candidate.correct = false;
    }
    for group in [&mut before, &mut after] {
        group.question_id = 7;
        group.question = "who | <b>\u{1b}]52;c;AA\u{7}\u{202e} =1+1?".into();
        group.candidates[0].sql = "SELECT `a`, \"b\"\nFROM t\u{9b}2J".into();
    }
    run.add(Event::Group(Box::new(before))).add(Event::Group(Box::new(after)));
    run.end(30, EndReason::Completed);
    run.records()
}

fn exported(what: What, format: Format) -> (tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path()).unwrap();
    fs::create_dir_all(folder.checkpoints().join("checkpoint-20")).unwrap();
    let path = folder.exports().join(format!("out.{}", name(&format)));
    write(what, format, &folder, &records(), &path, &Look::PRINT).unwrap();
    let bytes = fs::read(&path).unwrap();
    (dir, bytes)
}

#[test]
fn what_does_not_go_is_told_with_what_does() {
    for what in What::value_variants() {
        for format in Format::value_variants() {
            match what.format(Some(*format), None) {
                Ok(found) => assert!(found == *format && what.formats().contains(format)),
                Err(error) => {
                    let text = error.to_string();
                    let list = "curves as png or svg, samples as jsonl or csv or md, metrics as csv or jsonl, events as jsonl, report as md";
                    assert!(text.contains(list) && text.contains(&name(format)), "{text}");
                }
            }
        }
    }
    assert_eq!(What::Curves.format(None, Some(Path::new("a.svg"))).unwrap(), Format::Svg, "the name says it");
    assert_eq!(What::Metrics.format(None, Some(Path::new("a.txt"))).unwrap(), Format::Csv);
}

#[test]
fn no_export_has_anything_that_a_terminal_obeys() {
    for (what, format) in all().filter(|(_, format)| *format != Format::Png) {
        let (_dir, bytes) = exported(what, format);
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && crate::harmless::is_obeyed(c)), "{what:?} as {format:?}");
        assert!(text.len() > 500, "{what:?} as {format:?}: {text}");
    }
}

#[test]
fn samples_in_json_lose_no_character() {
    let (_dir, bytes) = exported(What::Samples, Format::Jsonl);
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 62);
    assert_eq!(lines[61]["question"], "who | <b>\u{1b}]52;c;AA\u{7}\u{202e} =1+1?");
    assert_eq!(lines[61]["candidates"][0]["sql"], "SELECT `a`, \"b\"\nFROM t\u{9b}2J");
}

#[test]
fn samples_in_csv_have_rewards_with_their_components_and_what_came_of_the_query() {
    let (_dir, bytes) = exported(What::Samples, Format::Csv);
    let text = String::from_utf8(bytes).unwrap();
    let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    assert!(["reward", "components", "outcome", "rows", "milliseconds", "finished"].iter().all(|c| head.contains(c)));
    let candidate = &group(1, 0).candidates[0];
    let components = serde_json::to_string(&candidate.components).unwrap().replace('"', "\"\"");
    assert!(candidate.components.len() > 1 && text.contains(&format!("\"{components}\"")), "{components}");
}

#[test]
fn metrics_have_a_row_a_step_under_trls_names() {
    let (_dir, bytes) = exported(What::Metrics, Format::Csv);
    let text = String::from_utf8(bytes).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 1 + 31, "steps 0 to 30");
    let column = |name: &str| rows[0].iter().position(|cell| *cell == name).unwrap();
    assert_eq!(rows[30][0], "29");
    assert_eq!((rows[1][column("reward")], rows[1][column("eval_questions")]), ("", "32"));
    assert!(rows[30][column("reward")].parse::<f64>().unwrap() > 0.1);
    let (_dir, bytes) = exported(What::Metrics, Format::Jsonl);
    let first = String::from_utf8(bytes).unwrap().lines().nth(20).map(str::to_owned).unwrap();
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert!(first["step"] == 20 && first["eval_execution_accuracy"].is_f64() && first["kl"].is_f64(), "{first}");
}

#[test]
fn the_report_has_everything_and_its_picture_beside_it() {
    let (dir, bytes) = exported(What::Report, Format::Md);
    let text = String::from_utf8(bytes).unwrap();
    for part in [
        "# test-run",
        "| steps | 30 of 200 |",
        "(out.curves.png)",
        "| 20 | 5 of 32 | 15.6 |",
        "Best: 15.6 % at step 20. Its checkpoint is `checkpoints/checkpoint-20`.",
        "### Won: 1",
        "step 31: 0 % right",
        "step 32: 25 % right",
        "### Lost: 0",
        "beta: 0.04",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(fs::read(dir.path().join("exports/out.curves.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn a_run_without_steps_has_nothing_to_export() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path()).unwrap();
    for (what, format) in all().filter(|(what, _)| *what != What::Events) {
        let path = folder.exports().join("out");
        let error = write(what, format, &folder, &RunBuilder::new().records(), &path, &Look::PRINT).unwrap_err();
        assert!(matches!(error, PlotError::Empty) && !path.exists());
    }
}

#[test]
fn exported_events_are_the_run_again_packed_or_not() {
    let (dir, bytes) = exported(What::Events, Format::Jsonl);
    let stored: Vec<_> = records().into_iter().filter(|record| record.seq != 0).collect();
    let plain = dir.path().join("run.jsonl");
    fs::write(&plain, &bytes).unwrap();
    assert_eq!(read_records(&plain).unwrap(), stored);
    let packed = dir.path().join("run.jsonl.gz");
    let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::best());
    encoder.write_all(&bytes).unwrap();
    encoder.finish().unwrap();
    assert_eq!(read_records(&packed).unwrap(), stored);
    fs::write(&plain, [&bytes[..], b"{\"type\":\"step\"}\n"].concat()).unwrap();
    let error = read_records(&plain).unwrap_err().to_string();
    assert!(error.contains(&format!("run.jsonl:{}: no record", stored.len() + 1)), "{error}");
    let cut = &fs::read(&packed).unwrap()[..100];
    fs::write(&packed, cut).unwrap();
    assert!(read_records(&packed).unwrap_err().to_string().contains("cannot read"));
}
