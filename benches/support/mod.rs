//! What the benchmarks share: figures and how they are shown, the requests, the servers.

pub mod delay;
pub mod figures;
pub mod request;
pub mod server;

/// Whether this is a measurement (`cargo bench`), or only a look whether the benchmark still runs.
pub fn is_measurement() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
