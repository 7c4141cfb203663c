//! What to do: settings that can be changed while it trains, with the value they should have, and advice.

use serde_json::Value;

use crate::{
    run::event::{Remedy, SetTo},
    settings::{RewardComponent, Settings, is_live},
};

/// Advice that is no setting, or none that can change while it trains.
pub fn advice(text: &str) -> Remedy {
    Remedy { text: text.to_owned(), set: None }
}

/// A setting with another value, where that is allowed and is a change.
pub fn set(settings: &Settings, key: &str, value: impl Into<Value>, why: &str) -> Option<Remedy> {
    let value = value.into();
    let changes = settings.with_live(key, &value).is_ok_and(|changed| changed != *settings);
    let set = (is_live(key) && changes).then(|| SetTo { key: key.to_owned(), value: value.clone() })?;
    Some(Remedy { text: format!("{key}: {value}: {why}"), set: Some(set) })
}

/// A number times a factor, in a few digits; `least` is what it becomes at least, so that 0 can be raised too.
pub fn scaled(settings: &Settings, key: &str, factor: f64, least: f64, why: &str) -> Option<Remedy> {
    let now = in_effect(settings, key)?;
    set(settings, key, rounded((now * factor).max(least)), why)
}

/// The number by which the run computes, where the setting itself leaves it to another.
fn in_effect(settings: &Settings, key: &str) -> Option<f64> {
    let given = settings.value(key)?.as_f64();
    let component = RewardComponent::ALL.into_iter().find(|component| component.key() == key);
    let weight = component.map(|component| settings.reward.weight(component));
    given.or(weight).or((key == "grpo.epsilon_high").then_some(settings.grpo.epsilon))
}

/// A whole number times a factor, at least `least`.
pub fn scaled_count(settings: &Settings, key: &str, factor: f64, least: u64, why: &str) -> Option<Remedy> {
    let now = settings.value(key)?.as_u64()?;
    set(settings, key, ((now as f64 * factor) as u64).max(least), why)
}

/// To two significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

/// Those that there are.
pub fn all<const N: usize>(remedies: [Option<Remedy>; N]) -> Vec<Remedy> {
    remedies.into_iter().flatten().collect()
}
