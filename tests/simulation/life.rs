//! The life of an actor: one process after another, each until it crashes or finishes.

use crate::network::Network;
use crate::oracle::{By, Destiny, Fate};
use crate::process::Process;
use crate::run::Plan;
use crate::worlds::Kind;
use crate::{OUTBOX, count_command};
use postbox::{ErrorCode, Message, Postbox, UnitOfWork};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The size of the largest messages: body, id and partition key together, in bytes.
const FULL: usize = 407_600;
/// The number of bytes that a deposit leaves free in an item. Padding of this size makes the item full.
const ROOM: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Depositor,
    Clearer,
    Sweeper,
    /// Sweeps messages of one topic, and has no producer for others.
    SweeperOf(&'static str),
    /// A new process for each sweep.
    Once,
    /// A sweeper whose transport never works.
    Sick,
    /// A sweeper that ends when the trouble is over.
    Fleeting,
    /// Deposits messages in batches, and clears some of them.
    Feeder,
    /// Replays and unparks messages.
    Operator,
}

pub struct Life {
    network: Arc<Network>,
    plan: Plan,
    number: usize,
    actor: usize,
    dice: fastrand::Rng,
    /// The number of messages that the actor has yet to create.
    left: usize,
    /// The command during which a process crashed. The next process repeats it.
    unfinished: Option<Message>,
}

/// A running process and its Postbox.
struct Alive<'a> {
    process: &'a Arc<Process>,
    postbox: &'a Postbox,
}

impl Alive<'_> {
    fn clear(&self, ids: &[String]) {
        self.process.begins(By::Clear);
        // The oracle observes the outcome of each message itself.
        let _ = self.postbox.clear_outbox(ids);
    }

    /// Confirms the accepted messages whose outcome is known.
    fn confirm(&self) {
        let outcomes = self.process.confirmations();
        if !outcomes.is_empty() {
            let _ = self.postbox.confirm_many(&outcomes);
        }
    }
}

impl Life {
    pub fn new(network: Arc<Network>, plan: Plan, number: usize, actor: usize, seed: u64) -> Self {
        let left = plan.commands;
        Self { network, plan, number, actor, dice: fastrand::Rng::with_seed(seed), left, unfinished: None }
    }

    pub fn live(mut self, role: Role) {
        let lives = if matches!(role, Role::Fleeting | Role::Operator) { self.plan.calm_at } else { self.plan.lives };
        let end = self.network.world.now() + lives;
        let feeds = matches!(role, Role::Depositor | Role::Feeder);
        for generation in 0.. {
            let name = format!("{role:?} {}.{generation}", self.number);
            let process = Process::of(role, &self.network, name, self.actor);
            let postbox = process.open(self.plan.builder(), self.plan.batch);
            let alive = Alive { process: &process, postbox: &postbox };
            while process.is_alive() && self.network.world.now() < end && (!feeds || self.left > 0) && !self.is_done() {
                alive.confirm();
                match role {
                    Role::Depositor => self.command(&alive),
                    Role::Feeder => self.feed(&alive),
                    Role::Clearer => self.clear_some(&alive),
                    Role::Operator => self.operate(&alive),
                    _ => self.sweep(&alive),
                }
                let nap = if role == Role::Feeder { self.plan.feeder_nap } else { self.plan.nap };
                self.nap(nap.as_millis() as u64);
                if role == Role::Once {
                    break;
                }
            }
            let goes_on = role == Role::Once && self.network.world.now() < end && !self.is_done();
            if process.is_alive() && !goes_on {
                return;
            }
        }
    }

    /// Returns whether the trouble is over and every message that can be sent has been sent.
    fn is_done(&self) -> bool {
        let now = self.network.world.now();
        self.plan.bounds.is_some() && now > self.plan.calm_at && self.network.oracle.late_ones(now).is_empty()
    }

    /// Deposits some messages, and clears them or leaves them to sweepers.
    fn feed(&mut self, alive: &Alive) {
        let count = self.dice.usize(1..=self.plan.burst).min(self.left);
        let ids = self.deposit(alive, count);
        if matches!(self.plan.kind, Kind::Brighter | Kind::Full) {
            ids.iter().for_each(|id| self.alter(id));
        }
        if alive.process.is_alive() && !ids.is_empty() && self.dice.f64() < self.plan.clears {
            alive.clear(&ids);
        }
    }

    /// Changes an item as another program would: into an item of Brighter 9 or of a later version, or into an item of
    /// the maximum size.
    fn alter(&mut self, id: &str) {
        let (set, values) = match self.plan.kind {
            Kind::Full => ("Padding = :value", json!({ "S": "x".repeat(ROOM) })),
            _ if self.dice.bool() => ("DeliveryTime = :value", json!({ "N": "0" })),
            _ => ("NewerThan12 = :value", json!({ "M": { "x": { "NULL": true } } })),
        };
        let request = json!({
            "TableName": OUTBOX,
            "Key": { "MessageId": { "S": id } },
            "UpdateExpression": format!("SET {set}"),
            "ConditionExpression": "attribute_not_exists(DeliveryTime) AND attribute_exists(OutstandingCreatedTime)",
            "ExpressionAttributeValues": { ":value": values },
        });
        // The message may have been sent in the meantime.
        if self.network.oracle.database.execute("UpdateItem", &request.to_string()).is_ok() {
            self.network.world.note(&format!("another program changes {id}"));
            self.network.oracle.look_at(id, "another program");
        }
    }

    fn operate(&mut self, alive: &Alive) {
        let mut parked = self.network.oracle.parked();
        let mut sent = self.network.oracle.dispatched();
        self.dice.shuffle(&mut parked);
        self.dice.shuffle(&mut sent);
        sent.truncate(self.dice.usize(0..4));
        parked.truncate(1);
        if self.dice.u32(0..4) > 0 {
            parked.clear();
        }
        let _ = alive.postbox.replay(&sent);
        parked.iter().for_each(|id| drop(alive.postbox.unpark(id)));
    }

    fn nap(&mut self, most: u64) {
        let time = Duration::from_millis(self.dice.u64(0..most));
        self.network.world.sleep(self.actor, time);
    }

    fn sweep(&mut self, alive: &Alive) {
        alive.process.begins(By::Sweep);
        let _ = alive.postbox.sweep();
    }

    fn clear_some(&mut self, alive: &Alive) {
        let mut ids = self.network.oracle.committed();
        self.dice.shuffle(&mut ids);
        ids.truncate(self.dice.usize(1..8));
        alive.clear(&ids);
    }

    /// Creates a random message and announces it to the oracle.
    fn message(&mut self, transactional: bool) -> Message {
        self.left = self.left.saturating_sub(1);
        let id = format!("{}-{}", self.number, self.left);
        let key = ["", "", "ada", "bob"][self.dice.usize(0..4)];
        let topic = ["made", "sold"][self.dice.usize(0..2)];
        let destiny = match self.dice.u32(0..20) {
            0 if self.plan.bounds.is_none() => Destiny::Fails,
            1 if self.plan.bad > 0 => Destiny::Rejected,
            2 if self.plan.kind == Kind::Killers => Destiny::Kills,
            _ if self.plan.kind == Kind::Accepted => Destiny::Accepted,
            _ if self.plan.kind == Kind::Unserved && topic == "sold" => Destiny::Unserved,
            _ => Destiny::Sent,
        };
        let mut body = format!("body of {id}");
        if self.plan.kind == Kind::Full {
            body.extend(std::iter::repeat_n('x', FULL - body.len() - id.len() - key.len()));
        }
        let message = Message::new(topic, body).with_id(id).with_partition_key(key);
        self.network.oracle.announce(&message, destiny, transactional);
        message
    }

    fn command(&mut self, alive: &Alive) {
        let ids = match self.unfinished.take() {
            Some(message) => self.transact(alive, message),
            None if self.dice.u32(0..4) > 0 => {
                let message = self.message(true);
                // Some messages are created up to 20 seconds before they are committed.
                if self.dice.u32(0..8) == 0 {
                    self.nap(20_000);
                }
                self.transact(alive, message)
            }
            None => {
                let count = self.dice.usize(1..5).min(self.left.max(1));
                self.deposit(alive, count)
            }
        };
        for again in 0..self.dice.usize(0..3) {
            if again > 0 {
                self.nap(10_000);
            }
            if alive.process.is_alive() && !ids.is_empty() {
                alive.clear(&ids);
            }
        }
    }

    /// Commits a command and its message in one transaction. Returns the id if the commit is known to have succeeded.
    fn transact(&mut self, alive: &Alive, message: Message) -> Vec<String> {
        let oracle = &self.network.oracle;
        let (id, before) = (message.id().to_owned(), oracle.fate(message.id()));
        let mut work = alive.postbox.unit_of_work();
        if add(&mut work, &id, message.clone()).is_err() {
            return Vec::new();
        }
        if before == Fate::Never && self.dice.u32(0..10) == 0 {
            if self.dice.bool() {
                work.rollback().expect("an open unit of work");
            }
            return Vec::new();
        }
        oracle.learn(&id, Fate::Unknown);
        for _ in 0..4 {
            let committed = work.commit();
            let oracle = &self.network.oracle;
            if !alive.process.is_alive() {
                self.unfinished = Some(message).filter(|_| self.dice.bool());
                return Vec::new();
            }
            match committed {
                Ok(()) => {
                    oracle.learn(&id, Fate::Committed);
                    return vec![id];
                }
                Err(error) if error.code() == ErrorCode::DuplicateMessage => {
                    if before == Fate::Never {
                        oracle.violation(format!("message {id} is refused as a duplicate, and is none"));
                    }
                    oracle.learn(&id, Fate::Committed);
                    return vec![id];
                }
                Err(error) => {
                    let unknown = error.code() == ErrorCode::OutcomeUnknown;
                    oracle.learn(&id, if unknown { Fate::Unknown } else { before });
                    if !error.is_retryable() || self.dice.u32(0..3) == 0 {
                        return Vec::new();
                    }
                    oracle.learn(&id, Fate::Unknown);
                }
            }
            self.nap(4_000);
        }
        Vec::new()
    }

    /// Deposits messages outside a transaction, one alone or several at once. Returns the ids if all are stored.
    fn deposit(&mut self, alive: &Alive, count: usize) -> Vec<String> {
        let messages: Vec<Message> = (0..count).map(|_| self.message(false)).collect();
        messages.iter().for_each(|message| self.network.oracle.learn(message.id(), Fate::Unknown));
        for _ in 0..3 {
            let stored = match &messages[..] {
                [one] => alive.postbox.deposit_post(one.clone()).map(|id| vec![id]),
                all => alive.postbox.deposit_posts(all),
            };
            if !alive.process.is_alive() {
                return Vec::new();
            }
            match stored {
                Ok(ids) => {
                    ids.iter().for_each(|id| self.network.oracle.learn(id, Fate::Committed));
                    return ids;
                }
                Err(_) => self.nap(4_000),
            }
        }
        Vec::new()
    }
}

fn add(work: &mut UnitOfWork, id: &str, message: Message) -> postbox::Result<()> {
    work.update(count_command(id))?;
    work.deposit_post(message)?;
    Ok(())
}
