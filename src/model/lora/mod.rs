//! `LoRA` adapters: `y = W x + s · B (A x)`, with A [r, in] and B [out, r], in PEFT's names, order and file format.

mod files;
mod gguf;
pub mod merge;
mod peft;
mod projection;

use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

pub use peft::{CONFIG_FILE, WEIGHTS_FILE};
pub use projection::Projection;

use super::{ModelConfig, ModelError};
use crate::settings::LoraSettings;

/// Ranks above this make an adapter larger than most of the matrices it adapts.
const MAX_RANK: usize = 4096;

/// One matrix of an adapter.
#[derive(Debug, Clone)]
pub struct LoraParam {
    /// PEFT's key, as in `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`.
    pub name: String,
    /// A: [r, in]; B: [out, r].
    pub value: Tensor<2>,
}

/// An adapter of a whole model.
#[derive(Debug, Clone)]
pub struct Lora {
    /// Rank r.
    pub rank: usize,
    /// PEFT's `lora_alpha`.
    pub alpha: f64,
    /// Whether the scale is alpha / √r (rank-stabilized) and not alpha / r.
    pub use_rslora: bool,
    /// The factor s on the adapter's output.
    pub scale: f32,
    /// The adapted projections, in the order of [`Projection::ALL`].
    pub targets: Vec<Projection>,
    /// All matrices: by layer, then by target, A before B.
    pub params: Vec<LoraParam>,
}

impl Lora {
    /// A fresh adapter as PEFT initializes it: A uniform in ±1/√in (Kaiming with a = √5), B zero, so that it changes
    /// nothing yet. Each matrix draws from a random stream of its own: the values depend on `seed`, layer and
    /// projection alone, neither on the number of threads nor on the other targets.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for settings that make no adapter.
    pub fn new(config: &ModelConfig, settings: &LoraSettings, seed: u64, device: &Device) -> Result<Self, ModelError> {
        let targets = Projection::parse_all(&settings.target_modules).map_err(|e| setting("target_modules", &e))?;
        if !(1..=MAX_RANK).contains(&settings.r) {
            return Err(setting("r", &format!("is {}; 1 to {MAX_RANK} is possible", settings.r)));
        }
        if !settings.lora_alpha.is_finite() || settings.lora_alpha <= 0.0 {
            return Err(setting("lora_alpha", &format!("is {}; a positive number is expected", settings.lora_alpha)));
        }
        let shape = Shape { rank: settings.r, alpha: settings.lora_alpha, use_rslora: settings.use_rslora, targets };
        shape.build(config, |slot| {
            let values = match slot.half {
                Half::A => initial_a(slot, seed),
                Half::B => vec![0.0; slot.dims[0] * slot.dims[1]],
            };
            Ok(Tensor::from_data(TensorData::new(values, slot.dims), device))
        })
    }

    /// Number of trained values.
    pub fn parameters(&self) -> u64 {
        self.params.iter().map(|p| p.value.dims().iter().product::<usize>() as u64).sum()
    }

    /// Where a projection's A is in [`Self::params`]; its B comes next. `None` if it has no adapter.
    pub fn position(&self, layer: usize, projection: Projection) -> Option<usize> {
        let target = self.targets.iter().position(|t| *t == projection)?;
        let position = (layer * self.targets.len() + target) * 2;
        (position < self.params.len()).then_some(position)
    }

    /// A and B of a projection.
    pub fn pair(&self, layer: usize, projection: Projection) -> Option<(&Tensor<2>, &Tensor<2>)> {
        let position = self.position(layer, projection)?;
        Some((&self.params.get(position)?.value, &self.params.get(position + 1)?.value))
    }
}

fn setting(key: &str, problem: &str) -> ModelError {
    ModelError::Compute(format!("setting `lora.{key}` {problem}"))
}

/// Which of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    A,
    B,
}

/// The place of one matrix in an adapter.
struct Slot {
    name: String,
    layer: usize,
    projection: Projection,
    half: Half,
    dims: [usize; 2],
}

/// An adapter without its values.
struct Shape {
    rank: usize,
    alpha: f64,
    use_rslora: bool,
    targets: Vec<Projection>,
}

impl Shape {
    /// The matrices that the adapter of a model has, in order.
    fn slots(&self, config: &ModelConfig) -> Vec<Slot> {
        let mut slots = Vec::with_capacity(config.num_hidden_layers * self.targets.len() * 2);
        for layer in 0..config.num_hidden_layers {
            for &projection in &self.targets {
                let [out, input] = projection.shape(config);
                for (half, dims) in [(Half::A, [self.rank, input]), (Half::B, [out, self.rank])] {
                    let name = peft::key(layer, projection, half);
                    slots.push(Slot { name, layer, projection, half, dims });
                }
            }
        }
        slots
    }

    /// The adapter with the values that `value` gives for each slot.
    fn build(
        self,
        config: &ModelConfig,
        mut value: impl FnMut(&Slot) -> Result<Tensor<2>, ModelError>,
    ) -> Result<Lora, ModelError> {
        let slots = self.slots(config);
        let param = |slot: Slot| Ok(LoraParam { value: value(&slot)?, name: slot.name });
        let params = slots.into_iter().map(param).collect::<Result<_, ModelError>>()?;
        let Self { rank, alpha, use_rslora, targets } = self;
        let divisor = if use_rslora { (rank as f64).sqrt() } else { rank as f64 };
        Ok(Lora { rank, alpha, use_rslora, scale: (alpha / divisor) as f32, targets, params })
    }
}

fn initial_a(slot: &Slot, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream((slot.layer * Projection::ALL.len() + slot.projection.index()) as u64);
    let bound = 1.0 / (slot.dims[1] as f32).sqrt();
    // 24 bits fill a float's mantissa: the value is exact, in [0, 1).
    let mut unit = || (random.next_u32() >> 8) as f32 / (1 << 24) as f32;
    (0..slot.dims[0] * slot.dims[1]).map(|_| (unit() * 2.0 - 1.0) * bound).collect()
}

#[cfg(test)]
mod tests;
