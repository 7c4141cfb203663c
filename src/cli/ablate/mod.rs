//! `sqlr1-tui ablate`: one run for each combination of settings, one after another, and a comparison of what they brought.

mod cell;
mod grid;
mod table;

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Failure,
    run::{SettingArgs, require},
    say,
};
use crate::{
    cockpit::state::RunView,
    plot::{self, compare, write_picture},
    run::{folder::CELLS, metrics, store::RunStore},
    settings::Settings,
};
use cell::{Place, Signals};
use grid::{Cell, Vary, twice};
use table::Row;

/// Train with each combination of settings and compare the results.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  sqlr1-tui ablate --config demo --vary grpo.loss_type=grpo,dapo --seeds 1,2 --out ablations/loss
  sqlr1-tui ablate --config c.yaml --vary reward.preset=arctic,sql_r1 --vary lora.r=8,16 --max-steps 100 --out grid

Each cell is a run in DIR/cells. Started anew with the same --out, it takes up the cell that was at work, passes over those that are
finished, and tries those again that failed. DIR/ablation.md, .csv, .json, .png and .svg are written anew after each cell.
Exit codes: 0 all cells done, 1 a cell failed, 2 usage or configuration, 3 environment, 130/143 signals.")]
pub struct AblateArgs {
    #[command(flatten)]
    set: SettingArgs,
    /// A setting with its values, as in grpo.beta=0,0.04; may be repeated: each value goes with each.
    #[arg(long, value_name = "KEY=VALUE,VALUE", required = true)]
    vary: Vec<String>,
    /// Seeds, each for every combination [default: that of the settings].
    #[arg(long, value_name = "N,N", value_delimiter = ',', conflicts_with = "seed")]
    seeds: Vec<u64>,
    /// The folder for runs and results.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the grid.
///
/// # Errors
/// A setting is wrong, before anything is run; a cell failed, after the others have run.
pub fn ablate(args: &AblateArgs) -> Result<(), Failure> {
    let varied = args.vary.iter().map(|text| Vary::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let keys: Vec<&str> = varied.iter().map(|vary| vary.key.as_str()).collect();
    if let Some(key) = twice(&keys) {
        return Err(Failure::Usage(format!("--vary {key} is there twice: give all its values at once")));
    }
    if let Some(seed) = twice(&args.seeds) {
        return Err(Failure::Usage(format!("--seeds has {seed} twice")));
    }
    let cells = Cell::grid(&varied, &args.seeds);
    let settings = cells.iter().map(|cell| settings(args, cell)).collect::<Result<Vec<_>, _>>()?;
    super::logging::to_stderr();
    let places: Vec<Place> = cells.iter().map(|cell| Place::new(&args.out.join(CELLS), &cell.folder())).collect();
    for (place, settings) in places.iter().zip(&settings) {
        place.settle(settings)?;
    }
    run_grid(&args.out, &cells, &places)
}

fn settings(args: &AblateArgs, cell: &Cell) -> Result<Settings, Failure> {
    let overrides = cell.overrides()?;
    if let Some(flag) = args.set.flags().iter().find(|flag| overrides.iter().any(|set| set.key == flag.key)) {
        return Err(Failure::Usage(format!("{} and --vary {} both set {}", flag.origin, flag.key, flag.key)));
    }
    let settings = args.set.settings(&[], None, overrides)?;
    if !settings.stages.is_empty() {
        return Err(Failure::Usage("a configuration with stages is several runs: compare them one by one".into()));
    }
    require(&settings, true)?;
    Ok(settings)
}

fn run_grid(out: &Path, cells: &[Cell], places: &[Place]) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    let mut errors: Vec<Option<String>> = vec![None; cells.len()];
    for (at, (cell, place)) in cells.iter().zip(places).enumerate() {
        let which = format!("cell {} of {}, {}", at + 1, cells.len(), cell.name());
        if place.ended().is_some_and(|ended| ended.reason.is_done()) {
            tracing::info!("{which}: finished before");
            continue;
        }
        tracing::info!("{which}: at work in {}", place.run.display());
        let status = place.train(&signals)?;
        let is_done = place.ended().is_some_and(|ended| ended.reason.is_done());
        if !status.success() || !is_done {
            let why = if status.success() {
                "stopped before its end".to_owned()
            } else {
                format!("{status}: {}", place.last_words())
            };
            tracing::error!("{which}: {why}");
            errors[at] = Some(why);
        }
        let rows = write(out, cells, places, &errors)?;
        if let Some(last) = rows[at].last {
            tracing::info!("{which}: held-out accuracy {:.1} % ({}/{})", last.accuracy * 100.0, last.correct, last.n);
        }
    }
    write(out, cells, places, &errors)?;
    say(&out.join("ablation.md").display().to_string());
    let failed = errors.iter().flatten().count();
    if failed > 0 {
        return Err(Failure::Run(format!(
            "{failed} of {} cells failed; see {}",
            cells.len(),
            out.join("ablation.md").display()
        )));
    }
    Ok(())
}

/// Writes tables and pictures of what there is by now.
fn write(out: &Path, cells: &[Cell], places: &[Place], errors: &[Option<String>]) -> Result<Vec<Row>, Failure> {
    let (mut rows, mut curves) = (Vec::new(), Vec::new());
    for ((cell, place), error) in cells.iter().zip(places).zip(errors) {
        // A cell without a run, or with one that cannot be read, has an empty row.
        let read = RunStore::read_run(&place.run.join("run.db"));
        let view = read.map_or_else(|_| RunView::default(), |read| RunView::replay(&read.records));
        let done = place.ended().is_some_and(|ended| ended.reason.is_done());
        let state = if error.is_some() {
            "failed"
        } else if done {
            "done"
        } else {
            "to do"
        };
        curves.push(curve(cell, &view));
        rows.push(Row::new(cell, place.run.clone(), &view, state, error.clone()));
    }
    let json = serde_json::to_string_pretty(&rows).map_err(|e| Failure::Run(e.to_string()))?;
    let text = |name: &str, text: &str| write_picture(text.as_bytes(), &out.join(name)).map_err(|e| unwritten(&e));
    text("ablation.md", &table::markdown(&rows, "ablation.png"))?;
    text("ablation.csv", &table::csv(&rows))?;
    text("ablation.json", &crate::harmless::json(&json))?;
    match compare::render(&curves) {
        Err(plot::PlotError::Empty) => {}
        png => {
            write_picture(&png.map_err(|e| unwritten(&e))?, &out.join("ablation.png")).map_err(|e| unwritten(&e))?;
            text("ablation.svg", &compare::render_svg(&curves).map_err(|e| unwritten(&e))?)?;
        }
    }
    Ok(rows)
}

fn curve(cell: &Cell, view: &RunView) -> compare::Curve {
    let reward = view.series(metrics::REWARD).map_or_else(Vec::new, |series| series.smoothed(0.9));
    let accuracy = view.evals().iter().map(|eval| (eval.step, eval.execution_accuracy)).collect();
    compare::Curve { name: cell.name(), reward, accuracy }
}

fn unwritten(error: &plot::PlotError) -> Failure {
    Failure::Environment(error.to_string())
}
