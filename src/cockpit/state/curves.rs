//! What a run's charts are drawn from; of a past run that is all that is kept.

use std::collections::BTreeMap;

use super::{Series, Timeline};
use crate::run::event::EvalDone;

/// Metrics and evaluations over the steps of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curves {
    pub(super) series: BTreeMap<String, Series>,
    pub(super) evals: Vec<EvalDone>,
    pub(super) timeline: Timeline,
    pub(super) revision: u64,
}

impl Curves {
    /// A metric over the steps.
    pub fn series(&self, name: &str) -> Option<&Series> {
        self.series.get(name).filter(|series| !series.points().is_empty())
    }

    /// Metrics whose names begin and end so, with what is between, in the order of their names.
    pub fn family<'a>(
        &'a self,
        prefix: &'a str,
        suffix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Series)> {
        let all = self.series.range(prefix.to_owned()..).take_while(move |(name, _)| name.starts_with(prefix));
        all.filter(|(_, series)| !series.points().is_empty()).filter_map(move |(name, series)| {
            let label = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
            Some((name.as_str(), label, series))
        })
    }

    /// Held-out evaluations, oldest first.
    pub fn evals(&self) -> &[EvalDone] {
        &self.evals
    }

    /// A number that grows with each change of metrics, evaluations or places.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Where the steps lie.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    pub(super) fn truncate_after(&mut self, step: u64) {
        self.revision += 1;
        self.series.values_mut().for_each(|series| series.truncate_after(step));
        self.evals.retain(|eval| eval.step <= step);
        self.timeline.truncate_after(step);
    }
}
