//! Metric names and the map that carries them.
//!
//! Names are TRL's wherever TRL has one (`reward`, `frac_reward_zero_std`, `completions/mean_length`, ...), so that scripts
//! written for `trainer_state.json` read our runs unchanged.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};

/// One metric's name with what the help text says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricInfo {
    /// The key in events, in the store and in exports.
    pub name: &'static str,
    /// A short label for a chart's title.
    pub label: &'static str,
    /// What it means, one sentence.
    pub meaning: &'static str,
    /// What a healthy run shows.
    pub healthy: &'static str,
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $label:literal, $meaning:literal, $healthy:literal;)*) => {
        $($(#[$doc])* #[doc = $meaning] pub const $id: &str = $name;)*
        /// Every metric that has a help text, in the order in which help shows them.
        pub const CATALOG: &[MetricInfo] = &[$(MetricInfo { name: $name, label: $label, meaning: $meaning, healthy: $healthy }),*];
    };
}

metrics! {
    REWARD = "reward", "reward", "Mean total reward of the step's completions.", "rises slowly; a jump is worth a look at the samples";
    REWARD_STD = "reward_std", "reward std", "Standard deviation of the total reward over the whole batch.", "above 0: without spread there is nothing to learn from";
    EXECUTION_ACCURACY = "execution_accuracy", "exec accuracy", "Share of the step's completions whose result equals gold's.", "rises; compare with the held-out figure, not with itself";
    KL = "kl", "KL", "Mean k3 estimate of the divergence from the reference policy, in nats a token.", "0 at step 0, then small and positive; about 0.1 to 1.0 at beta 0.1";
    LOSS = "loss", "loss", "The objective that the update minimises, KL term included.", "near 0 and noisy: its level says little in GRPO";
    GRAD_NORM = "grad_norm", "grad norm", "Global L2 norm of the adapter's gradient before clipping.", "steady; spikes mean a step worth inspecting";
    ENTROPY = "entropy", "entropy", "Mean entropy of the next-token distribution over completion tokens, in nats.", "falls slowly; a collapse to 0 ends exploration";
    LEARNING_RATE = "learning_rate", "learning rate", "The learning rate of this update.", "follows the schedule";
    EPOCH = "epoch", "epoch", "Passes over the training questions.", "grows; above a few, held-out accuracy says whether it still helps";
    NUM_TOKENS = "num_tokens", "tokens", "Prompt and completion tokens processed since the run began.", "grows";
    STEP_TIME = "step_time", "step time", "Wall-clock seconds of the step.", "steady";
    TOKENS_PER_SECOND = "tokens_per_second", "tokens/s", "Completion tokens generated a second, during rollout.", "steady";
    MEMORY_BYTES = "memory_bytes", "memory", "Memory in use: the GPU's by NVML where there is one, else the process's resident set.", "flat after the first steps";
    PEAK_MEMORY = "memory/peak", "peak memory", "The most memory that the process held within the step.", "flat after the first steps, below memory.limit";
    DEAD_GROUPS = "frac_reward_zero_std", "dead groups", "Share of groups whose completions all have the same reward; they give no gradient.", "below about one half";
    PASS_AT_K = "pass@k", "pass@K", "Share of questions that at least one of their K completions answers rightly.", "above execution accuracy: the distance is what there is to learn";
    UNIQUE_SQL = "frac_unique_sql", "unique SQL", "Share of a question's completions whose SQL differs from the others', mean over questions.", "falls slowly; near 1/K all completions are the same";
    FILTER_PASS_RATE = "dynamic_filtering_pass_rate", "groups kept", "Share of the groups generated that are neither all right nor all wrong, with dynamic sampling.", "above one third: the rest is generated for nothing";
    UPDATES_PER_ROLLOUT = "updates_per_rollout", "updates", "Updates from each rollout. With one, probability ratios are 1 by construction and nothing can be clipped.", "as the settings ask for";
    SKIPPED_UPDATES = "skipped_updates", "skipped", "Updates left out because loss or gradient was not finite.", "0";
    MEAN_LENGTH = "completions/mean_length", "length", "Mean completion length in tokens.", "steady; unbroken growth is length hacking";
    CLIPPED_RATIO = "completions/clipped_ratio", "truncated", "Share of completions cut off at their greatest length.", "near 0";
    MEAN_TURNS = "turns/mean", "turns", "Mean number of replies to a question, those to the feedback on its query included.", "falls towards 1 as fewer queries fail";
    CORRECTED = "turns/corrected", "corrected", "Share of the completions with feedback whose first query was wrong and whose last one is right.", "rises; well above turns/spoilt";
    SPOILT = "turns/spoilt", "spoilt", "Share of the completions with feedback whose first query was right, its result being empty, and whose last one is wrong.", "near 0";
    ROLLOUT_TIME = "time/rollout", "rollout s", "Seconds spent generating completions.", "steady";
    SCORING_TIME = "time/scoring", "scoring s", "Seconds spent executing SQL and computing rewards.", "small beside rollout and update";
    UPDATE_TIME = "time/update", "update s", "Seconds spent on the reference pass, the gradient and the optimizer.", "steady";
}

/// Metric values by name. Non-finite values travel as `null` in JSON and come back as NaN, so that a diverged step stays visible.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics(pub BTreeMap<String, f64>);

impl Metrics {
    /// Sets one value.
    pub fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    /// The value under `name`, if the step has one.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, &value.is_finite().then_some(*value))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = BTreeMap::<String, Option<f64>>::deserialize(deserializer)?;
        Ok(Self(raw.into_iter().map(|(name, value)| (name, value.unwrap_or(f64::NAN))).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_finite_values_survive_json_as_nan() {
        let mut metrics = Metrics::default();
        metrics.set(LOSS, f64::NAN);
        metrics.set(REWARD, 0.25);
        let text = serde_json::to_string(&metrics).unwrap();
        assert_eq!(text, r#"{"loss":null,"reward":0.25}"#);
        let back: Metrics = serde_json::from_str(&text).unwrap();
        assert!(back.get(LOSS).unwrap().is_nan());
        assert_eq!(back.get(REWARD), Some(0.25));
    }

    #[test]
    fn catalogue_has_no_name_twice() {
        let names: std::collections::BTreeSet<_> = CATALOG.iter().map(|m| m.name).collect();
        assert_eq!(names.len(), CATALOG.len());
    }
}
