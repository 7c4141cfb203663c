//! Packed words to weights in plain tensor operations: the yardstick of the kernels, and what runs where there are none.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{
    BLOCK, PackedLayout,
    layout::{NF4_BLOCK, NF4_ROW_HEAD, NF4_SCALE_BLOCK},
    nf4::{NF4, dynamic_map},
};

/// The codes of some blocks, as floats.
struct Codes {
    /// `[rows, blocks, words of a block]`.
    words: Tensor<3, Int>,
}

impl Codes {
    fn bits(&self, words: std::ops::Range<usize>, shift: u32, mask: u32) -> Tensor<3> {
        let words = self.words.clone().narrow(2, words.start, words.len());
        words.bitwise_right_shift_scalar(shift).bitwise_and_scalar(mask).float()
    }

    /// Fields of `width` bits at `shift` of every byte of some words, byte after byte.
    fn bytes(&self, words: std::ops::Range<usize>, shift: u32, width: u32) -> Tensor<3> {
        let [rows, blocks, _] = self.words.dims();
        let count = words.len() * 4;
        let bytes = [0, 8, 16, 24].map(|byte| self.bits(words.clone(), byte + shift, (1 << width) - 1));
        Tensor::stack::<4>(bytes.to_vec(), 3).reshape([rows, blocks, count])
    }

    /// The low four bits of all weights.
    fn nibbles(&self) -> Tensor<3> {
        Tensor::cat(vec![self.bytes(0..4, 0, 4), self.bytes(0..4, 4, 4)], 2)
    }

    fn five_bits(&self) -> Tensor<3> {
        let high = (0..BLOCK as u32).map(|j| self.bits(4..5, j, 1)).collect();
        self.nibbles() + Tensor::cat(high, 2) * 16.0
    }

    fn six_bits(&self) -> Tensor<3> {
        let high = (0..4).map(|turn| self.bytes(4..6, 2 * turn, 2)).collect();
        self.nibbles() + Tensor::cat(high, 2) * 16.0
    }

    /// Two's complement: codes of 128 and above stand for code − 256.
    fn signed_bytes(&self) -> Tensor<3> {
        let codes = self.bytes(0..8, 0, 8);
        let negative = codes.clone().greater_equal_scalar(128.0).float() * 256.0;
        codes - negative
    }
}

/// Words and scales `[rows, ..]` to weights `[rows, cols]`.
pub(super) fn dequantize(layout: PackedLayout, cols: usize, words: &Tensor<2, Int>, scales: &Tensor<2>) -> Tensor<2> {
    let (rows, blocks, count) = (words.dims()[0], cols / BLOCK, layout.words_per_block());
    let in_blocks = words.clone().narrow(1, 0, blocks * count).reshape([rows, blocks, count]);
    let codes = Codes { words: in_blocks };
    if layout == PackedLayout::Nf4 {
        let index = codes.nibbles().reshape([rows * cols]).int();
        let values = table(&NF4, &scales.device()).select(0, index).reshape([rows, cols / NF4_BLOCK, NF4_BLOCK]);
        return (values * nf4_scales(cols, words, scales).unsqueeze_dim::<3>(2)).reshape([rows, cols]);
    }
    let scales = scales.clone().reshape([rows, blocks, layout.scales_per_block()]);
    let first = scales.clone().narrow(2, 0, 1);
    let weights = match layout {
        PackedLayout::Q4 => codes.nibbles() * first + scales.narrow(2, 1, 1),
        PackedLayout::Q5 => codes.five_bits() * first + scales.narrow(2, 1, 1),
        PackedLayout::Q6 => {
            let halves = (codes.six_bits() - 32.0).reshape([rows, blocks * 2, BLOCK / 2]);
            halves * scales.reshape([rows, blocks * 2, 1])
        }
        PackedLayout::Q8 | PackedLayout::Nf4 => codes.signed_bytes() * first,
    };
    weights.reshape([rows, cols])
}

fn table(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

/// The scale of each 64 weights, `[rows, cols / 64]`: code · second-level scale + offset.
fn nf4_scales(cols: usize, words: &Tensor<2, Int>, scales: &Tensor<2>) -> Tensor<2> {
    let (rows, count, device) = (words.dims()[0], cols / NF4_BLOCK, scales.device());
    let skipped = cols / BLOCK * PackedLayout::Nf4.words_per_block();
    let rest = words.dims()[1] - skipped;
    let codes = Codes { words: words.clone().narrow(1, skipped, rest).reshape([rows, 1, rest]) };
    let codes = codes.bytes(0..rest, 0, 8).reshape([rows, rest * 4]).narrow(1, 0, count);
    let values = table(dynamic_map(), &device).select(0, codes.reshape([rows * count]).int()).reshape([rows, count]);
    let positions: Vec<f32> = (0..count).map(|i| i as f32).collect();
    let positions = table(&positions, &device).unsqueeze_dim::<2>(0) + scales.clone().narrow(1, 1, 1);
    let which = (positions / NF4_SCALE_BLOCK as f32).floor().int();
    let second = scales.clone().narrow(1, NF4_ROW_HEAD, scales.dims()[1] - NF4_ROW_HEAD);
    values * second.gather(1, which) + scales.clone().narrow(1, 0, 1)
}
