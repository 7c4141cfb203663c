//! A run on one page: what ran on what, how it went, what it brought.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use crate::{
    cockpit::{figures, state::RunView},
    evaluate::markdown::{code, plain},
    harmless,
    run::{
        event::{EvalDone, Event, GroupScored, Record, RunStarted},
        folder::RunFolder,
        metrics,
    },
};

/// Questions shown of those won, and of those lost.
const SHOWN: usize = 10;

/// The page; `curves` is the picture's file name beside it.
pub fn report(folder: &RunFolder, standing: &[&Record], records: &[Record], curves: &str) -> String {
    let view = RunView::replay(records);
    let mut page = String::new();
    if let Some(info) = view.info() {
        head(&mut page, info, &view);
    }
    line(&mut page, &format!("\n## Curves\n\n![training curves]({})", curves.replace(' ', "%20")));
    evaluations(&mut page, &view, folder);
    last_step(&mut page, &view);
    won_and_lost(&mut page, standing);
    if let Some(info) = view.info() {
        settings(&mut page, info);
    }
    page
}

/// Adds a line; writing to a `String` does not fail.
fn line(page: &mut String, text: &str) {
    let _ = writeln!(page, "{text}");
}

fn head(page: &mut String, info: &RunStarted, view: &RunView) {
    line(page, &format!("# {}\n", plain(&info.name)));
    let ended = view.ended().map_or_else(
        || "no end is stored".to_owned(),
        |ended| {
            format!("{:?}{}", ended.reason, ended.message.as_ref().map(|m| format!(": {m}")).unwrap_or_default())
                .to_lowercase()
        },
    );
    let model = &info.model;
    let facts = [
        ("steps", format!("{} of {}", view.step(), info.max_steps)),
        ("ended", ended),
        ("time", figures::duration(view.elapsed())),
        ("method", format!("{:?}", info.method).to_lowercase()),
        ("model", format!("{} ({}, {})", model.name, model.architecture, model.formats)),
        (
            "parameters",
            format!("{}, {} trained", figures::count(model.parameters), figures::count(model.trainable_parameters)),
        ),
        ("data", format!("{}: {} training questions, {} held-out", info.data.root, info.data.train, info.data.dev)),
        ("device", info.device.clone()),
        ("seed", info.seed.to_string()),
        ("program", format!("sqlr1-tui {}", info.program_version)),
    ];
    line(page, "| | |\n|---|---|");
    for (name, value) in facts {
        line(page, &format!("| {name} | {} |", plain(&value)));
    }
}

fn evaluations(page: &mut String, view: &RunView, folder: &RunFolder) {
    line(page, "\n## Evaluations\n");
    if view.evals().is_empty() {
        return line(page, "None was made.");
    }
    line(page, "| step | right | accuracy % | 95 % interval | reward |\n|---|---|---|---|---|");
    for eval in view.evals() {
        line(
            page,
            &format!(
                "| {} | {} of {} | {:.1} | {:.1} to {:.1} | {:.3} |",
                eval.step,
                eval.correct,
                eval.n,
                eval.execution_accuracy * 100.0,
                eval.wilson[0] * 100.0,
                eval.wilson[1] * 100.0,
                eval.reward
            ),
        );
    }
    // Of equals the first: it took the fewest steps.
    let better =
        |a: &&EvalDone, b: &&EvalDone| a.execution_accuracy.total_cmp(&b.execution_accuracy).then(b.step.cmp(&a.step));
    if let Some(best) = view.evals().iter().max_by(better) {
        line(
            page,
            &format!(
                "\nBest: {:.1} % at step {}. {}",
                best.execution_accuracy * 100.0,
                best.step,
                checkpoint(view, folder, best.step)
            ),
        );
    }
}

/// What is on disk of a step. The run's own words say where it was, the folder whether it still is.
fn checkpoint(view: &RunView, folder: &RunFolder, step: u64) -> String {
    let there = |name: &Path| folder.checkpoints().join(name).is_dir();
    let saved =
        view.checkpoints().iter().filter_map(|saved| Some((saved.step, saved.path.file_name().map(Path::new)?)));
    let saved: Vec<_> = saved.filter(|(_, name)| there(name)).collect();
    let shown = |name: &Path| code(&format!("checkpoints/{}", name.display()));
    match saved.iter().find(|(at, _)| *at == step).or_else(|| saved.last()) {
        Some((at, name)) if *at == step => format!("Its checkpoint is {}.", shown(name)),
        Some((at, name)) => {
            format!("No checkpoint of that step is kept; the newest, of step {at}, is {}.", shown(name))
        }
        None => "No checkpoint is kept.".to_owned(),
    }
}

fn last_step(page: &mut String, view: &RunView) {
    let rows = metrics::CATALOG.iter().filter_map(|info| {
        let series = view.series(info.name)?;
        let (first, last) = (series.points().first()?.1, series.last()?);
        let recent = series.recent_mean(20).map_or_else(String::new, figures::plain);
        Some(format!(
            "| {} | {} | {} | {recent} | {} |",
            code(info.name),
            figures::plain(first),
            figures::plain(last),
            plain(info.meaning)
        ))
    });
    let rows: Vec<String> = rows.collect();
    if !rows.is_empty() {
        line(
            page,
            "\n## Metrics\n\n| metric | first step | last step | mean of the last 20 | what it is |\n|---|---|---|---|---|",
        );
        line(page, &rows.join("\n"));
    }
}

/// Share of right candidates.
fn share(group: &GroupScored) -> f64 {
    group.candidates.iter().filter(|c| c.correct).count() as f64 / group.candidates.len().max(1) as f64
}

/// Questions that were asked more than once, the first time against the last.
fn won_and_lost(page: &mut String, standing: &[&Record]) {
    let mut asked = BTreeMap::<usize, (&GroupScored, &GroupScored)>::new();
    for record in standing {
        if let Event::Group(group) = &record.event {
            asked.entry(group.question_id).and_modify(|pair| pair.1 = group).or_insert((group, group));
        }
    }
    let mut changed: Vec<_> =
        asked.values().map(|(a, b)| (share(b) - share(a), *a, *b)).filter(|c| c.0 != 0.0).collect();
    changed.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let again = asked.values().filter(|(a, b)| a.step != b.step).count();
    line(page, &format!("\n## Samples won and lost\n\n{again} questions were asked more than once."));
    for (title, sign) in [("Won", 1.0), ("Lost", -1.0)] {
        let those: Vec<_> = changed.iter().filter(|c| c.0 * sign > 0.0).collect();
        line(page, &format!("\n### {title}: {}\n", those.len()));
        for (_, before, after) in those.iter().take(SHOWN) {
            sample(page, before, after);
        }
    }
}

fn sample(page: &mut String, before: &GroupScored, after: &GroupScored) {
    line(page, &format!("- {} ({})", plain(&after.question), code(&after.db_id)));
    line(page, &format!("  - gold: {}", code(&after.gold_sql)));
    for group in [before, after] {
        let best = group.candidates.iter().max_by(|a, b| a.reward.total_cmp(&b.reward));
        let sql = best.map_or_else(String::new, |best| code(&best.sql));
        line(page, &format!("  - step {}: {:.0} % right, best {sql}", group.step, share(group) * 100.0));
    }
}

fn settings(page: &mut String, info: &RunStarted) {
    let yaml = serde_yaml::to_string(&info.settings).unwrap_or_default();
    let yaml = harmless::text(&yaml);
    let longest = yaml.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    line(page, &format!("\n## Settings\n\n{fence}yaml\n{}\n{fence}", yaml.trim_end()));
}
