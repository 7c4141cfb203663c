//! Weight matrices as the file has them: 4- and 8-bit blocks stay packed, other formats are dense float32.
//!
//! A block covers 32 weights of a row (the layouts of `ggml-common.h`). Scales are widened to float32, which is exact,
//! and the codes are kept as `u32` words in the file's byte order, so that one tensor pair serves CPU and GPU kernels.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use half::f16;
use thiserror::Error;

/// Weights in a block.
pub const BLOCK: usize = 32;

/// Quantized block formats that can be held packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockFormat {
    /// 18 bytes: scale d (float16), 16 bytes of nibbles; weight = d·(q − 8). Held as Q4 with min −8d.
    Q4_0,
    /// 20 bytes: scale d and min m (float16), 16 bytes of nibbles; weight = d·q + m.
    Q4_1,
    /// 34 bytes: scale d (float16), 32 signed bytes; weight = d·q.
    Q8_0,
}

impl BlockFormat {
    /// Bytes of one block in a GGUF file.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q8_0 => 34,
        }
    }
}

/// Why a matrix cannot be built from the bytes at hand.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum PackedError {
    /// Rows do not consist of whole blocks.
    #[error("rows of {cols} weights cannot be cut into blocks of 32; expected a multiple of 32")]
    RaggedRow {
        /// Weights in a row.
        cols: usize,
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
}

/// How a packed matrix holds its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackedLayout {
    /// 4-bit codes: four words a block; in its 16 bytes, byte j holds weight j low and weight 16 + j high. Scale and min.
    Q4,
    /// Signed 8-bit codes: eight words a block, in order. Scale only.
    Q8,
}

impl PackedLayout {
    /// `u32` words of codes in a block.
    pub fn words_per_block(self) -> usize {
        match self {
            Self::Q4 => 4,
            Self::Q8 => 8,
        }
    }

    /// Float32 parameters of a block: scale and, for Q4, min.
    pub fn scales_per_block(self) -> usize {
        match self {
            Self::Q4 => 2,
            Self::Q8 => 1,
        }
    }
}

/// The tensors behind a matrix.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // A model has a few hundred of these.
pub enum Storage {
    /// Quantized blocks.
    Packed {
        /// Meaning of the words.
        layout: PackedLayout,
        /// Codes, `[rows, blocks · words_per_block]`, `u32`.
        words: Tensor<2, Int>,
        /// Block parameters, `[rows, blocks · scales_per_block]`, scale before min.
        scales: Tensor<2>,
    },
    /// Float32 weights, `[rows, cols]`.
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
    /// From the raw blocks of a GGUF tensor, row by row.
    ///
    /// # Errors
    /// [`PackedError`] if the bytes do not make up `rows` × `cols` weights.
    pub fn from_blocks(
        format: BlockFormat,
        rows: usize,
        cols: usize,
        bytes: &[u8],
        device: &Device,
    ) -> Result<Self, PackedError> {
        if !cols.is_multiple_of(BLOCK) {
            return Err(PackedError::RaggedRow { cols });
        }
        let blocks = cols / BLOCK;
        let expected = rows * blocks * format.block_bytes();
        if bytes.len() != expected {
            return Err(PackedError::WrongSize { rows, cols, expected, found: bytes.len() });
        }
        let layout = if format == BlockFormat::Q8_0 { PackedLayout::Q8 } else { PackedLayout::Q4 };
        let mut words = Vec::with_capacity(rows * blocks * layout.words_per_block());
        let mut scales = Vec::with_capacity(rows * blocks * layout.scales_per_block());
        for block in bytes.chunks_exact(format.block_bytes()) {
            split_block(format, block, &mut words, &mut scales);
        }
        let words = TensorData::new(words, [rows, blocks * layout.words_per_block()]);
        let scales = TensorData::new(scales, [rows, blocks * layout.scales_per_block()]);
        let words = Tensor::from_data(words, (device, DType::U32));
        let scales = Tensor::from_data(scales, device);
        Ok(Self { rows, cols, storage: Storage::Packed { layout, words, scales } })
    }

    /// From float32 weights, row by row.
    ///
    /// # Errors
    /// [`PackedError::WrongSize`] if there are not `rows` × `cols` of them.
    pub fn from_f32(rows: usize, cols: usize, weights: Vec<f32>, device: &Device) -> Result<Self, PackedError> {
        if weights.len() != rows * cols {
            return Err(PackedError::WrongSize { rows, cols, expected: rows * cols * 4, found: weights.len() * 4 });
        }
        Ok(Self::from_tensor(Tensor::from_data(TensorData::new(weights, [rows, cols]), device)))
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
        let per_row = match &self.storage {
            Storage::Packed { layout, .. } => {
                self.cols / BLOCK * 4 * (layout.words_per_block() + layout.scales_per_block())
            }
            Storage::Dense(_) => self.cols * 4,
        };
        (self.rows * per_row) as u64
    }

    /// All weights as float32, `[rows, cols]`. Plain tensor operations: for tests and for `model.quantize: none`.
    pub fn dequantize(&self) -> Tensor<2> {
        match &self.storage {
            Storage::Packed { layout, words, scales } => dequantize(*layout, words, scales),
            Storage::Dense(weights) => weights.clone(),
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
                dequantize(*layout, &words.clone().select(0, ids.clone()), &scales.clone().select(0, ids))
            }
            Storage::Dense(weights) => weights.clone().select(0, ids),
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
                words: Tensor::cat(vec![words.clone(), more_words.clone()], 0),
                scales: Tensor::cat(vec![scales.clone(), more_scales.clone()], 0),
            },
            (Storage::Dense(top), Storage::Dense(more)) => {
                Storage::Dense(Tensor::cat(vec![top.clone(), more.clone()], 0))
            }
            _ => return false,
        };
        self.rows += below.rows;
        true
    }
}

/// Appends one block's codes and parameters.
fn split_block(format: BlockFormat, block: &[u8], words: &mut Vec<u32>, scales: &mut Vec<f32>) {
    let float = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f32();
    let scale = float(0);
    scales.push(scale);
    let codes = match format {
        BlockFormat::Q4_0 => {
            scales.push(-8.0 * scale);
            &block[2..]
        }
        BlockFormat::Q4_1 => {
            scales.push(float(2));
            &block[4..]
        }
        BlockFormat::Q8_0 => &block[2..],
    };
    words.extend(codes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])));
}

/// Words and scales `[rows, ..]` to weights `[rows, cols]`, in plain tensor operations.
fn dequantize(layout: PackedLayout, words: &Tensor<2, Int>, scales: &Tensor<2>) -> Tensor<2> {
    let rows = words.dims()[0];
    let blocks = words.dims()[1] / layout.words_per_block();
    let bits = |shift: u32, mask: u32| -> Tensor<3> {
        let words = words.clone().reshape([rows, blocks, layout.words_per_block()]);
        words.bitwise_right_shift_scalar(shift).bitwise_and_scalar(mask).float()
    };
    let scales = scales.clone().reshape([rows, blocks, layout.scales_per_block()]);
    let weights = match layout {
        PackedLayout::Q4 => {
            let half = |shift: u32| {
                let bytes = [0, 8, 16, 24].map(|byte| bits(byte + shift, 15));
                Tensor::stack::<4>(bytes.to_vec(), 3).reshape([rows, blocks, BLOCK / 2])
            };
            let codes = Tensor::cat(vec![half(0), half(4)], 2);
            codes * scales.clone().narrow(2, 0, 1) + scales.narrow(2, 1, 1)
        }
        PackedLayout::Q8 => {
            let bytes = [0, 8, 16, 24].map(|byte| bits(byte, 255));
            let codes = Tensor::stack::<4>(bytes.to_vec(), 3).reshape([rows, blocks, BLOCK]);
            // Two's complement: codes of 128 and above stand for code − 256.
            let negative = codes.clone().greater_equal_scalar(128.0).float() * 256.0;
            (codes - negative) * scales
        }
    };
    weights.reshape([rows, blocks * BLOCK])
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
mod tests;
