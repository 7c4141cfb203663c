//! A model's tensors by name, whichever kind of file holds them.
//!
//! Everything that asks for tensors says their GGUF names; [`names`] knows what Hugging Face calls them. Two things differ
//! between the kinds beyond names: llama.cpp stores q and k rows of some architectures in another order (see
//! [`super::ModelConfig::rope_interleaved`]), and only GGUF has quantized blocks.

pub mod names;
pub mod shards;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use self::shards::SafetensorsFiles;
use super::{
    ModelError,
    gguf::{GgufFile, TensorInfo, TensorView},
};

/// Tensors of a model, open for reading.
pub enum Source {
    /// One GGUF file.
    Gguf(GgufFile),
    /// A safetensors file or the shards of an index.
    Safetensors(SafetensorsFiles),
}

impl Source {
    /// Opens a GGUF file, a safetensors file, or a folder with a model in Hugging Face's layout. Tensor data is mapped, not
    /// read.
    ///
    /// # Errors
    /// [`ModelError`] if a file cannot be mapped, is damaged, or holds tensors of types that cannot be decoded.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let is_safetensors = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("safetensors"));
        if path.is_dir() || is_safetensors {
            SafetensorsFiles::open(path).map(Self::Safetensors)
        } else {
            GgufFile::open(path).map(Self::Gguf)
        }
    }

    /// The file, or the folder of several.
    pub fn path(&self) -> &Path {
        match self {
            Self::Gguf(file) => file.path(),
            Self::Safetensors(files) => files.path(),
        }
    }

    /// All tensors, under their names in the files.
    pub fn tensors(&self) -> &[TensorInfo] {
        match self {
            Self::Gguf(file) => file.tensors(),
            Self::Safetensors(files) => files.tensors(),
        }
    }

    /// The tensor with the GGUF name `name`, if there is one.
    pub fn find_tensor(&self, name: &str) -> Option<TensorView<'_>> {
        match self {
            Self::Gguf(file) => file.find_tensor(name),
            Self::Safetensors(files) => files.find_tensor(&names::to_hugging_face(name)?),
        }
    }

    /// What the files call the tensor with the GGUF name `name`.
    pub fn name_in_files(&self, name: &str) -> String {
        match self {
            Self::Gguf(_) => None,
            Self::Safetensors(_) => names::to_hugging_face(name),
        }
        .unwrap_or_else(|| name.to_owned())
    }

    /// The tensor with the GGUF name `name`, which must have this shape ([out, in] for matrices).
    ///
    /// # Errors
    /// [`ModelError::Tensor`] if it is not there or has another shape.
    pub fn tensor_of_shape(&self, name: &str, shape: &[usize]) -> Result<TensorView<'_>, ModelError> {
        let error = |problem: String| ModelError::tensor(self.path(), &self.name_in_files(name), problem);
        let view = self.find_tensor(name).ok_or_else(|| error("not in the file".into()))?;
        if view.info.shape == shape {
            return Ok(view);
        }
        let asks = match self {
            Self::Gguf(_) => "the metadata asks",
            Self::Safetensors(_) => "config.json asks",
        };
        Err(error(format!("has shape {:?}, but {asks} for {shape:?}", view.info.shape)))
    }

    /// Whether a tensor of the files may be left unused: buffers that can be computed, and a head that is the embedding again.
    pub fn may_be_left(&self, info: &TensorInfo, tied_head: bool) -> bool {
        let Self::Safetensors(_) = self else { return false };
        info.name.ends_with(".rotary_emb.inv_freq") || tied_head && info.name == "lm_head.weight"
    }
}
