//! NF4 with double quantization (Dettmers et al. 2023, "`QLoRA`"), with bitsandbytes' code books and rounding.

use std::sync::LazyLock;

use super::{
    BLOCK, PackedLayout,
    layout::{NF4_BLOCK, NF4_ROW_HEAD, NF4_SCALE_BLOCK},
    split::Parts,
};

/// The sixteen values: quantiles of the normal distribution, zero among them.
pub const NF4: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// The 256 values of scales' codes, ascending: seven decades, each half as finely divided as the next (Dettmers 2015's dynamic
/// data type; `create_dynamic_map` of bitsandbytes).
pub fn dynamic_map() -> &'static [f32; 256] {
    static MAP: LazyLock<[f32; 256]> = LazyLock::new(|| {
        let (mut map, mut at) = ([0.0; 256], 2);
        map[1] = 1.0;
        for decade in 0..7_usize {
            let (parts, power) = (1_usize << decade, 10.0_f64.powi(decade as i32 - 6) as f32);
            // The points of 0.1 to 1, counted from the nearer end and rounded once each, as torch.linspace does.
            let step = (1.0 - 0.1_f32) / parts as f32;
            let point = |i: usize| {
                if i < parts.div_ceil(2) {
                    step.mul_add(i as f32, 0.1)
                } else {
                    (-step).mul_add((parts - i) as f32, 1.0)
                }
            };
            for i in 0..parts {
                let value = power * f32::midpoint(point(i), point(i + 1));
                (map[at], map[at + 1]) = (value, -value);
                at += 2;
            }
        }
        map.sort_unstable_by(f32::total_cmp);
        map
    });
    &MAP
}

/// Weights as codes, blocks of them with scales that are codes themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct DoubleQuantized {
    /// Indices into [`NF4`], one a weight.
    pub codes: Vec<u8>,
    /// Indices into [`dynamic_map`], one for 64 weights.
    pub scale_codes: Vec<u8>,
    /// Second-level scales, one for 256 codes of scales.
    pub second_scales: Vec<f32>,
    /// Added to every scale: their mean.
    pub offset: f32,
}

impl DoubleQuantized {
    /// Quantizes `weights`, row-major, a multiple of 64 of them.
    pub fn new(weights: &[f32]) -> Self {
        let scales: Vec<f32> = weights.chunks(NF4_BLOCK).map(largest).collect();
        let mean = scales.iter().copied().map(f64::from).sum::<f64>() / scales.len().max(1) as f64;
        let offset = mean as f32;
        let centred: Vec<f32> = scales.iter().map(|scale| scale - offset).collect();
        let second_scales: Vec<f32> = centred.chunks(NF4_SCALE_BLOCK).map(largest).collect();
        Self {
            codes: quantize(weights, &scales, NF4_BLOCK, &NF4),
            scale_codes: quantize(&centred, &second_scales, NF4_SCALE_BLOCK, dynamic_map()),
            second_scales,
            offset,
        }
    }

    /// The scale of 64 weights.
    pub fn scale(&self, block: usize) -> f32 {
        decode_scale(self.scale_codes[block], self.second_scales[block / NF4_SCALE_BLOCK], self.offset)
    }

    /// Words and parameters of [`PackedLayout::Nf4`], for rows of `cols` weights, a multiple of 64.
    pub(super) fn parts(&self, cols: usize) -> Parts {
        let (per_row, mut parts) = (cols / NF4_BLOCK, Parts::default());
        for (row, codes) in self.codes.chunks_exact(cols).enumerate() {
            codes.as_chunks::<BLOCK>().0.iter().for_each(|block| parts.nibbles(block));
            for four in self.scale_codes[row * per_row..][..per_row].chunks(4) {
                let byte = |(i, code): (usize, &u8)| u32::from(*code) << (8 * i);
                parts.words.push(four.iter().enumerate().map(byte).sum());
            }
            let first = row * per_row;
            parts.scales.extend([self.offset, (first % NF4_SCALE_BLOCK) as f32]);
            let touched = PackedLayout::Nf4.row_scales(cols) - NF4_ROW_HEAD;
            // Rows near the end touch fewer; what they do not touch is never read.
            let second = (0..touched).map(|i| self.second_scales.get(first / NF4_SCALE_BLOCK + i).copied());
            parts.scales.extend(second.map(Option::unwrap_or_default));
        }
        parts
    }
}

/// A scale from its code.
pub fn decode_scale(code: u8, second_scale: f32, offset: f32) -> f32 {
    dynamic_map()[usize::from(code)] * second_scale + offset
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

/// The nearest entry of an ascending code book for each value over its block's scale; the lower one halfway between two.
fn quantize(values: &[f32], scales: &[f32], block: usize, book: &[f32]) -> Vec<u8> {
    let bounds: Vec<f32> = book.windows(2).map(|pair| f32::midpoint(pair[0], pair[1])).collect();
    let blocks = values.chunks(block).zip(scales);
    let codes = blocks.flat_map(|(values, scale)| {
        // bitsandbytes multiplies by the inverse, and so differs from a division in the last place.
        let inverse = 1.0 / scale.max(1e-38);
        values.iter().map(move |value| (value * inverse).clamp(-1.0, 1.0))
    });
    codes.map(|value| bounds.partition_point(|bound| *bound < value) as u8).collect()
}
