//! Runs the real code on an embedded database, with simulated time, threads, network and transports, whose behaviour is
//! derived from a seed. See README.md.

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
mod worlds;

use aws_sdk_dynamodb::types::Update;
use postbox::simulation::Mutation;
use postbox::{AttributeValue, Item, LeaseMode};
use run::{Outcome, Plan};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use worlds::Kind;

const OUTBOX: &str = "brighter_outbox";
/// The table of the callers' own data, which counts the effects of each command.
const COMMANDS: &str = "Commands";

fn command_key(id: &str) -> Item {
    Item::from([("Name".to_owned(), AttributeValue::S(id.to_owned()))])
}

/// Returns an update that counts an effect of this command.
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

/// Runs plans on all processors until the time is over, `plan` returns `None`, or a violation shows that the mutation
/// is found.
fn run_plans(plan: impl Fn(u64) -> Option<Plan> + Sync, time: Duration, mutation: Option<Mutation>) -> Outcome {
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let total = Mutex::new(Outcome::default());
    let work = || {
        while began.elapsed() < time {
            let Some(plan) = plan(next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            if mutation.is_some() && !total.lock().unwrap().violations.is_empty() {
                return;
            }
            let outcome = run::run(&plan, mutation);
            total.lock().unwrap().add(&outcome);
        }
    };
    std::thread::scope(|scope| {
        (0..std::thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(scope.spawn(work)));
    });
    total.into_inner().unwrap()
}

fn run_seeds(kind: Kind, seeds: std::ops::Range<u64>, mutation: Option<Mutation>) -> Outcome {
    let plan = |number| Some(seeds.start + number).filter(|seed| *seed < seeds.end).map(|seed| kind.plan(seed));
    run_plans(plan, Duration::MAX, mutation)
}

fn assert_right(outcome: &Outcome) {
    let again = "again: WORLD=name SEED=n POSTBOX_SIMULATION=1 cargo test --test simulation seeds";
    assert!(outcome.violations.is_empty(), "{:#?}\n{again}", outcome.violations);
}

/// Tries `SEEDS` seeds of the mixed scenario and fewer of each other one, or only one scenario, or one seed of it.
#[test]
fn seeds() {
    let (only, seed) = (std::env::var("WORLD").ok().map(|name| Kind::named(&name)), number("SEED"));
    let mut total = Outcome::default();
    for kind in
        worlds::ALL.into_iter().filter(|kind| only.map_or(seed.is_none() || *kind == Kind::Mixed, |only| only == *kind))
    {
        let count =
            number("SEEDS").unwrap_or(1_000) / if kind == Kind::Mixed || only.is_some() { 1 } else { kind.rarity() };
        let began = Instant::now();
        let seeds = seed.map_or(0..count, |seed| seed..seed + 1);
        let outcome = run_seeds(kind, seeds, None);
        println!("{kind:?}: {outcome}in {:.1} s", began.elapsed().as_secs_f64());
        total.add(&outcome);
    }
    assert_right(&total);
}

/// Seeds that have found a fault of the library or of the simulation.
const REGRESSIONS: [(Kind, u64); 13] = [
    // Processes that each sweep once sent messages again that an earlier process could not mark.
    (Kind::Unmarked, 0),
    // Reading a lane (the shards of a topic that are swept together) took all the time that a sweep has for a lane, and
    // none of its messages was sent.
    (Kind::Backlog, 1),
    // More failures of one message were counted than an earlier version of the simulation allowed. The library was
    // right.
    (Kind::Flaky, 1),
    // A request for a lease that arrived late took the lease again after its holder had released it.
    (Kind::Late, 8),
    // A sweep that records a claim before each send sent a message before an older one of its key that had been tried.
    (Kind::Mixed, 945),
    // A message was parked after two failures and the claim of a process that crashed before the send. The library was
    // right, but an earlier oracle reported a violation.
    (Kind::Mixed, 93),
    // Some messages that crash their senders kept the other messages of their lane from being sent.
    (Kind::Killers, 1),
    // The processes ended before they had swept after the last fault, because they paused for long between two sweeps.
    (Kind::Lag, 1_883_178_611_508_034),
    (Kind::Outage, 1_883_178_611_509_217),
    // A message that an index showed five minutes after its deposit was taken for a late one.
    (Kind::Lag, 1_883_220_953_008_515),
    // A few messages that are retried separately were tried by more sweeps than an earlier bound allowed.
    (Kind::Cron, 1_883_178_611_507_412),
    // The oldest messages of all keys were rejected, and the messages behind them were never sent.
    (Kind::Volume, 1_883_194_385_236_296),
    // The messages of a key that a process had claimed before it crashed were sent one per sweep.
    (Kind::Volume, 1_883_194_385_236_163),
];

#[test]
fn regressions() {
    let plan = |number| Some(REGRESSIONS.get(usize::try_from(number).ok()?)?).map(|(kind, seed)| kind.plan(*seed));
    assert_right(&run_plans(plan, Duration::MAX, None));
}

/// Tries new seeds of all scenarios for a given time, for `make soak`.
#[test]
#[ignore = "takes as long as it is told to: make soak"]
fn soak() {
    let time = Duration::from_secs(number("SOAK_SECONDS").unwrap_or(60));
    let first = number("SEED").unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs() << 20
    });
    println!("seeds from {first}");
    let outcome = run_plans(|number| Some(worlds::of_number(number).plan(first + number)), time, None);
    println!("{outcome}");
    assert_right(&outcome);
}

#[test]
fn a_seed_repeats_itself() {
    for (kind, seed) in worlds::ALL.into_iter().flat_map(|kind| [(kind, 0), (kind, 1)]) {
        let plan = kind.plan(seed);
        let fingerprint = || run::run(&plan, None).fingerprint;
        assert_eq!(fingerprint(), fingerprint(), "{kind:?}, seed {seed}");
    }
}

/// Checks that the oracle finds each of these mistakes, in the scenario that is meant for it.
#[test]
fn every_mutation_is_caught() {
    use Mutation::*;
    // Each mutation has the first seed to try, which is close to a seed that finds the mutation.
    let mutations = [
        (MarkBeforeSend, Kind::Mixed, 0),
        (NewTokenOnRetry, Kind::Mixed, 0),
        (ExpiryAtDeposit, Kind::Mixed, 0),
        (LeaseNotChecked, Kind::Late, 0),
        (CacheNotInvalidated, Kind::Mixed, 0),
        (DuplicateOverwrites, Kind::Mixed, 12),
        (WaitIgnored, Kind::Mixed, 0),
        (ProbesCounted, Kind::Flaps, 2),
        (RatioIgnored, Kind::Flaky, 4),
        (PauseInMemory, Kind::Cron, 18),
        (RenewedOnlyToSend, Kind::Backlog, 38),
        (SharesDealt, Kind::Unread, 7),
        (CrashersFirst, Kind::Killers, 0),
        (SentUnmarked, Kind::Unmarked, 0),
        (FarWaitTrusted, Kind::Clocks, 2),
        (FarLeaseTrusted, Kind::Clocks, 15),
        (LeaseShortened, Kind::Late, 2),
        (OneLockId, Kind::Late, 0),
        (MarkOverReplay, Kind::Operators, 0),
        (RefusalBelieved, Kind::Refusals, 0),
        (UnreadOvertaken, Kind::Flaky, 0),
    ];
    let only = std::env::var("MUTATION").ok();
    let mut missed = Vec::new();
    for (mutation, kind, first) in mutations {
        if only.as_ref().is_some_and(|name| *name != format!("{mutation:?}")) {
            continue;
        }
        let began = Instant::now();
        let outcome = run_seeds(kind, first..first + kind.mutation_seeds(), Some(mutation));
        match outcome.violations.first() {
            Some(found) => println!(
                "{mutation:?}: caught after {} seeds, {:.1} s: {found}",
                outcome.seeds,
                began.elapsed().as_secs_f64()
            ),
            None => missed.push(mutation),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
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
