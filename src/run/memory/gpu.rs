//! What NVML tells of a GPU.

use nvml_wrapper::{
    Device, Nvml, enum_wrappers::device::TemperatureSensor, enums::device::UsedGpuMemory, error::NvmlError,
};

/// A GPU's memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GpuMemory {
    /// In use, by whomever.
    pub used: u64,
    /// All there is.
    pub total: u64,
    /// In use by this process, where the driver knows its processes; in containers it often does not.
    pub own: Option<u64>,
}

/// How a GPU is doing; what its driver does not tell is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GpuState {
    /// Share of the time in which a kernel ran, 0 to 1.
    pub utilization: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Watts.
    pub power: Option<f64>,
}

/// What a GPU is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GpuFacts {
    /// Its name.
    pub name: String,
    /// The driver's version.
    pub driver: String,
}

/// Reads a GPU. Cheap enough to be asked many times a second.
pub trait GpuReader: Send + Sync {
    /// Its memory now.
    fn memory(&self) -> Option<GpuMemory>;
    /// How it is doing.
    fn state(&self) -> GpuState;
    /// What it is.
    fn facts(&self) -> GpuFacts;
}

/// A GPU read through NVML.
pub struct NvmlReader {
    nvml: Nvml,
    index: u32,
}

impl NvmlReader {
    /// For CUDA's GPU `index`; `None`, with a line in the log, where NVML is not there or cannot read it.
    pub fn open(index: u32) -> Option<Self> {
        let visible = std::env::var("CUDA_VISIBLE_DEVICES").ok();
        let Some(index) = nvml_index(index, visible.as_deref()) else {
            tracing::warn!("NVML: CUDA_VISIBLE_DEVICES does not name GPUs by number; showing process memory");
            return None;
        };
        let opened = Nvml::init().and_then(|nvml| {
            nvml.device_by_index(index)?.memory_info()?;
            Ok(Self { nvml, index })
        });
        opened.inspect_err(|e| tracing::warn!("NVML: {e}; showing process memory")).ok()
    }

    fn ask<T>(&self, question: impl FnOnce(&Device<'_>) -> Result<T, NvmlError>) -> Option<T> {
        self.nvml.device_by_index(self.index).and_then(|device| question(&device)).ok()
    }
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of Device<'_> by its path has one lifetime, not any"
)]
impl GpuReader for NvmlReader {
    fn memory(&self) -> Option<GpuMemory> {
        let memory = self.ask(|device| device.memory_info())?;
        let own = self.ask(|device| device.running_compute_processes()).and_then(|processes| {
            let process = processes.into_iter().find(|process| process.pid == std::process::id())?;
            match process.used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Some(bytes),
                UsedGpuMemory::Unavailable => None,
            }
        });
        Some(GpuMemory { used: memory.used, total: memory.total, own })
    }

    fn state(&self) -> GpuState {
        GpuState {
            utilization: self.ask(|device| device.utilization_rates()).map(|rates| f64::from(rates.gpu) / 100.0),
            temperature: self.ask(|device| device.temperature(TemperatureSensor::Gpu)).map(f64::from),
            power: self.ask(|device| device.power_usage()).map(|milliwatts| f64::from(milliwatts) / 1000.0),
        }
    }

    fn facts(&self) -> GpuFacts {
        let unknown = || "unknown".to_owned();
        GpuFacts {
            name: self.ask(|device| device.name()).unwrap_or_else(unknown),
            driver: self.nvml.sys_driver_version().unwrap_or_else(|_| unknown()),
        }
    }
}

/// NVML's number of the GPU that CUDA calls `index`: NVML counts all of them, CUDA those in `CUDA_VISIBLE_DEVICES`. `None` where that names
/// them otherwise than by number.
fn nvml_index(index: u32, visible: Option<&str>) -> Option<u32> {
    match visible.map(str::trim).filter(|visible| !visible.is_empty()) {
        Some(visible) => visible.split(',').nth(index as usize)?.trim().parse().ok(),
        None => Some(index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuda_counts_visible_gpus_and_nvml_all() {
        assert_eq!(nvml_index(1, None), Some(1));
        assert_eq!(nvml_index(0, Some("")), Some(0));
        assert_eq!(nvml_index(0, Some("3, 1")), Some(3));
        assert_eq!(nvml_index(1, Some("3, 1")), Some(1));
        assert_eq!(nvml_index(2, Some("3, 1")), None);
        assert_eq!(nvml_index(0, Some("GPU-8932f937")), None);
    }

    #[test]
    fn a_machine_without_nvml_is_no_error() {
        match NvmlReader::open(0) {
            Some(reader) => {
                assert!(reader.memory().is_some_and(|memory| memory.total > 0) && !reader.facts().name.is_empty());
            }
            None => println!("there is no NVML here, and nothing failed"),
        }
    }
}
