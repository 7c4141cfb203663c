//! Packed products against products with unpacked weights.

use super::*;

fn weight_data(layout: PackedLayout, rows: usize, cols: usize) -> (Vec<u32>, Vec<f32>) {
    let blocks = rows * cols / BLOCK;
    let words = (0..blocks * layout.words_per_block()).map(|i| (i as u32).wrapping_mul(2_654_435_761)).collect();
    let scales = (0..blocks * layout.scales_per_block()).map(|i| 0.01 * ((i % 7) as f32 - 3.0)).collect();
    (words, scales)
}

fn check(layout: PackedLayout, m: usize, rows: usize, cols: usize) {
    let (words, scales) = weight_data(layout, rows, cols);
    let weight = Weight::new(layout, &words, &scales, rows);
    assert_eq!(weight.cols, cols);
    let mut dense = vec![0.0; rows * cols];
    for (row, out) in dense.chunks_exact_mut(cols).enumerate() {
        let Weight { codes, scales, .. } = weight.slice(row, 1);
        unpack_row(layout, codes, scales, out);
    }
    let x: Vec<f32> = (0..m * cols).map(|i| (i as f32 * 0.37).sin()).collect();
    let product = matmul(&x, m, &weight);
    let back = matmul_transposed(&product, m, &weight);
    for i in 0..m {
        for r in 0..rows {
            let exact: f64 = (0..cols).map(|c| f64::from(x[i * cols + c]) * f64::from(dense[r * cols + c])).sum();
            assert!((f64::from(product[i * rows + r]) - exact).abs() < 1e-4, "{layout:?} m {m} at {i}, {r}");
        }
        for c in 0..cols {
            let exact: f64 = (0..rows).map(|r| f64::from(product[i * rows + r]) * f64::from(dense[r * cols + c])).sum();
            assert!((f64::from(back[i * cols + c]) - exact).abs() < 2e-3, "{layout:?} m {m} back at {i}, {c}");
        }
    }
}

#[test]
fn products_equal_those_with_unpacked_weights() {
    for layout in [PackedLayout::Q4, PackedLayout::Q8] {
        for m in [1, 2, 3, 5, 8, 11, 16, 31, 40] {
            check(layout, m, 70, 96);
        }
        check(layout, 40, PANEL_ROWS + 10, 64);
    }
}

#[test]
fn a_row_does_not_depend_on_the_others() {
    let (words, scales) = weight_data(PackedLayout::Q4, 37, 96);
    let weight = Weight::new(PackedLayout::Q4, &words, &scales, 37);
    let x: Vec<f32> = (0..FEW_ROWS * 96).map(|i| (i as f32 * 0.37).sin()).collect();
    let together = matmul(&x, FEW_ROWS, &weight);
    for m in [1, 2, 3, 4, 7, 13] {
        assert_eq!(matmul(&x[..m * 96], m, &weight), together[..m * 37], "{m} rows");
    }
    let mut unpacked = vec![0.0; 37 * 96];
    weight.unpack(0, &mut unpacked);
    let dense_together = dense(&x, FEW_ROWS, &unpacked, 37);
    for (a, b) in dense_together.iter().zip(&together) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
    for m in [1, 2, 5] {
        assert_eq!(dense(&x[..m * 96], m, &unpacked, 37), dense_together[..m * 37], "{m} dense rows");
    }
}
