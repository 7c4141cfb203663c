//! The charts: which there are, how they are looked at, and the cursor that joins them to the samples.

use std::sync::Arc;

use super::App;
use crate::{
    cockpit::{
        action::Action,
        charts::{self, Beside, Chart, Look, Picture, Sources},
        panes::Pane,
        state::{Axis, Curves, Marker, Series},
        views::View,
    },
    curve::{Range, Spacing},
    run::event::LogLevel,
    settings::{ChartSetting, MemoryLimit},
};

/// A past run, to be seen beside the one on show.
#[derive(Debug, Clone)]
pub struct Ghost {
    /// Its name, as from outside.
    pub name: String,
    /// What its charts are drawn from.
    pub curves: Curves,
}

impl App {
    /// Shows these charts in place of the method's own, if there are any.
    pub fn arrange(&mut self, settings: &[ChartSetting]) {
        self.arranged = charts::arranged(settings);
        self.pictures.clear();
    }

    /// The charts of the dashboard: those that settings name, else those of the run's method. Never empty.
    pub fn charts(&self) -> &[Chart] {
        if self.arranged.is_empty() {
            return charts::charts(self.run.info().map(|info| info.method).unwrap_or_default());
        }
        &self.arranged
    }

    /// The chart at a place, or the last one.
    pub fn chart(&self, at: usize) -> &Chart {
        let charts = self.charts();
        &charts[at.min(charts.len() - 1)]
    }

    /// Draws a past run faintly beside this one, at equal steps or tokens.
    pub fn set_ghost(&mut self, name: impl Into<String>, curves: Curves) {
        self.ghost = Some(Ghost { name: name.into(), curves });
        self.pictures.clear();
    }

    /// Draws no other run any more.
    pub fn clear_ghost(&mut self) {
        self.ghost = None;
        self.pictures.clear();
    }

    /// The past run that is drawn beside this one.
    pub fn ghost(&self) -> Option<&Ghost> {
        self.ghost.as_ref()
    }

    /// First and last step of the run, the evaluation before the first step included.
    pub fn steps(&self) -> (u64, u64) {
        let extent = self.run.curves().timeline().extent(Axis::Step);
        let evals = self.run.evals();
        let ends = [evals.first(), evals.last()].into_iter().flatten().map(|eval| eval.step);
        let ends = ends.chain(extent.into_iter().flat_map(|steps| [steps.min as u64, steps.max as u64]));
        ends.fold(None, |ends: Option<(u64, u64)>, step| {
            Some(ends.map_or((step, step), |(first, last)| (first.min(step), last.max(step))))
        })
        .unwrap_or((0, 0))
    }

    /// How a chart is drawn in so many columns of dots.
    pub fn look(&self, chart: &Chart, columns: usize, bands: bool) -> Look {
        let place = &self.ui.charts;
        let (axis, spacing) = (self.axis(), self.spacing());
        let steps = place.visible(self.steps());
        let at = |step| spacing.place(self.x(axis, step));
        let window = Range { min: at(steps.0), max: at(steps.1) };
        let log = place.is_log(chart);
        Look { axis, steps, spacing, window, smoothing: place.smoothing, envelope: place.envelope, log, bands, columns }
    }

    /// What the x-axis of all charts counts: what the person asked for, where the run knows it.
    pub fn axis(&self) -> Axis {
        let axis = self.ui.charts.axis;
        if self.run.curves().timeline().has(axis) { axis } else { Axis::Step }
    }

    /// How the x-axis of all charts is laid out. By powers of ten it begins at the run's first step.
    pub fn spacing(&self) -> Spacing {
        let first = self.run.curves().timeline().first_beyond_zero(self.axis());
        first.filter(|_| self.ui.charts.log_x).map_or_else(Spacing::default, Spacing::log)
    }

    /// Where a step lies; of those that only the past run has, where it has them.
    fn x(&self, axis: Axis, step: u64) -> f64 {
        let own = self.run.curves().timeline();
        let beyond = own.last_step().is_none_or(|last| step > last);
        match &self.ghost {
            Some(ghost) if beyond => ghost.curves.timeline().x(axis, step).max(own.x(axis, step)),
            _ => own.x(axis, step),
        }
    }

    /// The numbers of a chart.
    pub fn picture(&self, chart: &Chart, look: &Look) -> Arc<Picture> {
        let limit = (chart.beside() == Beside::Limit).then(|| self.memory_limit()).flatten();
        let sources = Sources { run: &self.run, ghost: self.ghost.as_ref().map(|ghost| &ghost.curves), limit };
        self.pictures.of(sources, chart, look)
    }

    /// Bytes that the run's settings have it stay within; without such a limit a run has the whole GPU.
    fn memory_limit(&self) -> Option<f64> {
        let limit = &self.run.info()?.settings["memory"]["limit"];
        let own = serde_json::from_value::<MemoryLimit>(limit.clone()).ok().map(|limit| limit.0 as f64);
        own.or_else(|| self.run.series("memory/gpu_total").and_then(Series::last))
    }

    /// What is marked at the step under the cursor.
    pub fn markers_at(&self, step: u64) -> impl Iterator<Item = &Marker> {
        self.run.markers().iter().filter(move |marker| marker.step == step)
    }

    /// Goes to the charts with the cursor on a step, from wherever that step was seen.
    pub fn show_on_charts(&mut self, step: u64) {
        self.show(View::Train);
        self.ui.focus = Pane::Charts;
        self.put_cursor(step);
    }

    /// Does what a key of the charts means.
    pub(in crate::cockpit) fn act_on_charts(&mut self, action: Action) {
        let steps = self.steps();
        let past = self.ghost.as_ref().and_then(|ghost| ghost.curves.timeline().last_step()).unwrap_or(0);
        match action {
            Action::Cursor => self.turn_cursor(),
            Action::LogScale => self.turn_log(),
            Action::NextAxis => {
                self.ui.charts.next_axis(self.run.curves());
                self.toast(LogLevel::Info, format!("x-axis: {}", self.ui.charts.axis.name()));
            }
            Action::LogX => {
                self.ui.charts.log_x = !self.ui.charts.log_x;
                let words = if self.ui.charts.log_x { "by powers of ten" } else { "evenly" };
                self.toast(LogLevel::Info, format!("x-axis: {}, {words}", self.axis().name()));
            }
            Action::Envelope => {
                self.ui.charts.envelope = !self.ui.charts.envelope;
                let words = if self.ui.charts.envelope { "smallest and largest values" } else { "values as measured" };
                self.toast(LogLevel::Info, words.into());
            }
            Action::Closer => self.ui.charts.zoom(true, steps, past.saturating_sub(steps.0)),
            Action::Wider => self.ui.charts.zoom(false, steps, past.saturating_sub(steps.0)),
            Action::PanBack => self.ui.charts.pan(false, steps),
            Action::PanOn => self.ui.charts.pan(true, steps),
            Action::WholeRun => self.ui.charts.reset(),
            Action::NextMarker => self.seek_marker(true),
            Action::PreviousMarker => self.seek_marker(false),
            _ => {}
        }
    }

    fn turn_log(&mut self) {
        let at = self.ui.chart.min(self.charts().len() - 1);
        let chart = self.chart(at).clone();
        let words = if self.ui.charts.turn_log(&chart) { "logarithmic" } else { "linear" };
        self.toast(LogLevel::Info, format!("{}: {words}", self.symbols.cleaner().line(&chart.title)));
    }

    /// Turns the cursor on, where the sample on show is or else at the newest step, or off.
    fn turn_cursor(&mut self) {
        if self.ui.charts.cursor.is_some() {
            return self.drop_cursor();
        }
        let chosen = self.sample().filter(|_| self.ui.sample.is_some() || self.ui.focus == Pane::Sample);
        let chosen = chosen.map(|(group, _)| (group.step, group.group));
        let (from, to) = self.ui.charts.visible(self.steps());
        let newest = self.run.curves().timeline().last_step().map(|last| last.clamp(from, to));
        let Some(step) = chosen.map(|(step, _)| step).or(newest) else {
            return self.toast(LogLevel::Info, "the cursor goes over steps: none is done yet".into());
        };
        self.ui.focus = Pane::Charts;
        self.put_cursor(step);
        if chosen.is_some() {
            // The very question that was looked at, not just its step's first.
            self.ui.show_sample(chosen);
        }
    }

    /// Takes the cursor away; the samples follow the newest again.
    pub(super) fn drop_cursor(&mut self) {
        self.ui.charts.cursor = None;
        self.ui.show_sample(None);
    }

    /// Moves the cursor by so many steps.
    pub(super) fn move_cursor(&mut self, by: isize) {
        let Some(cursor) = self.ui.charts.cursor else { return };
        if let Some(step) = self.run.curves().timeline().step_from(cursor, by) {
            self.put_cursor(step);
        }
    }

    /// Steps that a page key moves the cursor by.
    pub(super) fn leap(&self) -> isize {
        let (from, to) = self.ui.charts.visible(self.steps());
        ((to - from) / 10).max(1) as isize
    }

    /// Puts the cursor on a step, and shows its first sample, from the store if need be.
    fn put_cursor(&mut self, step: u64) {
        self.ui.charts.cursor = Some(step);
        let steps = self.steps();
        self.ui.charts.reveal(steps);
        let kept = self.run.samples().of_step(step).next().map(|group| group.group);
        if let Some(group) = kept.or_else(|| self.is_stored((step, 0)).then_some(0)) {
            self.ui.show_sample(Some((step, group)));
            self.want_sample();
        }
    }

    /// Moves the cursor to the step of the sample on show, once another one was chosen.
    pub(super) fn cursor_to_sample(&mut self) {
        if self.ui.charts.cursor.is_some()
            && let Some((group, _)) = self.sample()
        {
            self.ui.charts.cursor = Some(group.step);
            let steps = self.steps();
            self.ui.charts.reveal(steps);
        }
    }

    fn seek_marker(&mut self, next: bool) {
        let (first, last) = self.steps();
        let from = self.ui.charts.cursor.unwrap_or(if next { first } else { last.saturating_add(1) });
        let steps = self.run.markers().iter().map(|marker| marker.step);
        let found =
            if next { steps.filter(|step| *step > from).min() } else { steps.filter(|step| *step < from).max() };
        match found {
            Some(step) => {
                self.ui.focus = Pane::Charts;
                self.put_cursor(step);
            }
            None => self.toast(LogLevel::Info, "no further marker".into()),
        }
    }
}
