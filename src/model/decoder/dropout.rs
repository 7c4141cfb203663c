//! Dropout on adapters' inputs (Srivastava et al. 2014), as `LoRA` has it in training.

use burn::tensor::{Tensor, TensorData};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::PackedGroup;
use crate::model::{Lora, ModelError};

/// Which numbers are left out: the same for the same seed and shape, so that a forward pass can be done again and the
/// backward pass sees what the forward pass saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// The share that is left out, from 0 to below 1.
    pub rate: f32,
    /// What the choice depends on.
    pub seed: u64,
}

impl Dropout {
    /// For one place among several.
    pub(super) fn at(self, place: u64) -> Self {
        Self { seed: fold(self.seed, place), ..self }
    }

    /// For a group and an adapter as it is now: other tokens, or an update in between, make another choice. Nothing but the
    /// run's seed and its state goes into it, so that a resumed run chooses as one that was never stopped.
    ///
    /// # Errors
    /// The device fails.
    pub(super) fn of(self, group: &PackedGroup, lora: &Lora) -> Result<Self, ModelError> {
        let last = lora.params.iter().rev().take(2).map(|param| param.value.clone().try_into_vec_as::<f32>());
        let values = last.collect::<Result<Vec<_>, _>>().map_err(|e| ModelError::Compute(format!("{e:?}")))?;
        let bits = values.iter().flatten().map(|value| u64::from(value.to_bits()));
        let tokens = group.prompt.iter().chain(group.completions.iter().flatten()).map(|&id| u64::from(id));
        Ok(Self { seed: tokens.chain(bits).fold(self.seed, fold), ..self })
    }

    /// `x` with numbers left out and the others scaled up, so that the expectation stays. Also what becomes of a gradient.
    pub fn apply(self, x: Tensor<2>) -> Tensor<2> {
        let ([rows, cols], device, dtype) = (x.dims(), x.device(), x.dtype());
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        // Compared as integers: a threshold in 2³² parts.
        let threshold = (f64::from(self.rate) * 4_294_967_296.0) as u64;
        let kept = 1.0 / (1.0 - self.rate);
        let one = |_| if u64::from(random.next_u32()) < threshold { 0.0 } else { kept };
        let mask: Vec<f32> = (0..rows * cols).map(one).collect();
        x * Tensor::from_data(TensorData::new(mask, [rows, cols]), (&device, dtype))
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood 2014) over a running value.
fn fold(state: u64, part: u64) -> u64 {
    let x = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {

    use super::{
        super::{AdapterSet, BackwardOptions, Decoder, LoraGrads, TokenScores},
        *,
    };
    use crate::{
        model::testing::{random_adapters, random_weights, tiny_config},
        settings::Recompute,
    };

    #[test]
    fn about_the_share_is_left_out_and_the_expectation_stays() {
        let dropout = Dropout { rate: 0.25, seed: 3 };
        let values: Vec<f32> =
            dropout.apply(Tensor::ones([50, 400], &crate::model::testing::device())).try_into_vec_as().unwrap();
        let zeros = values.iter().filter(|v| **v == 0.0).count() as f32 / values.len() as f32;
        assert!((0.24..0.26).contains(&zeros), "{zeros}");
        assert!(values.iter().all(|v| *v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6));
        let again: Vec<f32> =
            dropout.apply(Tensor::ones([50, 400], &crate::model::testing::device())).try_into_vec_as().unwrap();
        assert_eq!(values, again);
        let other: Vec<f32> =
            dropout.at(1).apply(Tensor::ones([50, 400], &crate::model::testing::device())).try_into_vec_as().unwrap();
        assert_ne!(values, other);
    }

    /// A finite difference of the summed log-probabilities along the gradient equals the gradient's square.
    #[test]
    fn gradients_are_those_of_the_pass_with_the_same_choice() {
        let (config, device) = (tiny_config(), crate::model::testing::device());
        let weights = random_weights(&config, 1, &device);
        let decoder = Decoder { config: &config, weights: &weights };
        let params = random_adapters(&config, &["q_proj", "v_proj", "down_proj"], 2, 5, &device);
        let group = PackedGroup { prompt: vec![3, 1, 4], completions: vec![vec![1, 5, 9], vec![2, 6]] };
        let run = |params: &[(String, Tensor<2>)], recompute: Recompute, rate: f32| {
            let named = params.iter().map(|(name, value)| (name.as_str(), value));
            let dropout = (rate > 0.0).then_some(Dropout { rate, seed: 8 });
            let set = AdapterSet::new(&config, 0.5, named).unwrap().with_dropout(dropout);
            let mut grads = LoraGrads::zeros(params.iter().map(|(_, value)| value));
            let mut loss = |s: &TokenScores| s.logprobs.iter().map(|l| vec![1.0; l.len()]).collect::<Vec<_>>().into();
            let options = BackwardOptions { recompute, ..BackwardOptions::default() };
            let scores = decoder.backward(&set, &group, 1.0, options, &mut loss, &mut grads).unwrap();
            (scores.logprobs.into_iter().flatten().map(f64::from).sum::<f64>(), grads)
        };
        let (_, grads) = run(&params, Recompute::Never, 0.3);
        let (_, again) = run(&params, Recompute::Always, 0.3);
        let flat = |grads: &LoraGrads| -> Vec<f32> {
            grads.values.iter().flat_map(|g| g.clone().try_into_vec_as::<f32>().unwrap()).collect()
        };
        assert_eq!(flat(&grads), flat(&again), "what is computed anew is the same");
        let square: f64 = flat(&grads).iter().map(|g| f64::from(*g).powi(2)).sum();
        let step = 1e-3 / square.sqrt();
        let moved = |sign: f64| {
            let shift = |((name, value), grad): (&(String, Tensor<2>), &Tensor<2>)| {
                (name.clone(), value.clone() + grad.clone() * (sign * step))
            };
            run(&params.iter().zip(&grads.values).map(shift).collect::<Vec<_>>(), Recompute::Never, 0.3).0
        };
        let slope = (moved(1.0) - moved(-1.0)) / (2.0 * step);
        assert!((slope - square).abs() < 0.02 * square, "{slope} {square}");
        assert_ne!(flat(&run(&params, Recompute::Never, 0.0).1), flat(&grads), "dropout changes something");
    }
}
