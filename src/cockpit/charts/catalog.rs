//! The charts that have a name of their own, those of each method, and those that settings ask for.

use std::borrow::Cow;

use super::{Beside, Chart, Curve, Kind, Measure};
use crate::{
    cockpit::{figures::Unit, theme::ChartColor},
    run::{event::Method, metrics},
    settings::{ChartSetting, ChartUnit},
};

const fn curve(metric: &'static str, label: &'static str, color: ChartColor) -> Curve {
    Curve { metric: Cow::Borrowed(metric), label: Cow::Borrowed(label), color }
}

const fn one(name: &'static str, title: &'static str, metric: &'static str, unit: Unit, color: ChartColor) -> Chart {
    of(name, title, unit, Kind::Metric(curve(metric, title, color), Beside::Nothing))
}

const fn of(name: &'static str, title: &'static str, unit: Unit, kind: Kind) -> Chart {
    Chart { name: Cow::Borrowed(name), title: Cow::Borrowed(title), unit, log: false, kind }
}

const ACCURACY: Chart = of(
    "accuracy",
    "accuracy",
    Unit::Percent,
    Kind::Metric(curve(metrics::EXECUTION_ACCURACY, "train", ChartColor::Accuracy), Beside::HeldOut),
);
const REWARD: Chart = of(
    "reward",
    "reward",
    Unit::Plain,
    Kind::Metric(curve(metrics::REWARD, "reward", ChartColor::Reward), Beside::Spread(metrics::REWARD_STD)),
);
const MEMORY: Chart = of(
    "memory",
    "memory",
    Unit::Bytes,
    Kind::Metric(curve(metrics::MEMORY_BYTES, "memory", ChartColor::Memory), Beside::Limit),
);
const KL: Chart = one("kl", "KL", metrics::KL, Unit::Plain, ChartColor::Kl);
const LOSS: Chart = one("loss", "loss", metrics::LOSS, Unit::Plain, ChartColor::Loss);
const GRAD_NORM: Chart = one("grad_norm", "grad norm", metrics::GRAD_NORM, Unit::Plain, ChartColor::GradNorm);
const ENTROPY: Chart = one("entropy", "entropy", metrics::ENTROPY, Unit::Plain, ChartColor::Entropy);
const SPEED: Chart = one("speed", "tokens/s", metrics::TOKENS_PER_SECOND, Unit::Plain, ChartColor::Speed);
const LEARNING_RATE: Chart =
    one("learning_rate", "learn rate", metrics::LEARNING_RATE, Unit::Plain, ChartColor::Entropy);

static GRPO: [Chart; 8] = [REWARD, ACCURACY, KL, LOSS, GRAD_NORM, ENTROPY, SPEED, MEMORY];
static SFT: [Chart; 6] = [LOSS, ACCURACY, GRAD_NORM, LEARNING_RATE, SPEED, MEMORY];

static CLIP: [Curve; 3] = [
    curve("clip_ratio/low_mean", "low", ChartColor::Kl),
    curve("clip_ratio/high_mean", "high", ChartColor::Loss),
    curve(metrics::CLIPPED_RATIO, "cut off", ChartColor::Speed),
];
static PHASES: [Curve; 3] = [
    curve(metrics::ROLLOUT_TIME, "rollout", ChartColor::Speed),
    curve(metrics::SCORING_TIME, "scoring", ChartColor::HeldOut),
    curve(metrics::UPDATE_TIME, "update", ChartColor::Loss),
];
static MEMORY_PARTS: [Curve; 5] = [
    curve("memory/weights", "weights", ChartColor::Memory),
    curve("memory/adapters", "adapters", ChartColor::Reward),
    curve("memory/optimizer", "optimizer", ChartColor::Kl),
    curve("memory/activations_and_rest", "activations, rest", ChartColor::Loss),
    curve("memory/gpu_others", "others", ChartColor::Speed),
];

/// All charts that have a name of their own, in the order of [`crate::settings::CHARTS`].
static NAMED: [Chart; 20] = [
    REWARD,
    ACCURACY,
    KL,
    LOSS,
    GRAD_NORM,
    ENTROPY,
    SPEED,
    MEMORY,
    LEARNING_RATE,
    of(
        "length",
        "length",
        Unit::Plain,
        Kind::Metric(
            curve(metrics::MEAN_LENGTH, "mean", ChartColor::Speed),
            Beside::Between("completions/min_length", "completions/max_length"),
        ),
    ),
    one("dead_groups", "dead groups", metrics::DEAD_GROUPS, Unit::Percent, ChartColor::Loss),
    of("clip", "clipped", Unit::Percent, Kind::Several { curves: &CLIP, stacked: false, beside: Beside::Nothing }),
    of(
        "phases",
        "phase times",
        Unit::Seconds,
        Kind::Several { curves: &PHASES, stacked: true, beside: Beside::Nothing },
    ),
    of(
        "memory_parts",
        "memory by part",
        Unit::Bytes,
        Kind::Several { curves: &MEMORY_PARTS, stacked: true, beside: Beside::Limit },
    ),
    of("reward_parts", "reward parts", Unit::Plain, Kind::Family { prefix: "rewards/", suffix: "/mean" }),
    of("outcomes", "outcomes", Unit::Percent, Kind::Family { prefix: "outcomes/", suffix: "" }),
    of("reward_histogram", "rewards", Unit::Plain, Kind::Histogram(Measure::Reward)),
    of("length_histogram", "lengths", Unit::Plain, Kind::Histogram(Measure::Length)),
    of("reward_heat", "rewards", Unit::Plain, Kind::Heat(Measure::Reward)),
    of("length_heat", "lengths", Unit::Plain, Kind::Heat(Measure::Length)),
];

/// The charts of a method, in reading order.
pub fn charts(method: Method) -> &'static [Chart] {
    match method {
        Method::Grpo => &GRPO,
        Method::Sft => &SFT,
    }
}

/// The charts that settings ask for.
pub fn arranged(settings: &[ChartSetting]) -> Vec<Chart> {
    settings.iter().map(chart).collect()
}

fn chart(setting: &ChartSetting) -> Chart {
    let named = NAMED.iter().find(|chart| chart.name == setting.chart).cloned();
    let mut chart = named.unwrap_or_else(|| metric(&setting.chart));
    if let Some(title) = &setting.title {
        chart.title = Cow::Owned(title.clone());
    }
    chart.unit = setting.unit.map_or(chart.unit, unit);
    chart.log = setting.log;
    chart
}

fn unit(unit: ChartUnit) -> Unit {
    match unit {
        ChartUnit::Plain => Unit::Plain,
        ChartUnit::Percent => Unit::Percent,
        ChartUnit::Bytes => Unit::Bytes,
        ChartUnit::Seconds => Unit::Seconds,
    }
}

/// A chart of any metric.
fn metric(name: &str) -> Chart {
    let label = metrics::CATALOG.iter().find(|info| info.name == name).map(|info| info.label);
    let title: Cow<'static, str> = label.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed);
    let curve = Curve { metric: Cow::Owned(name.to_owned()), label: title.clone(), color: color_of(name) };
    Chart {
        name: Cow::Owned(name.to_owned()),
        title,
        unit: unit_of(name),
        log: false,
        kind: Kind::Metric(curve, Beside::Nothing),
    }
}

/// How the values of a metric are written, as far as its name says so.
fn unit_of(name: &str) -> Unit {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["frac_", "ratio", "accuracy", "pass@", "pass_rate", "outcomes/", "utilization"]) {
        Unit::Percent
    } else if has(&["memory"]) {
        Unit::Bytes
    } else if name.starts_with("time/") || name == metrics::STEP_TIME {
        Unit::Seconds
    } else {
        Unit::Plain
    }
}

/// Always the same colour for the same name.
fn color_of(name: &str) -> ChartColor {
    let sum: usize = name.bytes().map(usize::from).sum();
    ChartColor::ALL[sum % ChartColor::ALL.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_settings_is_a_chart() {
        let names: Vec<&str> = NAMED.iter().map(|chart| chart.name.as_ref()).collect();
        assert_eq!(names, crate::settings::CHARTS);
    }

    #[test]
    fn settings_change_title_unit_and_scale() {
        let long = ChartSetting {
            title: Some("speed".into()),
            unit: Some(ChartUnit::Seconds),
            log: true,
            ..ChartSetting::named("kl")
        };
        let charts = arranged(&[long, ChartSetting::named("pass@k"), ChartSetting::named("rewards/partial/mean")]);
        assert_eq!((charts[0].title.as_ref(), charts[0].unit, charts[0].log), ("speed", Unit::Seconds, true));
        assert_eq!((charts[1].title.as_ref(), charts[1].unit), ("pass@K", Unit::Percent));
        assert_eq!(charts[2].metric(), Some("rewards/partial/mean"));
    }
}
