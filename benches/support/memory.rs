//! The resident memory of this process, as Linux reports it.

fn status_kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Returns the resident memory in kilobytes, and resets the peak.
pub fn resident_kilobytes() -> u64 {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    status_kilobytes("VmRSS:")
}

/// Returns the peak of the resident memory in kilobytes since it was reset.
pub fn peak_kilobytes() -> u64 {
    status_kilobytes("VmHWM:")
}
