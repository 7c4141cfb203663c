//! Rows to columns.

use super::simd::Simd;

/// Side of the blocks that are exchanged in registers.
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 8;

/// Writes the first `cols` elements of `rows` rows, `from_stride` apart, as columns: element (i, j) to `j · to_stride + i`.
///
/// # Panics
/// If the slices are too small: that is an error of this program, not of its input.
pub fn transpose(simd: Simd, from: (&[f32], usize), to: (&mut [f32], usize), rows: usize, cols: usize) {
    let ((from, from_stride), (to, to_stride)) = (from, to);
    if rows == 0 || cols == 0 {
        return;
    }
    assert!((rows - 1) * from_stride + cols <= from.len(), "rows to transpose do not fit");
    assert!((cols - 1) * to_stride + rows <= to.len(), "columns to transpose to do not fit");
    #[cfg(target_arch = "x86_64")]
    let done = if simd != Simd::Portable && rows >= BLOCK {
        let whole = cols - cols % BLOCK;
        for col in (0..whole).step_by(BLOCK) {
            for row in (0..rows).step_by(BLOCK) {
                // The last block overlaps the one before where they do not divide the rows.
                let row = row.min(rows - BLOCK);
                // SAFETY: AVX2 is there, and the assertions bound all of the block's rows and columns.
                #[allow(unsafe_code)]
                unsafe {
                    let from = from.as_ptr().add(row * from_stride + col);
                    x86::transpose_8(from, from_stride, to.as_mut_ptr().add(col * to_stride + row), to_stride);
                }
            }
        }
        whole
    } else {
        0
    };
    #[cfg(not(target_arch = "x86_64"))]
    let (done, _) = (0, simd);
    for col in done..cols {
        for row in 0..rows {
            to[col * to_stride + row] = from[row * from_stride + col];
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use std::arch::x86_64::{
        __m256, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps,
    };

    /// Eight rows of eight.
    ///
    /// # Safety
    /// AVX2; eight rows of eight elements may be read behind `from` and written behind `to`.
    #[target_feature(enable = "avx2")]
    pub unsafe fn transpose_8(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller vouches for eight rows.
        let rows: [__m256; 8] = std::array::from_fn(|i| unsafe { _mm256_loadu_ps(from.add(i * from_stride)) });
        let pairs: [[__m256; 2]; 4] = std::array::from_fn(|i| {
            let (a, b) = (rows[2 * i], rows[2 * i + 1]);
            [_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)]
        });
        // Columns j (low half) and j + 4 (high half) of rows 0 to 3, then of rows 4 to 7.
        let fours: [[__m256; 4]; 2] = std::array::from_fn(|half| {
            let [a, b] = [pairs[2 * half], pairs[2 * half + 1]];
            std::array::from_fn(|j| match j % 2 {
                0 => _mm256_shuffle_ps::<0x44>(a[j / 2], b[j / 2]),
                _ => _mm256_shuffle_ps::<0xEE>(a[j / 2], b[j / 2]),
            })
        });
        for (j, (top, bottom)) in fours[0].into_iter().zip(fours[1]).enumerate() {
            // SAFETY: the caller vouches for eight rows.
            unsafe {
                _mm256_storeu_ps(to.add(j * to_stride), _mm256_permute2f128_ps::<0x20>(top, bottom));
                _mm256_storeu_ps(to.add((j + 4) * to_stride), _mm256_permute2f128_ps::<0x31>(top, bottom));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_changes_places() {
        for simd in Simd::available() {
            for (rows, cols) in [(1, 1), (3, 9), (8, 8), (14, 21), (32, 32), (9, 7)] {
                let (from_stride, to_stride) = (cols + 3, rows + 2);
                let from: Vec<f32> = (0..rows * from_stride).map(|i| i as f32).collect();
                let mut to = vec![-1.0; cols * to_stride];
                transpose(simd, (&from, from_stride), (&mut to, to_stride), rows, cols);
                for row in 0..rows {
                    for col in 0..cols {
                        let (a, b) = (from[row * from_stride + col], to[col * to_stride + row]);
                        assert!(a.to_bits() == b.to_bits(), "{simd:?} {rows} x {cols} at {row}, {col}");
                    }
                }
                let gaps = to.chunks(to_stride).flat_map(|column| &column[rows..]);
                assert!(gaps.into_iter().all(|&gap| gap < 0.0), "only the columns are written");
            }
        }
    }
}
