//! `ui.charts`: which charts the dashboard shows, in which order.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::run::metrics;

/// The charts that have a name of their own; any metric is a chart too.
pub const CHARTS: [&str; 20] = [
    "reward",
    "accuracy",
    "kl",
    "loss",
    "grad_norm",
    "entropy",
    "speed",
    "memory",
    "learning_rate",
    "length",
    "dead_groups",
    "clip",
    "phases",
    "memory_parts",
    "reward_parts",
    "outcomes",
    "reward_histogram",
    "length_histogram",
    "reward_heat",
    "length_heat",
];

/// A chart of the dashboard: a name of [`CHARTS`] or a metric's, and how it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartSetting {
    /// The chart's or the metric's name.
    pub chart: String,
    /// Title in place of its own.
    pub title: Option<String>,
    /// How values are written.
    pub unit: Option<ChartUnit>,
    /// Whether it starts with a logarithmic scale.
    pub log: bool,
}

/// How a chart's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChartUnit {
    /// A number.
    Plain,
    /// A share, as per cent.
    Percent,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
}

/// The long form, as written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    chart: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<ChartUnit>,
    #[serde(default)]
    log: bool,
}

impl ChartSetting {
    /// A chart shown as it is by itself.
    pub fn named(chart: &str) -> Self {
        Self { chart: chart.to_owned(), title: None, unit: None, log: false }
    }

    /// Whether there is such a chart or such a metric. Metrics in families (`rewards/…`, `outcomes/…`) depend on the run: each is taken.
    fn is_known(name: &str) -> bool {
        let family = name.split_once('/').is_some_and(|(family, rest)| !family.is_empty() && !rest.is_empty());
        CHARTS.contains(&name) || metrics::CATALOG.iter().any(|info| info.name == name) || family
    }
}

impl<'de> Deserialize<'de> for ChartSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = ChartSetting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chart's name, or a mapping of chart, title, unit (plain, percent, bytes, seconds) and log")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<ChartSetting, E> {
        checked(ChartSetting::named(name))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ChartSetting, A::Error> {
        let Written { chart, title, unit, log } = Written::deserialize(MapAccessDeserializer::new(map))?;
        checked(ChartSetting { chart, title, unit, log })
    }
}

/// The setting, if its chart exists. The message has the form of serde's own, which the loader completes with the nearest name.
fn checked<E: Error>(setting: ChartSetting) -> Result<ChartSetting, E> {
    if ChartSetting::is_known(&setting.chart) {
        return Ok(setting);
    }
    let quoted = CHARTS.map(|name| format!("`{name}`")).join(", ");
    Err(E::custom(format!(
        "unknown variant `{}`, expected one of {quoted}, or a metric's name as help (?) lists them",
        setting.chart
    )))
}

impl Serialize for ChartSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::named(&self.chart) {
            return serializer.serialize_str(&self.chart);
        }
        let Self { chart, title, unit, log } = self.clone();
        Written { chart, title, unit, log }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, Sources};

    fn load(text: &str) -> Result<Vec<ChartSetting>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.yaml");
        std::fs::write(&path, text).unwrap();
        let loaded = Settings::load(&Sources { config: Some(path.clone()), overrides: Vec::new() });
        loaded.map(|s| s.ui.charts).map_err(|e| e.to_string().replace(&path.display().to_string(), "c.yaml"))
    }

    #[test]
    fn charts_are_named_in_short_and_in_long() {
        let text = "ui:\n  charts:\n    - reward\n    - chart: rewards/execution/mean\n      title: execution\n      unit: percent\n      log: true\n    - pass@k\n";
        let charts = load(text).unwrap();
        assert_eq!(charts[0], ChartSetting::named("reward"));
        assert_eq!(charts[1].title.as_deref(), Some("execution"));
        assert_eq!((charts[1].unit, charts[1].log), (Some(ChartUnit::Percent), true));
        let again: Vec<ChartSetting> = serde_yaml::from_str(&serde_yaml::to_string(&charts).unwrap()).unwrap();
        assert_eq!(again, charts);
    }

    #[test]
    fn a_chart_that_is_not_there_is_told_with_its_line_and_the_nearest_one() {
        let message = load("ui:\n  theme: night\n  charts:\n    - reward\n    - entropyy\n").unwrap_err();
        assert!(message.starts_with("c.yaml:5:"), "{message}");
        assert!(message.contains("`entropyy`") && message.contains("did you mean `entropy`"), "{message}");
        assert!(message.contains("`memory_parts`"), "{message}");
        let message = load("ui:\n  charts:\n    - chart: reward\n      colour: red\n").unwrap_err();
        assert!(message.contains("unknown field `colour`") && message.contains("c.yaml:"), "{message}");
        assert!(load("ui:\n  charts:\n    - {chart: reward, unit: miles}\n").unwrap_err().contains("`seconds`"));
    }
}
