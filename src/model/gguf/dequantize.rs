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
        TensorType::F16 | TensorType::Q4_0 | TensorType::Q8_0 => half_at(b, 0).is_finite(),
        TensorType::Q4_1 => half_at(b, 0).is_finite() && half_at(b, 2).is_finite(),
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
            let scale = tensor_type.block_bytes()..tensor_type.block_bytes() + tensor_type.block_bytes().min(4);
            bytes[scale].fill(0xff);
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
