//! How many layers' activations may be kept.

use super::{Decoder, layer::LayerRecord};
use crate::{model::device, settings::Recompute};

/// How many layers keep all that their backward pass needs; the others keep their input only.
///
/// `Auto` keeps as many as fit in half of the memory that is free now, the GPU's where one computes; where that cannot be told,
/// all.
pub fn layers_to_keep(recompute: Recompute, decoder: &Decoder<'_>, rows: usize) -> usize {
    let layers = decoder.config.num_hidden_layers;
    match recompute {
        Recompute::Always => 0,
        Recompute::Never => layers,
        Recompute::Auto => {
            let gpu = device::gpu_memory(&decoder.device()).map(device::GpuMemory::free);
            gpu.or_else(available_bytes)
                .map_or(layers, |free| (free / 2 / record_bytes(decoder, rows).max(1)).min(layers as u64) as usize)
        }
    }
}

fn record_bytes(decoder: &Decoder<'_>, rows: usize) -> u64 {
    LayerRecord::bytes(decoder.config, rows, decoder.weights.activations.size())
}

/// Whether generation should keep what it computes of so many rows for the backward pass.
///
/// `Auto` does where it fits in a quarter of this machine's memory, or of the GPU's: unlike a backward pass's own records, those of all of a
/// step's groups are held together. What is free at the moment does not count, since generation rounds otherwise than a
/// forward pass, and a resumed run must decide as the first one did.
pub fn keeps_generation(recompute: Recompute, decoder: &Decoder<'_>, rows: usize) -> bool {
    let needed = record_bytes(decoder, rows) * decoder.config.num_hidden_layers as u64;
    let total_bytes = || device::gpu_memory(&decoder.device()).map(|gpu| gpu.total).or_else(total_bytes);
    match recompute {
        Recompute::Always => false,
        Recompute::Never => true,
        Recompute::Auto => total_bytes().is_none_or(|total| needed <= total / 4),
    }
}

/// The memory that this process may have at most: the machine's, or its control group's share.
fn total_bytes() -> Option<u64> {
    let machine = parse(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(group.map_or(machine, |group: u64| group.min(machine)))
}

/// Memory that can be had without swapping, as Linux estimates it.
fn available_bytes() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// Bytes in the line of /proc/meminfo that begins with `name`.
fn parse(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;

    #[test]
    fn memory_is_read_from_meminfo() {
        let text = "MemTotal:       24684032 kB\nMemFree: 1 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(parse(text, "MemAvailable:"), Some(2048 * 1024));
        assert_eq!(parse(text, "MemTotal:"), Some(24_684_032 * 1024));
        assert_eq!(parse("MemTotal: 3 kB\n", "MemAvailable:"), None);
    }

    #[test]
    fn generation_is_kept_where_it_fits() {
        let config = testing::tiny_config();
        let weights = testing::random_weights(&config, 1, &testing::device());
        let decoder = Decoder { config: &config, weights: &weights };
        assert!(keeps_generation(Recompute::Never, &decoder, usize::MAX >> 32));
        assert!(!keeps_generation(Recompute::Always, &decoder, 1));
        assert!(keeps_generation(Recompute::Auto, &decoder, 100));
        assert!(!keeps_generation(Recompute::Auto, &decoder, usize::MAX >> 32), "no machine has so much memory");
    }
}
