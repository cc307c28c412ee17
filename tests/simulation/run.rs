//! One simulation from its seed to its verdict.

use crate::COMMANDS;
use crate::life::{Life, Role};
use crate::network::{Conditions, Network};
use crate::oracle::{By, MOST_ATTEMPTS, PARK_AFTER};
use crate::process::Process;
use crate::world::{View, World};
use crate::worlds::{Bounds, Kind};
use postbox::LeaseMode;
use postbox::simulation::{self, Mutation};
use postbox::{Builder, EmbeddedDatabase, Postbox};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The plan of a simulation, derived from its seed.
#[derive(Clone, Debug)]
pub struct Plan {
    pub kind: Kind,
    pub seed: u64,
    pub conditions: Conditions,
    pub roles: Vec<Role>,
    pub commands: usize,
    pub lives: Duration,
    pub leases: LeaseMode,
    pub shards: u64,
    pub batch: usize,
    pub sweep_batch: u64,
    pub lifetime: u64,
    /// The maximum difference between two clocks.
    pub skew: Duration,
    /// The maximum wait of an actor between two calls.
    pub nap: Duration,
    pub feeder_nap: Duration,
    /// The maximum number of messages that a feeder deposits at once.
    pub burst: usize,
    /// The chance that a feeder clears the messages that it deposits.
    pub clears: f64,
    /// Not 0 if the transport rejects one in 20 messages.
    pub bad: u32,
    /// The number of an actor whose clock jumps, the milliseconds of the jump, and the time of the jump.
    pub wrong_clock: Option<(usize, i64, Duration)>,
    pub sweeps_without_lease: bool,
    /// Whether the default settings are used.
    pub defaults: bool,
    /// The setting `park_min_age`, if it is the only one without its default value.
    pub park_min_age: Option<Duration>,
    /// The time of the last fault, if it is known.
    pub calm_at: Duration,
    /// The results that sweepers must achieve after the last fault.
    pub bounds: Option<Bounds>,
}

impl Plan {
    /// Returns a plan in which faults of all kinds occur at random.
    pub fn mixed(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed ^ 0x9e37_79b9_7f4a_7c15);
        let mut chance = |often: f64, most: f64| if dice.f64() < often { dice.f64() * most } else { 0.0 };
        let conditions = Conditions {
            fault: chance(0.8, 0.25),
            delay: chance(0.6, 0.1),
            crash: chance(0.7, 0.03),
            index_lag: Duration::ZERO,
            send_fails: chance(0.5, 0.2),
            send_slow: chance(0.5, 0.08),
            ..Conditions::default()
        };
        let mut roles = vec![Role::Depositor; dice.usize(1..=2)];
        roles.extend(vec![Role::Clearer; dice.usize(0..=1)]);
        roles.extend(vec![Role::Sweeper; dice.usize(1..=3)]);
        Self {
            kind: Kind::Mixed,
            seed,
            conditions: Conditions {
                index_lag: Duration::from_millis(if dice.bool() { 3_000 } else { 0 }),
                ..conditions
            },
            roles,
            commands: dice.usize(4..12),
            lives: Duration::from_secs(dice.u64(20..60)),
            leases: if dice.bool() { LeaseMode::Single } else { LeaseMode::PerShard },
            shards: dice.u64(1..4),
            batch: dice.usize(1..5),
            sweep_batch: dice.u64(1..20),
            lifetime: if dice.bool() { 0 } else { 10 },
            skew: Duration::from_millis(dice.u64(0..2_000)),
            nap: Duration::from_secs(3),
            feeder_nap: Duration::from_secs(3),
            burst: 1,
            clears: 0.0,
            bad: 20,
            wrong_clock: None,
            sweeps_without_lease: false,
            defaults: false,
            park_min_age: None,
            calm_at: Duration::ZERO,
            bounds: None,
        }
    }

    /// Returns a plan without random faults.
    pub fn fair(leases: LeaseMode) -> Self {
        let conditions = Conditions::default();
        Self { conditions, roles: Vec::new(), leases, shards: 3, sweep_batch: 100, lifetime: 10, ..Self::mixed(0) }
    }

    pub fn builder(&self) -> Builder {
        let builder = Postbox::builder()
            .number_of_shards(self.shards)
            // The simulation controls only the threads of actors, so a sweep sends all topics on the thread of its
            // actor.
            .sweep_threads(1)
            .lease_mode(self.leases)
            .sweep_batch(self.sweep_batch)
            .sweep_without_lease(self.sweeps_without_lease)
            .dispatched_ttl(Duration::from_secs(self.lifetime));
        if self.defaults {
            return match self.park_min_age {
                Some(age) => builder.park_min_age(age),
                None => builder,
            };
        }
        builder
            .operation_timeout(Duration::from_millis(5_000))
            .attempt_timeout(Duration::from_millis(1_500))
            .lease_duration(Duration::from_millis(12_000))
            .max_dispatch_attempts(MOST_ATTEMPTS)
            .park_min_age(Duration::from_secs(60))
            .park_after(PARK_AFTER)
            .breaker_cooldown(Duration::from_millis(5_000))
    }
}

/// The result of one simulation, or of many.
#[derive(Default)]
pub struct Outcome {
    pub seeds: u64,
    pub requests: u64,
    pub messages: u64,
    pub duplicates: u64,
    pub faults: BTreeMap<&'static str, u64>,
    pub violations: Vec<String>,
    pub fingerprint: u64,
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.requests += other.requests;
        self.messages += other.messages;
        self.duplicates += other.duplicates;
        other.faults.iter().for_each(|(name, count)| *self.faults.entry(name).or_default() += count);
        self.violations.extend(other.violations.iter().cloned());
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let per_thousand = 1000.0 * self.duplicates as f64 / self.messages.max(1) as f64;
        writeln!(f, "seeds: {}, requests: {}, messages sent: {}", self.seeds, self.requests, self.messages)?;
        writeln!(f, "sent again: {} ({per_thousand:.1} of a thousand)", self.duplicates)?;
        self.faults.iter().try_for_each(|(name, count)| writeln!(f, "  {name}: {count}"))?;
        writeln!(f, "violations: {}", self.violations.len())
    }
}

/// Runs a plan on a new thread, so that no state of an earlier run remains.
pub fn run(plan: &Plan, mutation: Option<Mutation>) -> Outcome {
    std::thread::scope(|scope| {
        let judge = scope.spawn(|| {
            let stage = Stage::new(plan, mutation);
            stage.live();
            stage.verdict()
        });
        judge.join().unwrap_or_else(|_| panic!("{:?}, seed {} panicked", plan.kind, plan.seed))
    })
}

/// A simulation with its tables. The final checks run on the caller's thread.
pub struct Stage {
    pub plan: Plan,
    mutation: Option<Mutation>,
    pub network: Arc<Network>,
}

impl Stage {
    pub fn new(plan: &Plan, mutation: Option<Mutation>) -> Self {
        let world = World::new();
        enter(&world, 0, 0, None, mutation, plan.seed);
        let database = EmbeddedDatabase::open(":memory:").expect("a database");
        for (table, key) in [(COMMANDS, "Name"), ("brighter_distributed_lock", "ResourceId")] {
            create_table(&database, table, key);
        }
        let network = Network::new(world, database, plan.conditions.clone(), plan.seed);
        network.oracle.prepare(plan);
        if plan.bounds.is_some() {
            network.calm_from(plan.calm_at);
        }
        // The first Postbox creates the outbox table.
        drop(Process::new(&network, "judge".into(), 0, None).open(plan.builder(), 1));
        Self { plan: plan.clone(), mutation, network }
    }

    /// Runs all actors until they end, and checks that no message is late.
    pub fn live(&self) {
        let world = &self.network.world;
        let mut threads = Vec::new();
        for (number, &role) in self.plan.roles.iter().enumerate() {
            let (network, plan, mutation) = (Arc::clone(&self.network), self.plan.clone(), self.mutation);
            let ahead = network.roll(0..plan.skew.as_millis() as u64 + 1) as i64;
            let jump = plan.wrong_clock.filter(|(which, ..)| *which == number).map(|(_, off, from)| (from, off));
            let seed = network.roll(0..u64::MAX);
            threads.push(world.spawn(move |actor| {
                enter(&network.world, actor, ahead, jump, mutation, seed);
                Life::new(network, plan, number, actor, seed).live(role);
            }));
        }
        let mut is_trouble = true;
        while !world.is_quiet() {
            world.sleep(0, Duration::from_secs(2));
            if is_trouble && world.now() >= self.plan.calm_at {
                is_trouble = false;
                self.judge_trouble();
            }
            if self.plan.lifetime > 0 {
                self.network.oracle.expire();
            }
        }
        for thread in threads {
            if thread.join().is_err() {
                self.network.oracle.violation("an actor panicked");
            }
        }
        // Messages that were deposited recently, or that an index may have shown only recently, are not late.
        let lag = self.plan.conditions.item_lag + self.plan.conditions.index_lag;
        let before = world.now().saturating_sub(Duration::from_secs(300) + lag).max(self.plan.calm_at);
        for id in self.network.oracle.late_ones(before) {
            let since = world.now().saturating_sub(self.plan.calm_at);
            self.network.oracle.violation(format!("message {id} is not sent {since:?} after the last fault"));
        }
    }

    /// Checks that the messages that the trouble must not delay were sent while it lasted.
    fn judge_trouble(&self) {
        let Some(within) = self.plan.bounds.and_then(|bounds| bounds.sent_in_trouble_within) else { return };
        for id in self.network.oracle.late_and_free(self.network.world.now().saturating_sub(within)) {
            self.network.oracle.violation(format!("message {id} is not sent within {within:?}, during the trouble"));
        }
    }

    /// Sweeps without faults until nothing is left, and checks the result.
    pub fn verdict(&self) -> Outcome {
        let Network { world, oracle, .. } = &*self.network;
        self.network.calm();
        // In this time, all delayed requests arrive and every lease expires.
        world.sleep(0, Duration::from_secs(60));
        let process = Process::new(&self.network, "the last sweeper".into(), 0, None);
        let postbox = process.open(self.plan.builder(), 10);
        // A message may have to fail until it is parked before the next message of its key is sent.
        for _ in 0..4 * 24 * 6 {
            process.begins(By::Sweep);
            match postbox.sweep() {
                Ok(_) if postbox.count_outstanding(None).is_ok_and(|outstanding| outstanding.count == 0) => break,
                Ok(_) => {}
                Err(error) => oracle.violation(format!("a sweep failed without a fault: {error}")),
            }
            world.sleep(0, Duration::from_secs(600));
        }
        drop(postbox);
        oracle.judge();
        let (requests, faults) = self.network.counts();
        let (messages, duplicates) = oracle.sends();
        Outcome {
            seeds: 1,
            requests,
            messages,
            duplicates,
            faults,
            violations: oracle
                .violations()
                .iter()
                .map(|text| format!("{:?}, seed {}: {text}", self.plan.kind, self.plan.seed))
                .collect(),
            fingerprint: world.fingerprint(),
        }
    }
}

fn enter(
    world: &Arc<World>,
    actor: usize,
    ahead: i64,
    jump: Option<(Duration, i64)>,
    mutation: Option<Mutation>,
    seed: u64,
) {
    simulation::enter(Arc::new(View { world: Arc::clone(world), actor, ahead, jump }), mutation, seed);
}

fn create_table(database: &EmbeddedDatabase, table: &str, key: &str) {
    let request = serde_json::json!({
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
    });
    database.execute("CreateTable", &request.to_string()).expect("a table");
}
