//! How fast a transfer is, in words.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::run::pace::duration;

/// The span over which speed is measured.
const WINDOW: Duration = Duration::from_secs(10);
/// Between two lines of a log.
const PAUSE: Duration = Duration::from_secs(5);
const MIB: f64 = 1_048_576.0;

/// A transfer's last seconds.
#[derive(Debug, Default)]
pub struct Pace {
    /// When how many bytes were there, oldest first.
    points: VecDeque<(Instant, u64)>,
}

impl Pace {
    /// Takes note of how many bytes are there by now. What was there at the first call came before, and has no part in the speed.
    pub fn note(&mut self, now: Instant, done: u64) {
        while self.points.get(1).is_some_and(|(then, _)| now.duration_since(*then) >= WINDOW) {
            self.points.pop_front();
        }
        // A hundred points for a window are enough.
        let dense = self.points.len() > 1
            && self.points.iter().nth_back(1).is_some_and(|(then, _)| now.duration_since(*then) < WINDOW / 100);
        if dense {
            self.points.pop_back();
        }
        self.points.push_back((now, done));
    }

    /// Bytes a second; `None` before there are any.
    pub fn speed(&self) -> Option<f64> {
        let ((then, before), (now, done)) = (self.points.front()?, self.points.back()?);
        let seconds = now.duration_since(*then).as_secs_f64();
        let speed = done.saturating_sub(*before) as f64 / seconds;
        (seconds > 0.0 && speed > 0.0).then_some(speed)
    }

    /// Share, amount, speed and time left of a transfer of `total` bytes, as in ` 45 %  1.2 of 2.7 MiB  0.3 MiB/s  5s left`.
    pub fn describe(&self, total: u64) -> String {
        let done = self.points.back().map_or(0, |(_, done)| *done).min(total);
        let share = (u128::from(done) * 100).checked_div(u128::from(total)).unwrap_or(100);
        let text = format!("{share:3} %  {:.1} of {:.1} MiB", done as f64 / MIB, total as f64 / MIB);
        let Some(speed) = self.speed() else { return text };
        let text = format!("{text}  {:.1} MiB/s", speed / MIB);
        if done == total {
            return text;
        }
        format!("{text}  {} left", duration((total - done) as f64 / speed))
    }
}

/// Logs a transfer, every few seconds and when it is done.
#[derive(Debug)]
pub struct Logged<'a> {
    name: &'a str,
    pace: Pace,
    told: Option<Instant>,
}

impl<'a> Logged<'a> {
    /// A transfer of what is called `name`.
    pub fn new(name: &'a str) -> Self {
        Self { name, pace: Pace::default(), told: None }
    }

    /// Hears how many bytes of how many are there.
    pub fn hear(&mut self, done: u64, total: u64) {
        if let Some(line) = self.line(Instant::now(), done, total) {
            tracing::info!("{line}");
        }
    }

    fn line(&mut self, now: Instant, done: u64, total: u64) -> Option<String> {
        self.pace.note(now, done);
        let due = done == total || now.duration_since(*self.told.get_or_insert(now)) >= PAUSE;
        due.then(|| {
            self.told = Some(now);
            format!("{}: {}", self.name, self.pace.describe(total).trim_start())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn speed_is_that_of_the_last_seconds_and_leaves_out_what_was_there_before() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        pace.note(start, 1000 * MIB);
        assert_eq!((pace.speed(), pace.describe(2000 * MIB).as_str()), (None, " 50 %  1000.0 of 2000.0 MiB"));
        for tenth in 1..=100 {
            pace.note(start + Duration::from_millis(tenth * 100), (1000 + tenth) * MIB);
        }
        assert_eq!(pace.describe(2000 * MIB), " 55 %  1100.0 of 2000.0 MiB  10.0 MiB/s  1m 30s left");
        for tenth in 101..=300 {
            pace.note(start + Duration::from_millis(tenth * 100), 1100 * MIB + (tenth - 100) * MIB / 10);
        }
        let speed = pace.speed().unwrap() / MIB as f64;
        assert!((speed - 1.0).abs() < 0.01, "{speed}");
        assert!(pace.points.len() < 110, "{}", pace.points.len());
    }

    #[test]
    fn a_transfer_that_stands_still_tells_no_speed() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        for second in 0..60 {
            pace.note(start + Duration::from_secs(second), 5);
        }
        assert_eq!(pace.describe(10), " 50 %  0.0 of 0.0 MiB");
        assert_eq!(Pace::default().describe(0), "100 %  0.0 of 0.0 MiB");
    }

    #[test]
    fn a_log_has_a_line_every_few_seconds_and_one_at_the_end() {
        let (start, mut log) = (Instant::now(), Logged::new("org/tiny"));
        let mut lines = Vec::new();
        for second in 0..=12 {
            lines.extend(log.line(start + Duration::from_secs(second), second * MIB, 12 * MIB));
        }
        assert_eq!(
            lines,
            [
                "org/tiny: 41 %  5.0 of 12.0 MiB  1.0 MiB/s  7s left",
                "org/tiny: 83 %  10.0 of 12.0 MiB  1.0 MiB/s  2s left",
                "org/tiny: 100 %  12.0 of 12.0 MiB  1.0 MiB/s",
            ]
        );
    }
}
