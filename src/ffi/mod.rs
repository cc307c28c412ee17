//! The C ABI: nothing but translation. `include/postbox.h` is generated from these files.
//!
//! `handle` says who owns what, `panic` keeps panics on this side, and each other file holds
//! the functions of one type of the header.

#![allow(non_camel_case_types)]

mod archive;
mod client;
mod config;
mod error;
mod handle;
mod lease;
mod log;
mod message;
mod page;
mod panic;
mod producer;
mod repair;
mod report;
mod stats;
mod sweep;
mod text;
mod unit_of_work;
mod version;
