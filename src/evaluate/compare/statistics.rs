//! Whether a difference can be chance.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Samples of the bootstrap.
const SAMPLES: usize = 10_000;
/// Its seed: the same two files always give the same interval.
const SEED: u64 = 0xB007_57AB;

/// The 95 % percentile interval of the mean of `changes` (-1, 0 or 1 for each question), drawn with replacement.
pub(super) fn bootstrap(changes: &[i8]) -> [f64; 2] {
    let n = changes.len();
    if n == 0 {
        return [0.0, 0.0];
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut mean = || {
        let sum: i64 = (0..n).map(|_| i64::from(changes[below(&mut random, n)])).sum();
        sum as f64 / n as f64
    };
    let mut means: Vec<f64> = (0..SAMPLES).map(|_| mean()).collect();
    means.sort_unstable_by(f64::total_cmp);
    [means[SAMPLES / 40], means[SAMPLES - 1 - SAMPLES / 40]]
}

/// A number below `n`, by the high half of a product (Lemire 2019); its bias, below n / 2^64, is of no account.
fn below(random: &mut ChaCha8Rng, n: usize) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

/// `McNemar`'s exact two-sided p (1947; exact by the binomial distribution): of `gained + lost` fair coin tosses, how probable a number
/// of heads at least so far from the middle is.
pub(super) fn mcnemar(gained: usize, lost: usize) -> f64 {
    let (n, fewer) = (gained + lost, gained.min(lost));
    // Terms as logarithms: 2^-n alone underflows for a thousand tosses and more.
    let mut term = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for k in 0..=fewer {
        tail += term.exp();
        term += ((n - k) as f64).ln() - ((k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same computation gives the same bits")]
mod tests {
    use super::*;

    #[test]
    fn mcnemar_is_the_binomial_test() {
        // By hand: 2 * (1 + 10) / 2^10, 2 / 2^6, and all of it where both are equal.
        assert!((mcnemar(9, 1) - 22.0 / 1024.0).abs() < 1e-12);
        assert!((mcnemar(0, 6) - 2.0 / 64.0).abs() < 1e-12);
        assert!((mcnemar(0, 0) - 1.0).abs() < 1e-12);
        assert!((mcnemar(7, 7) - 1.0).abs() < 1e-12);
        assert!((mcnemar(1, 9) - mcnemar(9, 1)).abs() < 1e-15);
        assert!(mcnemar(3000, 1000) < 1e-100);
    }

    #[test]
    fn the_interval_is_that_of_a_mean() {
        let changes: Vec<i8> = (0..1000).map(|i| i8::from(i < 100) - i8::from(i >= 950)).collect();
        let [low, high] = bootstrap(&changes);
        // The mean is 0.05; its standard error sqrt((0.15 - 0.0025) / 1000) = 0.01215.
        assert!((low - (0.05 - 1.96 * 0.01215)).abs() < 0.002, "{low}");
        assert!((high - (0.05 + 1.96 * 0.01215)).abs() < 0.002, "{high}");
        assert_eq!([low, high], bootstrap(&changes), "seeded");
    }

    #[test]
    fn without_change_there_is_no_interval() {
        assert_eq!(bootstrap(&[0; 5]), [0.0, 0.0]);
        assert_eq!(bootstrap(&[]), [0.0, 0.0]);
    }
}
