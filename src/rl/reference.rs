//! The policy that KL is measured against, and how it follows the one being trained (TRL's `sync_ref_model`).

use burn::tensor::Device;

use super::{policy::Policy, seeds, seeds::Stream};
use crate::{
    model::{Lora, Model, ModelError},
    settings::{GrpoSettings, Reference, Settings},
};

/// The reference of a run that starts from `adapter`, which is new unless `lora.init_adapter` names it; `None` is the base alone.
/// What is to follow the policy must be an adapter: a new one changes nothing yet, and so stands for the base.
pub(super) fn at_start(
    model: &Model,
    settings: &Settings,
    adapter: &Lora,
    device: &Device,
) -> Result<Option<Lora>, ModelError> {
    let (grpo, starts_new) = (&settings.grpo, settings.lora.init_adapter.is_none());
    Ok(match grpo.reference {
        Reference::Initial => Some(adapter.clone()),
        Reference::Auto if !starts_new || grpo.sync_ref_model => Some(adapter.clone()),
        Reference::Base if grpo.sync_ref_model => Some(new_adapter(model, settings, device)?),
        Reference::Auto | Reference::Base => None,
    })
}

/// The adapter that a run starts with where no other is named.
pub(super) fn new_adapter(model: &Model, settings: &Settings, device: &Device) -> Result<Lora, ModelError> {
    Lora::new(&model.config, &settings.lora, seeds::seed(settings.run.seed, Stream::Adapter, [0; 3]), device)
}

impl Policy {
    /// The reference after `step`, which ends with `adapter`, where it is time to move it.
    pub(super) fn moved_reference(&self, adapter: &Lora, grpo: &GrpoSettings, step: u64) -> Option<Lora> {
        let due = grpo.sync_ref_model && step.is_multiple_of(grpo.ref_model_sync_steps.max(1));
        let mut reference = self.reference.clone().filter(|_| due)?;
        mix(&mut reference, adapter, grpo.ref_model_mixup_alpha);
        Some(reference)
    }
}

/// `reference` becomes `alpha` parts of the policy and `1 - alpha` of itself, matrix by matrix.
fn mix(reference: &mut Lora, policy: &Lora, alpha: f64) {
    for (old, new) in reference.params.iter_mut().zip(&policy.params) {
        // To the bit, where it is to be the policy itself.
        old.value = if alpha >= 1.0 {
            new.value.clone()
        } else {
            new.value.clone() * alpha + old.value.clone() * (1.0 - alpha)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::testing::tiny_config, settings::LoraSettings};

    fn lora(seed: u64) -> Lora {
        Lora::new(
            &tiny_config(),
            &LoraSettings { r: 2, ..LoraSettings::default() },
            seed,
            &crate::model::testing::device(),
        )
        .unwrap()
    }

    fn values(lora: &Lora) -> Vec<f32> {
        lora.params.iter().flat_map(|p| p.value.clone().try_into_vec_as::<f32>().unwrap()).collect()
    }

    #[test]
    fn the_reference_moves_as_trl_mixes_it() {
        let (mut reference, policy) = (lora(1), lora(2));
        let expected: Vec<f32> =
            values(&reference).iter().zip(values(&policy)).map(|(old, new)| 0.6 * new + 0.4 * old).collect();
        mix(&mut reference, &policy, 0.6);
        let found = values(&reference);
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
        assert_ne!(found, values(&policy));
        mix(&mut reference, &policy, 1.0);
        assert_eq!(values(&reference), values(&policy));
    }
}
