//! AVX2 and FMA forms of the packed kernels: 32 weights of a block are unpacked into four registers and used there.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m256, _mm_add_ps, _mm_add_ss, _mm_and_si128, _mm_cvtss_f32, _mm_loadl_epi64, _mm_loadu_si128,
    _mm_movehl_ps, _mm_set1_epi8, _mm_shuffle_ps, _mm_srli_epi16, _mm_srli_si128, _mm256_add_ps,
    _mm256_castps256_ps128, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32, _mm256_extractf128_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
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

/// `sums[i]` = row i of `x` · the packed row.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn dot_rows(layout: PackedLayout, codes: &[u8], scales: &[f32], x: &[f32], sums: &mut [f32]) {
    // SAFETY: the features are the caller's promise.
    unsafe {
        match layout {
            PackedLayout::Q4 => dot_all::<Q4>(codes, scales, x, sums),
            PackedLayout::Q8 => dot_all::<Q8>(codes, scales, x, sums),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn dot_all<L: Unpack>(codes: &[u8], scales: &[f32], x: &[f32], sums: &mut [f32]) {
    let cols = scales.len() / L::SCALES * BLOCK;
    for (x, sums) in x.chunks(8 * cols).zip(sums.chunks_mut(8)) {
        // SAFETY: the features are the caller's promise.
        unsafe {
            match sums.len() {
                1 => dot::<L, 1, 4>(codes, scales, x, sums),
                2 => dot::<L, 2, 4>(codes, scales, x, sums),
                3 => dot::<L, 3, 2>(codes, scales, x, sums),
                4 => dot::<L, 4, 2>(codes, scales, x, sums),
                5 => dot::<L, 5, 1>(codes, scales, x, sums),
                6 => dot::<L, 6, 1>(codes, scales, x, sums),
                7 => dot::<L, 7, 1>(codes, scales, x, sums),
                _ => dot::<L, 8, 1>(codes, scales, x, sums),
            }
        }
    }
}

/// `M` rows at once; `A` accumulators a row hide the latency of the additions where `M` alone does not.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn dot<L: Unpack, const M: usize, const A: usize>(codes: &[u8], scales: &[f32], x: &[f32], sums: &mut [f32]) {
    let blocks = scales.len() / L::SCALES;
    let cols = blocks * BLOCK;
    assert!(codes.len() == blocks * L::CODE_BYTES && x.len() == M * cols && sums.len() == M);
    let mut totals = [[_mm256_setzero_ps(); A]; M];
    for block in 0..blocks {
        // SAFETY: the assertion above bounds every block of codes, scales and x.
        unsafe {
            let weights = L::block(codes.as_ptr().add(block * L::CODE_BYTES), scales.as_ptr().add(block * L::SCALES));
            for (i, totals) in totals.iter_mut().enumerate() {
                let x = x.as_ptr().add(i * cols + block * BLOCK);
                for (j, &weights) in weights.iter().enumerate() {
                    totals[j % A] = _mm256_fmadd_ps(weights, _mm256_loadu_ps(x.add(j * 8)), totals[j % A]);
                }
            }
        }
    }
    for (sum, totals) in sums.iter_mut().zip(totals) {
        let mut total = totals[0];
        for &more in &totals[1..] {
            total = _mm256_add_ps(total, more);
        }
        *sum = add_lanes(total);
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
