//! The model in figures.

use std::collections::BTreeMap;

use super::super::{ModelConfig, ModelError, gguf::TensorInfo, source::Source, weights::Weights};
use crate::run::event::ModelSummary;

/// Describes a base of which nothing is trained.
pub(super) fn summary(
    source: &Source,
    config: &ModelConfig,
    weights: &Weights,
    held: &BTreeMap<&'static str, usize>,
) -> Result<ModelSummary, ModelError> {
    let stem = || source.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let given = match source {
        Source::Gguf(file) => file.metadata().string("general.name")?,
        Source::Safetensors(_) => None,
    };
    let (held, file) = (formats(held), formats(&in_file(source.tensors())));
    Ok(ModelSummary {
        name: given.map_or_else(stem, str::to_owned),
        path: source.path().display().to_string(),
        architecture: config.architecture.clone(),
        parameters: source.tensors().iter().map(|info| info.elements() as u64).sum(),
        trainable_parameters: 0,
        weight_bytes: weights.bytes(),
        formats: if held == file { held } else { format!("{held} (file: {file})") },
    })
}

/// The files' formats with their tensor counts.
fn in_file(tensors: &[TensorInfo]) -> BTreeMap<&'static str, usize> {
    tensors.iter().fold(BTreeMap::new(), |mut counts, info| {
        *counts.entry(info.tensor_type.name()).or_default() += 1;
        counts
    })
}

/// Formats with their tensor counts, the most frequent first.
fn formats(counts: &BTreeMap<&'static str, usize>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().map(|(name, count)| format!("{name} ×{count}")).collect::<Vec<_>>().join(", ")
}
