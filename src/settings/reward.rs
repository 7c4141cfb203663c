//! `reward`: which components count how much.

use serde::{Deserialize, Serialize};

use super::Settings;

/// `reward`: a preset, and weights that replace its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RewardSettings {
    /// Weights, and in one case rules, from a paper.
    pub preset: RewardPreset,
    /// Weight of the execution match.
    pub execution: Option<f64>,
    /// Weight of the overlap with the gold query's clauses, given only where execution does not match.
    pub partial: Option<f64>,
    /// Weight of running at all.
    pub executable: Option<f64>,
    /// Weight of the think/answer format.
    pub format: Option<f64>,
    /// Weight of the share of the four tags that are there exactly once.
    pub tags: Option<f64>,
    /// Weight of the overlap of tables and columns named.
    pub schema: Option<f64>,
    /// Weight of the overlap of pairs of words that follow each other.
    pub ngram: Option<f64>,
    /// Weight of the share of the result's cells that are in gold's.
    pub cell_precision: Option<f64>,
    /// Weight of the share of gold's cells that are in the result.
    pub cell_recall: Option<f64>,
    /// Weight of the agreement in the number of rows.
    pub cardinality: Option<f64>,
    /// Weight of SQL-R1's length term, given only where execution matches.
    pub length: Option<f64>,
}

/// A mix of components from a paper; docs/rewards.md has their formulas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardPreset {
    /// Execution match, and partial credit for the query's text where there is none.
    #[default]
    ExecutionPartial,
    /// SQL-R1 (arXiv 2504.08600): format, execution, result, length; failures cost.
    SqlR1,
    /// Arctic-Text2SQL-R1 (arXiv 2505.20315): right, or at least running.
    Arctic,
    /// Reasoning-SQL (arXiv 2503.23157), without its LLM judge.
    ReasoningSql,
    /// `Think2SQL` (arXiv 2504.15077, first version): QATCH's cell metrics, format, tags.
    Think2sql,
    /// Nothing but the weights given.
    None,
}

/// A part of the reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RewardComponent {
    /// Execution match.
    Execution,
    /// Overlap with the gold query's clauses.
    Partial,
    /// Running at all.
    Executable,
    /// The think/answer format.
    Format,
    /// The four tags.
    Tags,
    /// Tables and columns named.
    Schema,
    /// Pairs of words.
    Ngram,
    /// Cells of the result that are gold's.
    CellPrecision,
    /// Gold's cells that are in the result.
    CellRecall,
    /// Number of rows.
    Cardinality,
    /// SQL-R1's length term.
    Length,
}

impl RewardComponent {
    /// All components.
    pub const ALL: [Self; 11] = [
        Self::Execution,
        Self::Partial,
        Self::Executable,
        Self::Format,
        Self::Tags,
        Self::Schema,
        Self::Ngram,
        Self::CellPrecision,
        Self::CellRecall,
        Self::Cardinality,
        Self::Length,
    ];

    /// The setting that is its weight.
    pub fn key(self) -> &'static str {
        match self {
            Self::Execution => "reward.execution",
            Self::Partial => "reward.partial",
            Self::Executable => "reward.executable",
            Self::Format => "reward.format",
            Self::Tags => "reward.tags",
            Self::Schema => "reward.schema",
            Self::Ngram => "reward.ngram",
            Self::CellPrecision => "reward.cell_precision",
            Self::CellRecall => "reward.cell_recall",
            Self::Cardinality => "reward.cardinality",
            Self::Length => "reward.length",
        }
    }

    /// Its name in settings, metrics and samples.
    pub fn name(self) -> &'static str {
        self.key().trim_start_matches("reward.")
    }
}

impl RewardPreset {
    /// The weight that a component has by this preset.
    fn weight(self, component: RewardComponent) -> f64 {
        use RewardComponent as C;
        match (self, component) {
            (Self::ExecutionPartial, C::Execution)
            | (Self::SqlR1, C::Format | C::Length)
            | (Self::ReasoningSql, C::Executable | C::Schema | C::Ngram | C::Format) => 1.0,
            (Self::ExecutionPartial, C::Partial) => 0.3,
            (Self::SqlR1, C::Executable) => 2.0,
            (Self::SqlR1 | Self::ReasoningSql, C::Execution) => 3.0,
            // Together 1 for a right query, 0.1 for one that merely runs.
            (Self::Arctic, C::Execution) => 0.9,
            (Self::Arctic, C::Executable) | (Self::Think2sql, C::Format) => 0.1,
            // Together 0.85 times QATCH's mean.
            (Self::Think2sql, C::CellPrecision | C::CellRecall | C::Cardinality) => 0.85 / 3.0,
            (Self::Think2sql, C::Tags) => 0.05,
            _ => 0.0,
        }
    }

    /// Whether a failure costs what success brings, and what cannot be judged any more counts nothing.
    pub fn has_penalties(self) -> bool {
        self == Self::SqlR1
    }
}

impl Settings {
    /// What a run should say of its reward at the start.
    pub fn reward_notices(&self) -> impl Iterator<Item = String> {
        let judge = (self.reward.preset == RewardPreset::ReasoningSql).then(|| {
            "reward.preset reasoning_sql is used without the paper's LLM judge, whose weight was 2".to_owned()
        });
        // A template of one's own may ask for the tags.
        let plain = self.reward.asks_for_tags() && ["plain", "omnisql"].contains(&self.prompt.template.as_str());
        let tags = plain.then(|| {
            format!(
                "the reward looks for think and answer tags, which prompt.template {} does not ask for; sql_r1 does",
                self.prompt.template
            )
        });
        judge.into_iter().chain(tags)
    }
}

impl RewardSettings {
    /// The weight of a component: the one given, else the preset's.
    pub fn weight(&self, component: RewardComponent) -> f64 {
        self.given(component).unwrap_or_else(|| self.preset.weight(component))
    }

    /// The components that count.
    pub fn components(&self) -> impl Iterator<Item = (RewardComponent, f64)> {
        RewardComponent::ALL.into_iter().map(|c| (c, self.weight(c))).filter(|(_, weight)| *weight > 0.0)
    }

    /// Whether anything that counts asks for think and answer tags in the reply.
    pub fn asks_for_tags(&self) -> bool {
        use RewardComponent::{Format, Tags};
        self.components().any(|(component, _)| matches!(component, Format | Tags))
    }

    fn given(&self, component: RewardComponent) -> Option<f64> {
        match component {
            RewardComponent::Execution => self.execution,
            RewardComponent::Partial => self.partial,
            RewardComponent::Executable => self.executable,
            RewardComponent::Format => self.format,
            RewardComponent::Tags => self.tags,
            RewardComponent::Schema => self.schema,
            RewardComponent::Ngram => self.ngram,
            RewardComponent::CellPrecision => self.cell_precision,
            RewardComponent::CellRecall => self.cell_recall,
            RewardComponent::Cardinality => self.cardinality,
            RewardComponent::Length => self.length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(preset: RewardPreset) -> f64 {
        RewardSettings { preset, ..RewardSettings::default() }.components().map(|(_, weight)| weight).sum()
    }

    #[test]
    fn presets_have_their_papers_weights() {
        use RewardPreset as P;
        for (preset, expected) in [
            (P::ExecutionPartial, 1.3),
            (P::SqlR1, 7.0),
            (P::Arctic, 1.0),
            (P::ReasoningSql, 7.0),
            (P::Think2sql, 1.0),
            (P::None, 0.0),
        ] {
            assert!((total(preset) - expected).abs() < 1e-12, "{preset:?}");
        }
    }

    #[test]
    fn a_weight_given_replaces_the_presets() {
        let text = "preset: sql_r1\nexecutable: 1\nlength: 0\nngram: 0.5\n";
        let settings: RewardSettings = serde_yaml::from_str(text).unwrap();
        let found: Vec<_> = settings.components().map(|(c, w)| format!("{} {w}", c.name())).collect();
        assert_eq!(found, ["execution 3", "executable 1", "format 1", "ngram 0.5"]);
    }

    #[test]
    fn an_unknown_component_is_told_with_what_is_allowed() {
        let error = serde_yaml::from_str::<RewardSettings>("ngrams: 1").unwrap_err().to_string();
        assert!(RewardComponent::ALL.iter().all(|c| error.contains(&format!("`{}`", c.name()))), "{error}");
        let error = serde_yaml::from_str::<RewardSettings>("preset: r1").unwrap_err().to_string();
        assert!(error.contains("`sql_r1`") && error.contains("`think2sql`"), "{error}");
    }

    #[test]
    fn what_a_run_should_know_of_its_reward_is_told() {
        let told = |preset, template: &str| {
            let mut settings = Settings::default();
            settings.reward.preset = preset;
            settings.prompt.template = template.into();
            settings.reward_notices().collect::<Vec<_>>().join("; ")
        };
        assert_eq!(told(RewardPreset::ExecutionPartial, "plain"), "");
        assert_eq!(told(RewardPreset::SqlR1, "sql_r1"), "");
        assert_eq!(told(RewardPreset::SqlR1, "./mine.jinja"), "");
        assert!(told(RewardPreset::SqlR1, "plain").contains("prompt.template plain"));
        assert!(told(RewardPreset::ReasoningSql, "sql_r1").contains("LLM judge"));
    }

    #[test]
    fn settings_of_earlier_runs_mean_what_they_meant() {
        let settings: RewardSettings = serde_yaml::from_str("execution: 1.0\npartial: 0.3\n").unwrap();
        assert!(settings.components().eq(RewardSettings::default().components()));
    }
}
