//! Blocks to float32: for norms, for models held unpacked, and as the yardstick of the packed kernels.

use half::{bf16, f16};

use super::{super::ModelError, tensor::TensorType};

/// Expands `bytes`, blocks of type `tensor_type`, into `out`.
///
/// # Errors
/// [`ModelError::Compute`] if the two lengths do not belong together.
pub fn dequantize(tensor_type: TensorType, bytes: &[u8], out: &mut [f32]) -> Result<(), ModelError> {
    let (block_len, block_bytes) = (tensor_type.block_len(), tensor_type.block_bytes());
    if !out.len().is_multiple_of(block_len) || out.len() / block_len * block_bytes != bytes.len() {
        let (name, have, want) = (tensor_type.name(), bytes.len(), out.len());
        return Err(ModelError::Compute(format!("{have} bytes of {name} do not hold {want} elements")));
    }
    let blocks = bytes.chunks_exact(block_bytes).zip(out.chunks_exact_mut(block_len));
    match tensor_type {
        TensorType::F32 => blocks.for_each(|(b, o)| o[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        TensorType::F16 => blocks.for_each(|(b, o)| o[0] = half_at(b, 0)),
        TensorType::Bf16 => blocks.for_each(|(b, o)| o[0] = bf16::from_le_bytes([b[0], b[1]]).to_f32()),
        TensorType::Q4_0 => blocks.for_each(|(b, o)| {
            let scale = half_at(b, 0);
            nibbles(&b[2..], o, |q| (f32::from(q) - 8.0) * scale);
        }),
        TensorType::Q4_1 => blocks.for_each(|(b, o)| {
            let (scale, min) = (half_at(b, 0), half_at(b, 2));
            nibbles(&b[4..], o, |q| f32::from(q) * scale + min);
        }),
        TensorType::Q5_0 => blocks.for_each(|(b, o)| {
            let scale = half_at(b, 0);
            five_bits(&b[2..], o, |q| (f32::from(q) - 16.0) * scale);
        }),
        TensorType::Q5_1 => blocks.for_each(|(b, o)| {
            let (scale, min) = (half_at(b, 0), half_at(b, 2));
            five_bits(&b[4..], o, |q| f32::from(q) * scale + min);
        }),
        TensorType::Q4K => blocks.for_each(|(b, o)| q4_k(b, o)),
        TensorType::Q5K => blocks.for_each(|(b, o)| q5_k(b, o)),
        TensorType::Q6K => blocks.for_each(|(b, o)| q6_k(b, o)),
        TensorType::Q8_0 => blocks.for_each(|(b, o)| {
            let scale = half_at(b, 0);
            for (value, q) in o.iter_mut().zip(&b[2..]) {
                *value = f32::from(q.cast_signed()) * scale;
            }
        }),
    }
    Ok(())
}

/// The first element that a number in the file makes infinite or NaN. Codes cannot, so that of blocks only the scale and
/// the minimum are looked at.
pub fn first_not_finite(tensor_type: TensorType, bytes: &[u8]) -> Option<usize> {
    let finite = |b: &[u8]| match tensor_type {
        TensorType::F32 => f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite(),
        TensorType::Bf16 => bf16::from_le_bytes([b[0], b[1]]).is_finite(),
        TensorType::F16 | TensorType::Q4_0 | TensorType::Q5_0 | TensorType::Q8_0 => half_at(b, 0).is_finite(),
        TensorType::Q4_1 | TensorType::Q5_1 | TensorType::Q4K | TensorType::Q5K => {
            half_at(b, 0).is_finite() && half_at(b, 2).is_finite()
        }
        TensorType::Q6K => half_at(b, 208).is_finite(),
    };
    let block = bytes.chunks_exact(tensor_type.block_bytes()).position(|block| !finite(block))?;
    Some(block * tensor_type.block_len())
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Byte j holds element j in its low and element j + 16 in its high nibble.
fn nibbles(packed: &[u8], out: &mut [f32], value: impl Fn(u8) -> f32) {
    let (low, high) = out.split_at_mut(packed.len());
    for ((byte, low), high) in packed.iter().zip(low).zip(high) {
        *low = value(byte & 0x0f);
        *high = value(byte >> 4);
    }
}

/// Four bytes of highest bits, then nibbles.
fn five_bits(packed: &[u8], out: &mut [f32], value: impl Fn(u8) -> f32) {
    let (high, low) = packed.split_at(4);
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    for (j, value_out) in out.iter_mut().enumerate() {
        let nibble = if j < 16 { low[j] & 15 } else { low[j - 16] >> 4 };
        *value_out = value(nibble | ((high >> j & 1) as u8) << 4);
    }
}

/// Scale and minimum of one of the eight sub-blocks of a `Q4_K` or `Q5_K` block, six bits each, from its 12 bytes: the first
/// four of each have bytes of their own, the others nibbles and the two bits that those leave.
pub fn k_scales(packed: &[u8], sub_block: usize) -> (u8, u8) {
    match sub_block.checked_sub(4) {
        None => (packed[sub_block] & 63, packed[sub_block + 4] & 63),
        Some(j) => (packed[j + 8] & 15 | (packed[j] >> 6) << 4, packed[j + 8] >> 4 | (packed[j + 4] >> 6) << 4),
    }
}

/// Writes the eight sub-blocks of a `Q4_K` or `Q5_K` block; `code` gives value j of sub-block i.
fn k_block(block: &[u8], out: &mut [f32], code: impl Fn(usize, usize) -> u8) {
    let (d, d_min) = (half_at(block, 0), half_at(block, 2));
    for (sub, out) in out.chunks_exact_mut(32).enumerate() {
        let (scale, min) = k_scales(&block[4..16], sub);
        let (scale, min) = (d * f32::from(scale), d_min * f32::from(min));
        for (j, value) in out.iter_mut().enumerate() {
            *value = scale * f32::from(code(sub, j)) - min;
        }
    }
}

fn q4_k(block: &[u8], out: &mut [f32]) {
    k_block(block, out, |sub, j| block[16 + sub / 2 * 32 + j] >> (sub % 2 * 4) & 15);
}

fn q5_k(block: &[u8], out: &mut [f32]) {
    k_block(block, out, |sub, j| {
        let low = block[48 + sub / 2 * 32 + j] >> (sub % 2 * 4) & 15;
        low | (block[16 + j] >> sub & 1) << 4
    });
}

/// Two halves of 128 values with 64 bytes of nibbles and 32 of upper bits each: value l of quarter k has nibble k / 2 of byte
/// 32 · (k mod 2) + l, and bits 2k and 2k + 1 of byte l.
fn q6_k(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 208);
    for (half, out) in out.chunks_exact_mut(128).enumerate() {
        let (low, high) = (&block[half * 64..], &block[128 + half * 32..]);
        for (at, value) in out.iter_mut().enumerate() {
            let (quarter, l) = (at / 32, at % 32);
            let nibble = low[quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
            let code = nibble | (high[l] >> (quarter * 2) & 3) << 4;
            let scale = d * f32::from(block[192 + half * 8 + at / 16].cast_signed());
            *value = scale * (f32::from(code) - 32.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(tensor_type: TensorType, bytes: &[u8], elements: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; elements];
        dequantize(tensor_type, bytes, &mut out).unwrap();
        out
    }

    fn half(value: f32) -> [u8; 2] {
        f16::from_f32(value).to_le_bytes()
    }

    #[test]
    fn floats_are_widened() {
        assert_eq!(run(TensorType::F32, &[1.5_f32.to_le_bytes(), (-2.25_f32).to_le_bytes()].concat(), 2), [1.5, -2.25]);
        assert_eq!(run(TensorType::F16, &[half(0.5), half(-65504.0)].concat(), 2), [0.5, -65504.0]);
        // 0x3fc0 is the upper half of 1.5f32, 0xc010 that of -2.25f32.
        assert_eq!(run(TensorType::Bf16, &[0xc0, 0x3f, 0x10, 0xc0], 2), [1.5, -2.25]);
    }

    #[test]
    fn q4_0_puts_the_second_half_of_a_block_in_high_nibbles() {
        let mut block = half(0.5).to_vec();
        block.extend((0..16_u8).map(|j| (15 - j) << 4 | j));
        let expected: Vec<f32> = (0..16).chain((0..16).rev()).map(|q| (q as f32 - 8.0) * 0.5).collect();
        assert_eq!(run(TensorType::Q4_0, &block, 32), expected);
    }

    #[test]
    fn q4_1_adds_the_minimum() {
        let mut block = [half(0.25), half(-3.0)].concat();
        block.extend((0..16_u8).map(|j| j << 4 | (15 - j)));
        let expected: Vec<f32> = (0..16).rev().chain(0..16).map(|q| q as f32 * 0.25 - 3.0).collect();
        assert_eq!(run(TensorType::Q4_1, &block, 32), expected);
    }

    #[test]
    fn q8_0_is_signed_and_blocks_follow_each_other() {
        let mut blocks = half(2.0).to_vec();
        blocks.extend([0x80; 32]);
        blocks.extend(half(-1.0));
        blocks.extend((0..32_u8).map(|j| j.wrapping_sub(16)));
        let expected: Vec<f32> = [-256.0; 32].into_iter().chain((0..32).map(|j| 16.0 - j as f32)).collect();
        assert_eq!(run(TensorType::Q8_0, &blocks, 64), expected);
    }

    #[test]
    fn numbers_that_are_not_finite_are_found() {
        for tensor_type in TensorType::ALL {
            let mut bytes = vec![0; 3 * tensor_type.block_bytes()];
            assert_eq!(first_not_finite(tensor_type, &bytes), None);
            // All ones are a NaN in every floating-point format; codes may have any bits.
            let start = tensor_type.block_bytes() + if tensor_type == TensorType::Q6K { 206 } else { 0 };
            bytes[start..start + tensor_type.block_bytes().min(4)].fill(0xff);
            assert_eq!(first_not_finite(tensor_type, &bytes), Some(tensor_type.block_len()), "{tensor_type:?}");
        }
        let codes = [&half(1.0)[..], &half(1.0), &[0xff; 16]].concat();
        assert_eq!(first_not_finite(TensorType::Q4_1, &codes), None);
        let minimum = [&half(1.0)[..], &half(f32::INFINITY), &[0; 16]].concat();
        assert_eq!(first_not_finite(TensorType::Q4_1, &minimum), Some(0));
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for (bytes, elements) in [(19, 32), (20, 31), (40, 32), (20, 64)] {
            assert!(
                dequantize(TensorType::Q4_1, &vec![0; bytes], &mut vec![0.0; elements]).is_err(),
                "{bytes} {elements}"
            );
        }
    }
}
