//! Moving about: charts, questions, candidates, scrolling.

use std::sync::Arc;

use super::App;
use crate::{
    cockpit::{action::Action, panes::Pane},
    run::event::GroupScored,
};

impl App {
    pub(in crate::cockpit) fn travel(&mut self, action: Action) {
        let charts = self.charts().len();
        match self.ui.focus {
            Pane::Log => self.ui.scroll_log(action),
            Pane::Charts => match action {
                Action::Left => self.ui.move_chart(-1, charts),
                Action::Right => self.ui.move_chart(1, charts),
                Action::Up => self.ui.move_chart(-(self.ui.chart_columns as isize), charts),
                Action::Down => self.ui.move_chart(self.ui.chart_columns as isize, charts),
                Action::First => self.ui.chart = 0,
                Action::Last => self.ui.move_chart(isize::MAX, charts),
                _ => {}
            },
            Pane::Sample => match action {
                Action::PageDown | Action::PageUp => scroll(&mut self.ui.detail_scroll, action, false),
                _ => self.choose_candidate(action),
            },
        }
    }

    fn choose_candidate(&mut self, action: Action) {
        let Some((group, _)) = self.sample() else { return };
        let last = group.candidates.len().saturating_sub(1);
        let now = self.candidate_of(&group);
        let chosen = match action {
            Action::Down => (now + 1).min(last),
            Action::Up => now.saturating_sub(1),
            Action::First => 0,
            Action::Last => last,
            _ => return,
        };
        // A person reading a candidate wants it to stay, even if newer questions come.
        self.ui.sample = Some((group.step, group.group));
        self.ui.candidate = Some(chosen);
        self.ui.detail_scroll = 0;
    }

    pub(super) fn step_group(&mut self, newer: bool) {
        let Some((_, at)) = self.sample() else { return };
        let samples = self.run.samples();
        let next = if newer { at + 1 } else { at.saturating_sub(1) };
        let chosen = samples.get(next).filter(|_| next + 1 < samples.len()).map(|group| (group.step, group.group));
        self.ui.show_sample(chosen);
    }

    /// The question on show, with its place among those kept.
    pub fn sample(&self) -> Option<(Arc<GroupScored>, usize)> {
        let samples = self.run.samples();
        let newest = samples.len().checked_sub(1)?;
        let at = self.ui.sample.and_then(|(step, group)| samples.position(step, group));
        // A question that had to make room leaves the oldest one in its place, not the newest.
        let at = at.unwrap_or(if self.ui.sample.is_some() { 0 } else { newest });
        samples.get(at).map(|group| (Arc::clone(group), at))
    }

    /// The candidate on show: the chosen one, else the one with the highest reward.
    pub fn candidate_of(&self, group: &GroupScored) -> usize {
        let best = || {
            let by_reward = |a: &usize, b: &usize| group.candidates[*a].reward.total_cmp(&group.candidates[*b].reward);
            // Among equals the first one.
            (0..group.candidates.len()).rev().max_by(by_reward).unwrap_or(0)
        };
        self.ui.candidate.filter(|at| *at < group.candidates.len()).unwrap_or_else(best)
    }
}

/// Moves a scroll position; `from_end` counts lines up from the end rather than down from the start.
pub fn scroll(position: &mut usize, action: Action, from_end: bool) {
    let (forward, backward) = if from_end { (Action::Up, Action::Down) } else { (Action::Down, Action::Up) };
    let (page_forward, page_backward) =
        if from_end { (Action::PageUp, Action::PageDown) } else { (Action::PageDown, Action::PageUp) };
    let (start, end) = if from_end { (Action::Last, Action::First) } else { (Action::First, Action::Last) };
    *position = match action {
        a if a == forward => position.saturating_add(1),
        a if a == backward => position.saturating_sub(1),
        a if a == page_forward => position.saturating_add(10),
        a if a == page_backward => position.saturating_sub(10),
        a if a == start => 0,
        // Drawing brings it back to the last line.
        a if a == end => usize::MAX / 2,
        _ => return,
    };
}
