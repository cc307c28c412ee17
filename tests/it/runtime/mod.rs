//! The thread with the event loop, and what a fork does to it.

#[cfg(target_os = "linux")]
mod fork;
