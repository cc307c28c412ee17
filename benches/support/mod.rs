//! The shared parts of the benchmarks: statistics and their display, the requests, the servers.

pub mod delay;
pub mod figures;
pub mod request;
pub mod server;

/// Returns whether this is a measurement (`cargo bench`), or only a check that the benchmark still runs.
pub fn is_measurement() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
