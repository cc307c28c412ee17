//! The real code on a database in this process, with time, threads, network and transports of a
//! simulation, by a seed. See README.md.

mod crash_points;
#[path = "../support/fault.rs"]
#[allow(dead_code)] // The simulation draws some of the faults.
mod fault;
mod life;
mod network;
mod oracle;
mod process;
mod run;
mod world;

use aws_sdk_dynamodb::types::Update;
use postbox::simulation::Mutation;
use postbox::{AttributeValue, Item, LeaseMode};
use run::{Outcome, Plan};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const OUTBOX: &str = "brighter_outbox";
/// The table of the callers' own data: how often each command took effect.
const COMMANDS: &str = "Commands";

fn command_key(id: &str) -> Item {
    Item::from([("Name".to_owned(), AttributeValue::S(id.to_owned()))])
}

/// Returns an update that counts how often this command took effect.
fn count_command(id: &str) -> Update {
    let count = Update::builder()
        .table_name(COMMANDS)
        .set_key(Some(command_key(id)))
        .update_expression("ADD Times :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    count.build().expect("an update")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs these seeds on all processors, as long as there is time and no mistake is found.
fn run_seeds(seeds: std::ops::Range<u64>, time: Duration, mutation: Option<Mutation>) -> Outcome {
    let (next, began) = (AtomicU64::new(seeds.start), Instant::now());
    let total = Mutex::new(Outcome::default());
    let work = || {
        while began.elapsed() < time {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || (mutation.is_some() && !total.lock().unwrap().violations.is_empty()) {
                return;
            }
            let outcome = run::run(&Plan::of(seed), mutation);
            total.lock().unwrap().add(&outcome);
        }
    };
    std::thread::scope(|scope| {
        (0..std::thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(scope.spawn(work)));
    });
    total.into_inner().unwrap()
}

fn assert_right(outcome: &Outcome) {
    let again = "again: SEED=n POSTBOX_SIMULATION=1 cargo test --test simulation seeds";
    assert!(outcome.violations.is_empty(), "{:#?}\n{again}", outcome.violations);
}

#[test]
fn seeds() {
    let (first, count) = number("SEED").map_or((0, number("SEEDS").unwrap_or(2_000)), |seed| (seed, 1));
    let began = Instant::now();
    let outcome = run_seeds(first..first + count, Duration::MAX, None);
    println!("{outcome}in {:.1} s", began.elapsed().as_secs_f64());
    assert_right(&outcome);
}

/// `make soak`: seeds that no other run has had, for a given time.
#[test]
#[ignore = "takes as long as it is told to: make soak"]
fn soak() {
    let time = Duration::from_secs(number("SOAK_SECONDS").unwrap_or(60));
    let first = number("SEED").unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs() << 20
    });
    println!("seeds from {first}");
    let outcome = run_seeds(first..u64::MAX, time, None);
    println!("{outcome}");
    assert_right(&outcome);
}

#[test]
fn a_seed_repeats_itself() {
    for seed in 0..5 {
        let plan = Plan::of(seed);
        assert_eq!(run::run(&plan, None).fingerprint, run::run(&plan, None).fingerprint, "seed {seed}");
    }
}

/// Would the oracle see it? Each of these mistakes must be found.
#[test]
fn every_mutation_is_caught() {
    use Mutation::*;
    let mutations =
        [MarkBeforeSend, NewTokenOnRetry, ExpiryAtDeposit, LeaseNotChecked, CacheNotInvalidated, DuplicateOverwrites];
    for mutation in mutations {
        let outcome = run_seeds(0..1_000, Duration::MAX, Some(mutation));
        let found = outcome.violations.first().unwrap_or_else(|| panic!("{mutation:?} was not caught"));
        println!("{mutation:?}: caught after {} seeds: {found}", outcome.seeds);
    }
}

#[test]
fn a_crash_at_every_point() {
    use crash_points::{every_pair, every_point, handle, sweep};
    println!("points of the handler: {}", every_point(handle, LeaseMode::Single));
    println!("pairs, the handler done again: {}", every_pair(handle, handle, LeaseMode::Single));
    for leases in [LeaseMode::Single, LeaseMode::PerShard] {
        println!("points of a sweep of 30 messages, lease mode {leases:?}: {}", every_point(sweep, leases));
    }
}
