//! The detectors, one a file.

mod clipping;
mod dead_groups;
mod diversity;
mod entropy;
mod gradient;
mod hacking;
mod invalid_sql;
mod kl;
mod length;
mod memory;
mod overfit;
mod skipped;
mod slow;
mod zero_rewards;

use super::{Finding, Patient, Verdict, remedies, window};
use crate::{
    run::event::{Cost, CostOf, EvalDone, GroupScored, Severity, StepDone},
    settings::Detector,
};

/// Looks for one ailment.
pub(super) trait Detect: Send {
    /// Sick steps in a row that it takes for an alarm.
    fn patience(&self) -> u32 {
        3
    }

    /// Takes in a group of the step under way.
    fn group(&mut self, _group: &GroupScored) {}

    /// Takes in an evaluation.
    fn eval(&mut self, _eval: &EvalDone) {}

    /// What a step says; `None` if it says nothing.
    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict>;
}

/// The detector of an ailment, which has seen nothing yet.
pub(super) fn new(detector: Detector) -> Box<dyn Detect> {
    match detector {
        Detector::ZeroRewards => Box::<zero_rewards::ZeroRewards>::default(),
        Detector::DeadGroups => Box::<dead_groups::DeadGroups>::default(),
        Detector::Kl => Box::<kl::Kl>::default(),
        Detector::Entropy => Box::<entropy::Entropy>::default(),
        Detector::Length => Box::<length::Length>::default(),
        Detector::Diversity => Box::<diversity::Diversity>::default(),
        Detector::InvalidSql => Box::<invalid_sql::InvalidSql>::default(),
        Detector::Clipping => Box::<clipping::Clipping>::default(),
        Detector::Gradient => Box::<gradient::Gradient>::default(),
        Detector::Skipped => Box::<skipped::Skipped>::default(),
        Detector::Memory => Box::<memory::Memory>::default(),
        Detector::Overfit => Box::<overfit::Overfit>::default(),
        Detector::Hacking => Box::<hacking::Hacking>::default(),
        Detector::Slow => Box::<slow::Slow>::default(),
    }
}

/// A share of something that is wasted, if it is known.
fn cost(share: f64, of: CostOf) -> Option<Cost> {
    share.is_finite().then(|| Cost { share: share.clamp(0.0, 1.0), of })
}

/// As percent.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
