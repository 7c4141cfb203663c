//! How many layers' activations may be kept.

use super::{Decoder, layer::LayerRecord};
use crate::{
    model::{ModelConfig, device},
    run::memory::{available_bytes, total_bytes},
    settings::Recompute,
};

/// How many layers keep all that their backward pass needs; the others keep their input only.
///
/// `Auto` keeps as many as fit in half of the memory that is free now, the GPU's where one computes; where that cannot be told,
/// all.
pub fn layers_to_keep(recompute: Recompute, decoder: &Decoder<'_>, rows: usize) -> usize {
    let free = || device::gpu_memory(&decoder.device()).map(device::GpuMemory::free).or_else(available_bytes);
    kept_layers(recompute, decoder.config, record_bytes(decoder, rows), free)
}

/// The same by a record's bytes and what is free.
pub fn kept_layers(
    recompute: Recompute,
    config: &ModelConfig,
    record: u64,
    free: impl FnOnce() -> Option<u64>,
) -> usize {
    let layers = config.num_hidden_layers;
    match recompute {
        Recompute::Always => 0,
        Recompute::Never => layers,
        Recompute::Auto => free().map_or(layers, |free| (free / 2 / record.max(1)).min(layers as u64) as usize),
    }
}

fn record_bytes(decoder: &Decoder<'_>, rows: usize) -> u64 {
    LayerRecord::bytes(decoder.config, rows, decoder.weights.activations.size())
}

/// Whether generation should keep what it computes of so many rows for the backward pass.
///
/// `Auto` does on the CPU, where it fits in a quarter of this machine's memory: unlike a backward pass's own records, those of all of a
/// step's groups are held together. What is free at the moment does not count, since generation rounds otherwise than a
/// forward pass, and a resumed run must decide as the first one did. On a GPU it does not: a row at a time is tens of thousands of small
/// tensors, which its allocator goes through one by one, and a forward pass over all rows at once is quick there.
pub fn keeps_generation(recompute: Recompute, decoder: &Decoder<'_>, rows: usize) -> bool {
    let on_gpu = device::is_gpu(&decoder.device());
    keeps_records(recompute, decoder.config, record_bytes(decoder, rows), on_gpu, total_bytes)
}

/// The same by a record's bytes and what there is.
pub fn keeps_records(
    recompute: Recompute,
    config: &ModelConfig,
    record: u64,
    on_gpu: bool,
    total: impl FnOnce() -> Option<u64>,
) -> bool {
    let needed = record * config.num_hidden_layers as u64;
    match recompute {
        Recompute::Always => false,
        Recompute::Never => true,
        Recompute::Auto => !on_gpu && total().is_none_or(|total| needed <= total / 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;

    #[test]
    fn generation_is_kept_where_it_fits() {
        let config = testing::tiny_config();
        let weights = testing::random_weights(&config, 1, &testing::device());
        let decoder = Decoder { config: &config, weights: &weights };
        assert!(keeps_generation(Recompute::Never, &decoder, usize::MAX >> 32));
        assert!(!keeps_generation(Recompute::Always, &decoder, 1));
        assert_eq!(keeps_generation(Recompute::Auto, &decoder, 100), !device::is_gpu(&testing::device()));
        assert!(!keeps_generation(Recompute::Auto, &decoder, usize::MAX >> 32), "no machine has so much memory");
        let needed = 1000 * config.num_hidden_layers as u64;
        for (total, fits) in [(4 * needed, true), (4 * needed - 4, false)] {
            assert_eq!(keeps_records(Recompute::Auto, &config, 1000, false, || Some(total)), fits);
            assert!(!keeps_records(Recompute::Auto, &config, 1000, true, || Some(total)));
        }
    }

    #[test]
    fn as_many_layers_are_kept_as_half_of_what_is_free_holds() {
        let config = testing::tiny_config();
        let kept = |recompute, free| kept_layers(recompute, &config, 1000, || Some(free));
        assert_eq!([0, 4000, 6000, 1_000_000].map(|free| kept(Recompute::Auto, free)), [0, 2, 3, 3]);
        assert_eq!((kept(Recompute::Always, 1 << 40), kept(Recompute::Never, 0)), (0, 3));
    }
}
