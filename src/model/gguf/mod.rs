//! GGUF files, versions 2 and 3: the format in which llama.cpp keeps quantized models.
//!
//! A file is a header, metadata (key-value pairs, the tokenizer among them), the list of tensors, and the aligned
//! tensor data. The format is specified in ggml's `docs/gguf.md`. Nothing in a file is trusted: every length, offset
//! and count is checked against the bytes that are there before it is used.

pub mod dequantize;
mod header;
mod metadata;
pub mod quantize;
mod reader;
mod tensor;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod value;
mod writer;

use std::path::Path;

pub use dequantize::k_scales;
pub use metadata::Metadata;
pub use tensor::{TensorInfo, TensorType, TensorView};
pub use value::Value;
pub use writer::{GgufWriter, rope_row_order};

use self::header::Header;
use super::{ModelError, mapped::Content};

/// An open GGUF file: parsed header, mapped tensor data.
pub struct GgufFile {
    content: Content,
    header: Header,
}

impl GgufFile {
    /// Opens and checks a file. Tensor data is mapped, not read.
    ///
    /// # Errors
    /// [`ModelError::Io`] if the file cannot be mapped; [`ModelError::Gguf`] with byte offset and value if it is no
    /// GGUF file, truncated or inconsistent; [`ModelError::Unsupported`] for tensor types that cannot be decoded.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::parse(path, Content::open(path)?)
    }

    /// Parses and checks a file that is in memory. `path` stands for it in errors and summaries.
    ///
    /// # Errors
    /// As [`GgufFile::open`], but for the mapping.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, ModelError> {
        Self::parse(path, Content::Owned(bytes))
    }

    fn parse(path: &Path, content: Content) -> Result<Self, ModelError> {
        let header = Header::parse(path, content.bytes())?;
        Ok(Self { content, header })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.header.metadata.path()
    }

    /// Version of the format, 2 or 3.
    pub fn version(&self) -> u32 {
        self.header.version
    }

    /// The key-value pairs.
    pub fn metadata(&self) -> &Metadata {
        &self.header.metadata
    }

    /// The key-value pairs as they lie in the file, and their number.
    fn raw_metadata(&self) -> (&[u8], u64) {
        let (range, count) = &self.header.pairs;
        (self.content.bytes().get(range.clone()).unwrap_or_default(), *count)
    }

    /// All tensors, in the file's order.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.header.tensors
    }

    /// The tensor called `name`, if there is one.
    pub fn find_tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let info = &self.header.tensors[*self.header.index.get(name)?];
        let start = usize::try_from(info.offset).ok()?;
        let bytes = self.content.bytes().get(start..start.checked_add(info.byte_len())?)?;
        Some(TensorView { info, bytes })
    }

    /// The tensor called `name`.
    ///
    /// # Errors
    /// [`ModelError::Tensor`] if the file has no such tensor.
    pub fn tensor(&self, name: &str) -> Result<TensorView<'_>, ModelError> {
        self.find_tensor(name).ok_or_else(|| ModelError::tensor(self.path(), name, "not in the file"))
    }

    /// The tensor called `name`, which must have this shape ([out, in] for matrices).
    ///
    /// # Errors
    /// [`ModelError::Tensor`] if it is not there or has another shape.
    pub fn tensor_of_shape(&self, name: &str, shape: &[usize]) -> Result<TensorView<'_>, ModelError> {
        let view = self.tensor(name)?;
        if view.info.shape == shape {
            Ok(view)
        } else {
            let problem = format!("has shape {:?}, but the metadata asks for {shape:?}", view.info.shape);
            Err(ModelError::tensor(self.path(), name, problem))
        }
    }
}
