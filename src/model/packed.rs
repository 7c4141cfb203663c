//! Weight matrices as they are held in memory: quantized blocks stay packed, 16- and 32-bit floats are dense.
//!
//! A packed row is a row of blocks of 32 weights ([`layout`] says how each kind lies in memory). Scales are widened to
//! float32, which is exact, and codes are kept as `u32` words, so that one tensor pair serves CPU and GPU kernels.

pub mod layout;
pub mod nf4;
mod random;
mod split;
mod unpack;

use burn::tensor::{DType, Device, Element, Int, Tensor, TensorData, kind::Basic};
use half::{bf16, f16};
use thiserror::Error;

use self::{layout::NF4_BLOCK, nf4::DoubleQuantized, split::Parts, unpack::dequantize};
pub use self::{
    layout::{BLOCK, PackedLayout},
    nf4::NF4,
};
use crate::model::{gguf::TensorType, ops::tight};

/// Why a matrix cannot be built from the bytes at hand.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum PackedError {
    /// Rows do not consist of whole blocks.
    #[error("rows of {cols} weights cannot be cut into blocks; expected a multiple of {block}")]
    RaggedRow {
        /// Weights in a row.
        cols: usize,
        /// Weights in a block.
        block: usize,
    },
    /// The data has another size than the shape asks for.
    #[error("a [{rows}, {cols}] matrix needs {expected} bytes, found {found}; the file is damaged or cut short")]
    WrongSize {
        /// Rows (outputs).
        rows: usize,
        /// Columns (inputs).
        cols: usize,
        /// Bytes (or floats) needed.
        expected: usize,
        /// Bytes (or floats) found.
        found: usize,
    },
    /// There is no way to draw such a matrix.
    #[error("random matrices are made of 4- and 8-bit blocks and of NF4 only")]
    NotRandom,
}

/// The tensors behind a matrix.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // A model has a few hundred of these.
pub enum Storage {
    /// Quantized blocks.
    Packed {
        /// Meaning of the words.
        layout: PackedLayout,
        /// Codes, `[rows, row_words]`, `u32`.
        words: Tensor<2, Int>,
        /// Parameters, `[rows, row_scales]`.
        scales: Tensor<2>,
    },
    /// Weights `[rows, cols]` as float32, float16 or bfloat16.
    Dense(Tensor<2>),
}

/// A frozen weight matrix, `[rows, cols]` = `[out, in]`.
#[derive(Debug, Clone)]
pub struct PackedMatrix {
    rows: usize,
    cols: usize,
    storage: Storage,
}

impl PackedMatrix {
    /// From a tensor's bytes in a file, row by row: quantized blocks are repacked, floats keep their width.
    ///
    /// # Errors
    /// [`PackedError`] if the bytes do not make up `rows` × `cols` weights.
    pub fn from_blocks(
        tensor_type: TensorType,
        rows: usize,
        cols: usize,
        bytes: &[u8],
        device: &Device,
    ) -> Result<Self, PackedError> {
        let block = tensor_type.block_len();
        if !cols.is_multiple_of(block) {
            return Err(PackedError::RaggedRow { cols, block });
        }
        let expected = rows * (cols / block) * tensor_type.block_bytes();
        if bytes.len() != expected {
            return Err(PackedError::WrongSize { rows, cols, expected, found: bytes.len() });
        }
        let Some(layout) = PackedLayout::of(tensor_type) else {
            return Ok(Self::from_tensor(floats(tensor_type, bytes, [rows, cols], device)));
        };
        let mut parts = Parts {
            words: Vec::with_capacity(rows * layout.row_words(cols)),
            scales: Vec::with_capacity(rows * layout.row_scales(cols)),
        };
        bytes.chunks_exact(tensor_type.block_bytes()).for_each(|block| parts.split(tensor_type, block));
        Ok(Self::from_parts(layout, [rows, cols], parts, device))
    }

    /// From float32 weights, row by row, quantized to NF4 with double quantization.
    ///
    /// # Errors
    /// [`PackedError`] if rows do not consist of blocks of 64, or there are not `rows` × `cols` weights.
    pub fn to_nf4(rows: usize, cols: usize, weights: &[f32], device: &Device) -> Result<Self, PackedError> {
        if !cols.is_multiple_of(NF4_BLOCK) {
            return Err(PackedError::RaggedRow { cols, block: NF4_BLOCK });
        }
        if weights.len() != rows * cols {
            return Err(PackedError::WrongSize { rows, cols, expected: rows * cols * 4, found: weights.len() * 4 });
        }
        let parts = DoubleQuantized::new(weights).parts(cols);
        Ok(Self::from_parts(PackedLayout::Nf4, [rows, cols], parts, device))
    }

    fn from_parts(layout: PackedLayout, [rows, cols]: [usize; 2], parts: Parts, device: &Device) -> Self {
        let (words, scales) = device.memory_persistent_allocations(parts, |parts| {
            let words = Tensor::<1, Int>::from_data(flat(parts.words), (device, DType::U32));
            (words, Tensor::<1>::from_data(flat(parts.scales), device))
        });
        let words = words.reshape([rows, layout.row_words(cols)]);
        let scales = scales.reshape([rows, layout.row_scales(cols)]);
        Self { rows, cols, storage: Storage::Packed { layout, words, scales } }
    }

    /// From float32 weights, row by row.
    ///
    /// # Errors
    /// [`PackedError::WrongSize`] if there are not `rows` × `cols` of them.
    pub fn from_f32(rows: usize, cols: usize, weights: Vec<f32>, device: &Device) -> Result<Self, PackedError> {
        if weights.len() != rows * cols {
            return Err(PackedError::WrongSize { rows, cols, expected: rows * cols * 4, found: weights.len() * 4 });
        }
        let upload = |weights| Tensor::<1>::from_data(flat(weights), device);
        Ok(Self::from_tensor(device.memory_persistent_allocations(weights, upload).reshape([rows, cols])))
    }

    /// A dense matrix, `[out, in]`.
    pub fn from_tensor(weights: Tensor<2>) -> Self {
        let [rows, cols] = weights.dims();
        Self { rows, cols, storage: Storage::Dense(weights) }
    }

    /// Rows: the outputs of a projection, the entries of a vocabulary.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: the inputs of a projection.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The tensors.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> u64 {
        match &self.storage {
            Storage::Packed { layout, .. } => layout.bytes(self.rows, self.cols),
            Storage::Dense(weights) => (self.rows * self.cols * weights.dtype().size()) as u64,
        }
    }

    /// All weights as float32, `[rows, cols]`. Plain tensor operations: for tests, and backends without kernels.
    pub fn dequantize(&self) -> Tensor<2> {
        match &self.storage {
            Storage::Packed { layout, words, scales } => dequantize(*layout, self.cols, words, scales),
            Storage::Dense(weights) => weights.clone().cast(DType::F32),
        }
    }

    /// The same matrix held as float32.
    #[must_use]
    pub fn expanded(&self) -> Self {
        Self::from_tensor(self.dequantize())
    }

    /// Some rows as float32, `[ids, cols]`; nothing else is dequantized.
    pub fn gather_rows(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        match &self.storage {
            Storage::Packed { layout, words, scales } => {
                let (words, scales) = (words.clone().select(0, ids.clone()), scales.clone().select(0, ids));
                dequantize(*layout, self.cols, &words, &scales)
            }
            Storage::Dense(weights) => weights.clone().select(0, ids).cast(DType::F32),
        }
    }

    /// Puts matrices with equal `cols` on top of each other; neighbours of one layout become one matrix, so that a
    /// kernel runs once for all of them. A matrix that fits no neighbour stays by itself.
    pub fn stack(matrices: Vec<Self>) -> Vec<Self> {
        let mut stacked: Vec<Self> = Vec::new();
        for next in matrices {
            let absorbed = stacked.last_mut().is_some_and(|last| last.absorb(&next));
            if !absorbed {
                stacked.push(next);
            }
        }
        stacked
    }

    /// Takes the rows of `below` in, if its layout is the same; says whether it did.
    fn absorb(&mut self, below: &Self) -> bool {
        self.storage = match (&self.storage, &below.storage) {
            (
                Storage::Packed { layout, words, scales },
                Storage::Packed { layout: other, words: more_words, scales: more_scales },
            ) if layout == other => Storage::Packed {
                layout: *layout,
                words: on_top(words, more_words),
                scales: on_top(scales, more_scales),
            },
            (Storage::Dense(top), Storage::Dense(more)) if top.dtype() == more.dtype() => {
                Storage::Dense(on_top(top, more))
            }
            _ => return false,
        };
        self.rows += below.rows;
        true
    }
}

/// One matrix on top of another, among what an allocator keeps for good.
fn on_top<K: Basic>(top: &Tensor<2, K>, below: &Tensor<2, K>) -> Tensor<2, K> {
    let parts = vec![top.clone(), below.clone()];
    top.device().memory_persistent_allocations(parts, |parts| tight(Tensor::cat(parts, 0)))
}

/// Floats of a file as a tensor of their own width, or as float32 on a device that has no such numbers.
fn floats(tensor_type: TensorType, bytes: &[u8], shape: [usize; 2], device: &Device) -> Tensor<2> {
    let halves = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
    let numbers = device.memory_persistent_allocations((), |()| match tensor_type {
        TensorType::F16 => {
            let values: Vec<f16> = halves().map(f16::from_le_bytes).collect();
            halves_on(flat(values), device, DType::F16)
        }
        TensorType::Bf16 => {
            let values: Vec<bf16> = halves().map(bf16::from_le_bytes).collect();
            halves_on(flat(values), device, DType::BF16)
        }
        _ => {
            let values: Vec<f32> =
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            Tensor::from_data(flat(values), device)
        }
    });
    numbers.reshape(shape)
}

/// Values one behind the other: a matrix that is uploaded as such may get gaps between its rows ([`tight`]).
fn flat<E: Element>(values: Vec<E>) -> TensorData {
    let length = values.len();
    TensorData::new(values, [length])
}

fn halves_on(data: TensorData, device: &Device, dtype: DType) -> Tensor<1> {
    Tensor::from_data(data, (device, if device.supports_dtype(dtype) { dtype } else { DType::F32 }))
}

/// Undoes llama.cpp's row order for q and k of llama-architecture files, on raw bytes.
///
/// llama.cpp interleaves the two halves of each head's rows so that its `RoPE` can rotate neighbours. Undoing this at load
/// brings the rows back to Hugging Face's order, in which `RoPE` rotates halves and PEFT adapters fit.
pub fn undo_rope_row_order(bytes: &[u8], rows: usize, heads: usize) -> Vec<u8> {
    let row_bytes = bytes.len() / rows.max(1);
    let head_dim = rows / heads.max(1);
    let mut ordered = Vec::with_capacity(bytes.len());
    for row in 0..rows {
        let (head, within) = (row / head_dim, row % head_dim);
        let (half, pair) = (within / (head_dim / 2), within % (head_dim / 2));
        let source = head * head_dim + pair * 2 + half;
        ordered.extend_from_slice(&bytes[source * row_bytes..(source + 1) * row_bytes]);
    }
    ordered
}

#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod tests;
