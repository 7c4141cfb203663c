//! Blocks of a GGUF file to words and parameters.
//!
//! Parameters become float32 products of a block's own scale and its super-block's; that is exact, so that weights come out
//! as ggml's `dequantize_row_*` compute them, to the bit.

use half::f16;

use super::BLOCK;
use crate::model::gguf::{TensorType, k_scales};

/// Codes and parameters under construction.
#[derive(Default)]
pub(super) struct Parts {
    pub words: Vec<u32>,
    pub scales: Vec<f32>,
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

impl Parts {
    /// Appends one block of the file: 32 or 256 weights. Unquantized types have no parts.
    pub(super) fn split(&mut self, tensor_type: TensorType, block: &[u8]) {
        let scale = half_at(block, 0);
        match tensor_type {
            TensorType::F32 | TensorType::F16 | TensorType::Bf16 => {}
            TensorType::Q4_0 => {
                self.scales.extend([scale, -8.0 * scale]);
                self.bytes(&block[2..]);
            }
            TensorType::Q4_1 => {
                self.scales.extend([scale, half_at(block, 2)]);
                self.bytes(&block[4..]);
            }
            TensorType::Q5_0 => {
                self.scales.extend([scale, -16.0 * scale]);
                self.bytes(&block[6..]);
                self.bytes(&block[2..6]);
            }
            TensorType::Q5_1 => {
                self.scales.extend([scale, half_at(block, 2)]);
                self.bytes(&block[8..]);
                self.bytes(&block[4..8]);
            }
            TensorType::Q8_0 => {
                self.scales.push(scale);
                self.bytes(&block[2..]);
            }
            TensorType::Q4K => self.q4_k(block),
            TensorType::Q5K => self.q5_k(block),
            TensorType::Q6K => self.q6_k(block),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.words.extend(bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    }

    /// The low four bits of a block's codes.
    pub(super) fn nibbles(&mut self, codes: &[u8; BLOCK]) {
        let bytes: [u8; BLOCK / 2] = std::array::from_fn(|j| (codes[j] & 15) | (codes[j + BLOCK / 2] << 4));
        self.bytes(&bytes);
    }

    /// Eight sub-blocks of 32: d · scale · q − dmin · min.
    fn k_parameters(&mut self, block: &[u8], sub: usize) {
        let (scale, min) = k_scales(&block[4..16], sub);
        self.scales.extend([half_at(block, 0) * f32::from(scale), -(half_at(block, 2) * f32::from(min))]);
    }

    fn q4_k(&mut self, block: &[u8]) {
        for sub in 0..8 {
            self.k_parameters(block, sub);
            let bytes = &block[16 + sub / 2 * 32..];
            self.nibbles(&std::array::from_fn(|j| bytes[j] >> (sub % 2 * 4)));
        }
    }

    fn q5_k(&mut self, block: &[u8]) {
        let (high, low) = (&block[16..48], &block[48..]);
        for sub in 0..8 {
            self.k_parameters(block, sub);
            let bytes = &low[sub / 2 * 32..];
            self.nibbles(&std::array::from_fn(|j| bytes[j] >> (sub % 2 * 4)));
            let bits = high.iter().enumerate().map(|(j, byte)| u32::from(byte >> sub & 1) << j);
            self.words.push(bits.sum());
        }
    }

    /// Sixteen sub-blocks of 16, in pairs: d · scale · (q − 32).
    fn q6_k(&mut self, block: &[u8]) {
        let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
        let d = half_at(block, 208);
        for sub in 0..8 {
            self.scales.extend([0, 1].map(|i| d * f32::from(scales[sub * 2 + i].cast_signed())));
            // A half of 128 weights has 64 bytes of low and 32 of upper bits; its four blocks take turns in them.
            let (half, turn) = (sub / 4, sub % 4);
            let bytes = &low[half * 64 + turn % 2 * 32..];
            self.nibbles(&std::array::from_fn(|j| bytes[j] >> (turn / 2 * 4)));
            let upper = |j: usize| high[half * 32 + j] >> (turn * 2) & 3;
            let packed: [u8; 8] =
                std::array::from_fn(|i| upper(i) | upper(8 + i) << 2 | upper(16 + i) << 4 | upper(24 + i) << 6);
            self.bytes(&packed);
        }
    }
}
