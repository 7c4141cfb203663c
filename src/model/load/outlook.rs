//! What a model will take, from its files' headers alone.

use std::path::Path;

use super::{
    super::{ModelConfig, ModelError, config::CONFIG_FILE, gguf::TensorType, packed::PackedLayout, source::Source},
    plan::Plan,
};
use crate::settings::Quantize;

/// A model that is not loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The shape.
    pub config: ModelConfig,
    /// Bytes of the weights as they would be held in memory.
    pub weight_bytes: u64,
}

/// The matrices of a layer.
const PROJECTIONS: [&str; 7] = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];

impl Outlook {
    /// Of the model that [`super::Model::load`] would load from `path`.
    ///
    /// # Errors
    /// [`ModelError`] for files that cannot be read, are damaged or not supported, or lack a matrix.
    pub fn of(path: &Path, quantize: Quantize) -> Result<Self, ModelError> {
        let source = Source::open(path)?;
        let config = match &source {
            Source::Gguf(file) => ModelConfig::from_gguf(file)?,
            Source::Safetensors(_) => {
                let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
                ModelConfig::from_hugging_face(&folder.join(CONFIG_FILE))?
            }
        };
        let head = (!config.tie_word_embeddings).then(|| "output.weight".to_owned());
        let layers = (0..config.num_hidden_layers)
            .flat_map(|layer| PROJECTIONS.map(|projection| format!("blk.{layer}.{projection}.weight")));
        let names = ["token_embd.weight".to_owned()].into_iter().chain(head).chain(layers);
        let matrices: u64 = names.map(|name| matrix_bytes(&source, &name, quantize)).sum::<Result<_, _>>()?;
        // Norms and biases; a table of rotary factors becomes part of the configuration.
        let vectors = source.tensors().iter().filter(|info| info.shape.len() == 1 && info.name != "rope_freqs.weight");
        let floats: usize = vectors.map(|info| info.shape[0]).sum();
        Ok(Self { config, weight_bytes: matrices + 4 * floats as u64 })
    }
}

fn matrix_bytes(source: &Source, name: &str, quantize: Quantize) -> Result<u64, ModelError> {
    let error = |problem: &str| ModelError::tensor(source.path(), &source.name_in_files(name), problem);
    let found = source.find_tensor(name).ok_or_else(|| error("not in the file"))?;
    let [rows, cols] = found.info.shape[..] else { return Err(error("is no matrix")) };
    let plan = Plan::of(quantize, found.info.tensor_type, cols, name.starts_with("blk."));
    Ok(plan.bytes(rows, cols))
}

impl Plan {
    /// Bytes of a matrix held in this way.
    fn bytes(self, rows: usize, cols: usize) -> u64 {
        let held = match self {
            Self::Nf4 => return PackedLayout::Nf4.bytes(rows, cols),
            Self::Keep(held) | Self::Convert(held) => held,
        };
        let width = if held == TensorType::F32 { 4 } else { 2 };
        PackedLayout::of(held).map_or((rows * cols * width) as u64, |layout| layout.bytes(rows, cols))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use burn::tensor::Device;

    use super::*;
    use crate::model::Model;

    #[test]
    fn the_headers_say_what_loading_takes() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/demo/model.gguf");
        for quantize in [Quantize::Auto, Quantize::None, Quantize::Nf4, Quantize::Int8] {
            let outlook = Outlook::of(&path, quantize).unwrap();
            let model = Model::load(&path, quantize, &Device::flex(), &mut |_, _| {}).unwrap();
            assert_eq!(outlook, Outlook { config: model.config.clone(), weight_bytes: model.summary().weight_bytes });
        }
        assert!(Outlook::of(&path.with_file_name("absent.gguf"), Quantize::Auto).is_err());
    }
}
