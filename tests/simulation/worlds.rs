//! The scenarios in which a seed is tried, each with the results that its sweepers must achieve.

use crate::life::Role;
use crate::network::{Conditions, Trouble, What};
use crate::run::Plan;
use postbox::LeaseMode;
use std::time::Duration;

/// The scenarios, named after their faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Faults of all kinds occur at random, for less than a minute, with a small number of actors.
    Mixed,
    /// The transport is down for up to two and a half hours.
    Outage,
    /// Each process sweeps only once, and the transport is down.
    Cron,
    /// The transport fails 30 to 95 % of the sends.
    Flaky,
    /// The transport works and fails alternately.
    Flaps,
    /// One sweeper can never send.
    Sick,
    /// A backlog takes longer to read than a lease lasts.
    Backlog,
    /// Nothing in the outbox can be marked or changed.
    Unmarked,
    /// An index or the lock table returns errors.
    Unread,
    /// A clock is off by a day, or jumps.
    Clocks,
    /// Requests arrive up to a minute late.
    Late,
    /// Operators replay and unpark, while requests arrive late.
    Operators,
    /// Single requests to the lock table are rejected.
    Refusals,
    /// Up to 45 actors, of which many crash.
    Fleet,
    /// Some messages crash each process that sends them.
    Killers,
    /// Each item appears in an index up to five minutes late. Items of one transaction have different delays.
    Lag,
    /// Messages are accepted, and then confirmed late, reported as failed, or never confirmed.
    Accepted,
    /// A large topic has no producer anywhere.
    Unserved,
    /// Items of other versions of Brighter.
    Brighter,
    /// Items as large as DynamoDB permits.
    Full,
    /// The transport is down for a day.
    Day,
    /// Thousands of messages, with faults of all kinds at random.
    Volume,
}

pub const ALL: [Kind; 22] = [
    Kind::Mixed,
    Kind::Outage,
    Kind::Cron,
    Kind::Flaky,
    Kind::Flaps,
    Kind::Sick,
    Kind::Backlog,
    Kind::Unmarked,
    Kind::Unread,
    Kind::Clocks,
    Kind::Late,
    Kind::Operators,
    Kind::Refusals,
    Kind::Fleet,
    Kind::Killers,
    Kind::Lag,
    Kind::Accepted,
    Kind::Unserved,
    Kind::Brighter,
    Kind::Full,
    Kind::Day,
    Kind::Volume,
];

/// Returns the scenario in which the seed of this number is tried, if all scenarios are tried. Scenarios that take long
/// are left out of most rounds, and `Volume` takes their place.
pub fn of_number(number: u64) -> Kind {
    let scenarios = ALL.len() as u64;
    let kind = ALL[(number % scenarios) as usize];
    if (number / scenarios).is_multiple_of(kind.rarity().div_ceil(Kind::USUAL_RARITY)) { kind } else { Kind::Volume }
}

/// The results that sweepers must achieve if the faults are known.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The time after the last fault within which all messages that can be sent are sent.
    pub sent_within: Duration,
    /// The time within which messages are sent while the trouble lasts, if it must not delay them.
    pub sent_in_trouble_within: Option<Duration>,
    /// The maximum number of times that a message is sent.
    pub sends: usize,
    /// The maximum number of failed attempts of a message that can be sent.
    pub failures: u64,
    /// The maximum number of counted failures per message that can be sent, on average.
    pub counts: f64,
    /// The maximum number of sweeps within an hour that try to send messages of one lane and send none.
    pub hourly_probes: usize,
    /// The maximum number of requests to write a message, beyond one for each attempt.
    pub writes: u64,
    /// Whether only rejected messages are parked.
    pub parks_nothing: bool,
    /// Whether clocks agree, so that sends can be checked against leases, waits and the order within a key.
    pub clocks_agree: bool,
    /// Whether messages of one key must be sent in order.
    pub keeps_order: bool,
}

impl Bounds {
    /// The bounds if processes may crash and responses may be lost.
    const ROUGH: Self = Self {
        sent_within: Duration::from_secs(900),
        sent_in_trouble_within: None,
        sends: 6,
        failures: 40,
        counts: f64::MAX,
        hourly_probes: 60,
        writes: 30,
        parks_nothing: true,
        clocks_agree: true,
        keeps_order: true,
    };
    /// The bounds if no process crashes and every request has a response.
    const EXACT: Self = Self { sends: 1, writes: 8, ..Self::ROUGH };
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

impl Kind {
    const USUAL_RARITY: u64 = 40;

    /// Returns the scenario of this name.
    pub fn named(name: &str) -> Self {
        let is_meant = |kind: &&Self| format!("{kind:?}").eq_ignore_ascii_case(name);
        *ALL.iter().find(is_meant).unwrap_or_else(|| panic!("{name} is not a scenario: {ALL:?}"))
    }

    /// Returns the number of seeds of the mixed scenario for each seed of this scenario.
    pub fn rarity(self) -> u64 {
        match self {
            Self::Mixed => 1,
            Self::Fleet | Self::Backlog | Self::Killers => 100,
            Self::Full | Self::Volume => 200,
            Self::Day => 1_000,
            _ => Self::USUAL_RARITY,
        }
    }

    /// Returns the number of seeds within which this scenario must find a mutation that is assigned to it.
    pub fn mutation_seeds(self) -> u64 {
        if self == Self::Mixed { 1_000 } else { 100 }
    }

    /// Returns the plan of a seed in this scenario.
    pub fn plan(self, seed: u64) -> Plan {
        let mut dice = fastrand::Rng::with_seed(seed ^ 0x5851_f42d_4c95_7f2d);
        let mixed = Plan { kind: self, ..Plan::mixed(seed) };
        if self == Self::Mixed {
            return mixed;
        }
        let sweepers = dice.usize(2..5);
        let mut roles = vec![Role::Feeder; dice.usize(1..3)];
        roles.extend(vec![Role::Sweeper; sweepers]);
        // The trouble lasts for minutes, or in one of eight plans for an hour or more.
        let long = minutes(if dice.u32(0..8) > 0 { dice.u64(2..15) } else { dice.u64(60..150) });
        // The usual case: a fleet without faults by chance, and some trouble for a while.
        let plan = Plan {
            conditions: Conditions { index_lag: mixed.conditions.index_lag, ..Conditions::default() },
            roles,
            commands: dice.usize(20..80),
            burst: dice.usize(1..25),
            clears: [0.0, 0.5, 1.0][dice.usize(0..3)],
            leases: if dice.bool() { LeaseMode::Single } else { LeaseMode::PerShard },
            shards: dice.u64(1..4),
            nap: Duration::from_secs(8 * sweepers as u64).max(long * sweepers as u32 / 15),
            feeder_nap: (long / 8).max(minutes(1)),
            bad: dice.u32(0..2) * 20,
            lifetime: 0,
            sweep_batch: 100,
            bounds: Some(Bounds::EXACT),
            defaults: true,
            ..mixed
        };
        let for_long = |what| Trouble { what, from: minutes(1), until: minutes(1) + long };
        match self {
            Self::Mixed => plan,
            Self::Outage => plan.with(for_long(What::Transport { fails: 1.0, is_unavailable: dice.bool() })),
            Self::Cron => {
                let roles = vec![Role::Feeder, Role::Once, Role::Once];
                let plan = Plan { roles, nap: Duration::from_secs(14), clears: 0.0, commands: 400, burst: 50, ..plan };
                let bounds = Bounds { hourly_probes: 25, ..Bounds::EXACT };
                let plan = Plan { shards: 1, feeder_nap: Duration::from_secs(20), bounds: Some(bounds), ..plan };
                let long = minutes(dice.u64(12..16));
                let what = What::Transport { fails: 1.0, is_unavailable: dice.bool() };
                plan.with(Trouble { what, from: minutes(1), until: minutes(1) + long })
            }
            Self::Flaky => {
                let fails = if dice.bool() { 0.3 + 0.65 * dice.f64() } else { 0.9 };
                // A process that made few first attempts within ten minutes can take their success for evidence by chance.
                let counts = if fails > 0.8 { 1.0 } else { f64::MAX };
                // A message whose sends fail 19 times in 20 may need up to 150 attempts.
                let bounds = Bounds { failures: 150, hourly_probes: 400, counts, ..Bounds::EXACT };
                let long = minutes(dice.u64(130..170));
                let plan = Plan { bounds: Some(bounds), commands: 200, burst: 30, clears: 0.0, shards: 1, ..plan };
                let roles = vec![Role::Feeder, Role::Sweeper, Role::Sweeper];
                let plan = Plan { roles, nap: minutes(4), feeder_nap: long / 8, ..plan };
                let what = What::Transport { fails, is_unavailable: false };
                plan.with(Trouble { what, from: Duration::ZERO, until: long })
            }
            Self::Flaps => {
                let period = Duration::from_secs(dice.u64(20..400));
                let bounds = Bounds { failures: 80, hourly_probes: 200, ..Bounds::EXACT };
                let plan = Plan { bounds: Some(bounds), commands: 150, burst: 40, ..plan };
                plan.with(for_long(What::Flaps { period, is_unavailable: dice.bool() }))
            }
            Self::Sick => {
                let mut roles = plan.roles.clone();
                roles.push(Role::Sick);
                let bounds = Bounds { hourly_probes: 200, ..Bounds::EXACT };
                let plan = Plan { roles, bounds: Some(bounds), ..plan };
                plan.with(for_long(What::Nothing))
            }
            Self::Backlog => {
                let slow_pages = Some(Duration::from_millis(dice.u64(900..1_400)));
                let roles = vec![Role::Feeder, Role::Sweeper, Role::Sweeper, Role::Sweeper];
                let conditions = Conditions { slow_pages, ..plan.conditions.clone() };
                let bounds = Bounds::EXACT;
                let plan = Plan {
                    conditions,
                    roles,
                    commands: 500,
                    burst: 250,
                    clears: 0.0,
                    shards: 1,
                    defaults: false,
                    ..plan
                };
                let plan = Plan { nap: Duration::from_secs(15), bounds: Some(bounds), bad: 0, ..plan };
                plan.with(Trouble { what: What::Nothing, from: minutes(1), until: minutes(2) })
            }
            Self::Unmarked => {
                let mut roles = plan.roles.clone();
                roles.push(Role::Once);
                let bounds = Bounds { sends: 2 + roles.len(), writes: 400, ..Bounds::EXACT };
                let plan = Plan { roles, bounds: Some(bounds), ..plan };
                plan.with(for_long(What::Changes { is_denied: dice.bool() }))
            }
            Self::Unread => {
                let what = if dice.bool() { What::Indexes } else { What::Locks };
                plan.with(for_long(what))
            }
            Self::Clocks => {
                let day = 24 * 3_600_000;
                let off = [day, -day, 3 * 3_600_000, 400_000, -400_000][dice.usize(0..5)];
                let mut roles = plan.roles.clone();
                roles.push(Role::Fleeting);
                let wrong_clock = Some((if dice.bool() { roles.len() - 1 } else { 0 }, off, minutes(dice.u64(0..4))));
                let bounds = Bounds {
                    sends: 40,
                    hourly_probes: 1_000,
                    clocks_agree: false,
                    failures: 200,
                    writes: 400,
                    ..Bounds::ROUGH
                };
                let plan = Plan { roles, wrong_clock, bounds: Some(bounds), ..plan };
                let what = What::Transport { fails: dice.f64(), is_unavailable: dice.bool() };
                plan.with(Trouble { what, from: minutes(1), until: minutes(8) })
            }
            Self::Late => {
                let conditions = Conditions {
                    delay: 0.02,
                    latest: minutes(1),
                    lock_delay: 0.3,
                    crash: if dice.bool() { 0.0 } else { 0.002 },
                    send_slow: 1.0,
                    slowest: Duration::from_millis(1_500),
                    ..plan.conditions.clone()
                };
                // Leases are short, so that many leases are taken one after the other.
                let plan = Plan { conditions, commands: 150, burst: 40, nap: Duration::from_secs(8), ..plan };
                let plan = Plan { bounds: Some(Bounds::ROUGH), clears: 0.0, defaults: false, ..plan };
                let plan = Plan { feeder_nap: minutes(1), shards: 1, ..plan };
                plan.with(Trouble { what: What::Nothing, from: minutes(1), until: minutes(5) })
            }
            Self::Operators => {
                let conditions = Conditions { delay: 0.1, latest: minutes(1), fault: 0.03, ..plan.conditions.clone() };
                let mut roles = plan.roles.clone();
                roles.push(Role::Operator);
                let bounds = Bounds { sends: 40, ..Bounds::ROUGH };
                let plan = Plan { conditions, roles, bad: 20, nap: Duration::from_secs(30), ..plan };
                let plan = Plan { bounds: Some(bounds), ..plan };
                plan.with(Trouble { what: What::Nothing, from: minutes(1), until: minutes(6) })
            }
            Self::Refusals => {
                let plan = Plan { sweeps_without_lease: true, nap: Duration::from_secs(5), ..plan };
                let plan = Plan { feeder_nap: Duration::from_secs(10), bounds: Some(Bounds::ROUGH), ..plan };
                plan.with(Trouble { what: What::Refusals, from: Duration::ZERO, until: minutes(5) })
            }
            Self::Killers => {
                let trouble = minutes(dice.u64(90..200));
                let within = Some(minutes(30));
                let bounds = Bounds { sends: 30, sent_in_trouble_within: within, writes: 100, ..Bounds::ROUGH };
                let plan = Plan { bounds: Some(bounds), bad: 0, ..plan };
                let plan = Plan { nap: minutes(1), feeder_nap: trouble / 8, ..plan };
                plan.with(Trouble { what: What::Nothing, from: minutes(1), until: trouble })
            }
            Self::Lag => {
                let item_lag = minutes(dice.u64(1..6));
                let conditions = Conditions { item_lag, index_lag: Duration::ZERO, ..plan.conditions.clone() };
                let bounds = Bounds { keeps_order: false, ..Bounds::EXACT };
                let plan = Plan { conditions, bounds: Some(bounds), ..plan };
                let what = What::Transport { fails: 0.2, is_unavailable: false };
                plan.with(Trouble { what, from: minutes(1), until: minutes(6) })
            }
            Self::Accepted => {
                let bounds = Bounds { sends: 12, writes: 40, ..Bounds::ROUGH };
                let plan = Plan { bounds: Some(bounds), bad: 0, ..plan };
                let conditions = Conditions { crash: 0.002, fault: 0.01, ..plan.conditions.clone() };
                Plan { conditions, ..plan }.with(for_long(What::Nothing))
            }
            Self::Unserved => {
                let mut roles = vec![Role::Feeder];
                roles.extend(vec![Role::SweeperOf("made"); sweepers]);
                let within = Some(minutes(5));
                let bounds = Bounds { sent_in_trouble_within: within, ..Bounds::EXACT };
                let plan = Plan { roles, bounds: Some(bounds), clears: 0.0, bad: 0, ..plan };
                let plan = Plan { commands: 600, burst: 200, ..plan };
                plan.with(for_long(What::Nothing))
            }
            Self::Brighter => {
                let plan = Plan { clears: 0.0, ..plan };
                let what = What::Transport { fails: 0.3, is_unavailable: false };
                plan.with(Trouble { what, from: minutes(1), until: minutes(8) })
            }
            Self::Full => {
                let plan = Plan { commands: 6, burst: 3, ..plan };
                let what = What::Transport { fails: 0.5, is_unavailable: false };
                plan.with(Trouble { what, from: Duration::ZERO, until: minutes(8) })
            }
            Self::Day => {
                let day = minutes(24 * 60);
                let bounds = Bounds { failures: 1_000, ..Bounds::EXACT };
                let plan = Plan { nap: minutes(10), feeder_nap: day / 8, bounds: Some(bounds), ..plan };
                let what = What::Transport { fails: 1.0, is_unavailable: dice.bool() };
                plan.with(Trouble { what, from: minutes(1), until: minutes(1) + day })
            }
            Self::Volume => {
                let roles = [vec![Role::Feeder; 2], vec![Role::Sweeper; sweepers]].concat();
                let conditions = Conditions { crash: 0.001, fault: 0.01, delay: 0.01, ..plan.conditions.clone() };
                let plan = Plan { roles, conditions, commands: 1_500, burst: 250, batch: 10, clears: 0.0, ..plan };
                // If the oldest messages of all keys are rejected, the messages behind them wait for this time.
                let plan = Plan { park_min_age: Some(minutes(5)), ..plan };
                let plan = Plan { feeder_nap: minutes(1), bounds: Some(Bounds::ROUGH), ..plan };
                plan.with(Trouble { what: What::Nothing, from: minutes(1), until: minutes(10) })
            }
            Self::Fleet => {
                let mut roles = vec![Role::Feeder; dice.usize(2..6)];
                roles.extend(vec![Role::Clearer; dice.usize(1..8)]);
                roles.extend(vec![Role::Sweeper; dice.usize(1..6)]);
                roles.extend(vec![Role::SweeperOf("made"); dice.usize(0..6)]);
                roles.extend(vec![Role::SweeperOf("sold"); dice.usize(0..6)]);
                roles.extend(vec![Role::Once; dice.usize(0..15)]);
                roles.extend(vec![Role::Sick; dice.usize(0..2)]);
                let nap = Duration::from_secs(5 * roles.len() as u64);
                let conditions = Conditions { crash: 0.01, fault: 0.03, delay: 0.02, ..plan.conditions.clone() };
                let bounds = Bounds { sends: 15, hourly_probes: 400, failures: 80, ..Bounds::ROUGH };
                let plan = Plan { roles, conditions, nap, bounds: Some(bounds), commands: 30, ..plan };
                plan.with(Trouble { what: What::Nothing, from: minutes(1), until: minutes(10) })
            }
        }
    }
}

impl Plan {
    /// Adds this trouble, and lets all actors live until `sent_within` after it and several further sweeps of each actor.
    fn with(self, trouble: Trouble) -> Self {
        let calm_at = trouble.until;
        let lives = calm_at + self.bounds.map_or(Duration::ZERO, |bounds| bounds.sent_within + self.nap * 3);
        Self { conditions: Conditions { trouble: Some(trouble), ..self.conditions }, lives, calm_at, ..self }
    }
}
