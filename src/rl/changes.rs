//! Settings that were changed while a run trains: a part of its checkpoints, so that a resumed run goes on with them.

use std::collections::BTreeSet;

use super::policy::TrainerState;
use crate::{run::event::SettingChanged, settings::Settings};

/// The settings that were asked for, with what was changed since. A key that a resumption sets otherwise than the run was started with
/// keeps what the resumption says: its changes are forgotten.
pub fn take_up(asked: &Settings, state: &mut TrainerState) -> Settings {
    let (mut settings, mut forgotten) = (asked.clone(), BTreeSet::new());
    state.changes.retain(|change| {
        let changed = (!forgotten.contains(&change.key) && settings.value(&change.key).as_ref() == Some(&change.old))
            .then(|| settings.with_live(&change.key, &change.new).ok())
            .flatten();
        match changed {
            Some(changed) => settings = changed,
            None => _ = forgotten.insert(change.key.clone()),
        }
        !forgotten.contains(&change.key)
    });
    settings
}

/// Notes a change. `Err` says why it cannot be.
pub fn note(asked: &Settings, state: &mut TrainerState, change: SettingChanged) -> Result<(), String> {
    let now = take_up(asked, state);
    let changed = now.with_live(&change.key, &change.new).map_err(|error| error.to_string())?;
    let mut effective = changed.clone();
    state.economies.apply(&mut effective);
    let (wanted, held) = (changed.value(&change.key), effective.value(&change.key));
    if wanted != held {
        let held = held.unwrap_or_default();
        return Err(format!(
            "memory.limit holds {} at {held}: the run did without more for want of memory",
            change.key
        ));
    }
    let old = now.value(&change.key).unwrap_or_default();
    if wanted.as_ref() == Some(&old) {
        return Err(format!("{} is {old} already", change.key));
    }
    state.changes.push(SettingChanged { old, new: wanted.unwrap_or_default(), ..change });
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::run::event::ChangedBy;

    fn change(key: &str, new: Value) -> SettingChanged {
        SettingChanged { key: key.into(), old: Value::Null, new, takes_effect: 1, by: ChangedBy::Person }
    }

    #[test]
    fn changes_add_up_and_a_resumption_that_says_otherwise_wins() {
        let (asked, mut state) = (Settings::default(), TrainerState::default());
        for (key, new) in [("grpo.beta", json!(0.1)), ("rollout.temperature", json!(1)), ("grpo.beta", json!(0.2))] {
            note(&asked, &mut state, change(key, new)).unwrap();
        }
        assert_eq!((&state.changes[1].new, &state.changes[2].old), (&json!(1.0), &json!(0.1)), "as settings have them");
        let mut resumed = state.clone();
        let settings = take_up(&asked, &mut resumed);
        assert_eq!((settings.grpo.beta, settings.rollout.temperature), (0.2, 1.0));
        assert_eq!(resumed, state);
        let mut other = asked.clone();
        // The first change's value: the second one starts from it, and is forgotten nevertheless.
        other.grpo.beta = 0.1;
        let settings = take_up(&other, &mut resumed);
        assert_eq!((settings.grpo.beta, settings.rollout.temperature), (0.1, 1.0));
        assert_eq!(resumed.changes, [state.changes[1].clone()]);
    }

    #[test]
    fn what_memory_holds_down_cannot_be_raised() {
        let (mut asked, mut state) = (Settings::default(), TrainerState::default());
        asked.memory.limit = "1GB".parse().ok();
        state.economies = serde_json::from_value(json!({"limit": "1GB", "recompute": true, "samples_in_flight": null,
            "completions_per_pass": null, "max_completion_length": 48}))
        .unwrap();
        let refused = note(&asked, &mut state, change("rollout.max_completion_length", json!(64))).unwrap_err();
        assert!(refused.contains("memory.limit") && refused.contains("48"), "{refused}");
        note(&asked, &mut state, change("rollout.max_completion_length", json!(32))).unwrap();
        assert_eq!(state.changes.len(), 1);
        assert!(note(&asked, &mut state, change("grpo.epsilon", json!(7))).unwrap_err().contains("below 1"));
    }
}
