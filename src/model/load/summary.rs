//! The model in figures.

use super::super::{
    ModelConfig, ModelError,
    gguf::{TensorInfo, TensorType},
    source::Source,
    weights::Weights,
};
use crate::{run::event::ModelSummary, settings::Quantize};

/// Describes a base of which nothing is trained.
pub(super) fn summary(
    source: &Source,
    config: &ModelConfig,
    weights: &Weights,
    quantize: Quantize,
) -> Result<ModelSummary, ModelError> {
    let stem = || source.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let given = match source {
        Source::Gguf(file) => file.metadata().string("general.name")?,
        Source::Safetensors(_) => None,
    };
    let formats = formats(source.tensors());
    Ok(ModelSummary {
        name: given.map_or_else(stem, str::to_owned),
        path: source.path().display().to_string(),
        architecture: config.architecture.clone(),
        parameters: source.tensors().iter().map(|info| info.elements() as u64).sum(),
        trainable_parameters: 0,
        weight_bytes: weights.bytes(),
        formats: match quantize {
            Quantize::Auto => formats,
            Quantize::None => format!("F32 ×{} (file: {formats})", source.tensors().len()),
        },
    })
}

/// Formats with their tensor counts, the most frequent first.
fn formats(tensors: &[TensorInfo]) -> String {
    let count = |t: TensorType| tensors.iter().filter(|info| info.tensor_type == t).count();
    let mut counts: Vec<_> =
        TensorType::ALL.map(|t| (count(t), t.name())).into_iter().filter(|(n, _)| *n > 0).collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counts.iter().map(|(count, name)| format!("{name} ×{count}")).collect::<Vec<_>>().join(", ")
}
