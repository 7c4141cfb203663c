//! Where each step lies on the x-axis: by number, tokens, samples, or time.

use crate::curve::Range;

/// What the x-axis counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Axis {
    /// Steps.
    #[default]
    Step,
    /// Prompt and completion tokens processed.
    Tokens,
    /// Completions scored.
    Samples,
    /// Seconds of training, without the time in which no trainer was at work.
    Clock,
}

impl Axis {
    /// All of them, in the order in which a key goes through them.
    pub const ALL: [Self; 4] = [Self::Step, Self::Tokens, Self::Samples, Self::Clock];

    /// What it counts, in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Tokens => "tokens",
            Self::Samples => "samples",
            Self::Clock => "time",
        }
    }
}

/// A step that is done, and how far the run was by then.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stand {
    step: u64,
    tokens: f64,
    samples: f64,
    clock: f64,
}

/// How far the run was at the end of each step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    stands: Vec<Stand>,
    /// Seconds of training so far.
    clock: f64,
    /// Time of the newest record.
    last: Option<f64>,
    /// Completions scored since the newest step's end.
    scored: f64,
}

impl Timeline {
    /// A record came at a time; `idle` if no trainer was at work before it.
    pub fn tick(&mut self, time: f64, idle: bool) {
        let passed = self.last.map_or(0.0, |last| time - last);
        // A clock that was set back makes no time.
        if !idle && passed.is_finite() {
            self.clock += passed.max(0.0);
        }
        self.last = Some(time);
    }

    /// So many completions were scored.
    pub fn score(&mut self, completions: usize) {
        self.scored += completions as f64;
    }

    /// A step is done; `tokens` since the run began, if it says so.
    pub fn done(&mut self, step: u64, tokens: Option<f64>) {
        let keep = self.stands.partition_point(|stand| stand.step < step);
        self.stands.truncate(keep);
        let before = self.stands.last();
        let known = tokens.filter(|tokens| tokens.is_finite());
        self.stands.push(Stand {
            step,
            tokens: known.unwrap_or_default().max(before.map_or(0.0, |stand| stand.tokens)),
            samples: before.map_or(0.0, |stand| stand.samples) + self.scored,
            clock: self.clock,
        });
        self.scored = 0.0;
    }

    /// Seconds of training so far.
    pub fn clock(&self) -> f64 {
        self.clock
    }

    /// Forgets later steps: their time was for nothing.
    pub fn truncate_after(&mut self, step: u64) {
        self.stands.retain(|stand| stand.step <= step);
        self.clock = self.stands.last().map_or(0.0, |stand| stand.clock);
        self.scored = 0.0;
    }

    /// Whether the run tells where its steps lie on this axis.
    pub fn has(&self, axis: Axis) -> bool {
        axis == Axis::Step || self.stands.last().is_some_and(|stand| of(stand, axis) > 0.0)
    }

    /// Where the end of a step lies; of one that is not done, where the newest one before it does.
    pub fn x(&self, axis: Axis, step: u64) -> f64 {
        if axis == Axis::Step {
            return step as f64;
        }
        let Some(first) = self.stands.first() else { return 0.0 };
        // Steps mostly follow one another, so that a step's place is known without a search.
        let guess = step.saturating_sub(first.step) as usize;
        let at = match self.stands.get(guess) {
            Some(stand) if stand.step == step => guess,
            _ => match self.stands.partition_point(|stand| stand.step <= step).checked_sub(1) {
                Some(at) => at,
                None => return 0.0,
            },
        };
        of(&self.stands[at], axis)
    }

    /// The step whose end is nearest to a place.
    pub fn step_at(&self, axis: Axis, x: f64) -> Option<u64> {
        let right = self.stands.partition_point(|stand| of(stand, axis) < x).min(self.stands.len().checked_sub(1)?);
        let left = right.saturating_sub(1);
        let far = |at: usize| (of(&self.stands[at], axis) - x).abs();
        Some(self.stands[if far(left) <= far(right) { left } else { right }].step)
    }

    /// The step so many further than another, or back; the first or the last where there are no more.
    pub fn step_from(&self, step: u64, by: isize) -> Option<u64> {
        let last = self.stands.len().checked_sub(1)?;
        let at = self.stands.partition_point(|stand| stand.step < step);
        Some(self.stands[at.saturating_add_signed(by).min(last)].step)
    }

    /// The newest step that is done.
    pub fn last_step(&self) -> Option<u64> {
        self.stands.last().map(|stand| stand.step)
    }

    /// Where the first step lies that is beyond the axis's start.
    pub fn first_beyond_zero(&self, axis: Axis) -> Option<f64> {
        self.stands.iter().map(|stand| of(stand, axis)).find(|x| *x > 0.0)
    }

    /// From the first step's end to the last one's.
    pub fn extent(&self, axis: Axis) -> Option<Range> {
        let (first, last) = (self.stands.first()?, self.stands.last()?);
        Some(Range { min: of(first, axis), max: of(last, axis) })
    }
}

fn of(stand: &Stand, axis: Axis) -> f64 {
    match axis {
        Axis::Step => stand.step as f64,
        Axis::Tokens => stand.tokens,
        Axis::Samples => stand.samples,
        Axis::Clock => stand.clock,
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums of small whole numbers are exact")]
mod tests {
    use super::*;

    fn of_steps(steps: u64) -> Timeline {
        let mut timeline = Timeline::default();
        timeline.tick(100.0, true);
        for step in 1..=steps {
            timeline.score(8);
            timeline.tick(100.0 + 10.0 * step as f64, false);
            timeline.done(step, Some(500.0 * step as f64));
        }
        timeline
    }

    #[test]
    fn a_step_has_a_place_on_every_axis() {
        let timeline = of_steps(5);
        let places = Axis::ALL.map(|axis| timeline.x(axis, 3));
        assert_eq!(places, [3.0, 1500.0, 24.0, 30.0]);
        assert_eq!((timeline.x(Axis::Clock, 0), timeline.x(Axis::Clock, 99)), (0.0, 50.0));
        assert_eq!(timeline.step_at(Axis::Tokens, 1740.0), Some(3));
        assert_eq!(timeline.step_at(Axis::Clock, 1e9), Some(5));
        assert_eq!(
            (timeline.step_from(3, -9), timeline.step_from(3, 1), timeline.step_from(3, 9)),
            (Some(1), Some(4), Some(5))
        );
        assert_eq!(Timeline::default().step_at(Axis::Step, 1.0), None);
    }

    #[test]
    fn what_a_resumption_computes_anew_takes_no_time() {
        let mut timeline = of_steps(5);
        timeline.truncate_after(3);
        timeline.tick(9000.0, true);
        timeline.tick(9010.0, false);
        timeline.score(8);
        timeline.done(4, None);
        assert_eq!(Axis::ALL.map(|axis| timeline.x(axis, 4)), [4.0, 1500.0, 32.0, 40.0]);
    }

    #[test]
    fn a_run_that_scores_nothing_has_no_axis_of_samples() {
        let mut timeline = Timeline::default();
        timeline.done(1, None);
        assert!(timeline.has(Axis::Step) && !timeline.has(Axis::Samples) && !timeline.has(Axis::Tokens));
    }
}
