//! The thread with the event loop, also after a fork.

#[cfg(target_os = "linux")]
mod fork;
