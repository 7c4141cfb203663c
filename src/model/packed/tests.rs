//! Block formats against their definitions.

use super::*;

/// One row of two blocks in each format, with the weights worked out by hand from the format's definition.
fn blocks(format: TensorType) -> (Vec<u8>, Vec<f32>) {
    let (mut bytes, mut weights) = (Vec::new(), Vec::new());
    for block in 0..2_u8 {
        let (scale, min) = (f16::from_f32(0.5 + f32::from(block)), f16::from_f32(-1.25));
        bytes.extend(scale.to_le_bytes());
        let (scale, min_value) = (scale.to_f32(), min.to_f32());
        if format == TensorType::Q8_0 {
            let codes: Vec<i8> = (0..32).map(|j| (j * 8 - 128) as i8).collect();
            bytes.extend(codes.iter().map(|&c| c as u8));
            weights.extend(codes.iter().map(|&c| f32::from(c) * scale));
            continue;
        }
        let codes: Vec<u8> = (0..32).map(|j| (j * 7 + block) % 16).collect();
        if format == TensorType::Q4_1 {
            bytes.extend(min.to_le_bytes());
        }
        bytes.extend((0..16).map(|j| codes[j] | (codes[j + 16] << 4)));
        weights.extend(codes.iter().map(|&c| match format {
            TensorType::Q4_1 => f32::from(c) * scale + min_value,
            _ => (f32::from(c) - 8.0) * scale,
        }));
    }
    (bytes, weights)
}

#[test]
fn blocks_dequantize_to_their_definition() {
    let device = crate::model::testing::device();
    for format in [TensorType::Q4_0, TensorType::Q4_1, TensorType::Q8_0] {
        let (bytes, weights) = blocks(format);
        let matrix = PackedMatrix::from_blocks(format, 1, 64, &bytes, &device).unwrap();
        assert_eq!(matrix.dequantize().try_into_vec_as::<f32>().unwrap(), weights, "{format:?}");
    }
}

#[test]
fn gathered_rows_are_those_of_the_whole() {
    let device = crate::model::testing::device();
    let (bytes, weights) = blocks(TensorType::Q4_1);
    let matrix = PackedMatrix::from_blocks(TensorType::Q4_1, 2, 32, &bytes, &device).unwrap();
    let rows = matrix.gather_rows(Tensor::from_ints([1, 0, 1], &device));
    let expected = [&weights[32..], &weights[..32], &weights[32..]].concat();
    assert_eq!(rows.try_into_vec_as::<f32>().unwrap(), expected);
}

#[test]
fn stacking_merges_equal_layouts_only() {
    let device = crate::model::testing::device();
    let q4 = || PackedMatrix::from_blocks(TensorType::Q4_1, 2, 32, &blocks(TensorType::Q4_1).0, &device).unwrap();
    let q8 = PackedMatrix::from_blocks(TensorType::Q8_0, 2, 32, &blocks(TensorType::Q8_0).0, &device).unwrap();
    let stacked = PackedMatrix::stack(vec![q4(), q4(), q8]);
    assert_eq!(stacked.iter().map(PackedMatrix::rows).collect::<Vec<_>>(), [4, 2]);
    let twice = q4().dequantize().try_into_vec_as::<f32>().unwrap().repeat(2);
    assert_eq!(stacked[0].dequantize().try_into_vec_as::<f32>().unwrap(), twice);
}

#[test]
fn damaged_sizes_are_errors() {
    let device = crate::model::testing::device();
    let (bytes, _) = blocks(TensorType::Q4_1);
    let short = PackedMatrix::from_blocks(TensorType::Q4_1, 1, 64, &bytes[1..], &device).unwrap_err();
    assert_eq!(short, PackedError::WrongSize { rows: 1, cols: 64, expected: 40, found: 39 });
    let ragged = PackedMatrix::from_blocks(TensorType::Q4_1, 1, 40, &bytes, &device).unwrap_err();
    assert_eq!(ragged, PackedError::RaggedRow { cols: 40, block: 32 });
    assert!(PackedMatrix::from_f32(2, 2, vec![0.0; 3], &device).is_err());
}

#[test]
fn rope_row_order_is_undone() {
    // Hugging Face rows 0..8 of two heads of four, as llama.cpp stores them: h0: 0 2 1 3, h1: 4 6 5 7.
    let stored = [0, 2, 1, 3, 4, 6, 5, 7];
    assert_eq!(undo_rope_row_order(&stored, 8, 2), [0, 1, 2, 3, 4, 5, 6, 7]);
}
