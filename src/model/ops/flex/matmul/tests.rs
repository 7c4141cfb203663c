//! Packed products against products with unpacked weights.

use super::*;

const LAYOUTS: [PackedLayout; 5] =
    [PackedLayout::Q4, PackedLayout::Q5, PackedLayout::Q6, PackedLayout::Q8, PackedLayout::Nf4];

/// Any codes; small parameters. NF4 rows begin within a block of scales and reach into the next.
fn weight_data(layout: PackedLayout, rows: usize, cols: usize) -> (Vec<u32>, Vec<f32>) {
    let words = (0..rows * layout.row_words(cols)).map(|i| (i as u32).wrapping_mul(2_654_435_761)).collect();
    let mut scales: Vec<f32> = (0..rows * layout.row_scales(cols)).map(|i| 0.01 * ((i % 7) as f32 - 3.0)).collect();
    if layout == PackedLayout::Nf4 {
        scales.chunks_exact_mut(layout.row_scales(cols)).enumerate().for_each(|(row, s)| s[1] = (row % 4 + 252) as f32);
    }
    (words, scales)
}

/// All weights as float32.
fn unpacked(weight: &Weight<'_>) -> Vec<f32> {
    let mut dense = vec![0.0; weight.rows * weight.cols];
    for (at, out) in dense.chunks_exact_mut(BLOCK).enumerate() {
        weight.unpack_block(Simd::Portable, at / (weight.cols / BLOCK), at % (weight.cols / BLOCK), out);
    }
    dense
}

fn check(simd: Simd, layout: PackedLayout, m: usize, rows: usize, cols: usize) {
    let (words, scales) = weight_data(layout, rows, cols);
    let weight = Weight::new(layout, &words, &scales, [rows, cols]);
    let dense = unpacked(&weight);
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
        for layout in LAYOUTS {
            let all = [1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 31, 40];
            let some = [1, 3, 6, 40];
            let whole = matches!(layout, PackedLayout::Q4 | PackedLayout::Q8);
            for &m in if whole { &all[..] } else { &some[..] } {
                check(simd, layout, m, 70, if layout == PackedLayout::Nf4 { 320 } else { 96 });
            }
            check(simd, layout, 40, 394, 64);
            check(simd, layout, 33, 64, 1344);
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_others() {
    for (simd, layout) in Simd::available().into_iter().flat_map(|simd| LAYOUTS.map(|layout| (simd, layout))) {
        let (words, scales) = weight_data(layout, 37, 128);
        let weight = Weight::new(layout, &words, &scales, [37, 128]);
        let x: Vec<f32> = (0..FEW_ROWS * 128).map(|i| (i as f32 * 0.37).sin()).collect();
        let together = matmul_by(simd, &x, FEW_ROWS, &weight);
        for m in [1, 2, 3, 4, 5, 6, 7, 13] {
            assert_eq!(matmul_by(simd, &x[..m * 128], m, &weight), together[..m * 37], "{simd:?}, {m} rows");
        }
    }
}

#[test]
fn dense_products_equal_packed_ones() {
    let (words, scales) = weight_data(PackedLayout::Q4, 37, 96);
    let weight = Weight::new(PackedLayout::Q4, &words, &scales, [37, 96]);
    let unpacked = unpacked(&weight);
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

#[test]
fn vector_and_portable_unpacking_agree() {
    for layout in LAYOUTS {
        let (words, scales) = weight_data(layout, 9, 320);
        let weight = Weight::new(layout, &words, &scales, [9, 320]);
        let expected = unpacked(&weight);
        for simd in Simd::available() {
            let mut out = vec![0.0; 320];
            for (row, expected) in expected.chunks_exact(320).enumerate() {
                for (block, out) in out.chunks_exact_mut(BLOCK).enumerate() {
                    weight.unpack_block(simd, row, block, out);
                }
                // Fused multiply-add rounds once, which is the same wherever the product is exact, as in real files.
                let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-7;
                assert!(out.iter().zip(expected).all(close), "{simd:?} {layout:?} row {row}");
            }
        }
    }
}
