//! Writes small GGUF files for tests.

use std::path::{Path, PathBuf};

use super::{GgufFile, TensorType};

/// A GGUF file under construction. Its parts are bytes, so that tests can also make broken files.
#[derive(Default, Clone)]
pub(crate) struct Builder {
    pairs: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: Vec<u8>,
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

impl Builder {
    /// Adds a pair whose value is `bytes` of GGUF type `code`.
    pub(crate) fn raw(mut self, key: &str, code: u32, bytes: &[u8]) -> Self {
        self.pairs.push([&string(key)[..], &code.to_le_bytes(), bytes].concat());
        self
    }

    pub(crate) fn u32(self, key: &str, value: u32) -> Self {
        self.raw(key, 4, &value.to_le_bytes())
    }

    pub(crate) fn f32(self, key: &str, value: f32) -> Self {
        self.raw(key, 6, &value.to_le_bytes())
    }

    pub(crate) fn boolean(self, key: &str, value: bool) -> Self {
        self.raw(key, 7, &[value.into()])
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.raw(key, 8, &string(value))
    }

    pub(crate) fn texts(self, key: &str, values: &[String]) -> Self {
        let body: Vec<u8> = values.iter().flat_map(|v| string(v)).collect();
        self.raw(key, 9, &[&8_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes(), &body].concat())
    }

    pub(crate) fn i32s(self, key: &str, values: &[i32]) -> Self {
        let body: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.raw(key, 9, &[&5_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes(), &body].concat())
    }

    pub(crate) fn f32s(self, key: &str, values: &[f32]) -> Self {
        let body: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.raw(key, 9, &[&6_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes(), &body].concat())
    }

    /// Adds a tensor of shape `shape` (outermost first).
    pub(crate) fn tensor(self, name: &str, shape: &[u64], tensor_type: TensorType, bytes: &[u8]) -> Self {
        let offset = self.data.len().next_multiple_of(32) as u64;
        let mut this = self.tensor_entry(name, shape, tensor_type.code(), offset);
        this.data.resize(offset as usize, 0);
        this.data.extend_from_slice(bytes);
        this
    }

    /// Adds a float32 tensor.
    pub(crate) fn floats(self, name: &str, shape: &[u64], values: &[f32]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(name, shape, TensorType::F32, &bytes)
    }

    /// Adds an entry of the tensor list without data.
    pub(crate) fn tensor_entry(mut self, name: &str, shape: &[u64], code: u32, offset: u64) -> Self {
        let mut entry = [&string(name)[..], &(shape.len() as u32).to_le_bytes()].concat();
        shape.iter().rev().for_each(|size| entry.extend(size.to_le_bytes()));
        entry.extend(code.to_le_bytes());
        entry.extend(offset.to_le_bytes());
        self.tensors.push(entry);
        self
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self, version: u32) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(version.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.pairs.len() as u64).to_le_bytes());
        out.extend(self.pairs.concat());
        out.extend(self.tensors.concat());
        out.resize(out.len().next_multiple_of(32), 0);
        out.extend(&self.data);
        out
    }

    /// Writes the file into `folder` and opens it.
    pub(crate) fn open(&self, folder: &Path) -> GgufFile {
        let path = folder.join("model.gguf");
        std::fs::write(&path, self.bytes(3)).unwrap();
        GgufFile::open(&path).unwrap()
    }
}

/// The `SmolLM2` file, if this machine has it; says so if not.
pub(crate) fn smollm2() -> Option<PathBuf> {
    let cache = || {
        let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let base = base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
        Some(base.join("sqlr1-tui/models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    };
    let path = std::env::var_os("SQLR1_SMOLLM2").map(PathBuf::from).or_else(cache)?;
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: no SmolLM2 file at {}; scripts/get-smollm2 fetches it", path.display());
    None
}
