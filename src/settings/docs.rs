//! What the settings mean, for people: the comments of the shipped `configs/defaults.yaml`, which lists every one of them.

use std::{collections::BTreeMap, sync::LazyLock};

/// Groups and settings (`group.name`) in their order, with what is said of them.
static DOCS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| parse(include_str!("../../configs/defaults.yaml")));
static BY_KEY: LazyLock<BTreeMap<&str, &str>> =
    LazyLock::new(|| DOCS.iter().map(|(key, doc)| (key.as_str(), doc.as_str())).collect());

/// What is said of a setting or a group.
pub fn doc(key: &str) -> Option<&'static str> {
    BY_KEY.get(key).copied()
}

/// All settings, `group.name`, in the order in which the file lists them.
pub fn keys() -> impl Iterator<Item = &'static str> {
    DOCS.iter().map(|(key, _)| key.as_str()).filter(|key| key.contains('.'))
}

fn parse(text: &str) -> Vec<(String, String)> {
    let (mut found, mut said, mut group): (Vec<(String, String)>, Vec<String>, String) = Default::default();
    for line in text.lines() {
        let words = line.trim();
        if let Some(comment) = words.strip_prefix('#') {
            said.push(comment.trim().to_owned());
        } else if let Some((name, _)) = words.split_once(':') {
            let key = if line.starts_with(' ') { format!("{group}.{name}") } else { name.to_owned() };
            if !line.starts_with(' ') {
                name.clone_into(&mut group);
            }
            let above = || found.last().map(|(_, words)| words.clone()).unwrap_or_default();
            // Settings that belong together have one comment, above the first.
            let words = if said.is_empty() { above() } else { said.join(" ") };
            said.clear();
            found.push((key, words));
        } else {
            said.clear();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn every_setting_has_words_and_none_is_made_up() {
        let settings = Settings::default();
        for key in keys() {
            assert!(settings.value(key).is_some(), "{key} is no setting");
            assert!(doc(key).is_some_and(|doc| doc.len() > 4), "{key} has no words");
        }
        let all = serde_json::to_value(&settings).unwrap();
        let groups = all.as_object().unwrap().values();
        assert_eq!(
            keys().count(),
            groups.map(|group| group.as_object().map_or(0, serde_json::Map::len)).sum::<usize>()
        );
    }
}
