//! How long the prompts are that questions make.

use std::fmt;

use serde_json::json;

use crate::{
    cli::{Failure, fetching},
    data::{CheckReport, Dataset, Prompts, Split},
    model::Tokenizer,
    rl::{TrainError, questions::prompt_tokens},
    settings::{DataSettings, Settings},
};

/// Lengths of a split's prompts in tokens.
pub struct Lengths {
    split: Split,
    sorted: Vec<usize>,
    limit: usize,
}

/// The lengths of all prompts that the report's splits make.
///
/// # Errors
/// The model's file or a database cannot be read, or a template fails.
pub fn measure(model: &str, settings: &Settings, report: &CheckReport) -> Result<Vec<Lengths>, Failure> {
    let tokenizer = fetching::model(model).and_then(|path| Tokenizer::open(&path)).map_err(TrainError::from)?;
    let prompts = Prompts::new(&settings.prompt).map_err(TrainError::from)?;
    let lenient = DataSettings { skip_bad: true, ..settings.data.clone() };
    let there = |split: &Split| report.splits.iter().any(|s| s.split == split.to_string() && s.questions > 0);
    let lengths = |split: Split| {
        let (examples, _) = Dataset::load_split(&lenient, split)?;
        let sorted = examples.iter().map(|example| Ok(prompt_tokens(&tokenizer, &prompts, example)?.len()));
        let mut sorted = sorted.collect::<Result<Vec<_>, TrainError>>()?;
        sorted.sort_unstable();
        Ok(Lengths { split, sorted, limit: settings.data.max_prompt_tokens })
    };
    Ok(Split::ALL.into_iter().filter(there).map(lengths).collect::<Result<_, TrainError>>()?)
}

impl Lengths {
    /// The split.
    pub fn name(&self) -> String {
        self.split.to_string()
    }

    /// The length below which a share of the prompts is.
    fn quantile(&self, share: f64) -> usize {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get((share * last as f64).round() as usize).copied().unwrap_or(0)
    }

    fn too_long(&self) -> usize {
        self.sorted.iter().filter(|length| **length > self.limit).count()
    }

    /// For programs.
    pub fn json(&self) -> serde_json::Value {
        let (median, p95, longest) = (self.quantile(0.5), self.quantile(0.95), self.quantile(1.0));
        json!({"median": median, "p95": p95, "longest": longest, "limit": self.limit, "too_long": self.too_long()})
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} prompts: median {} tokens, 95 % at most {}, longest {}; {} are longer than data.max_prompt_tokens = {}",
            self.split,
            self.quantile(0.5),
            self.quantile(0.95),
            self.quantile(1.0),
            self.too_long(),
            self.limit
        )
    }
}
