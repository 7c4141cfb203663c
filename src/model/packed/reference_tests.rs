//! Blocks against the values that `gguf` and `bitsandbytes` make of them (`tests/fixtures/blocks.safetensors`, which
//! `scripts/make-quant-fixtures` wrote).

use safetensors::SafeTensors;

use super::{nf4::dynamic_map, *};
use crate::model::{
    gguf::{dequantize::dequantize, quantize::quantize},
    ops,
};

static FIXTURE: &[u8] = include_bytes!("../../../tests/fixtures/blocks.safetensors");

const TYPES: [TensorType; 8] = [
    TensorType::Q4_0,
    TensorType::Q4_1,
    TensorType::Q5_0,
    TensorType::Q5_1,
    TensorType::Q8_0,
    TensorType::Q4K,
    TensorType::Q5K,
    TensorType::Q6K,
];

fn bytes(name: &str) -> Vec<u8> {
    SafeTensors::deserialize(FIXTURE).unwrap().tensor(name).unwrap().data().to_vec()
}

fn floats_of(name: &str) -> Vec<f32> {
    bytes(name).chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// The weights that were quantized, `[24, 832]`.
fn weights() -> Vec<f32> {
    bytes("weights").chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
}
const SHAPE: [usize; 2] = [24, 832];

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// All rows, unpacked by the kernels.
fn gathered(matrix: &PackedMatrix) -> Vec<f32> {
    let ids: Vec<u32> = (0..matrix.rows() as u32).collect();
    ops::gather(matrix, &ids, burn::tensor::DType::F32).try_into_vec_as().unwrap()
}

fn plain(matrix: &PackedMatrix) -> Vec<f32> {
    matrix.dequantize().try_into_vec_as().unwrap()
}

#[test]
fn blocks_dequantize_as_by_the_gguf_package() {
    for tensor_type in TYPES {
        let name = tensor_type.name();
        let (blocks, expected) = (bytes(&format!("{name}.blocks")), floats_of(&format!("{name}.values")));
        let mut values = vec![0.0; expected.len()];
        dequantize(tensor_type, &blocks, &mut values).unwrap();
        assert_eq!(bits(&values), bits(&expected), "{name}");
        // In memory a zero may have lost its sign: (q − 8) · d is held as q · d − 8 d.
        let matrix =
            PackedMatrix::from_blocks(tensor_type, 4, expected.len() / 4, &blocks, &crate::model::testing::device())
                .unwrap();
        assert_eq!(plain(&matrix), expected, "{name} by tensor operations");
        assert_eq!(gathered(&matrix), expected, "{name} by kernels");
    }
}

#[test]
fn nf4_dequantizes_as_by_bitsandbytes() {
    assert_eq!(bits(dynamic_map()), bits(&floats_of("nf4.map")));
    // bitsandbytes packs the first of two codes high.
    let codes = bytes("nf4.codes").iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
    let theirs = DoubleQuantized {
        codes,
        scale_codes: bytes("nf4.scale_codes"),
        second_scales: floats_of("nf4.second_scales"),
        offset: floats_of("nf4.offset")[0],
    };
    let [rows, cols] = SHAPE;
    let expected = bits(&floats_of("nf4.values"));
    let matrix =
        PackedMatrix::from_parts(PackedLayout::Nf4, [rows, cols], theirs.parts(cols), &crate::model::testing::device());
    assert_eq!(bits(&plain(&matrix)), expected, "by tensor operations");
    assert_eq!(bits(&gathered(&matrix)), expected, "by kernels");

    let ours = DoubleQuantized::new(&weights());
    assert_eq!(ours.codes, theirs.codes);
    // bitsandbytes' search among the 256 values is not exact near the middle between two.
    let differ = ours.scale_codes.iter().zip(&theirs.scale_codes).filter(|(a, b)| a != b);
    assert!(
        differ.clone().count() <= 3 && differ.clone().all(|(a, b)| a.abs_diff(*b) == 1),
        "{:?}",
        differ.collect::<Vec<_>>()
    );
    // torch sums the scales in another order for their mean.
    assert!((ours.offset - theirs.offset).abs() <= theirs.offset * 1e-6, "{} {}", ours.offset, theirs.offset);
    for (a, b) in ours.second_scales.iter().zip(&theirs.second_scales) {
        assert!((a - b).abs() <= b * 1e-6, "{a} {b}");
    }
}

#[test]
fn quantized_weights_are_those_of_the_gguf_package() {
    for tensor_type in [TensorType::Q8_0, TensorType::Q4_1] {
        let name = tensor_type.name();
        assert_eq!(quantize(tensor_type, &weights()).unwrap(), bytes(&format!("weights.{name}")), "{name}");
    }
}

#[test]
fn nf4_rows_are_stacked_and_measured() {
    let [rows, cols] = SHAPE;
    let whole = PackedMatrix::to_nf4(rows, cols, &weights(), &crate::model::testing::device()).unwrap();
    let per_weight = whole.bytes() as f64 * 8.0 / (rows * cols) as f64;
    assert!((4.0..4.4).contains(&per_weight), "{per_weight} bits a weight");
    let stacked = PackedMatrix::stack(vec![whole.clone(), whole.clone()]);
    assert_eq!(stacked.len(), 1);
    assert_eq!(gathered(&stacked[0]), [plain(&whole), plain(&whole)].concat());
    let error = PackedMatrix::to_nf4(2, 96, &[0.0; 192], &crate::model::testing::device()).unwrap_err().to_string();
    assert!(error.contains("multiple of 64"), "{error}");
}
