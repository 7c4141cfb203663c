//! AVX-512 forms of products with few rows: a block of 32 packed weights becomes two registers.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, __m512, _mm_loadu_si128, _mm256_castsi256_si128, _mm256_extracti128_si256, _mm512_cvtepi8_epi32,
    _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mul_ps, _mm512_permutexvar_ps,
    _mm512_reduce_add_ps, _mm512_set1_ps, _mm512_setr_ps, _mm512_setzero_ps, _mm512_srli_epi32, _mm512_sub_ps,
};

use super::{
    matmul::PackedRows,
    x86::{Sums, five_bits, six_bits},
};
use crate::model::packed::{BLOCK, NF4, PackedLayout};

/// A layout known at compile time.
trait Unpack {
    const CODE_BYTES: usize;
    const SCALES: usize;

    /// The 32 weights of a block, the same bits as by [`super::x86`].
    ///
    /// # Safety
    /// AVX-512; `codes` and `scales` point to a whole block.
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m512; 2];
}

struct Q4;
struct Q8;

impl Unpack for Q4 {
    const CODE_BYTES: usize = 16;
    const SCALES: usize = 2;

    /// The block's sixteen possible weights are computed first and then looked up: the permutation reads the low four bits of
    /// each lane, so that nothing needs to be masked or converted.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m512; 2] {
        // SAFETY: the caller vouches for a whole block.
        let (codes, scale, min) = unsafe { (_mm_loadu_si128(codes.cast()), *scales, *scales.add(1)) };
        let codes = _mm512_cvtepu8_epi32(codes);
        let digits =
            _mm512_setr_ps(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0);
        let weights = _mm512_fmadd_ps(digits, _mm512_set1_ps(scale), _mm512_set1_ps(min));
        let high = _mm512_srli_epi32::<4>(codes);
        [_mm512_permutexvar_ps(codes, weights), _mm512_permutexvar_ps(high, weights)]
    }
}

impl Unpack for Q8 {
    const CODE_BYTES: usize = 32;
    const SCALES: usize = 1;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m512; 2] {
        // SAFETY: the caller vouches for a whole block.
        let scale = _mm512_set1_ps(unsafe { *scales });
        [0, 16].map(|at| {
            // SAFETY: as above, each load takes half of the block's 32 bytes.
            let codes = unsafe { _mm_loadu_si128(codes.add(at).cast()) };
            _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)), scale)
        })
    }
}

struct Q5;
struct Q6;
struct Nf4;

/// Bytes as numbers, sixteen at a time.
#[inline]
#[target_feature(enable = "avx512f")]
fn widen_bytes(bytes: __m256i) -> [__m512; 2] {
    let halves = [_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes)];
    halves.map(|bytes| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)))
}

impl Unpack for Q5 {
    const CODE_BYTES: usize = 20;
    const SCALES: usize = 2;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m512; 2] {
        // SAFETY: the caller vouches for a whole block.
        let (codes, scale, min) = unsafe { (five_bits(codes), *scales, *scales.add(1)) };
        widen_bytes(codes).map(|codes| _mm512_fmadd_ps(codes, _mm512_set1_ps(scale), _mm512_set1_ps(min)))
    }
}

impl Unpack for Q6 {
    const CODE_BYTES: usize = 24;
    const SCALES: usize = 2;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m512; 2] {
        // SAFETY: the caller vouches for a whole block.
        let (codes, first, second) = unsafe { (six_bits(codes), *scales, *scales.add(1)) };
        let [a, b] = widen_bytes(codes).map(|codes| _mm512_sub_ps(codes, _mm512_set1_ps(32.0)));
        [_mm512_mul_ps(a, _mm512_set1_ps(first)), _mm512_mul_ps(b, _mm512_set1_ps(second))]
    }
}

impl Unpack for Nf4 {
    const CODE_BYTES: usize = 16;
    const SCALES: usize = 1;

    /// As [`Q4`] looks weights up.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn block(codes: *const u8, scales: *const f32) -> [__m512; 2] {
        // SAFETY: the caller vouches for a whole block; the book has sixteen values.
        let (codes, scale, book) = unsafe { (_mm_loadu_si128(codes.cast()), *scales, _mm512_loadu_ps(NF4.as_ptr())) };
        let (codes, weights) = (_mm512_cvtepu8_epi32(codes), _mm512_mul_ps(book, _mm512_set1_ps(scale)));
        let high = _mm512_srli_epi32::<4>(codes);
        [_mm512_permutexvar_ps(codes, weights), _mm512_permutexvar_ps(high, weights)]
    }
}

/// Products of consecutive packed rows with all rows of `x` `[m, cols]`: `sums` `[rows, m]`.
///
/// Every product is summed in one order, sixteen lanes block by block, however many rows there are of either.
///
/// # Safety
/// The processor has AVX-512.
#[target_feature(enable = "avx512f")]
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
#[target_feature(enable = "avx512f")]
unsafe fn dot_all<L: Unpack>(packed: PackedRows<'_>, x: &[f32], sums: &mut [f32], m: usize) {
    let cols = x.len() / m;
    for first in (0..m).step_by(8) {
        let count = 8.min(m - first);
        let x = &x[first * cols..(first + count) * cols];
        let out = Sums { data: sums, m, first };
        // SAFETY: the features are the caller's promise.
        unsafe {
            match count {
                // Few packed rows at a time, for memory delivers neighbours faster than rows far apart.
                1 => dot::<L, 1, 2>(packed, x, out),
                2 => dot::<L, 2, 2>(packed, x, out),
                3 => dot::<L, 3, 2>(packed, x, out),
                4 => dot::<L, 4, 2>(packed, x, out),
                5 => dot::<L, 5, 2>(packed, x, out),
                6 => dot::<L, 6, 1>(packed, x, out),
                7 => dot::<L, 7, 1>(packed, x, out),
                _ => dot::<L, 8, 1>(packed, x, out),
            }
        }
    }
}

/// All packed rows with `M` rows of `x`, `R` packed rows at a time.
#[inline]
#[target_feature(enable = "avx512f")]
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
/// AVX-512; `R` rows of `blocks` blocks behind `codes` (`code_stride` bytes apart) and `scales`, `M` rows of as many weights behind `x`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn dot_tile<L: Unpack, const M: usize, const R: usize>(
    (codes, code_stride): (*const u8, usize),
    scales: *const f32,
    x: *const f32,
    blocks: usize,
    sums: &mut [f32],
    stride: usize,
) {
    let mut totals = [[_mm512_setzero_ps(); M]; R];
    for block in 0..blocks {
        let mut weights = [[_mm512_setzero_ps(); 2]; R];
        for (r, weights) in weights.iter_mut().enumerate() {
            // SAFETY: this block of row `r` exists by the contract.
            *weights = unsafe {
                L::block(
                    codes.add(r * code_stride + block * L::CODE_BYTES),
                    scales.add((r * blocks + block) * L::SCALES),
                )
            };
        }
        for i in 0..M {
            // SAFETY: block `block` of x's rows exists by the contract.
            let x = unsafe {
                let x = x.add((i * blocks + block) * BLOCK);
                [_mm512_loadu_ps(x), _mm512_loadu_ps(x.add(16))]
            };
            for (totals, weights) in totals.iter_mut().zip(&weights) {
                totals[i] = _mm512_fmadd_ps(weights[0], x[0], totals[i]);
                totals[i] = _mm512_fmadd_ps(weights[1], x[1], totals[i]);
            }
        }
    }
    for (r, totals) in totals.into_iter().enumerate() {
        for (i, total) in totals.into_iter().enumerate() {
            sums[r * stride + i] = _mm512_reduce_add_ps(total);
        }
    }
}
