//! AVX2 and FMA forms of the packed kernels: 32 weights of a block are unpacked into four registers and used there.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _mm_add_ps, _mm_add_ss, _mm_and_si128, _mm_cvtss_f32, _mm_loadl_epi64, _mm_loadu_si128,
    _mm_movehl_ps, _mm_set1_epi8, _mm_shuffle_ps, _mm_srli_epi16, _mm_srli_si128, _mm256_and_si256, _mm256_blendv_ps,
    _mm256_castps256_ps128, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_cvtepi8_epi32,
    _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32, _mm256_extractf128_ps, _mm256_extracti128_si256, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_mul_ps, _mm256_or_si256, _mm256_permutevar8x32_ps, _mm256_set_m128i, _mm256_set1_epi8,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_set1_ps, _mm256_setr_epi64x, _mm256_setzero_ps, _mm256_shuffle_epi8,
    _mm256_slli_epi16, _mm256_slli_epi32, _mm256_srlv_epi64, _mm256_storeu_ps, _mm256_sub_ps,
};

use super::matmul::PackedRows;
use crate::model::packed::{BLOCK, NF4, PackedLayout};

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

/// The codes of a block of [`PackedLayout::Q5`], a byte each.
///
/// # Safety
/// AVX2; `codes` points to 20 bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn five_bits(codes: *const u8) -> __m256i {
    // SAFETY: the caller vouches for the bytes.
    let (low, high) = unsafe { (nibbles(codes), codes.add(16).cast::<i32>().read_unaligned()) };
    // Each byte gets the byte of `high` that has its bit, and then the bit itself.
    let from = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    let bytes = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(high), from), bit);
    _mm256_or_si256(low, _mm256_and_si256(_mm256_cmpeq_epi8(bytes, bit), _mm256_set1_epi8(16)))
}

/// The codes of a block of [`PackedLayout::Q6`], a byte each.
///
/// # Safety
/// AVX2; `codes` points to 24 bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn six_bits(codes: *const u8) -> __m256i {
    // SAFETY: the caller vouches for the bytes.
    let (low, high) = unsafe { (nibbles(codes), codes.add(16).cast::<i64>().read_unaligned()) };
    let two = _mm256_srlv_epi64(_mm256_set1_epi64x(high), _mm256_setr_epi64x(0, 2, 4, 6));
    let two = _mm256_and_si256(two, _mm256_set1_epi8(3));
    _mm256_or_si256(low, _mm256_slli_epi16::<4>(two))
}

/// The low four bits of all codes, a byte each.
///
/// # Safety
/// AVX2; `codes` points to 16 bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn nibbles(codes: *const u8) -> __m256i {
    // SAFETY: the caller vouches for the bytes.
    let bytes = unsafe { _mm_loadu_si128(codes.cast()) };
    let both = _mm256_set_m128i(_mm_srli_epi16::<4>(bytes), bytes);
    _mm256_and_si256(both, _mm256_set1_epi8(15))
}

/// Bytes as numbers, eight at a time.
#[inline]
#[target_feature(enable = "avx2")]
fn widen_bytes(bytes: __m256i) -> [__m256; 4] {
    let (low, high) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
    let widen = |bytes: __m128i| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    [widen(low), widen(_mm_srli_si128::<8>(low)), widen(high), widen(_mm_srli_si128::<8>(high))]
}

struct Q5;
struct Q6;
struct Nf4;

impl Unpack for Q5 {
    const CODE_BYTES: usize = 20;
    const SCALES: usize = 2;

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m256; 4] {
        // SAFETY: the caller vouches for a whole block.
        let (codes, scale, min) = unsafe { (five_bits(codes), *scales, *scales.add(1)) };
        let (scale, min) = (_mm256_set1_ps(scale), _mm256_set1_ps(min));
        widen_bytes(codes).map(|codes| _mm256_fmadd_ps(codes, scale, min))
    }
}

impl Unpack for Q6 {
    const CODE_BYTES: usize = 24;
    const SCALES: usize = 2;

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m256; 4] {
        // SAFETY: the caller vouches for a whole block.
        let (codes, first, second) = unsafe { (six_bits(codes), *scales, *scales.add(1)) };
        let (first, second, middle) = (_mm256_set1_ps(first), _mm256_set1_ps(second), _mm256_set1_ps(32.0));
        let [a, b, c, d] = widen_bytes(codes).map(|codes| _mm256_sub_ps(codes, middle));
        [_mm256_mul_ps(a, first), _mm256_mul_ps(b, first), _mm256_mul_ps(c, second), _mm256_mul_ps(d, second)]
    }
}

impl Unpack for Nf4 {
    const CODE_BYTES: usize = 16;
    const SCALES: usize = 1;

    /// The book's halves are looked up by the low three bits; the fourth, shifted to the sign, chooses between them.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m256; 4] {
        // SAFETY: the caller vouches for a whole block; the book has sixteen values.
        let (codes, scale, low, high) = unsafe {
            let book = NF4.as_ptr();
            (nibbles(codes), _mm256_set1_ps(*scales), _mm256_loadu_ps(book), _mm256_loadu_ps(book.add(8)))
        };
        let look_up = |bytes: __m128i| {
            let index = _mm256_cvtepu8_epi32(bytes);
            let (a, b) = (_mm256_permutevar8x32_ps(low, index), _mm256_permutevar8x32_ps(high, index));
            let upper = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(index));
            _mm256_mul_ps(_mm256_blendv_ps(a, b, upper), scale)
        };
        let (first, second) = (_mm256_castsi256_si128(codes), _mm256_extracti128_si256::<1>(codes));
        [look_up(first), look_up(_mm_srli_si128::<8>(first)), look_up(second), look_up(_mm_srli_si128::<8>(second))]
    }
}

/// Things that lie `stride` elements apart.
#[derive(Debug, Clone, Copy)]
pub struct Strided<'a, T> {
    /// The elements, from the first thing on.
    pub data: &'a [T],
    /// Elements from one to the next.
    pub stride: usize,
}

/// Writes the weights of blocks to `out`, as many as it has room for.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn unpack_rows(layout: PackedLayout, codes: Strided<'_, u8>, scales: Strided<'_, f32>, out: &mut [f32]) {
    // SAFETY: the features are the caller's promise.
    unsafe {
        match layout {
            PackedLayout::Q4 => unpack::<Q4>(codes, scales, out),
            PackedLayout::Q5 => unpack::<Q5>(codes, scales, out),
            PackedLayout::Q6 => unpack::<Q6>(codes, scales, out),
            PackedLayout::Q8 => unpack::<Q8>(codes, scales, out),
            PackedLayout::Nf4 => unpack::<Nf4>(codes, scales, out),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn unpack<L: Unpack>(codes: Strided<'_, u8>, scales: Strided<'_, f32>, out: &mut [f32]) {
    let Some(last) = (out.len() / BLOCK).checked_sub(1) else { return };
    assert!(codes.data.len() >= last * codes.stride + L::CODE_BYTES);
    assert!(scales.data.len() >= last * scales.stride + L::SCALES);
    for (i, out) in out.chunks_exact_mut(BLOCK).enumerate() {
        // SAFETY: the assertions bound every block, and `out` has room for its 32 weights.
        unsafe {
            let codes = codes.data.as_ptr().add(i * codes.stride);
            let weights = L::block(codes, scales.data.as_ptr().add(i * scales.stride));
            for (j, weights) in weights.into_iter().enumerate() {
                _mm256_storeu_ps(out.as_mut_ptr().add(j * 8), weights);
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
pub unsafe fn dot_rows(packed: PackedRows<'_>, x: &[f32], sums: &mut [f32], m: usize) {
    // SAFETY: the features are the caller's promise.
    unsafe {
        match packed.layout {
            PackedLayout::Q4 => dot_all::<Q4>(packed, x, sums, m),
            PackedLayout::Q5 => dot_all::<Q5>(packed, x, sums, m),
            PackedLayout::Q6 => dot_all::<Q6>(packed, x, sums, m),
            PackedLayout::Q8 => dot_all::<Q8>(packed, x, sums, m),
            PackedLayout::Nf4 => dot_all::<Nf4>(packed, x, sums, m),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn dot_all<L: Unpack>(packed: PackedRows<'_>, x: &[f32], sums: &mut [f32], m: usize) {
    let cols = x.len() / m;
    for first in (0..m).step_by(8) {
        let count = 8.min(m - first);
        let x = &x[first * cols..(first + count) * cols];
        let out = Sums { data: sums, m, first };
        // SAFETY: the features are the caller's promise.
        unsafe {
            match count {
                1 => dot::<L, 1, 4>(packed, x, out),
                2 => dot::<L, 2, 4>(packed, x, out),
                3 => dot::<L, 3, 2>(packed, x, out),
                4 => dot::<L, 4, 2>(packed, x, out),
                5 => dot::<L, 5, 1>(packed, x, out),
                6 => dot::<L, 6, 1>(packed, x, out),
                7 => dot::<L, 7, 1>(packed, x, out),
                _ => dot::<L, 8, 1>(packed, x, out),
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
unsafe fn dot<L: Unpack, const M: usize, const R: usize>(packed: PackedRows<'_>, x: &[f32], out: Sums<'_>) {
    let PackedRows { codes, scales, stride, .. } = packed;
    let blocks = x.len() / M / BLOCK;
    let scale_count = blocks * L::SCALES;
    let rows = scales.len() / scale_count;
    assert!(stride >= blocks * L::CODE_BYTES && codes.len() == rows * stride && scales.len() == rows * scale_count);
    assert!(x.len() == M * blocks * BLOCK && out.data.len() == rows * out.m && out.first + M <= out.m);
    let mut row = 0;
    while row < rows {
        let together = if row + R <= rows { R } else { 1 };
        // SAFETY: the assertions bound all rows of codes and scales and all of x.
        unsafe {
            let (codes, scales) = (codes.as_ptr().add(row * stride), scales.as_ptr().add(row * scale_count));
            let sums = &mut out.data[row * out.m + out.first..];
            if together == R {
                dot_tile::<L, M, R>((codes, stride), scales, x.as_ptr(), blocks, sums, out.m);
            } else {
                dot_tile::<L, M, 1>((codes, stride), scales, x.as_ptr(), blocks, sums, out.m);
            }
        }
        row += together;
    }
}

/// `R` packed rows with `M` rows of x.
///
/// # Safety
/// AVX2 and FMA; `R` rows of `blocks` blocks behind `codes` (`code_stride` bytes apart) and `scales`, `M` rows of as many weights behind `x`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn dot_tile<L: Unpack, const M: usize, const R: usize>(
    (codes, code_stride): (*const u8, usize),
    scales: *const f32,
    x: *const f32,
    blocks: usize,
    sums: &mut [f32],
    stride: usize,
) {
    let mut totals = [[_mm256_setzero_ps(); M]; R];
    for block in 0..blocks {
        for (r, totals) in totals.iter_mut().enumerate() {
            // SAFETY: block `block` of row `r` and block `block` of x's rows exist by the contract.
            unsafe {
                let weights = L::block(
                    codes.add(r * code_stride + block * L::CODE_BYTES),
                    scales.add((r * blocks + block) * L::SCALES),
                );
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
