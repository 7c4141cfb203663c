//! From a model's files to a model in memory.

mod layer;
mod outlook;
mod plan;
mod summary;

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use burn::tensor::{DType, Device, Tensor, TensorData};

pub use self::outlook::Outlook;
use self::plan::Plan;
use super::{
    AdapterSet, Lora, ModelConfig, ModelError, Tokenizer,
    config::CONFIG_FILE,
    gguf::{GgufFile, TensorInfo, TensorType, TensorView, dequantize},
    packed::{PackedMatrix, undo_rope_row_order},
    source::Source,
    weights::Weights,
};
use crate::{
    run::event::ModelSummary,
    settings::{ComputeType, Quantize},
};

/// A base model: frozen weights, shape, tokenizer.
pub struct Model {
    /// The shape.
    pub config: ModelConfig,
    /// The tokenizer with its chat template.
    pub tokenizer: Tokenizer,
    /// The weights.
    pub weights: Weights,
    summary: ModelSummary,
}

impl Model {
    /// Loads a GGUF file, or a folder in Hugging Face's layout, onto `device`. `quantize` says how matrices are held; norms and
    /// biases become float32. `progress` hears how many bytes of how many are done.
    ///
    /// The file is not needed any more when this returns.
    ///
    /// # Errors
    /// [`ModelError`] for a file that cannot be read, is damaged or is not supported, for tensors that are absent, have
    /// another shape than the metadata asks for, hold values that are not finite, or are of no use to the architecture.
    pub fn load(
        path: &Path,
        quantize: Quantize,
        device: &Device,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, ModelError> {
        let files = match Source::open(path)? {
            Source::Gguf(file) => return Self::from_gguf(file, quantize, device, progress),
            files @ Source::Safetensors(_) => files,
        };
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let config = ModelConfig::from_hugging_face(&folder.join(CONFIG_FILE))?;
        let tokenizer = Tokenizer::from_hugging_face(folder)?;
        Self::assemble(&files, config, tokenizer, quantize, device, progress)
    }

    /// As [`Model::load`], from a file that is open.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_gguf(
        file: GgufFile,
        quantize: Quantize,
        device: &Device,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, ModelError> {
        let config = ModelConfig::from_gguf(&file)?;
        let tokenizer = Tokenizer::from_gguf(&file)?;
        Self::assemble(&Source::Gguf(file), config, tokenizer, quantize, device, progress)
    }

    /// Loads the weights that `config` asks for out of any kind of files.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn assemble(
        source: &Source,
        config: ModelConfig,
        tokenizer: Tokenizer,
        quantize: Quantize,
        device: &Device,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, ModelError> {
        if tokenizer.vocab_size() > config.vocab_size {
            let problem = format!("has {} rows for {} tokens", config.vocab_size, tokenizer.vocab_size());
            return Err(ModelError::tensor(source.path(), &source.name_in_files("token_embd.weight"), problem));
        }
        let (weights, held) = load_and_count(source, &config, quantize, device, progress)?;
        let summary = summary::summary(source, &config, &weights, &held)?;
        Ok(Self { config, tokenizer, weights, summary })
    }

    /// From what it is made of.
    pub(super) fn from_parts(
        config: ModelConfig,
        tokenizer: Tokenizer,
        weights: Weights,
        summary: ModelSummary,
    ) -> Self {
        Self { config, tokenizer, weights, summary }
    }

    /// Makes the adapters in these folders (PEFT's format) part of the frozen base, all of them at once.
    ///
    /// # Errors
    /// As [`Lora::load`].
    pub fn attach(&mut self, folders: &[PathBuf]) -> Result<(), ModelError> {
        attach(&mut self.weights, &self.config, folders)?;
        self.summary.formats.extend(folders.iter().map(|folder| format!(", with {}", folder.display())));
        self.summary.weight_bytes = self.weights.bytes();
        Ok(())
    }

    /// Computes with numbers of this type from now on; a model that was just loaded computes with float32.
    ///
    /// # Errors
    /// The device has no such numbers, or no kernels for them.
    pub fn compute_in(&mut self, dtype: ComputeType) -> Result<(), ModelError> {
        self.weights.activations = super::device::activations(&self.weights.final_norm.device(), dtype)?;
        Ok(())
    }

    /// The model in figures; nothing of it is trained.
    pub fn summary(&self) -> ModelSummary {
        self.summary.clone()
    }
}

/// Makes the adapters in these folders part of frozen weights; see [`Model::attach`].
///
/// # Errors
/// As [`Lora::load`].
pub fn attach(weights: &mut Weights, config: &ModelConfig, folders: &[PathBuf]) -> Result<(), ModelError> {
    for folder in folders {
        let lora = Lora::load(folder, config, &weights.final_norm.device())?;
        weights.attach(&AdapterSet::from_lora(config, &lora)?);
    }
    Ok(())
}

/// Formats in memory, with their tensor counts.
type Held = BTreeMap<&'static str, usize>;

/// Loads the weights that `config` asks for, and refuses files that hold more than those.
///
/// # Errors
/// As [`Model::load`].
pub fn load_weights(
    source: &Source,
    config: &ModelConfig,
    quantize: Quantize,
    device: &Device,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Weights, ModelError> {
    load_and_count(source, config, quantize, device, progress).map(|(weights, _)| weights)
}

fn load_and_count(
    source: &Source,
    config: &ModelConfig,
    quantize: Quantize,
    device: &Device,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(Weights, Held), ModelError> {
    let total = source.tensors().iter().map(|info| info.byte_len() as u64).sum();
    let (used, held) = (HashSet::new(), Held::new());
    let mut loader = Loader { source, config, quantize, device, used, held, done: 0, total, progress };
    let weights = loader.weights()?;
    loader.refuse_unused()?;
    Ok((weights, loader.held))
}

/// Takes tensors out of files and remembers which.
struct Loader<'a> {
    source: &'a Source,
    config: &'a ModelConfig,
    quantize: Quantize,
    device: &'a Device,
    used: HashSet<&'a str>,
    held: Held,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl<'a> Loader<'a> {
    fn weights(&mut self) -> Result<Weights, ModelError> {
        let (vocabulary, hidden) = (self.config.vocab_size, self.config.hidden_size);
        let embedding = self.matrix("token_embd.weight", [vocabulary, hidden], None)?;
        if let Some(factors) = self.source.find_tensor("rope_freqs.weight") {
            // The configuration has read them.
            self.used.insert(&factors.info.name);
            *self.held.entry(TensorType::F32.name()).or_default() += 1;
        }
        let layers = (0..self.config.num_hidden_layers).map(|n| self.layer(n)).collect::<Result<_, _>>()?;
        let final_norm = self.norm("output_norm.weight")?;
        let head = if self.config.tie_word_embeddings {
            None
        } else {
            Some(self.matrix("output.weight", [vocabulary, hidden], None)?)
        };
        Ok(Weights { embedding, layers, final_norm, head, activations: DType::F32 })
    }

    /// The tensor `name`, as [`Self::view`], to be held as float32.
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<TensorView<'a>, ModelError> {
        *self.held.entry(TensorType::F32.name()).or_default() += 1;
        self.view(name, shape)
    }

    /// The tensor `name`, which must have this shape and finite values.
    fn view(&mut self, name: &str, shape: &[usize]) -> Result<TensorView<'a>, ModelError> {
        let view = self.source.tensor_of_shape(name, shape)?;
        if let Some(element) = dequantize::first_not_finite(view.info.tensor_type, view.bytes) {
            let problem = format!("element {element} is not finite; the file is corrupt");
            return Err(ModelError::tensor(self.source.path(), &view.info.name, problem));
        }
        self.used.insert(&view.info.name);
        self.done += view.bytes.len() as u64;
        (self.progress)(self.done, self.total);
        Ok(view)
    }

    fn norm(&mut self, name: &str) -> Result<Tensor<1>, ModelError> {
        let values = self.take(name, &[self.config.hidden_size])?.to_f32()?;
        Ok(self.vector(values))
    }

    fn vector(&self, values: Vec<f32>) -> Tensor<1> {
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), self.device)
    }

    /// A matrix; `interleaved_heads` of rows that llama.cpp has interleaved for its rotary embedding.
    fn matrix(
        &mut self,
        name: &str,
        [rows, cols]: [usize; 2],
        interleaved_heads: Option<usize>,
    ) -> Result<PackedMatrix, ModelError> {
        let view = self.view(name, &[rows, cols])?;
        let ordered = interleaved_heads.map(|heads| undo_rope_row_order(view.bytes, rows, heads));
        let bytes = ordered.as_deref().unwrap_or(view.bytes);
        let plan = Plan::of(self.quantize, view.info.tensor_type, cols, name.starts_with("blk."));
        *self.held.entry(plan.format()).or_default() += 1;
        plan.matrix(view.info.tensor_type, [rows, cols], bytes, self.device)
            .map_err(|e| ModelError::tensor(self.source.path(), &view.info.name, e.to_string()))
    }

    /// A tensor that nobody asked for means that the model computes something which is not computed here.
    fn refuse_unused(&self) -> Result<(), ModelError> {
        let tied = self.config.tie_word_embeddings;
        let needless = |t: &&TensorInfo| !self.used.contains(t.name.as_str()) && !self.source.may_be_left(t, tied);
        let unused: Vec<&TensorInfo> = self.source.tensors().iter().filter(needless).collect();
        match unused[..] {
            [] => Ok(()),
            [first, ..] => {
                let (count, architecture) = (unused.len(), &self.config.architecture);
                let what = format!(
                    "tensor `{}` (one of {count} that architecture `{architecture}` does not have here)",
                    first.name
                );
                Err(ModelError::unsupported(self.source.path(), what, "use a plain model of this architecture"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
