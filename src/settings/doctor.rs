//! `doctor`: what is watched while a run trains, and what is done about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::Finding;

/// `doctor`: what is watched while a run trains, and what is done about it (docs/cockpit.md). A detector whose threshold is null is off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DoctorSettings {
    /// Steps that detectors look back over.
    pub window: usize,
    /// What is done about an alarm beside telling it.
    pub policy: Policy,
    /// What is done about the alarms of single detectors instead.
    pub policies: BTreeMap<Detector, Policy>,
    /// Share of completions without any reward.
    pub zero_rewards: Option<f64>,
    /// Share of groups whose completions all have the same reward.
    pub dead_groups: Option<f64>,
    /// KL divergence from the reference, in nats a token.
    pub kl: Option<f64>,
    /// Entropy, in nats a token, below which nothing is explored any more.
    pub entropy: Option<f64>,
    /// Growth of completions, as a multiple of their length at the start.
    pub length: Option<f64>,
    /// Share of a question's queries that differ, beyond the one that there always is, below which there is nothing to compare.
    pub diversity: Option<f64>,
    /// Share of completions without SQL that runs.
    pub invalid_sql: Option<f64>,
    /// Share of tokens whose probability ratio is clipped.
    pub clipping: Option<f64>,
    /// The gradient's norm, as a multiple of its median.
    pub gradient: Option<f64>,
    /// Updates left out within the window because loss or gradient was not finite.
    pub skipped: Option<f64>,
    /// Share of `memory.limit`, or else of the machine's memory, in use.
    pub memory: Option<f64>,
    /// Rise of the training reward over three evaluations of which none brought a better held-out accuracy.
    pub overfit: Option<f64>,
    /// Share of the completions that count as right although their result is empty or their query answers other questions too.
    pub hacking: Option<f64>,
    /// Share of the time that goes to scoring and evaluation.
    pub slow: Option<f64>,
}

impl Default for DoctorSettings {
    fn default() -> Self {
        Self {
            window: 10,
            policy: Policy::Notify,
            policies: BTreeMap::new(),
            zero_rewards: Some(0.95),
            dead_groups: Some(0.8),
            kl: Some(2.0),
            entropy: Some(0.02),
            length: Some(2.0),
            diversity: Some(0.1),
            invalid_sql: Some(0.5),
            clipping: Some(0.3),
            gradient: Some(10.0),
            skipped: Some(1.0),
            memory: Some(0.95),
            overfit: Some(0.1),
            hacking: Some(0.3),
            slow: Some(0.6),
        }
    }
}

/// What is done about an alarm beside telling it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Nothing.
    #[default]
    Notify,
    /// The run is paused.
    Pause,
    /// A checkpoint is written.
    Checkpoint,
}

/// What is looked for; each has a threshold of its name in [`DoctorSettings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// No reward at all.
    ZeroRewards,
    /// Groups without a difference.
    DeadGroups,
    /// Divergence from the reference.
    Kl,
    /// Collapse of entropy.
    Entropy,
    /// Inflation of lengths.
    Length,
    /// The same query over and over.
    Diversity,
    /// Queries that do not run.
    InvalidSql,
    /// Clipping of most of what is learned.
    Clipping,
    /// Spikes of the gradient.
    Gradient,
    /// Updates left out.
    Skipped,
    /// Want of memory.
    Memory,
    /// Reward that rises while held-out accuracy does not.
    Overfit,
    /// Reward for what is no answer.
    Hacking,
    /// Time that goes elsewhere.
    Slow,
}

impl Detector {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::ZeroRewards,
        Self::DeadGroups,
        Self::Kl,
        Self::Entropy,
        Self::Length,
        Self::Diversity,
        Self::InvalidSql,
        Self::Clipping,
        Self::Gradient,
        Self::Skipped,
        Self::Memory,
        Self::Overfit,
        Self::Hacking,
        Self::Slow,
    ];

    /// Its name, which is that of its threshold.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// What it looks for, in a few words.
    pub fn title(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ZeroRewards => ("zero_rewards", "rewards all zero"),
            Self::DeadGroups => ("dead_groups", "dead groups"),
            Self::Kl => ("kl", "KL exploding"),
            Self::Entropy => ("entropy", "entropy collapse"),
            Self::Length => ("length", "length inflation"),
            Self::Diversity => ("diversity", "low diversity"),
            Self::InvalidSql => ("invalid_sql", "invalid SQL"),
            Self::Clipping => ("clipping", "clip saturation"),
            Self::Gradient => ("gradient", "gradient spikes"),
            Self::Skipped => ("skipped", "updates left out"),
            Self::Memory => ("memory", "memory head-room"),
            Self::Overfit => ("overfit", "reward without accuracy"),
            Self::Hacking => ("hacking", "reward hacking"),
            Self::Slow => ("slow", "slow scoring or evaluation"),
        }
    }
}

impl DoctorSettings {
    /// A detector's threshold; `None` if it is off.
    pub fn threshold(&self, detector: Detector) -> Option<f64> {
        match detector {
            Detector::ZeroRewards => self.zero_rewards,
            Detector::DeadGroups => self.dead_groups,
            Detector::Kl => self.kl,
            Detector::Entropy => self.entropy,
            Detector::Length => self.length,
            Detector::Diversity => self.diversity,
            Detector::InvalidSql => self.invalid_sql,
            Detector::Clipping => self.clipping,
            Detector::Gradient => self.gradient,
            Detector::Skipped => self.skipped,
            Detector::Memory => self.memory,
            Detector::Overfit => self.overfit,
            Detector::Hacking => self.hacking,
            Detector::Slow => self.slow,
        }
    }

    /// What is done about a detector's alarms.
    pub fn policy(&self, detector: Detector) -> Policy {
        self.policies.get(&detector).copied().unwrap_or(self.policy)
    }

    /// Everything that cannot be.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if !(3..=1000).contains(&self.window) {
            found.push(("doctor.window", self.window.to_string(), "3 to 1000"));
        }
        let shares = [
            ("doctor.zero_rewards", self.zero_rewards),
            ("doctor.dead_groups", self.dead_groups),
            ("doctor.diversity", self.diversity),
            ("doctor.invalid_sql", self.invalid_sql),
            ("doctor.clipping", self.clipping),
            ("doctor.memory", self.memory),
            ("doctor.hacking", self.hacking),
            ("doctor.slow", self.slow),
        ];
        let amounts = [
            ("doctor.kl", self.kl),
            ("doctor.entropy", self.entropy),
            ("doctor.overfit", self.overfit),
            ("doctor.skipped", self.skipped),
        ];
        let multiples = [("doctor.length", self.length), ("doctor.gradient", self.gradient)];
        let mut check = |list: &[(&'static str, Option<f64>)], ok: fn(f64) -> bool, allowed| {
            for &(key, value) in list {
                if let Some(value) = value.filter(|value| !ok(*value)) {
                    found.push((key, value.to_string(), allowed));
                }
            }
        };
        check(&shares, |x| x > 0.0 && x <= 1.0, "a share above 0, up to 1, or null (off)");
        check(&amounts, |x| x > 0.0 && x.is_finite(), "above 0, or null (off)");
        check(&multiples, |x| x > 1.0 && x.is_finite(), "a multiple above 1, or null (off)");
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_has_a_threshold_and_a_policy_of_its_name() {
        for detector in Detector::ALL {
            let text =
                format!("{}: null\npolicies: {{ {}: pause }}\npolicy: checkpoint", detector.name(), detector.name());
            let settings: DoctorSettings = serde_yaml::from_str(&text).unwrap();
            assert_eq!((settings.threshold(detector), settings.policy(detector)), (None, Policy::Pause));
            for other in Detector::ALL.into_iter().filter(|other| *other != detector) {
                assert!(settings.threshold(other).is_some());
                assert_eq!(settings.policy(other), Policy::Checkpoint);
            }
        }
        assert!(DoctorSettings::default().findings().is_empty());
    }

    #[test]
    fn thresholds_that_mean_nothing_are_told() {
        let settings = DoctorSettings {
            window: 1,
            zero_rewards: Some(95.0),
            kl: Some(f64::NAN),
            length: Some(0.5),
            ..DoctorSettings::default()
        };
        let keys: Vec<_> = settings.findings().into_iter().map(|(key, ..)| key).collect();
        assert_eq!(keys, ["doctor.window", "doctor.zero_rewards", "doctor.kl", "doctor.length"]);
        let error = serde_yaml::from_str::<DoctorSettings>("policies: { klo: pause }").unwrap_err().to_string();
        assert!(error.contains("`kl`") && error.contains("`hacking`"), "{error}");
    }
}
