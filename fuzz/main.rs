//! The targets of `tests/fuzz` under libFuzzer: `POSTBOX_FUZZ_TARGET=json fuzz CORPUS_DIRECTORY -max_total_time=60`.
#![no_main]

#[path = "../tests/fuzz/c_abi.rs"]
mod c_abi;
#[path = "../tests/fuzz/targets.rs"]
mod targets;

use std::sync::OnceLock;
use targets::{TARGETS, Target};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static TARGET: OnceLock<Target> = OnceLock::new();
    let target = TARGET.get_or_init(|| {
        let wanted = std::env::var("POSTBOX_FUZZ_TARGET").unwrap_or_default();
        let found = TARGETS.into_iter().find(|(name, _)| *name == wanted);
        found.expect("POSTBOX_FUZZ_TARGET is one of json, settings, answers, c_abi").1
    });
    target(data);
});
