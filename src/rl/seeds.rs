//! Every random number of a run derives from its seed and from what it is for, so that any sample can be made again alone and a
//! resumed run goes on as if it had not stopped.

/// What a stream of random numbers is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Stream {
    /// Initial adapter weights.
    Adapter = 1,
    /// Sampling of completions; indexed by step, group and sample.
    Sample = 2,
    /// The fixed sample of held-out questions.
    HeldOut = 3,
    /// Sampling of answers to feedback; indexed by step, group, sample and turn.
    Correction = 4,
    /// What adapters do not see of their inputs; tokens and adapter go into it, too (`model::Dropout`).
    Dropout = 5,
}

/// The seed of one stream at one place.
pub fn seed<const N: usize>(run: u64, stream: Stream, place: [u64; N]) -> u64 {
    place.iter().fold(mix(run ^ mix(stream as u64)), |state, part| mix(state ^ mix(part.wrapping_add(1))))
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood 2014), a bijection that spreads every input bit.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_places_share_a_seed() {
        let mut seen = std::collections::HashSet::new();
        for run in [0, 1, 42] {
            for step in 0..20 {
                for group in 0..8 {
                    for sample in 0..16 {
                        assert!(seen.insert(seed(run, Stream::Sample, [step, group, sample])));
                        for turn in 1..3 {
                            assert!(seen.insert(seed(run, Stream::Correction, [step, group, sample, turn])));
                        }
                    }
                }
            }
        }
    }
}
