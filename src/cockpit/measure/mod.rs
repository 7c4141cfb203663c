//! What the cockpit costs: time to draw, bytes on the line, its share of the training's time. Measured on a stored run.
//!
//! All times but those of a start are times that the thread has worked, so that a busy machine does not change them.

mod play;
mod start;
mod watched;

use std::{io, sync::Arc};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde::Serialize;

use self::{
    play::{Frames, play},
    watched::{Watched, milliseconds, worked},
};
use super::{History, theme::ThemeFile};
use crate::run::event::Record;

pub use start::Start;

/// How often a second a trainer tells how far a phase is (`rl::bridge`).
const TOLD: f64 = 10.0;

/// What was measured. Times in milliseconds, medians unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CockpitReport {
    /// Columns and rows.
    pub size: (u16, u16),
    /// Records of the run.
    pub records: usize,
    /// Seconds of the run's last steps, which are played.
    pub seconds: f64,
    /// Folding all records and drawing a frame.
    pub fold_all_ms: f64,
    /// How long a cockpit takes to start before the run's store, where there is one.
    pub start: Option<Start>,
    /// Drawing a frame after a record or a progress came, bytes included.
    pub frame_ms: f64,
    /// The slowest hundredth of them.
    pub frame_p99_ms: f64,
    /// From a key to the end of its frame.
    pub key_to_frame_ms: f64,
    /// Bytes of a frame in which nothing has changed.
    pub idle_frame_bytes: usize,
    /// As it happens: progress ten times a second, frames at the cockpit's own pace.
    pub training: Cost,
    /// At worst: something changes `fps` times a second and with every record, and each time a frame is drawn.
    pub worst: Cost,
}

/// What a cockpit takes while a run trains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Frames a second.
    pub frames_per_second: f64,
    /// Bytes a second.
    pub bytes_per_second: f64,
    /// Time that the cockpit's thread works, folding and drawing, as a share of the run's time.
    pub share: f64,
}

/// The value below which a share of all lie.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(0.0)
}

/// Plays the last steps of a run as they came, twice: as a cockpit shows them, and with as many frames as `fps` allows. `history` is where
/// a cockpit would read the run from.
///
/// # Errors
/// The store cannot be read.
pub fn measure(
    records: &[Record],
    history: Option<Arc<dyn History>>,
    theme: &ThemeFile,
    size: (u16, u16),
    fps: u32,
) -> io::Result<CockpitReport> {
    let start = history.map(|history| start::measure(history, theme, size)).transpose()?;
    let (training, ..) = cost(records, theme, size, fps, Frames { told: TOLD, paced: true })?;
    let every = Frames { told: f64::from(fps), paced: false };
    let (worst, mut watched, fold_all_ms, seconds) = cost(records, theme, size, fps, every)?;
    let mut times = std::mem::take(&mut watched.times);
    let idle_frame_bytes = watched.frame()?;
    let mut keys = keys(&mut watched)?;
    Ok(CockpitReport {
        size,
        records: records.len(),
        seconds,
        fold_all_ms,
        start,
        frame_ms: quantile(&mut times, 0.5),
        frame_p99_ms: quantile(&mut times, 0.99),
        key_to_frame_ms: quantile(&mut keys, 0.5),
        idle_frame_bytes,
        training,
        worst,
    })
}

/// What the last steps cost; with the cockpit, the time in which it took in all before them, and the seconds of the run.
fn cost(
    records: &[Record],
    theme: &ThemeFile,
    size: (u16, u16),
    fps: u32,
    frames: Frames,
) -> io::Result<(Cost, Watched, f64, f64)> {
    let mut watched = Watched::new(theme, size)?;
    let (past, played) = records.split_at(play::start(records));
    for record in past {
        watched.fold(record);
    }
    watched.frame()?;
    let fold_all_ms = watched.folding + watched.times[0];
    (watched.folding, watched.times) = (0.0, Vec::new());
    let clock = past.last().map_or(0.0, |record| record.time);
    let played = play(&mut watched, clock, played, fps, frames)?;
    let seconds = played.seconds.max(1e-9);
    let busy = (watched.times.iter().sum::<f64>() + watched.folding) / 1e3;
    let cost = Cost {
        frames_per_second: played.frames as f64 / seconds,
        bytes_per_second: played.bytes as f64 / seconds,
        share: busy / seconds,
    };
    Ok((cost, watched, fold_all_ms, played.seconds))
}

/// Times from keys to their frames.
fn keys(watched: &mut Watched) -> io::Result<Vec<f64>> {
    let some = [KeyCode::Down, KeyCode::Up, KeyCode::Tab, KeyCode::Char('z'), KeyCode::Char('2'), KeyCode::Char('1')];
    some.repeat(8)
        .into_iter()
        .map(|code| {
            let begun = worked();
            watched.app.key(&KeyEvent::new(code, KeyModifiers::NONE));
            watched.frame()?;
            Ok(milliseconds(worked().saturating_sub(begun)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{cockpit::HistoryError, run::fixture::RunBuilder};

    struct Kept(Vec<Record>);

    impl History for Kept {
        fn since(&self, seq: u64) -> Result<Vec<Record>, HistoryError> {
            Ok(self.0.iter().filter(|record| record.seq > seq).cloned().collect())
        }
    }

    #[test]
    fn a_run_is_measured_and_nothing_is_sent_where_nothing_changes() {
        let theme = ThemeFile::load("night", Path::new("")).unwrap();
        let records = RunBuilder::with_steps(12).records();
        let history: Arc<dyn History> = Arc::new(Kept(records.clone()));
        let report = measure(&records, Some(history), &theme, (120, 40), 15).unwrap();
        let (training, worst) = (report.training, report.worst);
        assert!(training.bytes_per_second > 0.0 && training.share > 0.0, "{report:?}");
        assert!(worst.frames_per_second > 14.0 && worst.share > training.share, "{report:?}");
        assert!(worst.frames_per_second > 3.0 * training.frames_per_second, "{report:?}");
        // A frame without changes resets colours and hides the cursor, no more; the loop does not even draw it.
        assert!(report.idle_frame_bytes < 32, "{report:?}");
        assert!(report.frame_p99_ms >= report.frame_ms && report.frame_ms > 0.0);
        let start = report.start.unwrap();
        assert!(start.first_frame_ms > 0.0 && start.complete_ms >= start.first_frame_ms, "{start:?}");
    }

    #[test]
    fn quantiles_are_values_of_the_list() {
        assert!((quantile(&mut [3.0, 1.0, 2.0], 0.5) - 2.0).abs() < 1e-12);
        assert!(quantile(&mut [], 0.5).abs() < 1e-12);
    }
}
