//! The real code on a database in this process, with time, threads, network and transports of a
//! simulation, by a seed. See README.md.

mod life;
mod network;
mod oracle;
mod process;
mod run;
#[path = "../support/mod.rs"]
mod support;
mod world;

use run::{Outcome, Plan};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const OUTBOX: &str = "brighter_outbox";
/// The table of the callers' own data: how often each command took effect.
const COMMANDS: &str = "Commands";

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn check_seed(seed: u64) -> Outcome {
    let outcome = run::run(&Plan::of(seed), None);
    assert!(
        outcome.violations.is_empty(),
        "seed {seed}: {:#?}\nagain: SEED={seed} cargo test --features simulation --test simulation seeds",
        outcome.violations
    );
    outcome
}

#[test]
fn seeds() {
    if let Some(seed) = number("SEED") {
        println!("{:?}", check_seed(seed));
        return;
    }
    let (next, last, began) = (AtomicU64::new(0), number("SEEDS").unwrap_or(2_000), Instant::now());
    let total = std::sync::Mutex::new(Outcome::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        return;
                    }
                    let outcome = check_seed(seed);
                    total.lock().unwrap().add(&outcome);
                }
            });
        }
    });
    println!("{:?} in {:.1} s", total.lock().unwrap(), began.elapsed().as_secs_f64());
}

#[test]
fn a_seed_repeats_itself() {
    for seed in 0..5 {
        let plan = Plan::of(seed);
        assert_eq!(run::run(&plan, None).fingerprint, run::run(&plan, None).fingerprint, "seed {seed}");
    }
}
