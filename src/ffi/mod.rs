//! The C ABI: nothing but translation. `include/postbox.h` is generated from these files.
//!
//! `handle` says who owns what, `boundary` keeps panics on this side, and each other file holds
//! the functions of one type of the header.

#![allow(non_camel_case_types)]

mod boundary;
mod config;
mod error;
mod handle;
mod log;
mod message;
mod postbox;
mod producer;
mod report;
mod text;
mod unit_of_work;
mod version;
