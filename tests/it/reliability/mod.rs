//! The guarantees of the library as a whole, under kills, suspended processes, attacks and arbitrary input.

#[cfg(feature = "capi")]
mod fuzz;
#[cfg(unix)]
mod kill;
#[cfg(target_os = "linux")]
mod lease_fencing;
#[cfg(target_os = "linux")]
mod security;
