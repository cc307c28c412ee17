//! The integration tests, grouped by the folder of `src` whose code they call first. They are one binary, which is
//! linked once.
//!
//! `cargo test --test it delivery::sweep` runs one file. A test that needs its own process starts this binary again.

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod api;
mod delivery;
mod outbox;
mod reliability;
mod runtime;
mod sdk;
mod transport;
