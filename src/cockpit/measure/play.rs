//! The last steps of a run, played as they came.

use std::{
    io,
    time::{Duration, Instant},
};

use super::watched::Watched;
use crate::{
    cockpit::pace::{Change, Pace},
    run::event::{Event, Phase, Progress, Record},
};

/// Steps that are played.
const STEPS: usize = 48;
/// Seconds of a gap between two records that are played: a run may have been left over night.
const GAP: f64 = 60.0;

/// How often there are frames.
#[derive(Debug, Clone, Copy)]
pub struct Frames {
    /// How often a second a phase tells its progress.
    pub told: f64,
    /// Whether frames come at the pace that a cockpit keeps; else one comes for each change.
    pub paced: bool,
}

/// What playing took.
#[derive(Debug, Default)]
pub struct Played {
    pub frames: usize,
    pub bytes: usize,
    /// Seconds of the run.
    pub seconds: f64,
}

/// Where the records that are played begin: with the groups of the first of the last steps.
pub fn start(records: &[Record]) -> usize {
    let mut steps = records.iter().enumerate().rev().filter(|(_, record)| matches!(record.event, Event::Step(_)));
    steps.nth(STEPS).map_or_else(|| records.len().min(1), |(at, _)| at + 1)
}

/// Plays records to a cockpit that has seen all before them, the newest of which came at `clock`.
pub fn play(watched: &mut Watched, clock: f64, records: &[Record], fps: u32, frames: Frames) -> io::Result<Played> {
    let opening = Instant::now();
    let mut pace = Pace::new(Duration::from_secs(1) / fps, opening);
    pace.drawn(opening);
    let mut player = Player { watched, pace, frames, opening, noted: opening, played: Played::default() };
    let mut clock = clock;
    for record in records {
        let gap = (record.time - clock).clamp(0.0, GAP);
        for at in 1..=(gap * frames.told) as u64 {
            let (step, passed) = (player.watched.app.run.step() + 1, at as f64 / frames.told);
            let progress = Progress { step, phase: Phase::Rollout, done: at * 7, total: 4096 };
            player.take(&Record { seq: 0, time: clock + passed, event: Event::Progress(progress) }, passed)?;
        }
        player.take(record, gap)?;
        player.played.seconds += gap;
        clock = record.time;
    }
    if player.pace.due().is_some() {
        player.draw()?;
    }
    Ok(player.played)
}

struct Player<'a> {
    watched: &'a mut Watched,
    pace: Pace,
    frames: Frames,
    opening: Instant,
    /// When the newest change came.
    noted: Instant,
    played: Played,
}

impl Player<'_> {
    /// A record comes, so many seconds after the newest one of the run.
    fn take(&mut self, record: &Record, passed: f64) -> io::Result<()> {
        let now = self.opening + Duration::from_secs_f64(self.played.seconds + passed);
        // What came before, unless it came at the very same time, is on the screen by now.
        while let Some(at) = self.pace.due().map(|due| due.max(self.noted)).filter(|at| *at < now) {
            self.pace.drawn(at);
            self.draw()?;
        }
        self.watched.fold(record);
        if self.frames.paced {
            self.pace.note(Change::of(record));
            self.noted = now;
            return Ok(());
        }
        self.draw()
    }

    fn draw(&mut self) -> io::Result<()> {
        self.played.bytes += self.watched.frame()?;
        self.played.frames += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{cockpit::theme::ThemeFile, run::fixture::RunBuilder};

    fn played(frames: Frames) -> Played {
        let records = RunBuilder::with_steps(12).records();
        let (past, rest) = records.split_at(start(&records));
        let mut watched = Watched::new(&ThemeFile::load("night", Path::new("")).unwrap(), (120, 40)).unwrap();
        for record in past {
            watched.fold(record);
        }
        play(&mut watched, past[0].time, rest, 15, frames).unwrap()
    }

    #[test]
    fn a_paced_cockpit_draws_four_frames_a_second_however_often_progress_is_told() {
        let (paced, each) = (played(Frames { told: 10.0, paced: true }), played(Frames { told: 10.0, paced: false }));
        assert!((paced.seconds - each.seconds).abs() < 1e-9 && paced.seconds > 100.0, "{paced:?}");
        let rate = |played: &Played| played.frames as f64 / played.seconds;
        // Evaluations and checkpoints are shown at once.
        assert!((3.5..4.5).contains(&rate(&paced)), "{paced:?}");
        assert!(rate(&each) > 10.0 && each.bytes > paced.bytes, "{each:?} {paced:?}");
    }

    #[test]
    fn the_last_steps_are_played_with_their_groups() {
        let records = RunBuilder::with_steps(60).records();
        let first = start(&records);
        let steps = records[first..].iter().filter(|record| matches!(record.event, Event::Step(_))).count();
        assert_eq!((steps, records[first - 1].event.kind()), (STEPS, "step"));
    }
}
