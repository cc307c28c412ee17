//! The fuzz targets on their corpus and on random changes of it, for a few seconds.
//!
//! A failure prints the seed and writes the input to a file. `POSTBOX_FUZZ_SEED` repeats the same inputs, and
//! `POSTBOX_FUZZ_FACTOR` multiplies their number. `make check-deep` searches for new inputs with libFuzzer.

#[path = "../../fuzz/c_abi.rs"]
mod c_abi;
#[path = "../../fuzz/targets.rs"]
mod targets;

use fastrand::Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use targets::{TARGETS, Target};

/// The maximum size of an input.
const MAX_BYTES: usize = 4096;

/// Returns the inputs of the corpus, from which all others are derived.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Makes one change to the input: changes a bit or a byte, or removes, repeats or inserts a piece of this or another
/// input.
fn change(input: &mut Vec<u8>, other: &[u8], chance: &mut Rng) {
    let at = chance.usize(..=input.len());
    let end = (at + chance.usize(..16)).min(input.len());
    match chance.u8(..6) {
        0 if at < input.len() => input[at] ^= 1 << chance.u8(..8),
        1 if at < input.len() => input[at] = chance.u8(..),
        2 => drop(input.drain(at..end)),
        3 => input.insert(at, *chance.choice(b"{}[]\":,0-9\\u\0\xff").unwrap()),
        4 => {
            let piece = input[at..end].to_vec();
            input.splice(at..at, piece.repeat(chance.usize(1..4)));
        }
        _ => {
            let from = chance.usize(..=other.len());
            let to = (from + chance.usize(..64)).min(other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
    }
    input.truncate(MAX_BYTES);
}

fn run(name: &str, target: Target, input: &[u8], seed: u64) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        let file = std::env::temp_dir().join(format!("postbox-fuzz-{name}-{seed:x}"));
        std::fs::write(&file, input).unwrap();
        panic!("{name} fails on {}; seed {seed}; {:?}", file.display(), String::from_utf8_lossy(input));
    }
}

fn fuzz(name: &str, times: usize) {
    let variable = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seed = variable("POSTBOX_FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..));
    let times = times * variable("POSTBOX_FUZZ_FACTOR").unwrap_or(1) as usize;
    let (_, target) = TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    let (corpus, mut chance) = (corpus(name), Rng::with_seed(seed));
    assert!(!corpus.is_empty());
    for input in &corpus {
        run(name, target, input, seed);
    }
    for _ in 0..times {
        let mut input = chance.choice(&corpus).unwrap().clone();
        for _ in 0..chance.usize(1..=8) {
            change(&mut input, chance.choice(&corpus).unwrap(), &mut chance);
        }
        run(name, target, &input, seed);
    }
    println!("{name}: {} inputs of the corpus, {times} made of them, seed {seed}", corpus.len());
}

#[test]
fn json_target() {
    fuzz("json", 20_000);
}

#[test]
fn settings_target() {
    fuzz("settings", 1000);
}

#[test]
fn responses_target() {
    fuzz("answers", 500);
}

#[test]
fn c_abi_target() {
    fuzz("c_abi", 200);
}
