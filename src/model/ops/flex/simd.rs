//! Run-time choice between AVX-512, AVX2 and portable code, and an exponential that vectorizes.

/// Vector instructions that a kernel may use. A value beyond `Portable` exists only where the processor has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Simd {
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the compiler makes of plain code.
    Portable,
}

impl Simd {
    /// All that this processor has, the widest first.
    #[cfg(test)]
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            if has_avx512() {
                found.push(Self::Avx512);
            }
            found.push(Self::Avx2);
        }
        found.push(Self::Portable);
        found
    }

    /// The widest that this processor has.
    pub fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            return if has_avx512() { Self::Avx512 } else { Self::Avx2 };
        }
        Self::Portable
    }
}

/// Defines a function twice: as written, and compiled for AVX2 and FMA; the second runs where the processor has them.
macro_rules! vectorized {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn portable($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $ty),*) $(-> $ret)? {
                    portable($($arg),*)
                }
                if $crate::model::ops::flex::simd::has_avx2() {
                    // SAFETY: the processor has the features that `wide` is compiled for.
                    #[allow(unsafe_code)]
                    return unsafe { wide($($arg),*) };
                }
            }
            portable($($arg),*)
        }
    };
}
pub(super) use vectorized;

/// Whether AVX2 and FMA are there.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Whether AVX-512's foundation is there.
#[cfg(target_arch = "x86_64")]
#[inline]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
}

/// eˣ within two units in the last place, without branches so that loops over it vectorize.
///
/// x = n·ln 2 + r, eʳ by a polynomial (the coefficients of Cephes' `expf`), 2ⁿ by its bits. Arguments are held within
/// ±87, where the result is still a normal number.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it rounds to an integer, held in the low bits.
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    (p * r * r + r + 1.0) * power
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_accurate_over_its_range() {
        for i in -8_600..8_600 {
            let x = i as f32 * 0.01;
            let exact = f64::from(x).exp();
            let relative = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(relative < 2.5e-7, "exp({x}): relative error {relative}");
        }
        assert!(exp(-1e30) < 1e-37 && exp(-1e30) >= 0.0);
        assert!((exp(0.0) - 1.0).abs() < f32::EPSILON);
    }
}
