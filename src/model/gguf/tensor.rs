//! Tensors of a GGUF file: types, shapes, raw blocks.

use super::{super::ModelError, dequantize};

/// How the elements of a tensor are stored (ggml's type codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TensorType {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of a single-precision number.
    Bf16,
    /// 32 four-bit values q and a scale d: `(q - 8) * d`. 18 bytes: f16 d, then byte j holds element j (low nibble) and j + 16.
    Q4_0,
    /// 32 four-bit values q, a scale d and a minimum m: `q * d + m`. 20 bytes: f16 d, f16 m, nibbles as in [`Self::Q4_0`].
    Q4_1,
    /// 32 five-bit values q and a scale d: `(q - 16) * d`. 22 bytes: f16 d, the values' highest bits as a u32, nibbles as in
    /// [`Self::Q4_0`].
    Q5_0,
    /// 32 five-bit values q, a scale d and a minimum m: `q * d + m`. 24 bytes: f16 d, f16 m, bits and nibbles as in [`Self::Q5_0`].
    Q5_1,
    /// 32 signed bytes q and a scale d: `q * d`. 34 bytes: f16 d, then the bytes.
    Q8_0,
    /// 256 four-bit values in eight sub-blocks with six-bit scales s and minima m: `d * s * q - dmin * m`. 144 bytes: f16 d,
    /// f16 dmin, 12 bytes of scales and minima (see [`super::k_scales`]), nibbles: 32 bytes for each pair of sub-blocks.
    Q4K,
    /// As [`Self::Q4K`] with five-bit values. 176 bytes: before the nibbles, 32 bytes with the highest bits, byte j's bit i that of
    /// value j of sub-block i.
    Q5K,
    /// 256 six-bit values in sixteen sub-blocks with signed eight-bit scales s: `d * s * (q - 32)`. 210 bytes: nibbles, upper bits,
    /// scales, f16 d.
    Q6K,
}

impl TensorType {
    /// All types that can be read.
    pub const ALL: [Self; 11] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// The type with ggml's code.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.code() == code)
    }

    /// ggml's code.
    pub fn code(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Q5K => 13,
            Self::Q6K => 14,
            Self::Bf16 => 30,
        }
    }

    /// ggml's name, as in `Q4_1`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// Whether elements are codes that share scales.
    pub fn is_quantized(self) -> bool {
        self.block_len() > 1
    }

    /// Elements in a block; a row is a whole number of blocks.
    pub fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }
}

/// The names of ggml's type codes that cannot be read, for messages that people understand.
pub(super) fn foreign_type_name(code: u32) -> &'static str {
    const NAMES: [(u32, &str); 9] = [
        (9, "Q8_1"),
        (10, "Q2_K"),
        (11, "Q3_K"),
        (15, "Q8_K"),
        (16, "IQ2_XXS"),
        (20, "IQ4_NL"),
        (23, "IQ4_XS"),
        (28, "F64"),
        (39, "MXFP4"),
    ];
    NAMES.iter().find(|(c, _)| *c == code).map_or("an unknown type", |(_, name)| name)
}

/// A tensor's entry in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name, as in `blk.0.attn_q.weight`.
    pub name: String,
    /// Its shape, outermost dimension first: [out, in] for matrices. The file has the reverse order.
    pub shape: Vec<usize>,
    /// How its elements are stored.
    pub tensor_type: TensorType,
    /// Where its data starts, from the beginning of the file.
    pub offset: u64,
}

impl TensorInfo {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Elements of a row, the innermost dimension.
    pub fn row_len(&self) -> usize {
        self.shape.last().copied().unwrap_or(0)
    }

    /// Number of rows: the product of all dimensions but the innermost.
    pub fn rows(&self) -> usize {
        self.shape.iter().rev().skip(1).product()
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.row_len() / self.tensor_type.block_len() * self.tensor_type.block_bytes()
    }

    /// Bytes of the data.
    pub fn byte_len(&self) -> usize {
        self.rows() * self.row_bytes()
    }
}

/// A tensor with its raw blocks.
#[derive(Debug, Clone, Copy)]
pub struct TensorView<'a> {
    /// Name, shape and type.
    pub info: &'a TensorInfo,
    /// The blocks, row after row, exactly [`TensorInfo::byte_len`] bytes. The start need not be aligned.
    pub bytes: &'a [u8],
}

impl<'a> TensorView<'a> {
    /// The blocks of row `row`; `None` beyond the last.
    pub fn row(&self, row: usize) -> Option<&'a [u8]> {
        let len = self.info.row_bytes();
        let start = row.checked_mul(len)?;
        self.bytes.get(start..start.checked_add(len)?)
    }

    /// All elements as float32, row-major.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if `bytes` is not as long as the shape asks for.
    pub fn to_f32(&self) -> Result<Vec<f32>, ModelError> {
        let mut out = vec![0.0; self.info.elements()];
        dequantize::dequantize(self.info.tensor_type, self.bytes, &mut out)?;
        Ok(out)
    }
}
