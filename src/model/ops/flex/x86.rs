//! AVX2 and FMA forms of the packed kernels: 32 weights of a block are unpacked into four registers and used there.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m256, _mm_add_ps, _mm_add_ss, _mm_and_si128, _mm_cvtss_f32, _mm_loadl_epi64, _mm_loadu_si128,
    _mm_movehl_ps, _mm_set1_epi8, _mm_shuffle_ps, _mm_srli_epi16, _mm_srli_si128, _mm256_castps256_ps128,
    _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32, _mm256_extractf128_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use crate::model::packed::{BLOCK, PackedLayout};

/// A layout known at compile time.
trait Unpack {
    const CODE_BYTES: usize;
    const SCALES: usize;

    /// The 32 weights of a block.
    ///
    /// # Safety
    /// AVX2 and FMA; `codes` and `scales` point to a whole block.
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m256; 4];
}

struct Q4;
struct Q8;

impl Unpack for Q4 {
    const CODE_BYTES: usize = 16;
    const SCALES: usize = 2;

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m256; 4] {
        // SAFETY: the caller vouches for a whole block.
        let (bytes, scale, min) = unsafe { (_mm_loadu_si128(codes.cast()), *scales, *scales.add(1)) };
        let (scale, min) = (_mm256_set1_ps(scale), _mm256_set1_ps(min));
        let mask = _mm_set1_epi8(15);
        let low = _mm_and_si128(bytes, mask);
        let high = _mm_and_si128(_mm_srli_epi16::<4>(bytes), mask);
        let widen = |codes: __m128i| _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes)), scale, min);
        [widen(low), widen(_mm_srli_si128::<8>(low)), widen(high), widen(_mm_srli_si128::<8>(high))]
    }
}

impl Unpack for Q8 {
    const CODE_BYTES: usize = 32;
    const SCALES: usize = 1;

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m256; 4] {
        // SAFETY: the caller vouches for a whole block.
        let scale = _mm256_set1_ps(unsafe { *scales });
        let widen = |codes: __m128i| _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)), scale);
        // SAFETY: as above, each load takes 8 of the block's 32 bytes.
        [0, 8, 16, 24].map(|at| widen(unsafe { _mm_loadl_epi64(codes.add(at).cast()) }))
    }
}

/// Writes a row's weights to `out`.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn unpack_row(layout: PackedLayout, codes: &[u8], scales: &[f32], out: &mut [f32]) {
    // SAFETY: the features are the caller's promise.
    unsafe {
        match layout {
            PackedLayout::Q4 => unpack::<Q4>(codes, scales, out),
            PackedLayout::Q8 => unpack::<Q8>(codes, scales, out),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn unpack<L: Unpack>(codes: &[u8], scales: &[f32], out: &mut [f32]) {
    let blocks = codes.chunks_exact(L::CODE_BYTES).zip(scales.chunks_exact(L::SCALES));
    for ((codes, scales), out) in blocks.zip(out.chunks_exact_mut(BLOCK)) {
        // SAFETY: the chunks are whole blocks, and `out` has room for their 32 weights.
        unsafe {
            let weights = L::block(codes.as_ptr(), scales.as_ptr());
            for (i, weights) in weights.into_iter().enumerate() {
                _mm256_storeu_ps(out.as_mut_ptr().add(i * 8), weights);
            }
        }
    }
}

/// Products of consecutive packed rows with all rows of `x` `[m, cols]`: `sums` `[rows, m]`.
///
/// Every product is summed in one order, eight lanes block by block, however many rows there are of either.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn dot_rows(layout: PackedLayout, codes: &[u8], scales: &[f32], x: &[f32], sums: &mut [f32], m: usize) {
    // SAFETY: the features are the caller's promise.
    unsafe {
        match layout {
            PackedLayout::Q4 => dot_all::<Q4>(codes, scales, x, sums, m),
            PackedLayout::Q8 => dot_all::<Q8>(codes, scales, x, sums, m),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn dot_all<L: Unpack>(codes: &[u8], scales: &[f32], x: &[f32], sums: &mut [f32], m: usize) {
    let cols = x.len() / m;
    for first in (0..m).step_by(8) {
        let count = 8.min(m - first);
        let x = &x[first * cols..(first + count) * cols];
        let out = Sums { data: sums, m, first };
        // SAFETY: the features are the caller's promise.
        unsafe {
            match count {
                1 => dot::<L, 1, 4>(codes, scales, x, out),
                2 => dot::<L, 2, 4>(codes, scales, x, out),
                3 => dot::<L, 3, 2>(codes, scales, x, out),
                4 => dot::<L, 4, 2>(codes, scales, x, out),
                5 => dot::<L, 5, 1>(codes, scales, x, out),
                6 => dot::<L, 6, 1>(codes, scales, x, out),
                7 => dot::<L, 7, 1>(codes, scales, x, out),
                _ => dot::<L, 8, 1>(codes, scales, x, out),
            }
        }
    }
}

/// Sums `[rows, m]` of which the columns from `first` on are written.
pub(super) struct Sums<'a> {
    pub data: &'a mut [f32],
    pub m: usize,
    pub first: usize,
}

/// All packed rows with `M` rows of `x`, `R` packed rows at a time: several accumulators hide the latency of additions.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn dot<L: Unpack, const M: usize, const R: usize>(codes: &[u8], scales: &[f32], x: &[f32], out: Sums<'_>) {
    let blocks = x.len() / M / BLOCK;
    let (code_bytes, scale_count) = (blocks * L::CODE_BYTES, blocks * L::SCALES);
    let rows = scales.len() / scale_count;
    assert!(codes.len() == rows * code_bytes && scales.len() == rows * scale_count);
    assert!(x.len() == M * blocks * BLOCK && out.data.len() == rows * out.m && out.first + M <= out.m);
    let mut row = 0;
    while row < rows {
        let together = if row + R <= rows { R } else { 1 };
        // SAFETY: the assertions bound all rows of codes and scales and all of x.
        unsafe {
            let (codes, scales) = (codes.as_ptr().add(row * code_bytes), scales.as_ptr().add(row * scale_count));
            let sums = &mut out.data[row * out.m + out.first..];
            if together == R {
                dot_tile::<L, M, R>(codes, scales, x.as_ptr(), blocks, sums, out.m);
            } else {
                dot_tile::<L, M, 1>(codes, scales, x.as_ptr(), blocks, sums, out.m);
            }
        }
        row += together;
    }
}

/// `R` packed rows with `M` rows of x.
///
/// # Safety
/// AVX2 and FMA; `R` rows of `blocks` blocks behind `codes` and `scales`, `M` rows of as many weights behind `x`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn dot_tile<L: Unpack, const M: usize, const R: usize>(
    codes: *const u8,
    scales: *const f32,
    x: *const f32,
    blocks: usize,
    sums: &mut [f32],
    stride: usize,
) {
    let mut totals = [[_mm256_setzero_ps(); M]; R];
    for block in 0..blocks {
        for (r, totals) in totals.iter_mut().enumerate() {
            let at = r * blocks + block;
            // SAFETY: block `at` of the codes and scales and block `block` of x's rows exist by the contract.
            unsafe {
                let weights = L::block(codes.add(at * L::CODE_BYTES), scales.add(at * L::SCALES));
                for (i, total) in totals.iter_mut().enumerate() {
                    let x = x.add((i * blocks + block) * BLOCK);
                    for (j, &weights) in weights.iter().enumerate() {
                        *total = _mm256_fmadd_ps(weights, _mm256_loadu_ps(x.add(j * 8)), *total);
                    }
                }
            }
        }
    }
    for (r, totals) in totals.into_iter().enumerate() {
        for (i, total) in totals.into_iter().enumerate() {
            sums[r * stride + i] = add_lanes(total);
        }
    }
}

/// The sum of the eight lanes.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_lanes(x: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
}
