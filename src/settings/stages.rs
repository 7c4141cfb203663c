//! `stages`: one run after another, each with settings of its own, each from the adapter that the one before left.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};

use super::{Override, Settings, SettingsError, overlay};

/// A stage: how it trains, and what is set otherwise than for all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageSettings {
    /// How it trains.
    pub method: StageMethod,
    /// What is set otherwise, by group and name.
    #[serde(flatten)]
    pub groups: BTreeMap<String, Mapping>,
}

/// How a stage trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageMethod {
    /// Supervised fine-tuning of an adapter.
    Sft,
    /// Reinforcement learning.
    Grpo,
}

impl fmt::Display for StageMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sft => "sft",
            Self::Grpo => "grpo",
        })
    }
}

impl StageSettings {
    /// Gives up what flags set, which count for every stage.
    fn yield_to(&mut self, flags: &[Override]) {
        for flag in flags {
            if let Some((group, name)) = flag.key.split_once('.')
                && let Some(inner) = self.groups.get_mut(group)
            {
                inner.remove(name);
            }
        }
    }

    fn overrides(&self, place: impl Fn(&str) -> String) -> Vec<Override> {
        let settings = self.groups.iter().flat_map(|(group, inner)| {
            inner.iter().map(move |(name, value)| (format!("{group}.{}", name.as_str().unwrap_or_default()), value))
        });
        settings
            .map(|(key, value): (String, &Value)| Override { origin: place(&key), key, value: value.clone() })
            .collect()
    }
}

impl Settings {
    /// The settings of a stage, counted from 0; these settings' own if there is no such stage.
    ///
    /// # Errors
    /// It sets what there is not, or what cannot be.
    pub fn of_stage(&self, index: usize) -> Result<Self, SettingsError> {
        self.placed_stage(index, |key| format!("stage {}: {key}", index + 1))
    }

    fn placed_stage(&self, index: usize, place: impl Fn(&str) -> String) -> Result<Self, SettingsError> {
        let base = Self { stages: Vec::new(), ..self.clone() };
        let Some(stage) = self.stages.get(index) else { return Ok(base) };
        if stage.groups.get("run").is_some_and(|run| run.contains_key("dir") || run.contains_key("stage")) {
            let message = "stages have folders of their own, in the one of run.dir: leave run.dir and run.stage out";
            return Err(SettingsError::Flag { origin: place("run.dir"), message: message.to_owned() });
        }
        let mut settings = overlay::apply(&base, &stage.overrides(&place))?;
        settings.run.stage = Some(format!("{}/{}", index + 1, self.stages.len()));
        settings.validated(place)
    }

    /// Lets flags count for all stages, and checks each.
    pub(super) fn with_stages(
        mut self,
        file: Option<(&Path, &str)>,
        flags: &[Override],
    ) -> Result<Self, SettingsError> {
        for stage in &mut self.stages {
            stage.yield_to(flags);
        }
        let mut first: Option<Self> = None;
        for index in 0..self.stages.len() {
            let place = |key: &str| match file {
                Some((path, text)) => {
                    format!("{}:{}: stage {}: {key}", path.display(), line_of(text, index, key), index + 1)
                }
                None => format!("stage {}: {key}", index + 1),
            };
            let stage = self.placed_stage(index, place)?;
            if let Some((key, message)) = first.as_ref().and_then(|first| self.disagreement(index, first, &stage)) {
                return Err(SettingsError::Flag { origin: place(key), message });
            }
            first = first.or(Some(stage));
        }
        Ok(self)
    }
}

impl Settings {
    /// What keeps a later stage from going on with the adapter that the one before left: its key, and why.
    fn disagreement(&self, index: usize, first: &Self, stage: &Self) -> Option<(&'static str, String)> {
        let own = self.stages[index].groups.get("lora").is_some_and(|lora| lora.contains_key("init_adapter"));
        if own {
            let why = "only the first stage may have one: the others begin with the adapter that the one before left";
            return Some(("lora.init_adapter", why.to_owned()));
        }
        let differing = adapted(stage).into_iter().zip(adapted(first)).find(|(ours, theirs)| ours != theirs);
        differing.map(|((key, ours), (_, theirs))| {
            let why = "a stage goes on with the adapter that the one before left; set it for all of them";
            (key, format!("is {ours}, but {theirs} in the first stage: {why}"))
        })
    }
}

/// What an adapter hangs on, as text.
fn adapted(settings: &Settings) -> [(&'static str, String); 4] {
    let (lora, model) = (&settings.lora, settings.model.path.clone());
    let mut modules = lora.target_modules.clone();
    modules.sort();
    [
        ("model.path", model.unwrap_or_else(|| "not set".to_owned())),
        ("lora.r", lora.r.to_string()),
        ("lora.lora_alpha", lora.lora_alpha.to_string()),
        ("lora.target_modules", format!("[{}]", modules.join(", "))),
    ]
}

/// The line, from 1, in which a stage of block-style YAML sets a key; else the one in which `stages` begins.
fn line_of(text: &str, stage: usize, key: &str) -> usize {
    let (group, name) = key.split_once('.').unwrap_or((key, ""));
    let (mut begin, mut item, mut at, mut in_group) = (None, None, 0, None);
    for (number, line) in (1..).zip(text.lines()) {
        let word = line.trim_start();
        let indent = line.len() - word.len();
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        let is_item = word.starts_with("- ");
        if indent == 0 && !is_item {
            begin = begin.or_else(|| word.starts_with("stages:").then_some(number));
            if begin.is_some_and(|begin| begin < number) {
                break;
            }
            continue;
        }
        if begin.is_none() {
            continue;
        }
        if is_item && indent == *item.get_or_insert(indent) {
            (at, in_group) = (at + 1, None);
        }
        let column = indent + if is_item { 2 } else { 0 };
        let word = word.strip_prefix("- ").unwrap_or(word).trim_start();
        let found = word.split(':').next().unwrap_or_default().trim_end();
        in_group = in_group.filter(|group| column > *group);
        if at == stage + 1 && in_group.is_some() && found == name {
            return number;
        }
        if at == stage + 1 && in_group.is_none() && found == group {
            if word[found.len()..].contains(name) {
                return number;
            }
            in_group = Some(column);
        }
    }
    begin.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "optim:\n  learning_rate: 1.0e-3\nstages:\n  # first\n  - method: sft\n    run:\n      max_steps: 5\n  \
        - method: grpo\n    optim:\n      learning_rate: 1.0e-4\n    grpo: { beta: 0.1 }\n    run:\n      max_steps: 7\nrun:\n  seed: 3\n";

    fn load(text: &str, flags: &[&str]) -> Result<Settings, String> {
        let flags: Vec<_> = flags.iter().map(|flag| Override::parse(flag).unwrap()).collect();
        Settings::from_text(Path::new("c.yaml"), text, &flags).map_err(|e| e.to_string())
    }

    #[test]
    fn a_stage_has_the_common_settings_and_its_own() {
        let settings = load(TEXT, &["grpo.beta=0.5"]).unwrap();
        let [first, second] = [0, 1].map(|index| settings.of_stage(index).unwrap());
        assert_eq!((first.run.max_steps, second.run.max_steps), (Some(5), Some(7)));
        assert!((first.optim.learning_rate - 1e-3).abs() < 1e-12 && (second.optim.learning_rate - 1e-4).abs() < 1e-12);
        assert_eq!((first.run.seed, second.run.seed), (3, 3));
        assert_eq!((first.run.stage.as_deref(), second.run.stage.as_deref()), (Some("1/2"), Some("2/2")));
        assert!((second.grpo.beta - 0.5).abs() < 1e-12, "flags count for every stage");
        assert!(first.stages.is_empty());
        let text = serde_yaml::to_string(&settings).unwrap();
        assert_eq!(load(&text, &[]).unwrap(), settings, "{text}");
    }

    #[test]
    fn mistakes_in_a_stage_are_told_with_line_key_and_value() {
        for (from, to, expected) in [
            (
                "max_steps: 7",
                "max_steps: 0",
                "c.yaml:13: stage 2: run.max_steps: run.max_steps is 0; allowed: 1 or more",
            ),
            (
                "max_steps: 7",
                "max_stepz: 7",
                "c.yaml:13: stage 2: run.max_stepz: unknown setting `max_stepz` (did you mean `max_steps`?)",
            ),
            ("max_steps: 5", "max_steps: soon", "c.yaml:7: stage 1: run.max_steps: "),
            ("beta: 0.1", "beta: -1", "c.yaml:11: stage 2: grpo.beta: grpo.beta is -1; allowed: 0 or more"),
            (
                "    optim:",
                "    optimum:",
                "c.yaml:10: stage 2: optimum.learning_rate: unknown group `optimum` (did you mean `optim`?)",
            ),
            ("grpo: { beta: 0.1 }", "lora: { r: 8 }", "c.yaml:11: stage 2: lora.r: is 8, but 16 in the first stage"),
            (
                "grpo: { beta: 0.1 }",
                "model: { path: other.gguf }",
                "c.yaml:11: stage 2: model.path: is other.gguf, but not set in the first stage",
            ),
            (
                "grpo: { beta: 0.1 }",
                "lora:\n      init_adapter: there",
                "c.yaml:12: stage 2: lora.init_adapter: only the first stage may have one",
            ),
            ("max_steps: 5", "dir: x", "c.yaml:7: stage 1: run.dir: stages have folders of their own"),
            ("method: sft", "method: dpo", "unknown variant `dpo`, expected `sft` or `grpo`"),
        ] {
            let error = load(&TEXT.replace(from, to), &[]).unwrap_err();
            assert!(error.contains(expected), "{error}\nis not\n{expected}");
        }
    }
}
