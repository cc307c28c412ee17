//! The network between a process and the database. Requests and responses arrive late, are lost, or fail. A request
//! that was sent arrives even if its sender has given up.

use crate::fault::{self, Answer, Fault, Request};
use crate::oracle::Oracle;
use crate::process::Process;
use crate::world::World;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use postbox::EmbeddedDatabase;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The maximum number of messages on a page if `slow_pages` is set.
const PAGE: u64 = 10;

/// The conditions of the network and the transports. Each number is a chance per request or send.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    pub fault: f64,
    pub delay: f64,
    pub crash: f64,
    /// The maximum lag of an index.
    pub index_lag: Duration,
    /// The maximum lag of each item in an index, which is different for items of one transaction.
    pub item_lag: Duration,
    pub send_fails: f64,
    pub send_slow: f64,
    /// The maximum duration of a slow send.
    pub slowest: Duration,
    /// The maximum delay of a request.
    pub latest: Duration,
    /// The chance that a change of a lease is delayed by up to `latest`.
    pub lock_delay: f64,
    /// The duration of each read of an index, if reads are slow. The pages of the index are then small.
    pub slow_pages: Option<Duration>,
    pub trouble: Option<Trouble>,
}

/// A fault that lasts from one time to another.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub what: What,
    pub from: Duration,
    pub until: Duration,
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    Nothing,
    /// Sends fail with this chance.
    Transport {
        fails: f64,
        is_unavailable: bool,
    },
    /// Sends alternately fail and work, each for this period.
    Flaps {
        period: Duration,
        is_unavailable: bool,
    },
    /// Every request that changes items of the outbox fails.
    Changes {
        is_denied: bool,
    },
    Indexes,
    Locks,
    /// Some requests to the lock table are rejected, but never two consecutive requests of one process.
    Refusals,
}

/// The network of one simulation, and the random numbers that decide its faults.
pub struct Network {
    pub world: Arc<World>,
    pub oracle: Arc<Oracle>,
    database: SharedHttpConnector,
    state: Mutex<State>,
}

struct State {
    conditions: Conditions,
    dice: fastrand::Rng,
    requests: u64,
    faults: BTreeMap<&'static str, u64>,
    /// The processes whose last request to the lock table was rejected.
    refused: BTreeSet<String>,
    /// The time of the last fault.
    calm_at: Duration,
}

impl Network {
    pub fn new(world: Arc<World>, database: EmbeddedDatabase, conditions: Conditions, seed: u64) -> Arc<Self> {
        let oracle = Arc::new(Oracle::new(Arc::clone(&world), database.clone()));
        let state = State {
            conditions,
            dice: fastrand::Rng::with_seed(seed),
            requests: 0,
            faults: BTreeMap::new(),
            refused: BTreeSet::new(),
            calm_at: Duration::MAX,
        };
        Arc::new(Self { world, oracle, database: SharedHttpConnector::new(database), state: Mutex::new(state) })
    }

    /// Ends all faults, slow reads and lags of indexes.
    pub fn calm(&self) {
        self.state().conditions = Conditions::default();
    }

    /// Sets the time of the last fault.
    pub fn calm_from(&self, time: Duration) {
        self.state().calm_at = time;
    }

    /// Returns the conditions for requests and sends now. Slow pages and lagging indexes remain after the last fault.
    pub fn conditions(&self) -> Conditions {
        let now = self.world.now();
        let mut state = self.state();
        if now >= state.calm_at {
            state.calm_at = Duration::MAX;
            let Conditions { slow_pages, index_lag, item_lag, .. } = state.conditions;
            state.conditions = Conditions { slow_pages, index_lag, item_lag, ..Conditions::default() };
        }
        state.conditions.clone()
    }

    /// Returns the current trouble, or `Nothing`.
    fn trouble(&self) -> What {
        let now = self.world.now();
        let trouble = self.conditions().trouble.filter(|trouble| (trouble.from..trouble.until).contains(&now));
        trouble.map_or(What::Nothing, |trouble| trouble.what)
    }

    /// Returns whether the trouble has yet to end.
    pub fn is_troubled(&self) -> bool {
        self.conditions().trouble.is_some_and(|trouble| self.world.now() < trouble.until)
    }

    /// Decides whether a send fails now. If it fails, returns whether the transport reports itself as unavailable.
    pub fn transport_fails(&self) -> Option<bool> {
        let (fails, is_unavailable) = match self.trouble() {
            What::Transport { fails, is_unavailable } => (fails, is_unavailable),
            What::Flaps { period, is_unavailable } => {
                let turn = self.world.now().as_millis() / period.as_millis();
                (if turn.is_multiple_of(2) { 1.0 } else { 0.0 }, is_unavailable)
            }
            _ => (self.conditions().send_fails, false),
        };
        self.happens(fails, "failed send").then_some(is_unavailable)
    }

    /// Returns the fault that the current trouble adds to a request.
    fn refusal(&self, process: &str, request: &Request) -> Option<(&'static str, Fault)> {
        let body = &request.body;
        let is_lock = body["TableName"].as_str().is_some_and(|table| table.contains("lock"))
            || body["RequestItems"].as_object().is_some_and(|tables| tables.keys().any(|name| name.contains("lock")));
        let changes = matches!(request.operation.as_str(), "BatchExecuteStatement" | "UpdateItem");
        match self.trouble() {
            What::Changes { is_denied: true } if changes && !is_lock => Some(("denied", Fault::access_denied())),
            What::Changes { is_denied: false } if changes && !is_lock => Some(("broken", Fault::server_error())),
            What::Indexes if !body["IndexName"].is_null() => Some(("broken", Fault::server_error())),
            What::Locks if is_lock => Some(("broken", Fault::server_error())),
            What::Refusals if is_lock => {
                let mut state = self.state();
                if state.refused.remove(process) || state.dice.u32(0..3) > 0 {
                    return None;
                }
                state.refused.insert(process.to_owned());
                Some(("denied", Fault::access_denied()))
            }
            _ => None,
        }
    }

    /// Decides at random whether an event with this chance happens. If it happens, counts it under the name `what`.
    pub fn happens(&self, chance: f64, what: &'static str) -> bool {
        let mut state = self.state();
        let happens = chance > 0.0 && state.dice.f64() < chance;
        if happens {
            *state.faults.entry(what).or_default() += 1;
        }
        happens
    }

    /// Returns a random number of this range.
    pub fn roll(&self, range: std::ops::Range<u64>) -> u64 {
        self.state().dice.u64(range)
    }

    /// Returns the number of requests, and the number of faults by their names.
    pub fn counts(&self) -> (u64, BTreeMap<&'static str, u64>) {
        let state = self.state();
        (state.requests, state.faults.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Decides what happens to a request.
    fn course(&self, process: &str, request: &Request) -> Course {
        let Request { operation, body, .. } = request;
        let (conditions, refusal) = (self.conditions(), self.refusal(process, request));
        let is_late = self.happens(if is_lease(request) { conditions.lock_delay } else { 0.0 }, "late lease");
        let mut state = self.state();
        state.requests += 1;
        let dice = &mut state.dice;
        let mut course = Course {
            name: "pass",
            fault: Fault::Pass,
            there: Duration::from_micros(dice.u64(500..10_000)),
            back: Duration::from_micros(dice.u64(500..10_000)),
            answered: true,
        };
        if let Some(time) = conditions.slow_pages.filter(|_| !body["IndexName"].is_null()) {
            course.there += time;
        }
        if let Some(refusal) = refusal {
            (course.name, course.fault) = refusal;
        } else if is_late || dice.f64() < conditions.delay {
            course.name = "delayed";
            let latest = conditions.latest.max(Duration::from_secs(8));
            course.there += Duration::from_millis(dice.u64(50..latest.as_millis() as u64));
        } else if dice.f64() < conditions.fault {
            (course.name, course.fault) = fault(dice, operation, body);
            course.answered = !matches!(course.name, "no answer" | "never arrived");
        }
        if course.name != "pass" {
            *state.faults.entry(course.name).or_default() += 1;
        }
        course
    }

    fn effect(&self, request: HttpRequest, recorded: &Request, fault: Fault) -> Answer {
        let mut answer = pin!(fault::answer(&self.database, request, recorded, fault));
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => unreachable!("the embedded database answers at once"),
        }
    }
}

/// Returns whether a request changes or releases a lease.
fn is_lease(request: &Request) -> bool {
    let table = request.body["TableName"].as_str().unwrap_or_default();
    table.contains("lock") && matches!(request.operation.as_str(), "UpdateItem" | "DeleteItem")
}

/// The treatment of one request: its fault, and the delays of the request and of its response.
struct Course {
    name: &'static str,
    fault: Fault,
    there: Duration,
    back: Duration,
    answered: bool,
}

fn fault(dice: &mut fastrand::Rng, operation: &str, body: &serde_json::Value) -> (&'static str, Fault) {
    let count = |list: &serde_json::Value| list.as_array().map_or(0, Vec::len);
    match (dice.u32(0..9), operation) {
        (0, "TransactWriteItems") => ("conflict", Fault::conflict()),
        (1, "TransactWriteItems") => ("in progress", Fault::in_progress()),
        (0 | 1, "BatchExecuteStatement") => {
            let at = (0..count(&body["Statements"])).filter(|_| dice.bool()).collect();
            ("answered in part", Fault::Statements { at, code: "ThrottlingError" })
        }
        (0 | 1, "BatchGetItem") => {
            let keys = body["RequestItems"].as_object().into_iter().flatten().map(|(_, table)| count(&table["Keys"]));
            let after = dice.usize(0..keys.sum::<usize>().max(1));
            ("answered in part", Fault::Unprocessed { after })
        }
        (0..=2, _) => ("throttled", Fault::throttle()),
        (3, _) => ("server error", Fault::server_error()),
        (4, _) => ("refused connection", Fault::ConnectionRefused),
        (5, _) => ("lost request", Fault::RequestLost),
        (6, _) => ("lost answer", Fault::AnswerLost),
        (7, _) => ("never arrived", Fault::RequestLost),
        _ => ("no answer", Fault::Pass),
    }
}

/// The connector of one process.
#[derive(Clone)]
pub struct Link {
    pub network: Arc<Network>,
    pub process: Arc<Process>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl HttpClient for Link {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Returns the error for every request of a crashed process, since none of them is sent.
fn dead() -> ConnectorError {
    ConnectorError::user("the process is dead".into())
}

/// The place for a response, and the waker of the task that waits for it.
type Slot = Arc<Mutex<(Option<Answer>, Option<Waker>)>>;

impl HttpConnector for Link {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        if !self.process.passes("before request") {
            return HttpConnectorFuture::ready(Err(dead()));
        }
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let mut body: serde_json::Value =
            serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        if self.network.conditions().slow_pages.is_some() && body["Limit"].as_u64() > Some(PAGE) {
            // Small pages stand for large messages, because DynamoDB ends a page at 1 MB.
            body["Limit"] = PAGE.into();
            let body = body.to_string();
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = body.into();
        }
        let recorded = Request { number: 0, operation, body };
        if self.process.is_booting() {
            return HttpConnectorFuture::ready(self.network.effect(request, &recorded, Fault::Pass));
        }
        let course = self.network.course(&self.process.name, &recorded);
        self.network.world.note(&format!("{} {} {}", self.process.name, recorded.operation, course.name));
        let slot = Slot::default();
        let (link, at) = (self.clone(), Arc::clone(&slot));
        let there = course.there;
        self.network.world.happen_in(there, move || link.arrive(request, &recorded, course, &at));
        HttpConnectorFuture::new(std::future::poll_fn(move |context| {
            let mut slot = slot.lock().unwrap();
            match slot.0.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    slot.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        }))
    }
}

impl Link {
    /// Processes a request that arrives at the database, even if its sender has crashed.
    fn arrive(&self, request: HttpRequest, recorded: &Request, course: Course, slot: &Slot) {
        let oracle = &self.network.oracle;
        let served = match course.fault {
            Fault::Pass => oracle.index_answer(recorded, &self.network),
            _ => None,
        };
        let answer = served.map_or_else(|| self.network.effect(request, recorded, course.fault), Ok);
        oracle.observe(recorded, &self.process);
        if self.network.conditions().slow_pages.is_some() {
            oracle.observe_read(recorded, &self.process);
        }
        let answer = if self.process.passes("after request") { answer } else { Err(dead()) };
        self.network.world.note(&format!("{} {} arrived", self.process.name, recorded.operation));
        if course.answered || !self.process.is_alive() {
            let (slot, world, actor) = (Arc::clone(slot), Arc::clone(&self.network.world), self.process.actor);
            let waking = Arc::clone(&world);
            world.happen_in(course.back, move || {
                let mut slot = slot.lock().unwrap();
                slot.0 = Some(answer);
                if let Some(waker) = slot.1.take() {
                    waking.wake_in(Duration::ZERO, actor, waker);
                }
            });
        }
    }
}
