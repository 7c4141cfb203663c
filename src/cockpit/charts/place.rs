//! Where a person is on the charts: axis, window, cursor, manner.

use std::collections::BTreeSet;

use super::Chart;
use crate::{
    cockpit::state::{Axis, Curves},
    curve::{Range, Spacing},
};

/// Weights of the past that keys go through; 0 shows what was measured alone.
pub const SMOOTHINGS: [f64; 6] = [0.0, 0.6, 0.8, 0.9, 0.97, 0.99];
/// Steps that a window shows at least.
const NARROWEST: u64 = 4;

/// How the charts are looked at. Axis, window and cursor are those of all charts.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// What the x-axis counts.
    pub axis: Axis,
    /// Whether the x-axis goes by powers of ten.
    pub log_x: bool,
    /// Weight of the past in smoothed curves.
    pub smoothing: f64,
    /// Whether what was measured is shown by its smallest and largest values.
    pub envelope: bool,
    /// The step that the cursor is on.
    pub cursor: Option<u64>,
    /// Charts whose scale of values is not the one that they start with.
    turned: BTreeSet<String>,
    /// Steps shown; all if `None`.
    width: Option<u64>,
    /// The last step shown; `None` follows the run.
    end: Option<u64>,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            axis: Axis::Step,
            log_x: false,
            smoothing: SMOOTHINGS[3],
            envelope: false,
            cursor: None,
            turned: BTreeSet::new(),
            width: None,
            end: None,
        }
    }
}

/// First and last step that there are.
pub type Steps = (u64, u64);

impl Place {
    /// The smoothing after this one, or before it; more than the most is none.
    pub fn smooth(&mut self, more: bool) {
        let next = if more {
            SMOOTHINGS.iter().find(|weight| **weight > self.smoothing)
        } else {
            SMOOTHINGS.iter().rev().find(|weight| **weight < self.smoothing)
        };
        self.smoothing = *next.unwrap_or(if more { &SMOOTHINGS[0] } else { &SMOOTHINGS[SMOOTHINGS.len() - 1] });
    }

    /// Whether a chart has a logarithmic scale.
    pub fn is_log(&self, chart: &Chart) -> bool {
        chart.log != self.turned.contains(chart.name.as_ref())
    }

    /// Changes a chart's scale; whether it is logarithmic now.
    pub fn turn_log(&mut self, chart: &Chart) -> bool {
        if !self.turned.remove(chart.name.as_ref()) {
            self.turned.insert(chart.name.clone().into_owned());
        }
        self.is_log(chart)
    }

    /// Goes to the next axis that the run has.
    pub fn next_axis(&mut self, curves: &Curves) {
        let at = Axis::ALL.iter().position(|axis| *axis == self.axis).unwrap_or(0);
        let following = (1..=Axis::ALL.len()).map(|by| Axis::ALL[(at + by) % Axis::ALL.len()]);
        self.axis = following.into_iter().find(|axis| curves.timeline().has(*axis)).unwrap_or_default();
    }

    /// First and last step shown, of those that there are.
    pub fn visible(&self, (first, last): Steps) -> Steps {
        let Some(width) = self.width else { return (first, last) };
        let to = self.end.unwrap_or(last).max(first.saturating_add(width));
        (to.saturating_sub(width), to)
    }

    /// Whether only a part of the run is shown.
    pub fn is_zoomed(&self) -> bool {
        self.width.is_some()
    }

    /// Whether new steps come into view by themselves.
    pub fn follows(&self) -> bool {
        self.end.is_none()
    }

    /// Shows half as many steps, or twice as many, around the cursor or else the end. `most` is how many there may be.
    pub fn zoom(&mut self, closer: bool, steps: Steps, most: u64) {
        let (from, to) = self.visible(steps);
        let width = to - from;
        let new = if closer { (width / 2).max(NARROWEST) } else { width.saturating_mul(2) };
        let own = steps.1.saturating_sub(steps.0);
        let whole = own.max(most);
        // Past the whole run there is nothing but what a past run has more.
        if new >= whole || (!closer && width >= own) {
            let beyond = whole > own && !closer;
            (self.width, self.end) = (beyond.then_some(whole), None);
            return;
        }
        self.width = Some(new);
        match self.cursor {
            // The step under the cursor stays where it is on the screen, as far as the run goes.
            Some(cursor) if (from..=to).contains(&cursor) && width > 0 => {
                let share = (cursor - from) as f64 / width as f64;
                let start = cursor.saturating_sub((new as f64 * share).round() as u64);
                self.move_end(start.saturating_add(new), steps);
            }
            _ if !closer => self.move_end(to, steps),
            _ => {}
        }
    }

    /// Shows steps a quarter of the window further on, or back.
    pub fn pan(&mut self, on: bool, steps: Steps) {
        let (from, to) = self.visible(steps);
        let by = ((to - from) / 4).max(1);
        if self.width.is_some() {
            self.move_end(if on { to.saturating_add(by) } else { to.saturating_sub(by) }, steps);
        }
    }

    fn move_end(&mut self, end: u64, (first, last): Steps) {
        let earliest = first.saturating_add(self.width.unwrap_or(0));
        self.end = (end < last).then_some(end.max(earliest)).filter(|end| *end < last);
    }

    /// Shows the whole run again, and follows it.
    pub fn reset(&mut self) {
        (self.width, self.end) = (None, None);
    }

    /// Brings the cursor's step into view.
    pub fn reveal(&mut self, steps: Steps) {
        let (Some(cursor), Some(width)) = (self.cursor, self.width) else { return };
        let (from, to) = self.visible(steps);
        if cursor < from {
            self.move_end(cursor.saturating_add(width), steps);
        } else if cursor > to {
            self.move_end(cursor, steps);
        }
    }
}

/// How one chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// What the x-axis counts.
    pub axis: Axis,
    /// First and last step shown.
    pub steps: Steps,
    /// How places are laid out.
    pub spacing: Spacing,
    /// From the left to the right end, as they are laid out.
    pub window: Range,
    /// Weight of the past in smoothed curves.
    pub smoothing: f64,
    /// Whether what was measured is shown by its smallest and largest values.
    pub envelope: bool,
    /// Whether the scale of values is logarithmic.
    pub log: bool,
    /// Whether there is room for bands.
    pub bands: bool,
    /// Dots from the left to the right end.
    pub columns: usize,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEPS: Steps = (1, 100);

    #[test]
    fn zooming_in_shows_the_newest_steps_and_follows_them() {
        let mut place = Place::default();
        place.zoom(true, STEPS, 0);
        assert_eq!((place.visible(STEPS), place.follows()), ((51, 100), true));
        assert_eq!(place.visible((1, 120)), (71, 120));
        place.pan(false, STEPS);
        assert_eq!((place.visible(STEPS), place.follows()), ((39, 88), false));
        assert_eq!(place.visible((1, 120)), (39, 88), "who went back stays there");
        place.pan(true, STEPS);
        place.pan(true, STEPS);
        assert!(place.follows());
        place.zoom(false, STEPS, 0);
        place.zoom(false, STEPS, 0);
        assert_eq!((place.visible(STEPS), place.is_zoomed()), (STEPS, false));
        place.zoom(false, STEPS, 199);
        assert_eq!(place.visible(STEPS), (1, 200), "a past run that goes further can be seen whole");
    }

    #[test]
    fn the_window_goes_where_the_cursor_goes() {
        let mut place = Place { cursor: Some(20), ..Place::default() };
        place.zoom(true, STEPS, 0);
        assert!((place.visible(STEPS).0..=place.visible(STEPS).1).contains(&20));
        place.cursor = Some(90);
        place.reveal(STEPS);
        assert_eq!(place.visible(STEPS).1, 90);
        place.cursor = Some(1);
        place.reveal(STEPS);
        assert_eq!(place.visible(STEPS).0, 1);
    }

    #[test]
    fn smoothings_go_round_in_both_directions() {
        let mut place = Place::default();
        let before = place.smoothing;
        for _ in 0..SMOOTHINGS.len() {
            place.smooth(true);
        }
        assert!((place.smoothing - before).abs() < 1e-12);
        place.smooth(false);
        assert!(place.smoothing < before);
        place.smooth(true);
        assert!((place.smoothing - before).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn what_is_visible_stays_within_the_run(moves in prop::collection::vec(0usize..5, 0..40), first in 0u64..3, more in 0u64..500, cursor in 0u64..600) {
            let steps = (first, first + more);
            let mut place = Place::default();
            for way in moves {
                match way {
                    0 => place.zoom(true, steps, 0),
                    1 => place.zoom(false, steps, 0),
                    2 => place.pan(true, steps),
                    3 => place.pan(false, steps),
                    _ => {
                        place.cursor = Some(cursor.clamp(steps.0, steps.1));
                        place.reveal(steps);
                    }
                }
                let (from, to) = place.visible(steps);
                prop_assert!(from <= to && from >= steps.0, "{from} {to} of {steps:?}");
                prop_assert!(to <= steps.1.max(steps.0 + NARROWEST), "{from} {to} of {steps:?}");
            }
        }
    }
}
