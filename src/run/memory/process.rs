//! The process's own memory, as Linux counts it.

/// The most memory that this process has held since it began, or since [`forget_peak`], as Linux counts it; `None` elsewhere.
pub fn peak_bytes() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Lets [`peak_bytes`] count anew; whether the system can do that.
pub fn forget_peak() -> bool {
    // proc(5): 5 resets the peak of the resident set.
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Bytes that the process holds now; `None` where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    memory_stats::memory_stats().map(|m| m.physical_mem as u64)
}

/// Bytes that this process may have at most: the machine's, or its control group's share; `None` where the system does not tell.
pub fn total_bytes() -> Option<u64> {
    let machine = parse(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(group.map_or(machine, |group: u64| group.min(machine)))
}

/// Bytes that can be had without swapping, as Linux estimates it; `None` elsewhere.
pub fn available_bytes() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// Bytes in the line that begins with `name`.
fn parse(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
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
    fn a_peak_is_remembered_until_it_is_to_be_forgotten() {
        assert_eq!(parse("Name:\tx\nVmHWM:\t    2048 kB\n", "VmHWM:"), Some(2048 * 1024));
        assert_eq!(parse("VmRSS:\t 2048 kB\n", "VmHWM:"), None);
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
}
