//! Writes GGUF files, version 3, as ggml's `docs/gguf.md` specifies them.

use std::path::Path;

use super::{
    super::{ModelError, config::ModelConfig},
    GgufFile,
    quantize::quantize,
    tensor::TensorType,
};

/// Tensor data starts at multiples of this, which is the format's default.
const ALIGNMENT: usize = 32;

/// A file under construction. The same calls give the same bytes.
#[derive(Debug, Clone, Default)]
pub struct GgufWriter {
    pairs: Vec<u8>,
    pair_count: u64,
    infos: Vec<u8>,
    tensor_count: u64,
    data: Vec<u8>,
}

fn push_string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

impl GgufWriter {
    fn pair(&mut self, key: &str, type_code: u32) -> &mut Vec<u8> {
        self.pair_count += 1;
        push_string(&mut self.pairs, key);
        self.pairs.extend(type_code.to_le_bytes());
        &mut self.pairs
    }

    fn array(&mut self, key: &str, type_code: u32, count: usize) -> &mut Vec<u8> {
        let pairs = self.pair(key, 9);
        pairs.extend(type_code.to_le_bytes());
        pairs.extend((count as u64).to_le_bytes());
        pairs
    }

    /// Adds a text. Keys must differ; readers refuse a file in which one comes twice.
    pub fn text(&mut self, key: &str, value: &str) {
        push_string(self.pair(key, 8), value);
    }

    /// Adds an unsigned integer.
    pub fn u32(&mut self, key: &str, value: u32) {
        self.pair(key, 4).extend(value.to_le_bytes());
    }

    /// Adds a number.
    pub fn f32(&mut self, key: &str, value: f32) {
        self.pair(key, 6).extend(value.to_le_bytes());
    }

    /// Adds a truth value.
    pub fn boolean(&mut self, key: &str, value: bool) {
        self.pair(key, 7).push(value.into());
    }

    /// Adds an array of texts.
    pub fn texts(&mut self, key: &str, values: impl ExactSizeIterator<Item = impl AsRef<str>>) {
        let pairs = self.array(key, 8, values.len());
        values.for_each(|value| push_string(pairs, value.as_ref()));
    }

    /// Adds an array of integers.
    pub fn integers(&mut self, key: &str, values: &[i32]) {
        let pairs = self.array(key, 5, values.len());
        for value in values {
            pairs.extend(value.to_le_bytes());
        }
    }

    /// Adds a tensor of shape `shape`, outermost dimension first ([out, in] for matrices), quantized to `tensor_type`.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if the values do not make up the shape, or cannot be held (see [`quantize`]).
    pub fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        tensor_type: TensorType,
        values: &[f32],
    ) -> Result<(), ModelError> {
        let fail = |problem: String| ModelError::Compute(format!("tensor `{name}`: {problem}"));
        let row = shape.last().copied().unwrap_or(0);
        if row == 0 || shape.iter().product::<usize>() != values.len() || !row.is_multiple_of(tensor_type.block_len()) {
            let (count, kind) = (values.len(), tensor_type.name());
            return Err(fail(format!("{count} values do not make a {kind} tensor of shape {shape:?}")));
        }
        let blocks = quantize(tensor_type, values).map_err(|e| fail(e.to_string()))?;
        self.tensor_bytes(name, shape, tensor_type, &blocks);
        Ok(())
    }

    /// Adds a tensor as it lies in another file: `bytes` must be what its shape and type take.
    pub fn tensor_bytes(&mut self, name: &str, shape: &[usize], tensor_type: TensorType, bytes: &[u8]) {
        self.data.resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
        self.tensor_count += 1;
        push_string(&mut self.infos, name);
        self.infos.extend((shape.len() as u32).to_le_bytes());
        shape.iter().rev().for_each(|&size| self.infos.extend((size as u64).to_le_bytes()));
        self.infos.extend(tensor_type.code().to_le_bytes());
        self.infos.extend((self.data.len() as u64).to_le_bytes());
        self.data.extend(bytes);
    }

    /// Adds all metadata of another file as it is.
    pub fn metadata_of(&mut self, file: &GgufFile) {
        let (bytes, count) = file.raw_metadata();
        self.pairs.extend(bytes);
        self.pair_count += count;
    }

    /// Adds what describes a llama-architecture decoder, under the keys that llama.cpp reads.
    pub fn llama_shape(&mut self, config: &ModelConfig) {
        self.text("general.architecture", "llama");
        for (key, value) in [
            ("vocab_size", config.vocab_size),
            ("context_length", config.max_position_embeddings),
            ("embedding_length", config.hidden_size),
            ("block_count", config.num_hidden_layers),
            ("feed_forward_length", config.intermediate_size),
            ("attention.head_count", config.num_attention_heads),
            ("attention.head_count_kv", config.num_key_value_heads),
            ("attention.key_length", config.head_dim),
            ("attention.value_length", config.head_dim),
            ("rope.dimension_count", config.head_dim),
        ] {
            self.u32(&format!("llama.{key}"), value as u32);
        }
        self.f32("llama.rope.freq_base", config.rope_theta);
        self.f32("llama.attention.layer_norm_rms_epsilon", config.rms_norm_eps);
    }

    /// The whole file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(self.tensor_count.to_le_bytes());
        bytes.extend(self.pair_count.to_le_bytes());
        bytes.extend(&self.pairs);
        bytes.extend(&self.infos);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes.extend(&self.data);
        // ggml counts the padding behind the last tensor as part of the data.
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`ModelError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), ModelError> {
        crate::run::atomic::write(path, &self.bytes()).map_err(|e| ModelError::io("write", path, e))
    }
}

/// Brings the rows of a q or k matrix into the order in which llama.cpp stores them for llama-architecture files: each
/// head's two halves interleaved, so that its rotary embedding turns neighbours. `values` are rows of `cols` each, in
/// Hugging Face's order; [`undo_rope_row_order`](super::super::packed::undo_rope_row_order) is the way back.
pub fn rope_row_order(values: &[f32], cols: usize, heads: usize) -> Vec<f32> {
    let rows = values.len() / cols.max(1);
    let (head_dim, half) = (rows / heads.max(1), rows / heads.max(1) / 2);
    let row = |head: usize, at: usize| &values[(head * head_dim + at) * cols..][..cols];
    let pairs = (0..heads).flat_map(|head| (0..half).map(move |i| (head, i)));
    pairs.flat_map(|(head, i)| [row(head, i), row(head, half + i)].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::super::packed::undo_rope_row_order, super::*, *};

    #[test]
    fn what_is_written_is_read() {
        let mut writer = GgufWriter::default();
        writer.text("general.architecture", "llama");
        writer.u32("n", 7);
        writer.f32("f", 0.25);
        writer.boolean("b", true);
        writer.texts("words", ["a", "ü\n"].iter());
        writer.integers("kinds", &[1, -3]);
        let values: Vec<f32> = (0..96).map(|i| (i as f32 * 0.31).sin()).collect();
        writer.tensor("norm", &[3], TensorType::F32, &[1.0, -2.0, 0.5]).unwrap();
        writer.tensor("four", &[3, 32], TensorType::Q4_1, &values).unwrap();
        writer.tensor("eight", &[1, 96], TensorType::Q8_0, &values).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gguf");
        writer.write(&path).unwrap();

        let file = GgufFile::open(&path).unwrap();
        let metadata = file.metadata();
        assert_eq!((file.version(), metadata.require_string("general.architecture").unwrap()), (3, "llama"));
        assert_eq!((metadata.require_unsigned("n").unwrap(), metadata.require_boolean("b").unwrap()), (7, true));
        assert_eq!(metadata.require_float("f").unwrap().to_bits(), 0.25_f64.to_bits());
        assert_eq!(metadata.require_strings("words").unwrap(), ["a", "ü\n"]);
        assert_eq!(metadata.require_integers("kinds").unwrap(), [1, -3]);
        assert_eq!(file.tensor_of_shape("norm", &[3]).unwrap().to_f32().unwrap(), [1.0, -2.0, 0.5]);
        for (name, shape, tolerance) in [("four", [3, 32], 0.07), ("eight", [1, 96], 0.005)] {
            let back = file.tensor_of_shape(name, &shape).unwrap().to_f32().unwrap();
            assert!(back.iter().zip(&values).all(|(a, b)| (a - b).abs() < tolerance), "{name}");
        }
        assert!(file.tensors().iter().all(|t| t.offset % 32 == 0));
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let mut writer = GgufWriter::default();
        for (shape, tensor_type, count) in
            [(&[2, 2][..], TensorType::F32, 3), (&[4, 16], TensorType::Q8_0, 64), (&[], TensorType::F32, 1)]
        {
            let error = writer.tensor("t", shape, tensor_type, &vec![0.0; count]).unwrap_err().to_string();
            assert!(error.contains("tensor `t`"), "{error}");
        }
    }

    #[test]
    fn the_loader_undoes_the_row_order() {
        let values: Vec<f32> = (0..2 * 8 * 3).map(|i| i as f32).collect();
        let stored = rope_row_order(&values, 3, 2);
        assert_eq!(stored[..9], [0., 1., 2., 12., 13., 14., 3., 4., 5.]);
        let bytes: Vec<u8> = stored.iter().flat_map(|v| v.to_le_bytes()).collect();
        let expected: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(undo_rope_row_order(&bytes, 16, 2), expected);
    }
}
