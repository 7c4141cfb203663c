//! Safetensors files of a model: one, or the shards that an index lists.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors, tensor::Metadata};
use serde::Deserialize;

use super::super::{
    ModelError,
    gguf::{TensorInfo, TensorType, TensorView},
    mapped::Content,
};
use crate::inside;

/// The single file's name in Hugging Face's layout.
pub const SINGLE_FILE: &str = "model.safetensors";
/// The index of shards.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// Bytes before the header: its length.
const LENGTH_BYTES: usize = 8;
/// An index beyond this is none: a tensor takes about a hundred bytes of it.
const MAX_INDEX_BYTES: u64 = 64 << 20;

/// The mapped files, and where each tensor lies in them.
pub struct SafetensorsFiles {
    path: PathBuf,
    contents: Vec<Content>,
    tensors: Vec<TensorInfo>,
    /// The file of each tensor.
    files: Vec<usize>,
    /// Position in `tensors` by name.
    index: HashMap<String, usize>,
}

/// The part of an index that is used.
#[derive(Deserialize)]
struct Index {
    /// The file of each tensor; several tensors have one file.
    weight_map: BTreeMap<String, String>,
}

impl SafetensorsFiles {
    /// Opens a file, or a folder that holds [`SINGLE_FILE`] or [`INDEX_FILE`] with its shards.
    ///
    /// # Errors
    /// [`ModelError::Io`] if a file is missing or cannot be mapped; [`ModelError::TensorFile`] if one is damaged, or index and
    /// shards contradict each other; [`ModelError::Unsupported`] for tensors that are not F32, F16 or BF16.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let mut files = Self {
            path: path.to_owned(),
            contents: Vec::new(),
            tensors: Vec::new(),
            files: Vec::new(),
            index: HashMap::new(),
        };
        let index = path.join(INDEX_FILE);
        if !path.is_dir() {
            files.add(path)?;
        } else if index.is_file() {
            files.add_shards(path, &index)?;
        } else {
            files.add(&path.join(SINGLE_FILE))?;
        }
        Ok(files)
    }

    /// The file or the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All tensors, in the order of the files and of the data in them.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor with Hugging Face's name `name`, if there is one.
    pub fn find_tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let at = *self.index.get(name)?;
        let info = &self.tensors[at];
        let start = usize::try_from(info.offset).ok()?;
        let bytes = self.contents[self.files[at]].bytes().get(start..start.checked_add(info.byte_len())?)?;
        Some(TensorView { info, bytes })
    }

    /// Adds a file's tensors.
    fn add(&mut self, path: &Path) -> Result<(), ModelError> {
        let content = Content::open(path)?;
        for info in parse(path, content.bytes())? {
            if self.index.insert(info.name.clone(), self.tensors.len()).is_some() {
                return Err(problem(path, format!("tensor `{}` is in another file of the model, too", info.name)));
            }
            self.tensors.push(info);
            self.files.push(self.contents.len());
        }
        self.contents.push(content);
        Ok(())
    }

    /// Adds all shards of an index, which must name each tensor with the file that has it. A shard may be a link to somewhere
    /// else: Hugging Face's cache is made of such.
    fn add_shards(&mut self, folder: &Path, index: &Path) -> Result<(), ModelError> {
        let weight_map = read_index(index)?;
        let mut shards: Vec<&str> = weight_map.values().map(String::as_str).collect();
        shards.sort_unstable();
        shards.dedup();
        for shard in &shards {
            let path = inside::join(folder, shard)
                .ok_or_else(|| problem(index, format!("names the file `{shard}`, which is not in its folder")))?;
            self.add(&path)?;
        }
        for (name, shard) in &weight_map {
            let found = self.index.get(name).map(|&at| shards[self.files[at]]);
            if found != Some(shard) {
                return Err(problem(index, format!("says that `{name}` is in `{shard}`, but it is not")));
            }
        }
        Ok(())
    }
}

fn problem(path: &Path, problem: impl Into<String>) -> ModelError {
    ModelError::TensorFile { path: path.to_owned(), problem: problem.into() }
}

fn read_index(path: &Path) -> Result<BTreeMap<String, String>, ModelError> {
    let size = fs::metadata(path).map_err(|e| ModelError::io("inspect", path, e))?.len();
    if size > MAX_INDEX_BYTES {
        return Err(problem(path, format!("has {size} bytes; an index of at most {MAX_INDEX_BYTES} is read")));
    }
    let bytes = fs::read(path).map_err(|e| ModelError::io("read", path, e))?;
    let index: Index =
        serde_json::from_slice(&bytes).map_err(|e| problem(path, format!("is no index of safetensors: {e}")))?;
    Ok(index.weight_map)
}

/// The tensors of a file's header, which is checked against the file's bytes: offsets lie within them, follow each other
/// without gaps, and fit the shapes.
///
/// # Errors
/// [`ModelError::TensorFile`] and [`ModelError::Unsupported`], as for [`SafetensorsFiles::open`].
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<TensorInfo>, ModelError> {
    let broken = |e: safetensors::SafeTensorError| {
        problem(path, format!("is no sound safetensors file: {e}; it is truncated or corrupt"))
    };
    let (header_len, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    tensor_list(path, (LENGTH_BYTES + header_len) as u64, &metadata)
}

fn tensor_list(path: &Path, data_start: u64, metadata: &Metadata) -> Result<Vec<TensorInfo>, ModelError> {
    let one = |name: String| {
        let info = metadata.info(&name).ok_or_else(|| problem(path, format!("tensor `{name}` has no entry")))?;
        let Some(tensor_type) = tensor_type(info.dtype) else {
            let what = format!("{:?} of tensor `{name}`", info.dtype);
            return Err(ModelError::unsupported(path, what, "use a model whose weights are F32, F16 or BF16"));
        };
        if info.shape.is_empty() || info.shape.contains(&0) {
            return Err(problem(path, format!("tensor `{name}` has shape {:?}; it holds nothing", info.shape)));
        }
        let offset = data_start + info.data_offsets.0 as u64;
        Ok(TensorInfo { name, shape: info.shape.clone(), tensor_type, offset })
    };
    metadata.offset_keys().into_iter().map(one).collect()
}

fn tensor_type(dtype: Dtype) -> Option<TensorType> {
    match dtype {
        Dtype::F32 => Some(TensorType::F32),
        Dtype::F16 => Some(TensorType::F16),
        Dtype::BF16 => Some(TensorType::Bf16),
        _ => None,
    }
}
