//! Settings that can change while a run trains, between two steps.

use serde_json::Value;

use super::{Override, Settings, SettingsError, overlay};

/// Keys of settings that are looked up anew in every step, and so can change between two of them.
pub const LIVE: [&str; 41] = [
    "optim.learning_rate",
    "optim.max_grad_norm",
    "optim.weight_decay",
    "grpo.beta",
    "grpo.kl_target",
    "grpo.epsilon",
    "grpo.epsilon_high",
    "grpo.delta",
    "grpo.dual_clip",
    "grpo.advantage_clip",
    "grpo.entropy_coef",
    "grpo.mask_truncated_completions",
    "grpo.dynamic_sampling",
    "grpo.overlong_buffer_len",
    "grpo.overlong_penalty_factor",
    "grpo.num_iterations",
    "rollout.num_generations",
    "rollout.max_completion_length",
    "rollout.temperature",
    "rollout.top_p",
    "rollout.top_k",
    "rollout.min_p",
    "rollout.constrain",
    "rollout.correction_turns",
    "reward.execution",
    "reward.partial",
    "reward.executable",
    "reward.format",
    "reward.tags",
    "reward.schema",
    "reward.ngram",
    "reward.cell_precision",
    "reward.cell_recall",
    "reward.cardinality",
    "reward.length",
    "eval.every",
    "eval.patience",
    "run.checkpoint_every",
    "run.keep_checkpoints",
    "run.gradient_flow_every",
    "run.log_every",
];

/// Whether a setting can change while a run trains.
pub fn is_live(key: &str) -> bool {
    LIVE.contains(&key) || key.starts_with("doctor.")
}

impl Settings {
    /// The value of `group.name`; `None` if there is no such setting.
    pub fn value(&self, key: &str) -> Option<Value> {
        let (group, name) = key.split_once('.')?;
        serde_json::to_value(self).ok()?.get_mut(group)?.get_mut(name).map(Value::take)
    }

    /// The same with another value of a setting that can change while a run trains.
    ///
    /// # Errors
    /// There is no such setting, it cannot change, or the value is not allowed there.
    pub fn with_live(&self, key: &str, value: &Value) -> Result<Self, SettingsError> {
        let origin = format!("{key}={value}");
        let fail = |message: String| SettingsError::Flag { origin: origin.clone(), message };
        let value = serde_yaml::to_value(value).map_err(|error| fail(error.to_string()))?;
        let change = Override { key: key.to_owned(), value, origin: origin.clone() };
        let changed = overlay::apply(self, &[change])?;
        if !is_live(key) {
            return Err(fail(
                "it cannot change while a run trains: start a new run, or resume this one, with it".into(),
            ));
        }
        changed.validated(|_| origin.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_live_settings_exist_and_take_their_own_value() {
        let settings = Settings::default();
        for key in LIVE {
            let value = settings.value(key).unwrap_or_else(|| panic!("{key} is no setting"));
            assert_eq!(settings.with_live(key, &value).unwrap(), settings, "{key}");
        }
        assert_eq!(settings.value("grpo.gamma"), None);
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_reason() {
        let told = |key, value: Value| Settings::default().with_live(key, &value).unwrap_err().to_string();
        assert!(told("rollout.temperature", json!(0)).contains("above 0, up to 10"));
        assert!(
            told("rollout.temperature", json!("hot")).contains("expected f64"),
            "{}",
            told("rollout.temperature", json!("hot"))
        );
        assert!(told("lora.r", json!(8)).contains("start a new run"));
        assert!(told("grpo.betta", json!(1)).contains("did you mean `beta`?"));
        assert!(told("beta", json!(1)).contains("unknown group"));
        let settings = Settings::default().with_live("rollout.num_generations", &json!(4)).unwrap();
        assert_eq!(settings.rollout.num_generations, 4);
        let weighted = settings.with_live("reward.partial", &json!(1)).unwrap();
        assert_eq!(weighted.reward.partial, Some(1.0));
    }
}
