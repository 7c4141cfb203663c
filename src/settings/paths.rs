//! Settings that are paths, made to find the same from any working folder.

use std::path::{Path, PathBuf};

use serde_yaml::Value;

use super::{PromptSettings, Settings};

/// How a path becomes absolute.
type Absolute = fn(&str) -> String;

/// Paths that a stage may set for itself: group, name, and how such a path becomes absolute.
const OF_STAGES: [(&str, &str, Absolute); 5] = [
    ("model", "path", in_text),
    ("data", "root", in_text),
    ("prompt", "template", template),
    ("lora", "init_adapter", in_text),
    ("report", "logging_dir", yet_to_be),
];

impl Settings {
    /// Makes paths absolute, those that stages set too. What is not there stays as it is: it may be the name of something else.
    #[must_use]
    pub fn with_absolute_paths(mut self) -> Self {
        self.model.path = self.model.path.map(|path| in_text(&path));
        for dir in &mut self.model.adapters {
            *dir = there(dir);
        }
        self.data.root = self.data.root.map(|root| there(&root));
        self.prompt.template = template(&self.prompt.template);
        self.lora.init_adapter = self.lora.init_adapter.map(|dir| there(&dir));
        self.report.logging_dir = self.report.logging_dir.map(|dir| std::path::absolute(&dir).unwrap_or(dir));
        for stage in &mut self.stages {
            for (group, name, absolute) in OF_STAGES {
                if let Some(Value::String(path)) = stage.groups.get_mut(group).and_then(|group| group.get_mut(name)) {
                    *path = absolute(path);
                }
            }
        }
        self
    }
}

/// The path that finds the same file from any folder; as it is where there is no such file.
fn there(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn in_text(path: &str) -> String {
    there(Path::new(path)).display().to_string()
}

/// A template's name, or its file.
fn template(name: &str) -> String {
    let settings = PromptSettings { template: name.to_owned(), ..PromptSettings::default() };
    settings.template_file().map_or_else(|| name.to_owned(), |file| there(&file).display().to_string())
}

/// Of a folder that is made when it is needed.
fn yet_to_be(path: &str) -> String {
    std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_stages_become_absolute_too() {
        let text = "data: { root: src }\nstages:\n  - method: sft\n    data: { root: tests }\n    prompt: { template: plain }\n  \
            - method: grpo\n    prompt: { template: ./README.md }\n    report: { logging_dir: no/such/boards }\n";
        let settings = Settings::from_text(Path::new("c.yaml"), text, &[]).unwrap().with_absolute_paths();
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap();
        assert_eq!(settings.data.root, Some(here.join("src")));
        let [first, second] = [0, 1].map(|index| settings.of_stage(index).unwrap());
        assert_eq!((first.data.root, second.data.root), (Some(here.join("tests")), Some(here.join("src"))));
        assert_eq!(first.prompt.template, "plain");
        assert_eq!(second.prompt.template, here.join("README.md").display().to_string());
        assert_eq!(second.report.logging_dir, Some(here.join("no/such/boards")));
    }
}
