//! Float32 to blocks, with the rounding of ggml's reference quantizers (`quantize_row_*_ref`).

use half::{bf16, f16};

use super::{super::ModelError, tensor::TensorType};

/// Weights in a block.
const BLOCK: usize = 32;

/// The types that can be written.
pub const WRITABLE: [TensorType; 5] =
    [TensorType::F32, TensorType::F16, TensorType::Bf16, TensorType::Q4_1, TensorType::Q8_0];

/// Packs `values`, whole blocks of them, as `tensor_type`: F32, F16, BF16, `Q4_1` or `Q8_0` (see [`WRITABLE`]).
///
/// # Errors
/// [`ModelError::Compute`] for other types, a length that is no whole number of blocks, values that are not finite, and
/// blocks whose scale or minimum exceeds float16.
pub fn quantize(tensor_type: TensorType, values: &[f32]) -> Result<Vec<u8>, ModelError> {
    let name = tensor_type.name();
    if !values.len().is_multiple_of(tensor_type.block_len()) {
        let (count, block) = (values.len(), tensor_type.block_len());
        return Err(ModelError::Compute(format!("{count} values cannot be cut into {name} blocks of {block}")));
    }
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(ModelError::Compute(format!("value {at} is {}, which {name} cannot hold", values[at])));
    }
    let mut bytes = Vec::with_capacity(values.len() / tensor_type.block_len() * tensor_type.block_bytes());
    match tensor_type {
        TensorType::F32 => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
        TensorType::F16 => values.iter().try_for_each(|value| half(*value).map(|half| bytes.extend(half)))?,
        TensorType::Bf16 => values.iter().for_each(|value| bytes.extend(bf16::from_f32(*value).to_le_bytes())),
        TensorType::Q4_1 => blocks(values, &mut bytes, q4_1)?,
        TensorType::Q8_0 => blocks(values, &mut bytes, q8_0)?,
        _ => {
            return Err(ModelError::Compute(format!(
                "writing {name} is not supported; use one of {}",
                WRITABLE.map(TensorType::name).join(", ")
            )));
        }
    }
    Ok(bytes)
}

type BlockFn = fn(&[f32; BLOCK], &mut Vec<u8>) -> Result<(), ModelError>;

fn blocks(values: &[f32], bytes: &mut Vec<u8>, one: BlockFn) -> Result<(), ModelError> {
    let (blocks, _) = values.as_chunks::<BLOCK>();
    blocks.iter().try_for_each(|block| one(block, bytes))
}

/// Scale (max − min) / 15 and minimum, then byte j with element j in its low and element j + 16 in its high nibble.
fn q4_1(block: &[f32; BLOCK], bytes: &mut Vec<u8>) -> Result<(), ModelError> {
    let min = block.iter().copied().fold(f32::INFINITY, f32::min);
    let max = block.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let scale = (max - min) / 15.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    bytes.extend(half(scale)?);
    bytes.extend(half(min)?);
    let code = |value: f32| (((value - min) * inverse + 0.5) as u8).min(15);
    bytes.extend((0..BLOCK / 2).map(|j| code(block[j]) | code(block[j + BLOCK / 2]) << 4));
    Ok(())
}

/// Scale max|x| / 127, then the codes, rounded half away from zero.
fn q8_0(block: &[f32; BLOCK], bytes: &mut Vec<u8>) -> Result<(), ModelError> {
    let largest = block.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = largest / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    bytes.extend(half(scale)?);
    bytes.extend(block.iter().map(|value| ((value * inverse).round() as i8).cast_unsigned()));
    Ok(())
}

fn half(value: f32) -> Result<[u8; 2], ModelError> {
    let half = f16::from_f32(value);
    if half.is_finite() {
        Ok(half.to_le_bytes())
    } else {
        Err(ModelError::Compute(format!("a weight, or a block's scale or minimum, is {value}, beyond float16")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::dequantize::dequantize, *};

    fn there_and_back(tensor_type: TensorType, values: &[f32]) -> Vec<f32> {
        let mut out = vec![f32::NAN; values.len()];
        dequantize(tensor_type, &quantize(tensor_type, values).unwrap(), &mut out).unwrap();
        out
    }

    #[test]
    fn blocks_have_the_bytes_of_the_reference() {
        // 0..=31 in Q4_1: scale 31/15, code = round half up of x·15/31.
        let ramp: Vec<f32> = (0..32).map(|i| i as f32).collect();
        let bytes = quantize(TensorType::Q4_1, &ramp).unwrap();
        assert_eq!(bytes[..4], [f16::from_f32(31.0 / 15.0).to_le_bytes(), [0, 0]].concat());
        let expected: Vec<u8> =
            (0..16).map(|j| ((j * 15 + 15) / 31) | ((((j + 16) * 15 + 15) / 31) << 4)).map(|b: u32| b as u8).collect();
        assert_eq!(bytes[4..], expected);
        // −127..127 in Q8_0: scale 1, codes are the values.
        let values: Vec<f32> = (0..32).map(|i| (i * 8 - 127) as f32).collect();
        let bytes = quantize(TensorType::Q8_0, &values).unwrap();
        assert_eq!(bytes[..2], f16::from_f32(1.0).to_le_bytes());
        let codes: Vec<f32> = bytes[2..].iter().map(|b| f32::from(b.cast_signed())).collect();
        assert_eq!(codes, values);
    }

    #[test]
    fn constant_blocks_are_kept() {
        for value in [0.0, 0.75, -2.5] {
            assert_eq!(there_and_back(TensorType::Q4_1, &[value; 32]), [value; 32]);
        }
        assert_eq!(there_and_back(TensorType::Q8_0, &[0.0; 32]), [0.0; 32]);
    }

    #[test]
    fn what_cannot_be_held_is_refused() {
        for (tensor_type, values, expected) in [
            (TensorType::Q4_1, vec![0.0; 33], "blocks of 32"),
            (TensorType::Q8_0, vec![f32::NAN; 32], "value 0 is NaN"),
            (TensorType::Q4_1, vec![1e6; 32], "beyond float16"),
            (TensorType::Q4_0, vec![0.0; 32], "writing Q4_0"),
        ] {
            let error = quantize(tensor_type, &values).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    proptest! {
        /// Half a code's step, and what float16 takes off scale and minimum.
        #[test]
        fn errors_stay_within_half_a_step(values in prop::collection::vec(-4.0_f32..4.0, 64)) {
            for (tensor_type, codes) in [(TensorType::Q4_1, 15.0), (TensorType::Q8_0, 127.0)] {
                let back = there_and_back(tensor_type, &values);
                for (block, back) in values.chunks(32).zip(back.chunks(32)) {
                    let min = block.iter().copied().fold(f32::INFINITY, f32::min);
                    let max = block.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    let range = if tensor_type == TensorType::Q4_1 { max - min } else { max.max(-min) };
                    let bound = range / codes * 0.5 + (range + min.abs()) * 6e-4 + 1e-6;
                    for (a, b) in block.iter().zip(back) {
                        prop_assert!((a - b).abs() <= bound, "{} became {}, bound {}", a, b, bound);
                    }
                }
            }
        }

        #[test]
        fn float32_survives_to_the_bit(values in prop::collection::vec(-1e30_f32..1e30, 0..40)) {
            prop_assert_eq!(there_and_back(TensorType::F32, &values), values);
        }
    }
}
