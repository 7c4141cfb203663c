//! Adapters as GGUF files, for llama.cpp's `--lora`.

use std::path::Path;

use burn::tensor::Tensor;

use super::{
    super::{
        ModelConfig, ModelError,
        gguf::{GgufWriter, TensorType, rope_row_order},
        source::names,
    },
    Lora, Projection,
};

impl Lora {
    /// Writes the adapter as llama.cpp reads one: `general.type` is `adapter`, A and B are the base's tensor names with
    /// `.lora_a` and `.lora_b`, in float32. llama.cpp scales by alpha / rank; for a rank-stabilized adapter the alpha that it is
    /// told is therefore alpha · √rank.
    ///
    /// # Errors
    /// [`ModelError::Adapter`] if a value is not finite, [`ModelError::Io`] for the disk.
    pub fn write_gguf(&self, config: &ModelConfig, name: &str, path: &Path) -> Result<(), ModelError> {
        let mut writer = GgufWriter::default();
        writer.text("general.architecture", config.gguf_architecture());
        writer.text("general.type", "adapter");
        writer.text("general.name", name);
        writer.text("adapter.type", "lora");
        writer.f32("adapter.lora.alpha", self.scale * self.rank as f32);
        for layer in 0..config.num_hidden_layers {
            for &projection in &self.targets {
                let Some((a, b)) = self.pair(layer, projection) else { continue };
                let base = base_name(layer, projection)?;
                let heads = heads_to_interleave(config, projection);
                let (a_values, b_values) = (floats(a)?, floats(b)?);
                let b_values = heads.map_or(b_values.clone(), |heads| rope_row_order(&b_values, self.rank, heads));
                for (suffix, tensor, values) in [("lora_a", a, a_values), ("lora_b", b, b_values)] {
                    writer
                        .tensor(&format!("{base}.{suffix}"), &tensor.dims(), TensorType::F32, &values)
                        .map_err(|e| ModelError::adapter(path, e.to_string()))?;
                }
            }
        }
        writer.write(path)
    }
}

/// GGUF's name of the matrix that a projection adapts.
pub(super) fn base_name(layer: usize, projection: Projection) -> Result<String, ModelError> {
    let theirs = format!("model.layers.{layer}.{}.{}.weight", projection.block(), projection.name());
    names::to_gguf(&theirs).ok_or_else(|| ModelError::Compute(format!("{theirs} has no name in GGUF files")))
}

/// Heads of a projection whose rows llama.cpp interleaves: queries and keys of its architecture `llama`.
fn heads_to_interleave(config: &ModelConfig, projection: Projection) -> Option<usize> {
    match projection {
        _ if config.gguf_architecture() != "llama" => None,
        Projection::Q => Some(config.num_attention_heads),
        Projection::K => Some(config.num_key_value_heads),
        _ => None,
    }
}

/// All values of a matrix.
pub(super) fn floats(tensor: &Tensor<2>) -> Result<Vec<f32>, ModelError> {
    tensor.clone().try_into_vec_as::<f32>().map_err(|e| ModelError::Compute(format!("{e:?}")))
}
