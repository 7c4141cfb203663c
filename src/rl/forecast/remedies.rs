//! What to change in a run that does not fit.

use serde::Serialize;

use super::{Forecast, Question};
use crate::{
    rl::ladder::{Economies, Shortage},
    settings::Settings,
};

/// A change, and what the run takes with it and all changes before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// The change, in words that name the setting.
    pub change: String,
    /// The most memory of a step then, in bytes.
    pub peak: u64,
    /// Whether that is within the limit.
    pub fits: bool,
}

/// A change that only a person can make, as it changes what is learned.
type Change = (&'static str, fn(&mut Settings) -> Option<String>);

/// In the order in which they are tried, behind all that a run does without by itself.
const CHANGES: [Change; 3] = [
    ("rollout.num_generations", |settings| halve(&mut settings.rollout.num_generations, 2)),
    ("rollout.prompts_per_step", |settings| halve(&mut settings.rollout.prompts_per_step, 1)),
    ("lora.r", |settings| halve(&mut settings.lora.r, 4)),
];

fn halve(value: &mut usize, least: usize) -> Option<String> {
    (*value / 2 >= least).then(|| {
        *value /= 2;
        value.to_string()
    })
}

impl Question<'_> {
    /// What brings the run within `limit` bytes: first what it would do without by itself, rung by rung, with `memory.limit` set; then
    /// what a person has to decide. Ends with the first change that is enough; where even the last one is not, nothing here helps but a
    /// smaller model or shorter prompts.
    pub fn remedies(&self, limit: u64) -> Vec<Remedy> {
        let (mut settings, mut found) = (self.settings.clone(), Vec::new());
        let forecast = |settings: &Settings| -> Forecast { Question { settings, ..*self }.forecast() };
        let mut before = forecast(&settings).peak;
        let mut note = |change: String, settings: &Settings| {
            let peak = forecast(settings).peak;
            // What saves nothing is no remedy.
            if peak < before {
                found.push(Remedy { change, peak, fits: peak <= limit });
                before = peak;
            }
            before <= limit
        };
        let mut economies = Economies::default();
        while let Some(rung) = economies.descend(Shortage::Anywhere, &settings) {
            economies.apply(&mut settings);
            if note(rung, &settings) {
                return found;
            }
        }
        for (key, change) in CHANGES {
            while let Some(value) = change(&mut settings) {
                if note(format!("{key}: {value}"), &settings) {
                    return found;
                }
            }
        }
        found
    }
}
