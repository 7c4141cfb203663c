//! Moving about: charts, questions, candidates, scrolling.

use super::App;
use crate::{
    cockpit::{action::Action, panes::Pane},
    run::event::GroupScored,
};

impl App {
    pub(in crate::cockpit) fn travel(&mut self, action: Action) {
        match self.ui.focus {
            Pane::Log => self.ui.scroll_log(action),
            Pane::Charts => self.travel_charts(action),
            Pane::Sample => match action {
                Action::PageDown | Action::PageUp => scroll(&mut self.ui.detail_scroll, action, false),
                _ => self.choose_candidate(action),
            },
        }
    }

    /// Goes from chart to chart, or with the cursor from step to step.
    fn travel_charts(&mut self, action: Action) {
        let charts = self.charts().len();
        let (columns, page) = (self.ui.chart_columns as isize, self.ui.chart_page as isize);
        let columns = if self.ui.zoom { 1 } else { columns };
        let cursor = self.ui.charts.cursor.is_some();
        match action {
            Action::Left if cursor => self.move_cursor(-1),
            Action::Right if cursor => self.move_cursor(1),
            Action::PageUp if cursor => self.move_cursor(-self.leap()),
            Action::PageDown if cursor => self.move_cursor(self.leap()),
            Action::First if cursor => self.move_cursor(isize::MIN),
            Action::Last if cursor => self.move_cursor(isize::MAX),
            Action::Left => self.ui.move_chart(-1, charts),
            Action::Right => self.ui.move_chart(1, charts),
            Action::Up => self.ui.move_chart(-columns, charts),
            Action::Down => self.ui.move_chart(columns, charts),
            Action::PageUp => self.ui.move_chart(-page, charts),
            Action::PageDown => self.ui.move_chart(page, charts),
            Action::First => self.ui.chart = 0,
            Action::Last => self.ui.move_chart(isize::MAX, charts),
            _ => {}
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
