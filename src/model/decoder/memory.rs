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

/// Memory that can be had without swapping, as Linux estimates it.
fn available_bytes() -> Option<u64> {
    parse_available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn parse_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_from_meminfo() {
        let text = "MemTotal:       24684032 kB\nMemFree: 1 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(parse_available(text), Some(2048 * 1024));
        assert_eq!(parse_available("MemTotal: 3 kB\n"), None);
    }
}
