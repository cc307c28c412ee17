//! A process: one Postbox with its transport, until it crashes.

use crate::life::Role;
use crate::network::{Link, Network};
use crate::oracle::{By, Destiny};
use postbox::{Builder, Message, Postbox, Producer, SendOutcome};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct Process {
    pub name: String,
    pub actor: usize,
    network: Arc<Network>,
    alive: AtomicBool,
    booting: AtomicBool,
    /// The number of points so far at which the process could have crashed.
    points: AtomicU64,
    dies_at: Option<u64>,
    call: Mutex<Call>,
    /// Whether every send of this process fails.
    is_sick: bool,
    /// The only topic that the process sends, if it is limited to one.
    topic: Option<&'static str>,
    /// The outcomes of accepted messages, each with the time at which it is known.
    confirmations: Mutex<Vec<(Duration, String, SendOutcome)>>,
}

/// The call that the process is making.
#[derive(Clone, Copy)]
pub struct Call {
    pub by: By,
    pub began: Duration,
}

impl Process {
    pub fn new(network: &Arc<Network>, name: String, actor: usize, dies_at: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            name,
            actor,
            network: Arc::clone(network),
            alive: AtomicBool::new(true),
            booting: AtomicBool::new(true),
            points: AtomicU64::new(0),
            dies_at,
            call: Mutex::new(Call { by: By::Clear, began: Duration::ZERO }),
            is_sick: false,
            topic: None,
            confirmations: Mutex::default(),
        })
    }

    /// Creates a process of this role, which decides whether its transport works and which topics it sends.
    pub fn of(role: Role, network: &Arc<Network>, name: String, actor: usize) -> Arc<Self> {
        let mut process = Self::new(network, name, actor, None);
        let own = Arc::get_mut(&mut process).expect("a new process");
        own.is_sick = role == Role::Sick;
        own.topic = if let Role::SweeperOf(topic) = role { Some(topic) } else { None };
        process
    }

    /// Opens the Postbox of the process. No fault occurs during this call.
    pub fn open(self: &Arc<Self>, builder: Builder, batch: usize) -> Postbox {
        let link = Link { network: Arc::clone(&self.network), process: Arc::clone(self) };
        let transport = Transport { link: link.clone(), batch };
        let database = self.network.oracle.database.clone();
        let builder = match self.topic {
            Some(topic) => builder.producer(topic, transport),
            None => builder.default_producer(transport),
        };
        let postbox = builder.embedded(database).http_client(link).open();
        self.booting.store(false, Ordering::Relaxed);
        postbox.expect("a Postbox opened without faults")
    }

    pub fn is_booting(&self) -> bool {
        self.booting.load(Ordering::Relaxed)
    }

    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// Returns the number of points that the process has passed.
    pub fn points(&self) -> u64 {
        self.points.load(Ordering::Relaxed)
    }

    /// Passes a point at which the process may crash. Returns whether the process is alive after it.
    pub fn passes(&self, point: &str) -> bool {
        if self.is_booting() || !self.is_alive() {
            return self.is_alive();
        }
        let number = self.points.fetch_add(1, Ordering::Relaxed);
        let chance = self.network.conditions().crash;
        if self.dies_at == Some(number) || self.network.happens(chance, "crash") {
            self.dies(point);
        }
        self.is_alive()
    }

    fn dies(&self, point: &str) {
        self.network.world.note(&format!("{} dies {point}", self.name));
        self.alive.store(false, Ordering::Relaxed);
    }

    /// Notes that a message was accepted. Its outcome is known within 90 seconds, or never.
    fn accepts(&self, id: &str) {
        let at = self.network.world.now() + Duration::from_millis(self.network.roll(0..90_000));
        let outcome = match self.network.roll(0..10) {
            0 => return,
            1 => SendOutcome::Retry("it was lost".into()),
            _ => SendOutcome::Sent,
        };
        self.confirmations.lock().unwrap().push((at, id.to_owned(), outcome));
    }

    /// Takes the outcomes of accepted messages that are known now.
    pub fn confirmations(&self) -> Vec<(String, SendOutcome)> {
        let now = self.network.world.now();
        let due = self.confirmations.lock().unwrap().extract_if(.., |(at, ..)| *at <= now).collect::<Vec<_>>();
        due.into_iter().map(|(_, id, outcome)| (id, outcome)).collect()
    }

    /// Records that a call that sends messages starts.
    pub fn begins(&self, by: By) {
        *self.call.lock().unwrap() = Call { by, began: self.network.world.now() };
    }

    pub fn call(&self) -> Call {
        *self.call.lock().unwrap()
    }
}

/// The transport of a process, which reports each send to the oracle.
struct Transport {
    link: Link,
    batch: usize,
}

impl Producer for Transport {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        let Link { network, process } = &self.link;
        let dead = || SendOutcome::Retry("the process is dead".into());
        let mut outcomes = Vec::new();
        if !process.is_alive() {
            return outcomes;
        }
        batch.iter().for_each(|message| network.oracle.sending(message, process));
        for message in batch {
            process.passes("before send");
            let conditions = network.conditions();
            let slowest = if conditions.slowest.is_zero() { 30_000 } else { conditions.slowest.as_millis() as u64 };
            if process.is_alive() && network.happens(conditions.send_slow, "slow send") {
                network.world.sleep(process.actor, Duration::from_millis(network.roll(10..slowest)));
            }
            if !process.is_alive() {
                outcomes.push(dead());
                continue;
            }
            if network.oracle.destiny(message.id()) == Destiny::Kills && network.is_troubled() {
                process.dies("of the message that it sends");
                outcomes.push(dead());
                continue;
            }
            let outcome = match network.oracle.destiny(message.id()) {
                _ if process.is_sick => SendOutcome::Retry("no route to host".into()),
                destiny => match network.transport_fails() {
                    Some(true) => SendOutcome::Unavailable("it is down".into()),
                    Some(false) => SendOutcome::Retry("bad luck".into()),
                    None if destiny == Destiny::Accepted && !network.is_troubled() => SendOutcome::Sent,
                    None => destiny.outcome(),
                },
            };
            if outcome == SendOutcome::Accepted {
                process.accepts(message.id());
            }
            network.world.note(&format!("{} sends {} {outcome:?}", process.name, message.id()));
            network.oracle.sent(message, process, &outcome);
            outcomes.push(if process.passes("after send") { outcome } else { dead() });
        }
        outcomes
    }

    fn max_batch(&self) -> usize {
        self.batch
    }
}
