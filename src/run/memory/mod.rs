//! How much memory a run uses: the GPU's, read by NVML, where the run is on one; else the process's.

mod gpu;
mod process;
mod watch;

use std::sync::Arc;

pub use self::{
    gpu::{GpuFacts, GpuMemory, GpuReader, GpuState},
    process::{available_bytes, forget_peak, peak_bytes, resident_bytes, total_bytes},
    watch::PeakWatch,
};
use super::{
    event::MemorySource,
    metrics::{self, Metrics},
};

/// Reads memory in use.
#[derive(Clone)]
pub struct MemoryMeter {
    gpu: Option<Arc<Gpu>>,
}

/// The memory of what computes, where that is not the machine's own; nothing where the system is to be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes in all.
    pub total: Option<u64>,
    /// Bytes free now.
    pub free: Option<u64>,
}

impl Room {
    /// Bytes in all: the device's, else what this process may have of the machine's; `None` where nobody tells.
    pub fn total(self) -> Option<u64> {
        self.total.or_else(process::total_bytes)
    }
}

/// A GPU under observation.
struct Gpu {
    reader: Arc<dyn GpuReader>,
    /// What was in use when the run began: others', where the driver does not tell whose memory is whose.
    before: u64,
    peak: PeakWatch,
}

impl MemoryMeter {
    /// For a run on GPU `index`, or on the CPU; to be made before anything is put there. A GPU that NVML cannot read is treated as no
    /// GPU, and said so by [`MemoryMeter::source`].
    pub fn new(gpu: Option<u32>) -> Self {
        match gpu.and_then(gpu::NvmlReader::open) {
            Some(reader) => Self::reading(Arc::new(reader)),
            None => Self { gpu: None },
        }
    }

    /// For a run on the GPU that `reader` reads.
    pub fn reading(reader: Arc<dyn GpuReader>) -> Self {
        let before = reader.memory().map_or(0, |memory| memory.used - memory.own.unwrap_or(0).min(memory.used));
        let watched = Arc::clone(&reader);
        let peak = PeakWatch::start(move || watched.memory().map(|memory| own(memory, before)));
        Self { gpu: Some(Arc::new(Gpu { reader, before, peak })) }
    }

    /// Which memory [`MemoryMeter::bytes`] tells.
    pub fn source(&self) -> MemorySource {
        if self.gpu.is_some() { MemorySource::Gpu } else { MemorySource::Process }
    }

    /// Bytes that there are; `None` where the system does not tell.
    pub fn total(&self) -> Option<u64> {
        match &self.gpu {
            Some(gpu) => gpu.reader.memory().map(|memory| memory.total),
            None => process::total_bytes(),
        }
    }

    /// The GPU's memory, if it is one.
    pub fn room(&self) -> Room {
        let memory = self.gpu.as_ref().and_then(|gpu| gpu.reader.memory());
        let free = memory.map(|memory| memory.total.saturating_sub(memory.used));
        Room { total: memory.map(|memory| memory.total), free }
    }

    /// Bytes that others use of the GPU; nothing on a CPU.
    pub fn others(&self) -> u64 {
        let others = |gpu: &Arc<Gpu>| Some(others(gpu.reader.memory()?, gpu.before));
        self.gpu.as_ref().and_then(others).unwrap_or(0)
    }

    /// Bytes in use now, on a GPU by whomever; `None` where the system does not tell.
    pub fn bytes(&self) -> Option<u64> {
        match &self.gpu {
            Some(gpu) => gpu.reader.memory().map(|memory| memory.used),
            None => process::resident_bytes(),
        }
    }

    /// The most bytes that this process has held since the meter was made or [`Self::forget_peak`].
    pub fn peak(&self) -> Option<u64> {
        match &self.gpu {
            Some(gpu) => gpu.peak.most(),
            None => peak_bytes(),
        }
    }

    /// Lets [`Self::peak`] count anew; whether that is possible.
    pub fn forget_peak(&self) -> bool {
        match &self.gpu {
            Some(gpu) => {
                gpu.peak.forget();
                true
            }
            None => forget_peak(),
        }
    }

    /// What the GPU is, if it is one.
    pub fn gpu(&self) -> Option<GpuFacts> {
        self.gpu.as_ref().map(|gpu| gpu.reader.facts())
    }

    /// What is told with each step: memory in use, and of a GPU what others use of it, all that there is, how busy and how hot it is, and
    /// what the process holds beside it.
    pub fn describe(&self, metrics: &mut Metrics) {
        let Some(gpu) = &self.gpu else {
            metrics.set(metrics::MEMORY_BYTES, self.bytes().map_or(f64::NAN, |bytes| bytes as f64));
            return;
        };
        let (memory, state) = (gpu.reader.memory(), gpu.reader.state());
        metrics.set(metrics::MEMORY_BYTES, memory.map_or(f64::NAN, |memory| memory.used as f64));
        let others = memory.map(|memory| others(memory, gpu.before) as f64);
        let told = [
            ("memory/gpu_others", others),
            ("memory/gpu_total", memory.map(|memory| memory.total as f64)),
            ("memory/host", process::resident_bytes().map(|bytes| bytes as f64)),
            ("gpu/utilization", state.utilization),
            ("gpu/temperature", state.temperature),
            ("gpu/power", state.power),
        ];
        for (name, value) in told {
            if let Some(value) = value {
                metrics.set(name, value);
            }
        }
    }
}

/// What this process holds: as the driver says, else what was not in use `before`.
fn own(memory: GpuMemory, before: u64) -> u64 {
    memory.own.unwrap_or_else(|| memory.used.saturating_sub(before))
}

/// What others hold.
fn others(memory: GpuMemory, before: u64) -> u64 {
    memory.used.saturating_sub(own(memory, before))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A GPU that is in whatever state a test puts it.
    #[derive(Default)]
    pub(crate) struct FakeGpu {
        pub memory: Mutex<Option<GpuMemory>>,
        pub state: GpuState,
    }

    impl GpuReader for FakeGpu {
        fn memory(&self) -> Option<GpuMemory> {
            *self.memory.lock().unwrap()
        }

        fn state(&self) -> GpuState {
            self.state
        }

        fn facts(&self) -> GpuFacts {
            GpuFacts { name: "Fake 9000".into(), driver: "1.2".into() }
        }
    }

    fn gpu(used: u64, own: Option<u64>) -> (Arc<FakeGpu>, MemoryMeter) {
        let state = GpuState { utilization: Some(0.75), temperature: Some(61.0), power: None };
        let fake = Arc::new(FakeGpu { memory: Mutex::new(Some(GpuMemory { used, total: 1000, own })), state });
        (Arc::clone(&fake), MemoryMeter::reading(fake))
    }

    fn told(meter: &MemoryMeter, name: &str) -> Option<f64> {
        let mut metrics = Metrics::default();
        meter.describe(&mut metrics);
        metrics.get(name)
    }

    #[test]
    fn a_gpu_tells_own_and_others_memory_apart() {
        let (fake, meter) = gpu(300, Some(0));
        *fake.memory.lock().unwrap() = Some(GpuMemory { used: 900, total: 1000, own: Some(550) });
        assert_eq!((meter.source(), meter.bytes(), meter.total()), (MemorySource::Gpu, Some(900), Some(1000)));
        assert_eq!(meter.peak(), Some(550));
        assert_eq!(told(&meter, "memory/gpu_others"), Some(350.0));
        assert_eq!((told(&meter, "gpu/utilization"), told(&meter, "gpu/temperature")), (Some(0.75), Some(61.0)));
        assert_eq!(told(&meter, "gpu/power"), None);
        assert!(told(&meter, "memory/host").is_some_and(|bytes| bytes > 0.0));
        assert_eq!(meter.gpu().unwrap().name, "Fake 9000");
        assert_eq!((meter.others(), meter.room()), (350, Room { total: Some(1000), free: Some(100) }));
    }

    #[test]
    fn what_was_there_before_is_others_where_the_driver_does_not_say() {
        let (fake, meter) = gpu(300, None);
        *fake.memory.lock().unwrap() = Some(GpuMemory { used: 900, total: 1000, own: None });
        assert_eq!((meter.peak(), told(&meter, "memory/gpu_others")), (Some(600), Some(300.0)));
        *fake.memory.lock().unwrap() = Some(GpuMemory { used: 400, total: 1000, own: None });
        assert_eq!(meter.peak(), Some(600), "the peak stays");
        *fake.memory.lock().unwrap() = None;
        assert_eq!((meter.bytes(), told(&meter, "memory/gpu_others")), (None, None));
        assert!(told(&meter, metrics::MEMORY_BYTES).is_none_or(f64::is_nan));
    }

    #[test]
    fn memory_taken_is_seen_and_a_process_says_nothing_of_gpus() {
        let meter = MemoryMeter::new(None);
        assert_eq!(meter.source(), MemorySource::Process);
        let before = meter.bytes().unwrap();
        let taken = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(meter.bytes().unwrap() >= before + (48 << 20));
        drop(taken);
        assert_eq!((meter.others(), meter.room()), (0, Room::default()));
        assert!(meter.gpu().is_none() && told(&meter, "memory/gpu_total").is_none());
        assert!(told(&meter, metrics::MEMORY_BYTES).is_some());
    }
}
