//! How many layers' activations may be kept.

use super::layer::LayerRecord;
use crate::{model::ModelConfig, settings::Recompute};

/// How many layers keep all that their backward pass needs; the others keep their input only.
///
/// `Auto` keeps as many as fit in half of the memory that is free now; where that cannot be told, all.
pub fn layers_to_keep(recompute: Recompute, config: &ModelConfig, rows: usize) -> usize {
    match recompute {
        Recompute::Always => 0,
        Recompute::Never => config.num_hidden_layers,
        Recompute::Auto => available_bytes().map_or(config.num_hidden_layers, |free| {
            let record = LayerRecord::bytes(config, rows).max(1);
            (free / 2 / record).min(config.num_hidden_layers as u64) as usize
        }),
    }
}

/// Whether generation should keep what it computes of so many rows for the backward pass.
///
/// `Auto` does where it fits in a quarter of this machine's memory: unlike a backward pass's own records, those of all of a
/// step's groups are held together. What is free at the moment does not count, since generation rounds otherwise than a
/// forward pass, and a resumed run must decide as the first one did.
pub fn keeps_generation(recompute: Recompute, config: &ModelConfig, rows: usize) -> bool {
    let needed = LayerRecord::bytes(config, rows) * config.num_hidden_layers as u64;
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

    #[test]
    fn memory_is_read_from_meminfo() {
        let text = "MemTotal:       24684032 kB\nMemFree: 1 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(parse(text, "MemAvailable:"), Some(2048 * 1024));
        assert_eq!(parse(text, "MemTotal:"), Some(24_684_032 * 1024));
        assert_eq!(parse("MemTotal: 3 kB\n", "MemAvailable:"), None);
    }

    #[test]
    fn generation_is_kept_where_it_fits() {
        let config = crate::model::testing::tiny_config();
        assert!(keeps_generation(Recompute::Never, &config, usize::MAX >> 32));
        assert!(!keeps_generation(Recompute::Always, &config, 1));
        assert!(keeps_generation(Recompute::Auto, &config, 100));
        assert!(!keeps_generation(Recompute::Auto, &config, usize::MAX >> 32), "no machine has so much memory");
    }
}
