//! The thread of the runtime, also after a fork.

#[cfg(target_os = "linux")]
mod fork;
