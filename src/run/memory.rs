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

    /// Bytes that there are; `None` where the system does not tell.
    pub fn total(&self) -> Option<u64> {
        match &self.gpu {
            Some((nvml, index)) => nvml.device_by_index(*index).and_then(|d| d.memory_info()).ok().map(|m| m.total),
            None => parse_total(&std::fs::read_to_string("/proc/meminfo").ok()?),
        }
    }

    /// Bytes in use now; `None` where the system does not tell.
    pub fn bytes(&self) -> Option<u64> {
        match &self.gpu {
            Some((nvml, index)) => nvml.device_by_index(*index).and_then(|d| d.memory_info()).ok().map(|m| m.used),
            None => memory_stats::memory_stats().map(|m| m.physical_mem as u64),
        }
    }
}

/// The most memory that this process has held since it began, or since [`forget_peak`], as Linux counts it; `None` elsewhere.
pub fn peak_bytes() -> Option<u64> {
    parse_peak(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Lets [`peak_bytes`] count anew; whether the system can do that.
pub fn forget_peak() -> bool {
    // proc(5): 5 resets the peak of the resident set.
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn parse_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn parse_peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_remembered_until_it_is_to_be_forgotten() {
        assert_eq!(parse_peak("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2048 * 1024));
        assert_eq!(parse_peak("VmRSS:\t 2048 kB\n"), None);
        if !forget_peak() {
            println!("skipped: this system does not forget a process's peak");
            return;
        }
        let before = peak_bytes().unwrap();
        drop(std::hint::black_box(vec![1_u8; 128 << 20]));
        let high = peak_bytes().unwrap();
        assert!(high >= before + (100 << 20), "{before} {high}");
        assert!(forget_peak());
        assert!(peak_bytes().unwrap() < high, "the memory was given back, and the peak forgotten");
    }

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
