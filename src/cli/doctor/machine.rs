//! Processor, device, memory.

use super::{finding::Finding, surroundings::Surroundings};
use crate::{cockpit::figures::bytes, model::device};

/// Below this no run of a small model gets far.
const LEAST_MEMORY: u64 = 512 << 20;
/// Below this larger batches do not fit.
const GOOD_MEMORY: u64 = 2 << 30;

/// Cores, and what the kernels are fast with.
pub fn cpu(around: &Surroundings) -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = around.read("/proc/cpuinfo").unwrap_or_default();
    let field = |names: &[&str]| {
        let line = info.lines().find(|line| names.iter().any(|name| line.starts_with(name)))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let model = field(&["model name"]).unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let flags = field(&["flags", "Features"]).unwrap_or_default();
    let has = |flag: &str| flags.split_whitespace().any(|f| f == flag);
    let known: Vec<&str> = ["avx2", "fma", "f16c", "avx512f", "asimd"].into_iter().filter(|flag| has(flag)).collect();
    let threads = if cores == 1 { "1 thread".to_owned() } else { format!("{cores} threads") };
    let found = format!(
        "{model}, {threads}, {}",
        if known.is_empty() { "no vector extensions found".into() } else { known.join(" ") }
    );
    if has("avx2") && has("fma") {
        return Finding::ok("processor", found);
    }
    let remedy = "the fused kernels need AVX2 and FMA; without them training works, several times slower. In a virtual machine, \
                  pass the host's processor through";
    Finding::warn("processor", found, remedy)
}

/// What `run.device` comes to, and whether there is an NVIDIA driver.
pub fn device(wanted: &str, around: &Surroundings) -> Finding {
    let driver = around.read("/proc/driver/nvidia/version").and_then(|text| text.lines().next().map(str::to_owned));
    let driver = driver
        .as_deref()
        .and_then(|line| line.split("  ").map(str::trim).find(|part| part.starts_with(|c: char| c.is_ascii_digit())))
        .map(|version| version.split_whitespace().next().unwrap_or(version).to_owned());
    let said = driver.map_or_else(|| "no NVIDIA driver".to_owned(), |version| format!("NVIDIA driver {version}"));
    match device::choose(wanted) {
        Ok(chosen) => Finding::ok("device", format!("{} (run.device: {wanted}; {said})", chosen.description)),
        Err(error) => Finding::fail("device", format!("{error} ({said})"), "set run.device to auto or cpu"),
    }
}

/// What the system, or the container around the process, still has to give.
pub fn memory(around: &Surroundings) -> Finding {
    let Some(free) = available(around) else {
        return Finding::warn(
            "memory",
            "the system does not say how much is free",
            "watch the memory chart in the first steps",
        );
    };
    let limit = cgroup_room(around);
    let room = limit.map_or(free, |limit| limit.min(free));
    let within = if limit.is_some_and(|limit| limit < free) { " within this container's limit" } else { "" };
    let found = format!("{} free{within}", bytes(room as f64));
    if room < LEAST_MEMORY {
        Finding::fail(
            "memory",
            found,
            "end other programs, or take a smaller model; a 135M model in 4 bits needs about 0.5 GiB to train",
        )
    } else if room < GOOD_MEMORY {
        Finding::warn(
            "memory",
            found,
            "keep rollout.num_generations and prompts_per_step small, and memory.recompute on",
        )
    } else {
        Finding::ok("memory", found)
    }
}

fn available(around: &Surroundings) -> Option<u64> {
    let info = around.read("/proc/meminfo")?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// What the control group of a container leaves.
fn cgroup_room(around: &Surroundings) -> Option<u64> {
    let number = |path: &str| around.read(path)?.trim().parse::<u64>().ok();
    let (limit, used) = (number("/sys/fs/cgroup/memory.max")?, number("/sys/fs/cgroup/memory.current")?);
    Some(limit.saturating_sub(used))
}
