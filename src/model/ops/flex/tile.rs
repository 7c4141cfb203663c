//! The innermost part of a product: a few rows times a panel of columns, held in registers.
//!
//! Every element is one chain of multiplications and additions over the depth, in order: it does not depend on what is
//! computed with it. Both vector forms fuse the two and agree to the bit; the portable one rounds in between.
#![allow(unsafe_code)]

use super::simd::Simd;

/// Columns of a panel.
pub const PANEL: usize = 32;

/// Rows of the largest tile.
const MOST_ROWS: usize = 14;

impl Simd {
    /// Rows of a full tile: as many as leave no register unused.
    pub fn tile_rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => MOST_ROWS,
            _ => 6,
        }
    }
}

/// Where tiles write: rows `stride` apart.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// First element.
    pub data: *mut f32,
    /// Distance of rows.
    pub stride: usize,
    /// Whether the product is added to what is there.
    pub add: bool,
}

/// The operands of a tile.
#[derive(Debug, Clone, Copy)]
pub struct Tile<'a> {
    /// `[depth, rows]`.
    pub left: &'a [f32],
    /// Rows, at most [`Simd::tile_rows`].
    pub rows: usize,
    /// `[depth, PANEL]`, rows `right_stride` apart.
    pub right: &'a [f32],
    /// Distance of the right operand's rows.
    pub right_stride: usize,
    /// Columns that are wanted, at most [`PANEL`].
    pub cols: usize,
}

impl Tile<'_> {
    /// Writes `left`ᵀ · `right`, `[rows, cols]`.
    ///
    /// # Safety
    /// `rows` × `cols` elements at `target` may be written, and read if it adds.
    pub unsafe fn compute(&self, simd: Simd, target: Target) {
        let depth = self.left.len() / self.rows;
        assert!(self.left.len() == depth * self.rows && self.right_stride >= PANEL);
        assert!(depth == 0 || self.right.len() >= (depth - 1) * self.right_stride + PANEL);
        assert!(self.rows <= simd.tile_rows() && self.cols <= PANEL);
        if self.cols == PANEL {
            // SAFETY: the assertions bound the operands; the caller vouches for the target.
            unsafe { self.whole(simd, depth, target) };
            return;
        }
        let mut block = [0.0_f32; MOST_ROWS * PANEL];
        // SAFETY: the block has room for a whole tile.
        unsafe { self.whole(simd, depth, Target { data: block.as_mut_ptr(), stride: PANEL, add: false }) };
        for (i, row) in block.chunks_exact(PANEL).take(self.rows).enumerate() {
            // SAFETY: these rows and columns are the caller's promise.
            let out = unsafe { std::slice::from_raw_parts_mut(target.data.add(i * target.stride), self.cols) };
            if target.add {
                out.iter_mut().zip(row).for_each(|(out, value)| *out += value);
            } else {
                out.copy_from_slice(&row[..self.cols]);
            }
        }
    }

    /// All columns of the panel.
    unsafe fn whole(&self, simd: Simd, depth: usize, target: Target) {
        let (left, right, apart) = (self.left.as_ptr(), self.right.as_ptr(), self.right_stride);
        // SAFETY: as in `compute`; a `Simd` is made only where the processor has it.
        unsafe {
            match simd {
                #[cfg(target_arch = "x86_64")]
                Simd::Avx512 => x86::tiles_512(self.rows, depth, left, (right, apart), target),
                #[cfg(target_arch = "x86_64")]
                Simd::Avx2 => {
                    for half in [0, PANEL / 2] {
                        let target = Target { data: target.data.add(half), ..target };
                        x86::tiles_256(self.rows, depth, left, (right.add(half), apart), target);
                    }
                }
                Simd::Portable => self.portable(target),
            }
        }
    }

    unsafe fn portable(&self, target: Target) {
        for i in 0..self.rows {
            let mut sums = [0.0_f32; PANEL];
            for (left, right) in self.left.chunks_exact(self.rows).zip(self.right.chunks(self.right_stride)) {
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum += left[i] * right;
                }
            }
            for (j, sum) in sums.into_iter().enumerate() {
                // SAFETY: the caller vouches for the target.
                unsafe {
                    let at = target.data.add(i * target.stride + j);
                    *at = if target.add { *at + sum } else { sum };
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
        _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::Target;

    /// A function that computes a tile of any number of rows listed, two vectors wide.
    macro_rules! tiles {
        ($name:ident, $features:literal, [$($rows:literal)*], $lanes:literal, $zero:ident, $load:ident, $spread:ident,
         $fma:ident, $add:ident, $store:ident) => {
            #[target_feature(enable = $features)]
            pub unsafe fn $name(rows: usize, depth: usize, left: *const f32, right: (*const f32, usize), target: Target) {
                #[inline]
                #[target_feature(enable = $features)]
                unsafe fn tile<const M: usize>(depth: usize, left: *const f32, right: (*const f32, usize), target: Target) {
                    let mut sums = [[$zero(); 2]; M];
                    // SAFETY: the operands hold `depth` rows of M and of PANEL elements; the target holds M rows.
                    unsafe {
                        for k in 0..depth {
                            let right = right.0.add(k * right.1);
                            let right = [$load(right), $load(right.add($lanes))];
                            for (i, sums) in sums.iter_mut().enumerate() {
                                let left = $spread(*left.add(k * M + i));
                                sums[0] = $fma(left, right[0], sums[0]);
                                sums[1] = $fma(left, right[1], sums[1]);
                            }
                        }
                        for (i, sums) in sums.into_iter().enumerate() {
                            for (j, sum) in sums.into_iter().enumerate() {
                                let at = target.data.add(i * target.stride + j * $lanes);
                                $store(at, if target.add { $add($load(at), sum) } else { sum });
                            }
                        }
                    }
                }
                // SAFETY: passed on from the caller.
                unsafe {
                    match rows {
                        $($rows => tile::<$rows>(depth, left, right, target),)*
                        _ => {}
                    }
                }
            }
        };
    }

    tiles!(tiles_512, "avx512f", [1 2 3 4 5 6 7 8 9 10 11 12 13 14], 16, _mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps,
           _mm512_fmadd_ps, _mm512_add_ps, _mm512_storeu_ps);
    tiles!(tiles_256, "avx2,fma", [1 2 3 4 5 6], 8, _mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps,
           _mm256_fmadd_ps, _mm256_add_ps, _mm256_storeu_ps);
}
