//! How much memory a run uses: the GPU's, read by NVML, where the run is on one; else the process's.

use nvml_wrapper::Nvml;

use super::event::MemorySource;

/// Reads memory in use.
pub struct MemoryMeter {
    gpu: Option<(Nvml, u32)>,
}

impl MemoryMeter {
    /// For a run on GPU `index`, or on the CPU. A GPU that NVML cannot read is treated as no GPU, and said so by
    /// [`MemoryMeter::source`].
    pub fn new(gpu: Option<u32>) -> Self {
        let read = |index| {
            let nvml = Nvml::init().inspect_err(|e| tracing::warn!("NVML: {e}; showing process memory")).ok()?;
            nvml.device_by_index(index).and_then(|d| d.memory_info()).is_ok().then_some((nvml, index))
        };
        Self { gpu: gpu.and_then(read) }
    }

    /// Which memory [`MemoryMeter::bytes`] tells.
    pub fn source(&self) -> MemorySource {
        if self.gpu.is_some() { MemorySource::Gpu } else { MemorySource::Process }
    }

    /// Bytes in use now; `None` where the system does not tell.
    pub fn bytes(&self) -> Option<u64> {
        match &self.gpu {
            Some((nvml, index)) => nvml.device_by_index(*index).and_then(|d| d.memory_info()).ok().map(|m| m.used),
            None => memory_stats::memory_stats().map(|m| m.physical_mem as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_taken_is_seen() {
        let meter = MemoryMeter::new(None);
        assert_eq!(meter.source(), MemorySource::Process);
        let before = meter.bytes().unwrap();
        let taken = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(meter.bytes().unwrap() >= before + (48 << 20));
        drop(taken);
    }
}
