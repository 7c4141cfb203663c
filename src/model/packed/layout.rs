//! How packed matrices lie in memory.

use crate::model::gguf::TensorType;

/// Weights in a block: what kernels unpack at a time.
pub const BLOCK: usize = 32;

/// Weights that share a scale in NF4.
pub const NF4_BLOCK: usize = 64;
/// NF4 scales that share a scale of their own.
pub const NF4_SCALE_BLOCK: usize = 256;
/// Parameters of an NF4 row that come before its second-level scales: the scales' offset, and how many of the first
/// second-level block's scales belong to earlier rows.
pub const NF4_ROW_HEAD: usize = 2;

/// The meaning of a packed matrix' words and scales. A block is 32 neighbours of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PackedLayout {
    /// 4-bit codes q, weight = q · scale + min. Four words a block; in its 16 bytes, byte j holds weight j low and weight
    /// 16 + j high. Two parameters.
    Q4,
    /// 5-bit codes, as [`Self::Q4`]; a fifth word holds the highest bits, weight j's at bit j.
    Q5,
    /// 6-bit codes, weight = (q − 32) · scale. Four words as in [`Self::Q4`] and two with the upper bits: byte i holds those of
    /// weights i, 8 + i, 16 + i and 24 + i, lowest first. Two parameters: the scales of the block's halves.
    Q6,
    /// Signed 8-bit codes, weight = q · scale. Eight words a block, in order. One parameter.
    Q8,
    /// Indices into [`super::NF4`], weight = value · scale. Four words a block as in [`Self::Q4`]; behind a row's blocks a byte for
    /// each 64 weights, the code of their scale. Parameters are a row's: see [`NF4_ROW_HEAD`], then the second-level scales
    /// that the row's scale codes touch (Dettmers et al. 2023, "double quantization").
    Nf4,
}

impl PackedLayout {
    /// The layout in which a file's blocks are held; `None` for unquantized types.
    pub fn of(tensor_type: TensorType) -> Option<Self> {
        match tensor_type {
            TensorType::F32 | TensorType::F16 | TensorType::Bf16 => None,
            TensorType::Q4_0 | TensorType::Q4_1 | TensorType::Q4K => Some(Self::Q4),
            TensorType::Q5_0 | TensorType::Q5_1 | TensorType::Q5K => Some(Self::Q5),
            TensorType::Q6K => Some(Self::Q6),
            TensorType::Q8_0 => Some(Self::Q8),
        }
    }

    /// `u32` words of codes in a block.
    pub fn words_per_block(self) -> usize {
        match self {
            Self::Q4 | Self::Nf4 => 4,
            Self::Q5 => 5,
            Self::Q6 => 6,
            Self::Q8 => 8,
        }
    }

    /// Float32 parameters that unpacking a block takes.
    pub fn scales_per_block(self) -> usize {
        match self {
            Self::Q4 | Self::Q5 | Self::Q6 => 2,
            Self::Q8 | Self::Nf4 => 1,
        }
    }

    /// `u32` words of a row of `cols` weights.
    pub fn row_words(self, cols: usize) -> usize {
        let codes = cols / BLOCK * self.words_per_block();
        match self {
            Self::Nf4 => codes + (cols / NF4_BLOCK).div_ceil(4),
            _ => codes,
        }
    }

    /// Bytes of a matrix.
    pub fn bytes(self, rows: usize, cols: usize) -> u64 {
        (rows * 4 * (self.row_words(cols) + self.row_scales(cols))) as u64
    }

    /// Float32 parameters that are held for a row of `cols` weights.
    pub fn row_scales(self, cols: usize) -> usize {
        match self {
            Self::Nf4 => NF4_ROW_HEAD + (cols / NF4_BLOCK + NF4_SCALE_BLOCK - 2) / NF4_SCALE_BLOCK + 1,
            _ => cols / BLOCK * self.scales_per_block(),
        }
    }
}
