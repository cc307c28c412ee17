//! The resident memory of this process, as Linux reports it.

fn status_kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Returns the resident memory in kilobytes, and resets the peak. Freed memory is first returned to the system, because
/// it would otherwise be reused without raising the peak.
pub fn resident_kilobytes() -> u64 {
    #[cfg(target_env = "gnu")]
    // SAFETY: the function has no preconditions.
    unsafe {
        libc::malloc_trim(0);
    }
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    status_kilobytes("VmRSS:")
}

/// Returns the peak of the resident memory in kilobytes since it was reset.
pub fn peak_kilobytes() -> u64 {
    status_kilobytes("VmHWM:")
}
