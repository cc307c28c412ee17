//! The shared parts of the benchmarks: statistics and their display, the requests, networks, databases and servers.

pub mod database;
pub mod delay;
pub mod figures;
pub mod memory;
pub mod meter;
pub mod request;
pub mod server;

/// Returns whether this is a measurement (`cargo bench`), or only a check that the benchmark still runs.
pub fn is_measurement() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Returns whether this part is selected. Arguments select parts: `cargo bench --bench sweep -- processes`.
pub fn is_wanted(part: &str) -> bool {
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    named.is_empty() || named.iter().any(|name| name == part)
}

/// Returns the number in this environment variable, or the given number if the variable is not set.
pub fn parameter(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}
