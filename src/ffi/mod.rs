//! The C ABI, which only translates. `include/postbox.h` is generated from these files.
//!
//! `handle` defines ownership, `panic` keeps panics from reaching C, and each other file contains the functions of
//! one type of the header.

#![allow(non_camel_case_types)]

mod archive;
mod by_id;
mod cancel;
mod client;
mod config;
mod error;
mod handle;
mod held_lease;
mod host_thread;
mod item;
mod item_action;
mod item_handle;
mod item_tree;
mod lease;
mod log;
mod message;
mod message_content;
mod operation;
mod operator;
mod page;
mod panic;
mod producer;
mod put;
mod repair;
mod report;
mod result;
mod selection;
mod start;
mod start_operator;
mod stats;
mod sweep;
mod text;
mod time;
mod trace;
mod unit_of_work;
mod value;
mod value_kind;
mod version;
