//! `sqlr1-tui bench cockpit`: what the cockpit costs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use crate::{
    cli::{
        Failure,
        history::{StoredHistory, read_records},
        say, say_json, screenshot,
    },
    cockpit::{
        History,
        measure::{CockpitReport, Cost, measure},
        theme::ThemeFile,
    },
    run::folder::RunFolder,
};

/// The cockpit itself, on a stored run: time to draw, bytes on the line, its share of the training's time.
#[derive(Debug, Clone, Args)]
pub struct CockpitArgs {
    /// A run folder, or a file of records that `export RUN events` wrote.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Columns and rows of the screen.
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "200x60", value_parser = screenshot::size)]
    size: (u16, u16),
    /// Frames a second.
    #[arg(long, value_name = "N", default_value_t = 15)]
    fps: u32,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl CockpitArgs {
    /// Measures and prints.
    ///
    /// # Errors
    /// The run cannot be read.
    pub fn run(&self) -> Result<(), Failure> {
        let theme = ThemeFile::load("night", Path::new("")).map_err(|error| Failure::Run(error.to_string()))?;
        let records = read_records(&self.run)?;
        let history = self.run.is_dir().then(|| RunFolder::open(&self.run)).transpose()?;
        let history = history.map(|folder| Arc::new(StoredHistory::new(&folder.store())) as Arc<dyn History>);
        let report = measure(&records, history, &theme, self.size, self.fps.clamp(1, 120));
        let report = report.map_err(|error| Failure::Run(error.to_string()))?;
        if self.json {
            let text = serde_json::to_string(&report).map_err(|error| Failure::Run(error.to_string()))?;
            say_json(&text);
            return Ok(());
        }
        say(&describe_cockpit(&report, self.fps));
        Ok(())
    }
}

fn describe_cockpit(report: &CockpitReport, fps: u32) -> String {
    let (columns, rows) = report.size;
    let cost = |cost: Cost| {
        let Cost { frames_per_second, bytes_per_second, share } = cost;
        let share = share * 100.0;
        format!(
            "{frames_per_second:.1} frames and {bytes_per_second:.0} bytes a second, {share:.3} % of the run's time"
        )
    };
    let start = report.start.map_or_else(String::new, |start| {
        let (first, steps, complete) = (start.first_frame_ms, start.first_frame_steps, start.complete_ms);
        format!("first frame after {first:.0} ms (up to step {steps}), all of the run after {complete:.0} ms\n")
    });
    format!(
        "{} records at {columns}x{rows}: {:.2} ms a frame (p99 {:.2}), {:.2} ms from key to frame, {} bytes for a frame without changes\n\
         {start}while training: {}\nwith a change in each of {fps} frames a second: {}",
        report.records,
        report.frame_ms,
        report.frame_p99_ms,
        report.key_to_frame_ms,
        report.idle_frame_bytes,
        cost(report.training),
        cost(report.worst),
    )
}
