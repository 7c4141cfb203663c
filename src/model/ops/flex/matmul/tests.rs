//! Packed products against products with unpacked weights.

use super::*;

fn weight_data(layout: PackedLayout, rows: usize, cols: usize) -> (Vec<u32>, Vec<f32>) {
    let blocks = rows * cols / BLOCK;
    let words = (0..blocks * layout.words_per_block()).map(|i| (i as u32).wrapping_mul(2_654_435_761)).collect();
    let scales = (0..blocks * layout.scales_per_block()).map(|i| 0.01 * ((i % 7) as f32 - 3.0)).collect();
    (words, scales)
}

fn check(simd: Simd, layout: PackedLayout, m: usize, rows: usize, cols: usize) {
    let (words, scales) = weight_data(layout, rows, cols);
    let weight = Weight::new(layout, &words, &scales, rows);
    assert_eq!(weight.cols, cols);
    let mut dense = vec![0.0; rows * cols];
    for (row, out) in dense.chunks_exact_mut(cols).enumerate() {
        let Weight { codes, scales, .. } = weight.slice(row, 1);
        unpack_row(layout, codes, scales, out);
    }
    let x: Vec<f32> = (0..m * cols).map(|i| (i as f32 * 0.37).sin()).collect();
    let product = matmul_by(simd, &x, m, &weight);
    let back = matmul_transposed_by(simd, &product, m, &weight);
    let assert_sum = |value: f32, terms: &mut dyn Iterator<Item = f64>, place: [usize; 2]| {
        let (sum, size) = terms.fold((0.0, 1e-3), |(sum, size), term| (sum + term, size + term.abs()));
        assert!((f64::from(value) - sum).abs() < 1e-6 * size, "{simd:?} {layout:?} m {m} at {place:?}: {value} {sum}");
    };
    for i in 0..m {
        for r in 0..rows {
            let mut terms = (0..cols).map(|c| f64::from(x[i * cols + c]) * f64::from(dense[r * cols + c]));
            assert_sum(product[i * rows + r], &mut terms, [i, r]);
        }
        for c in 0..cols {
            let mut terms = (0..rows).map(|r| f64::from(product[i * rows + r]) * f64::from(dense[r * cols + c]));
            assert_sum(back[i * cols + c], &mut terms, [i, c]);
        }
    }
}

#[test]
fn products_equal_those_with_unpacked_weights() {
    for simd in Simd::available() {
        for layout in [PackedLayout::Q4, PackedLayout::Q8] {
            for m in [1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 31, 40] {
                check(simd, layout, m, 70, 96);
            }
            check(simd, layout, 40, 394, 64);
            check(simd, layout, 33, 64, 1344);
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_others() {
    let (words, scales) = weight_data(PackedLayout::Q4, 37, 96);
    let weight = Weight::new(PackedLayout::Q4, &words, &scales, 37);
    let x: Vec<f32> = (0..FEW_ROWS * 96).map(|i| (i as f32 * 0.37).sin()).collect();
    for simd in Simd::available() {
        let together = matmul_by(simd, &x, FEW_ROWS, &weight);
        for m in [1, 2, 3, 4, 5, 6, 7, 13] {
            assert_eq!(matmul_by(simd, &x[..m * 96], m, &weight), together[..m * 37], "{simd:?}, {m} rows");
        }
    }
}

#[test]
fn dense_products_equal_packed_ones() {
    let (words, scales) = weight_data(PackedLayout::Q4, 37, 96);
    let weight = Weight::new(PackedLayout::Q4, &words, &scales, 37);
    let mut unpacked = vec![0.0; 37 * 96];
    for (row, out) in unpacked.chunks_exact_mut(96).enumerate() {
        let row = weight.slice(row, 1);
        unpack_row(row.layout, row.codes, row.scales, out);
    }
    let x: Vec<f32> = (0..40 * 96).map(|i| (i as f32 * 0.37).sin()).collect();
    let together = dense(&x[..FEW_ROWS * 96], FEW_ROWS, &unpacked, 37);
    for m in [1, 2, 5, FEW_ROWS, 40] {
        let (dense, packed) = (dense(&x[..m * 96], m, &unpacked, 37), matmul(&x[..m * 96], m, &weight));
        for (a, b) in dense.iter().zip(&packed) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
        if m <= FEW_ROWS {
            assert_eq!(dense, together[..m * 37], "{m} dense rows");
        }
    }
}
