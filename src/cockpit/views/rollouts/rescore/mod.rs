//! Stored rewards under other weights: what would have been, for looking at. Nothing of it reaches the trainer.

mod summary;
mod whole;

use std::sync::Arc;

pub use whole::Whole;

use crate::{
    cockpit::{App, entry::Purpose, filter::DEAD},
    reward::advantage::Rewards,
    run::event::{GroupScored, LogLevel},
    settings::GrpoSettings,
};

/// Weights of the components of a reward, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(Vec<(String, f64)>);

impl Weights {
    /// From what a person types: `execution=1 partial=0.5`. A component that is not named weighs nothing.
    pub fn parse(typed: &str, known: &[String]) -> Result<Self, String> {
        let mut weights = Vec::new();
        for word in typed.split([' ', ',']).filter(|word| !word.is_empty()) {
            let Some((name, value)) = word.split_once('=') else {
                return Err(format!("`{word}`: a component and its weight are wanted, as in execution=1"));
            };
            if !known.iter().any(|component| component == name) {
                return Err(format!("no candidate has `{name}`; there are {}", known.join(", ")));
            }
            match value.parse::<f64>() {
                Ok(weight) if weight.is_finite() => weights.push((name.to_owned(), weight)),
                _ => return Err(format!("`{word}`: a number is wanted behind `=`")),
            }
        }
        Ok(Self(weights))
    }

    /// As it is typed.
    pub fn text(&self) -> String {
        self.0.iter().map(|(name, weight)| format!("{name}={weight}")).collect::<Vec<_>>().join(" ")
    }

    /// Reward and advantage of each candidate, of all groups of a step.
    fn apply(&self, groups: &[Arc<GroupScored>], grpo: &GrpoSettings) -> Vec<Vec<(f64, f64)>> {
        let parts = |group: &Arc<GroupScored>| -> Vec<Vec<f64>> {
            let part =
                |name: &String, of: &crate::run::event::Candidate| of.components.get(name).copied().unwrap_or(0.0);
            group.candidates.iter().map(|c| self.0.iter().map(|(name, _)| part(name, c)).collect()).collect()
        };
        let weights: Vec<f64> = self.0.iter().map(|(_, weight)| *weight).collect();
        let rewards = Rewards { groups: groups.iter().map(parts).collect(), weights };
        let total = |parts: &Vec<f64>| parts.iter().zip(&rewards.weights).map(|(part, weight)| part * weight).sum();
        let advantages = rewards.advantages(grpo);
        let of_group = |(parts, advantages): (&Vec<Vec<f64>>, Vec<f64>)| {
            parts.iter().map(total).zip(advantages).collect::<Vec<(f64, f64)>>()
        };
        rewards.groups.iter().zip(advantages).map(of_group).collect()
    }
}

/// Places from 1 by reward, equals sharing the better one.
pub fn ranks(rewards: &[f64]) -> Vec<usize> {
    rewards.iter().map(|reward| 1 + rewards.iter().filter(|other| **other > reward + DEAD).count()).collect()
}

impl App {
    /// Lets the person type weights, those at hand to begin with.
    pub(super) fn ask_weights(&mut self) {
        let text = self.ui.rollouts.weights.as_ref().map_or_else(|| self.stored_weights().text(), Weights::text);
        self.type_line(Purpose::Weights, &text);
    }

    /// The weights that the run's settings name, as far as candidates have their components.
    fn stored_weights(&self) -> Weights {
        let settings = self.run.info().map(|info| info.settings["reward"].clone()).unwrap_or_default();
        let reward: crate::settings::RewardSettings = serde_json::from_value(settings).unwrap_or_default();
        let weights = reward.components().map(|(component, weight)| (component.name().to_owned(), weight));
        let known = self.components();
        Weights(weights.filter(|(name, _)| known.contains(name)).collect())
    }

    /// The components of the newest candidates' rewards.
    fn components(&self) -> Vec<String> {
        let samples = self.run.samples();
        let newest = samples.len().checked_sub(1).and_then(|at| samples.get(at));
        let candidate = newest.and_then(|group| group.candidates.first());
        candidate.map(|candidate| candidate.components.keys().cloned().collect()).unwrap_or_default()
    }

    /// Takes the weights that were typed; none takes them back.
    pub(in crate::cockpit) fn reweigh(&mut self, typed: &str) {
        match Weights::parse(typed, &self.components()) {
            Ok(weights) => {
                self.ui.rollouts.weights = Some(weights).filter(|weights| !weights.0.is_empty());
                self.rescore_all();
            }
            Err(words) => {
                self.toast(LogLevel::Warn, words);
                self.type_line(Purpose::Weights, typed);
            }
        }
    }

    fn grpo(&self) -> GrpoSettings {
        let settings = self.run.info().map(|info| info.settings["grpo"].clone()).unwrap_or_default();
        serde_json::from_value(settings).unwrap_or_default()
    }

    /// Reward and advantage of a group's candidates under the weights typed, if some are.
    pub(super) fn reweighed(&self, group: &GroupScored) -> Option<Vec<(f64, f64)>> {
        let weights = self.ui.rollouts.weights.as_ref()?;
        // Advantages may be scaled by the spread of the whole batch.
        let step = self.groups_of(group.step);
        let at = step.iter().position(|one| one.group == group.group)?;
        weights.apply(&step, &self.grpo()).into_iter().nth(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::fixture::group;

    fn known() -> Vec<String> {
        vec!["execution".into(), "partial".into()]
    }

    #[test]
    fn mistakes_in_weights_are_told() {
        for (typed, expected) in [
            ("execution", "a component and its weight"),
            ("ngram=1", "there are execution, partial"),
            ("partial=much", "a number is wanted"),
            ("partial=inf", "a number is wanted"),
        ] {
            let error = Weights::parse(typed, &known()).unwrap_err();
            assert!(error.contains(expected), "{typed}: {error}");
        }
        let weights = Weights::parse(" execution=2, partial=0.5", &known()).unwrap();
        assert_eq!(weights.text(), "execution=2 partial=0.5");
    }

    #[test]
    fn rewards_and_advantages_are_those_that_training_would_have_had() {
        // Components: execution 0 1 0 0, partial 0.3 1 0 0.
        let groups = [Arc::new(group(1, 0))];
        let weights = Weights::parse("partial=2", &known()).unwrap();
        let found = weights.apply(&groups, &GrpoSettings::default());
        let rewards: Vec<f64> = found[0].iter().map(|(reward, _)| *reward).collect();
        assert_eq!(rewards, [0.6, 2.0, 0.0, 0.0]);
        let expected = Rewards::whole(std::slice::from_ref(&rewards)).advantages(&GrpoSettings::default());
        assert_eq!(found[0].iter().map(|(_, advantage)| *advantage).collect::<Vec<_>>(), expected[0]);
        assert_eq!(ranks(&rewards), [2, 1, 3, 3]);
    }
}
