//! What becomes of a matrix between file and memory.

use super::super::{
    ModelError,
    gguf::{TensorType, dequantize, quantize},
    packed::{PackedError, PackedMatrix, layout::NF4_BLOCK},
};
use crate::settings::Quantize;
use burn::tensor::Device;

/// How a matrix is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// As the file has it.
    Keep(TensorType),
    /// Quantized to other blocks, or expanded to float32.
    Convert(TensorType),
    /// Quantized to NF4, and its scales again.
    Nf4,
}

impl Plan {
    /// The plan for a matrix of `tensor_type` with rows of `cols`. Only projections are quantized here, not embedding and
    /// head; nothing is quantized twice, and rows that are no whole number of blocks stay as they are.
    pub(super) fn of(wanted: Quantize, tensor_type: TensorType, cols: usize, is_projection: bool) -> Self {
        let quantizable = is_projection && !tensor_type.is_quantized();
        match wanted {
            Quantize::None if tensor_type.is_quantized() => Self::Convert(TensorType::F32),
            Quantize::Nf4 if quantizable && cols.is_multiple_of(NF4_BLOCK) => Self::Nf4,
            Quantize::Int8 if quantizable && cols.is_multiple_of(TensorType::Q8_0.block_len()) => {
                Self::Convert(TensorType::Q8_0)
            }
            _ => Self::Keep(tensor_type),
        }
    }

    /// The name of the format in memory.
    pub(super) fn format(self) -> &'static str {
        match self {
            Self::Keep(tensor_type) | Self::Convert(tensor_type) => tensor_type.name(),
            Self::Nf4 => "NF4",
        }
    }

    /// The matrix of the bytes that a file has for it.
    ///
    /// # Errors
    /// What is wrong with the bytes or the values.
    pub(super) fn matrix(
        self,
        tensor_type: TensorType,
        [rows, cols]: [usize; 2],
        bytes: &[u8],
        device: &Device,
    ) -> Result<PackedMatrix, ModelError> {
        let floats = || {
            let mut values = vec![0.0; rows * cols];
            dequantize::dequantize(tensor_type, bytes, &mut values).map(|()| values)
        };
        let matrix = match self {
            Self::Keep(_) => PackedMatrix::from_blocks(tensor_type, rows, cols, bytes, device),
            Self::Convert(TensorType::F32) => PackedMatrix::from_f32(rows, cols, floats()?, device),
            Self::Convert(to) => {
                PackedMatrix::from_blocks(to, rows, cols, &quantize::quantize(to, &floats()?)?, device)
            }
            Self::Nf4 => PackedMatrix::to_nf4(rows, cols, &floats()?, device),
        };
        matrix.map_err(|e: PackedError| ModelError::Compute(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unquantized_projections_of_whole_blocks_are_quantized() {
        use Quantize::{Auto, Int8, Nf4, None};
        use TensorType::{Bf16, F32, Q4_1, Q8_0};
        for (wanted, tensor_type, cols, is_projection, expected) in [
            (Auto, Bf16, 64, true, Plan::Keep(Bf16)),
            (Auto, Q4_1, 64, true, Plan::Keep(Q4_1)),
            (None, Q4_1, 64, true, Plan::Convert(F32)),
            (None, Bf16, 64, true, Plan::Keep(Bf16)),
            (Nf4, Bf16, 64, true, Plan::Nf4),
            (Nf4, Bf16, 64, false, Plan::Keep(Bf16)),
            (Nf4, F32, 96, true, Plan::Keep(F32)),
            (Nf4, Q4_1, 64, true, Plan::Keep(Q4_1)),
            (Int8, F32, 96, true, Plan::Convert(Q8_0)),
            (Int8, F32, 40, true, Plan::Keep(F32)),
            (Int8, F32, 96, false, Plan::Keep(F32)),
        ] {
            assert_eq!(Plan::of(wanted, tensor_type, cols, is_projection), expected, "{wanted:?} {tensor_type:?}");
        }
    }
}
