//! The oracle: it knows which messages were committed, observes every write and every send, and reports violations.

use crate::fault::Request;
use crate::network::{Conditions, Network};
use crate::process::Process;
use crate::run::Plan;
use crate::world::{World, of_ticks, unix_milliseconds, unix_seconds};
use crate::worlds::Bounds;
use crate::{COMMANDS, OUTBOX};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use postbox::{EmbeddedDatabase, LeaseMode, Message, SendOutcome};
use serde_json::{Value, json};
use sha2::Digest;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// A time longer than the lag of an index, and longer than a message is kept in memory.
const SETTLED: Duration = Duration::from_millis(4_500);
/// A time longer than the difference between two clocks that agree.
const CLOCKS: Duration = Duration::from_millis(2_500);
/// A sweep may ignore a wait that ends later than this from now, so such waits are not checked.
const LONGEST_WAIT: Duration = Duration::from_secs(590);
const HOUR: Duration = Duration::from_secs(3_600);
/// The number of failures after which a message is parked.
pub const MOST_ATTEMPTS: u64 = 3;
/// The time after the end of a lease within which a request of its holder may arrive.
const EXPIRED: Duration = Duration::from_secs(3);
/// The time after which a failing message is parked even if no other message is sent.
pub const PARK_AFTER: Duration = Duration::from_secs(3_600);

/// The outcome of every attempt to send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destiny {
    Sent,
    Fails,
    Rejected,
    /// Each process that sends the message crashes, until the last fault.
    Kills,
    /// The message is accepted, and confirmed later.
    Accepted,
    /// No process has a producer for the message until the end of the simulation.
    Unserved,
}

impl Destiny {
    pub fn outcome(self) -> SendOutcome {
        match self {
            Self::Sent | Self::Kills | Self::Unserved => SendOutcome::Sent,
            Self::Accepted => SendOutcome::Accepted,
            Self::Fails => SendOutcome::Retry("never works".into()),
            Self::Rejected => SendOutcome::Reject("malformed".into()),
        }
    }
}

/// The state of a message, as far as its depositor knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The depositor has not tried to store the message, or storing it failed.
    Never,
    /// The message may or may not be stored.
    Unknown,
    Committed,
}

/// The kind of call that sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Clear,
    Sweep,
}

struct Record {
    destiny: Destiny,
    fate: Fate,
    /// Whether the message is stored in one transaction with a command.
    transactional: bool,
    key: (String, String),
    created: SystemTime,
    body: Vec<u8>,
    sent_by: Vec<String>,
    /// The processes that passed the message to a producer, regardless of the outcome.
    tried_by: BTreeSet<String>,
    failed: u64,
    rejected: u64,
    /// The versions of the item, each with the time of its write and the time at which the index may show it.
    shown: Vec<Version>,
    stored_at: Option<Duration>,
    marked_at: Option<Duration>,
    /// The time of the first failure or claim (an attempt that is recorded before the send).
    tried_at: Option<Duration>,
    parked_at: Option<Duration>,
    /// The lane of the message (a group of shards that are swept together), by the name of its lease.
    lane: String,
    /// The time at which the message was last sent.
    sent_at: Option<Duration>,
    /// The time at which the message was last replayed or unparked.
    replayed_at: Option<Duration>,
    replays: usize,
    replay: Value,
    /// The time at which the message started to wait for its next attempt, and the time at which the wait ends.
    wait: Option<(Duration, Duration)>,
    next_attempt: Value,
    /// The changes of the number of counted failures: the time, the new number, and the process that wrote it.
    counts: Vec<(Duration, u64, String)>,
    /// The number of requests to write the item.
    writes: u64,
}

impl Record {
    fn summary(&self) -> String {
        format!(
            "{:?}, {:?}, sent by {:?}, failed {}, rejected {}, stored at {:?}, marked at {:?}",
            self.destiny, self.fate, self.sent_by, self.failed, self.rejected, self.stored_at, self.marked_at
        )
    }

    fn is_outstanding(&self) -> bool {
        self.shown.last().is_some_and(|version| version.item.is_some())
    }

    /// Returns the item as an index shows it: the last version that was written by `then` and is shown by `now`.
    fn in_index(&self, then: Duration, now: Duration) -> Option<&Value> {
        self.shown.iter().rev().find(|version| version.written <= then && version.shown <= now)?.item.as_ref()
    }
}

struct Version {
    written: Duration,
    shown: Duration,
    item: Option<Value>,
}

pub struct Oracle {
    world: Arc<World>,
    pub database: EmbeddedDatabase,
    state: Mutex<State>,
}

/// The messages of a lane that one sweep tried to send.
#[derive(Default)]
struct Tries {
    fresh: u64,
    /// The messages that had failed before.
    retried: u64,
    has_sent: bool,
}

#[derive(Default)]
struct State {
    records: BTreeMap<String, Record>,
    /// The name of the process that holds each lease, by resource.
    leases: BTreeMap<String, String>,
    /// The name of the process that requested each lease, by the id of the lease.
    takers: BTreeMap<String, String>,
    /// The id of each lease and the time at which it was taken, by resource.
    taken: BTreeMap<String, (String, Duration)>,
    expiry: BTreeMap<String, (String, u64)>,
    /// The messages that each sweep tried, by lane, start of the sweep, and process.
    tries: BTreeMap<(String, Duration, String), Tries>,
    one_lease: bool,
    shards: u64,
    bounds: Option<Bounds>,
    sends: u64,
    violations: BTreeSet<String>,
    /// The maximum lag of a version of an item in an index. Each version has its own lag.
    item_lag: Duration,
    dice: fastrand::Rng,
}

impl Oracle {
    pub fn new(world: Arc<World>, database: EmbeddedDatabase) -> Self {
        Self { world, database, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Takes the values that the oracle needs from a plan.
    pub fn prepare(&self, plan: &Plan) {
        let mut state = self.state();
        (state.one_lease, state.shards, state.bounds) = (plan.leases == LeaseMode::Single, plan.shards, plan.bounds);
        (state.item_lag, state.dice) = (plan.conditions.item_lag, fastrand::Rng::with_seed(plan.seed));
    }

    pub fn violation(&self, text: impl Into<String>) {
        let text = text.into();
        self.world.note(&format!("VIOLATION {text}"));
        self.state().violations.insert(text);
    }

    pub fn violations(&self) -> Vec<String> {
        self.state().violations.iter().cloned().collect()
    }

    /// Returns the number of messages that were sent, and the number of repeated sends.
    pub fn sends(&self) -> (u64, u64) {
        let state = self.state();
        let once = state.records.values().filter(|record| !record.sent_by.is_empty()).count() as u64;
        (once, state.sends - once)
    }

    /// Announces a message that may be stored, and the outcome of its sends.
    pub fn announce(&self, message: &Message, destiny: Destiny, transactional: bool) {
        let record = Record {
            destiny,
            fate: Fate::Never,
            transactional,
            key: (message.topic().to_owned(), message.partition_key().to_owned()),
            created: message.created_at(),
            body: message.body().to_vec(),
            sent_by: Vec::new(),
            tried_by: BTreeSet::new(),
            failed: 0,
            rejected: 0,
            shown: Vec::new(),
            stored_at: None,
            marked_at: None,
            tried_at: None,
            parked_at: None,
            lane: String::new(),
            sent_at: None,
            replayed_at: None,
            replays: 0,
            replay: Value::Null,
            wait: None,
            next_attempt: Value::Null,
            counts: Vec::new(),
            writes: 0,
        };
        self.state().records.insert(message.id().to_owned(), record);
    }

    /// Records the state of a message, as far as its depositor knows.
    pub fn learn(&self, id: &str, fate: Fate) {
        self.state().records.get_mut(id).expect("an announced message").fate = fate;
    }

    pub fn fate(&self, id: &str) -> Fate {
        self.state().records[id].fate
    }

    pub fn knows(&self, id: &str) -> bool {
        self.state().records.contains_key(id)
    }

    pub fn destiny(&self, id: &str) -> Destiny {
        self.state().records.get(id).map_or(Destiny::Sent, |record| record.destiny)
    }

    /// Returns the messages that are known to be committed.
    pub fn committed(&self) -> Vec<String> {
        let state = self.state();
        state.records.iter().filter(|(_, record)| record.fate == Fate::Committed).map(|(id, _)| id.clone()).collect()
    }

    /// Returns the messages that were sent and marked.
    pub fn dispatched(&self) -> Vec<String> {
        self.ids(|record| record.marked_at.is_some() && !record.is_outstanding())
    }

    pub fn parked(&self) -> Vec<String> {
        self.ids(|record| record.parked_at.is_some() && record.marked_at.is_none() && !record.is_outstanding())
    }

    /// Returns the messages that can be sent, were committed by this time, and are still outstanding.
    pub fn late_ones(&self, until: Duration) -> Vec<String> {
        self.ids(|record| {
            let is_there = record.fate == Fate::Committed && record.stored_at.is_some_and(|at| at <= until);
            is_there && record.destiny == Destiny::Sent && record.is_outstanding()
        })
    }

    /// Returns the messages of [`late_ones`](Self::late_ones) whose key has no message that crashes its senders.
    pub fn late_and_free(&self, until: Duration) -> Vec<String> {
        let killers = |record: &&Record| record.destiny == Destiny::Kills && !record.key.1.is_empty();
        let held: BTreeSet<(String, String)> =
            self.state().records.values().filter(killers).map(|record| record.key.clone()).collect();
        let mut late = self.late_ones(until);
        late.retain(|id| !held.contains(&self.state().records[id].key));
        late
    }

    fn ids(&self, which: impl Fn(&Record) -> bool) -> Vec<String> {
        let state = self.state();
        state.records.iter().filter(|(_, record)| which(record)).map(|(id, _)| id.clone()).collect()
    }

    /// Reads the items that a request may have written, even if its response is lost.
    pub fn observe(&self, request: &Request, process: &Process) {
        if request.body["TableName"].as_str().is_some_and(|table| table.contains("lock")) {
            return self.observe_lock(request, process);
        }
        if !matches!(request.operation.as_str(), "Scan" | "Query" | "GetItem" | "BatchGetItem" | "DescribeTable") {
            let mut ids = BTreeSet::new();
            strings(&request.body, &mut ids);
            for id in ids {
                if let Some(record) = self.state().records.get_mut(id) {
                    record.writes += 1;
                }
                self.look_at(id, &process.name);
            }
        }
    }

    /// Checks that a sweep does not read a shard long after its own lease has expired. The check assumes that no
    /// request is delayed.
    pub fn observe_read(&self, request: &Request, process: &Process) {
        let shard = request.body["ExpressionAttributeValues"][":shard"]["S"].as_str();
        let Some((topic, number)) = shard.and_then(|shard| shard.rsplit_once('_')) else {
            return;
        };
        let state = self.state();
        let resource = state.lease_of(topic, number);
        let is_holder = state.leases.get(&resource) == Some(&process.name);
        let expiry = state.expiry.get(&resource).map_or(0, |(_, expiry)| *expiry);
        drop(state);
        if is_holder && unix_milliseconds(&self.world) > expiry + EXPIRED.as_millis() as u64 {
            self.violation(format!(
                "{} reads shard {topic}_{number} after its lease {resource} has expired",
                process.name
            ));
        }
    }

    /// Reads the current holder of a lease that a request may have changed, even if the response is lost.
    fn observe_lock(&self, request: &Request, process: &Process) {
        let (Value::String(table), key) = (&request.body["TableName"], &request.body["Key"]) else {
            return;
        };
        if !matches!(request.operation.as_str(), "UpdateItem" | "DeleteItem") {
            return;
        }
        let text = |place: &Value| place["S"].as_str().unwrap_or_default().to_owned();
        let item = self.read(table, key.clone());
        let mut state = self.state();
        let taken = text(&request.body["ExpressionAttributeValues"][":LockId"]);
        if !taken.is_empty() {
            state.takers.insert(taken, process.name.clone());
        }
        let is_held = !item.is_null() && item["Why"].is_null();
        let (resource, id) = (text(&key["ResourceId"]), text(&item["LockId"]));
        let expiry = item["LeaseExpiry"]["N"].as_str().and_then(|expiry| expiry.parse().ok()).unwrap_or(0);
        let mut found = Vec::new();
        if let Some((before, earlier)) = state.expiry.insert(resource.clone(), (id.clone(), expiry))
            && before == id
            && is_held
            && expiry < earlier
        {
            found.push(format!("a request of {} makes the lease {resource} end earlier", process.name));
        }
        if is_held && state.taken.get(&resource).is_none_or(|(before, _)| *before != id) {
            state.taken.insert(resource.clone(), (id.clone(), self.world.now()));
        }
        let pauses = text(&request.body["ExpressionAttributeValues"][":why"]) == "transport";
        if pauses && item["Why"]["S"] == "transport" && state.taken.get(&resource).is_some_and(|(of, _)| *of == id) {
            found.extend(state.counted_in_trouble(&resource, &process.name));
        }
        match state.takers.get(&text(&item["LockId"])).filter(|_| is_held).cloned() {
            Some(holder) => state.leases.insert(text(&key["ResourceId"]), holder),
            None => state.leases.remove(&text(&key["ResourceId"])),
        };
        drop(state);
        found.into_iter().for_each(|text| self.violation(text));
    }

    /// Reads the item of a message as it is stored now.
    pub fn look_at(&self, id: &str, writer: &str) {
        if !self.state().records.contains_key(id) {
            return;
        }
        let item = self.read(OUTBOX, json!({ "MessageId": { "S": id } }));
        let now = self.world.now();
        let mut state = self.state();
        let (one_lease, shards) = (state.one_lease, state.shards);
        let most = state.item_lag;
        let lag = most.mul_f64(state.dice.f64());
        let record = state.records.get_mut(id).expect("it was there");
        if record.lane.is_empty()
            && let Some((_, shard)) = item["TopicShard"]["S"].as_str().and_then(|shard| shard.rsplit_once('_'))
        {
            record.lane = lane(&record.key.0, shard, if one_lease { 0 } else { shards });
        }
        if item["ReplayedAt"] != record.replay && !item["ReplayedAt"].is_null() {
            record.replay = item["ReplayedAt"].clone();
            record.replays += 1;
            (record.replayed_at, record.stored_at) = (Some(now), Some(now));
            (record.marked_at, record.parked_at, record.tried_at) = (None, None, None);
        }
        if item["NextAttemptAt"] != record.next_attempt {
            record.next_attempt = item["NextAttemptAt"].clone();
            let ticks = record.next_attempt["N"].as_str().and_then(|ticks| ticks.parse().ok());
            record.wait = ticks.and_then(of_ticks).map(|until| (now, until));
        }
        let counted = item["DispatchAttempts"]["N"].as_str().map_or(0, |count| count.parse().unwrap_or(0));
        if record.counts.last().map_or(0, |(_, last, _)| *last) != counted {
            record.counts.push((now, counted, writer.to_owned()));
        }
        let shown = (!item["OutstandingCreatedTime"].is_null()).then(|| item.clone());
        if record.shown.last().is_none_or(|last| last.item != shown) {
            let earliest = record.shown.last().map_or(Duration::ZERO, |last| last.shown);
            record.shown.push(Version { written: now, shown: earliest.max(now + lag), item: shown });
        }
        if !item["FirstFailedAt"].is_null() {
            record.tried_at.get_or_insert(now);
        }
        if !item["ParkedAt"].is_null() {
            record.parked_at.get_or_insert(now);
        }
        let marked = is_marked(&item);
        if !item.is_null() {
            record.stored_at.get_or_insert(now);
        }
        let unsent = !item["ExpiresAt"].is_null() && !marked;
        let revived = record.marked_at.is_some() && record.is_outstanding();
        if marked {
            record.marked_at.get_or_insert(now);
        }
        drop(state);
        if unsent {
            self.violation(format!("message {id} is unsent and will expire"));
        }
        if revived {
            self.violation(format!("message {id} was dispatched and is outstanding again"));
        }
    }

    pub fn read(&self, table: &str, key: Value) -> Value {
        let request = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        let answer = self.database.execute("GetItem", &request.to_string()).expect("a read");
        serde_json::from_str::<Value>(&answer).expect("JSON")["Item"].take()
    }

    /// Returns the response of an index that lags behind its table, or `None` if the request reads no such index.
    pub fn index_answer(&self, request: &Request, network: &Network) -> Option<HttpResponse> {
        let Conditions { index_lag, item_lag, .. } = network.conditions();
        if (index_lag + item_lag).is_zero() || !request.body["IndexName"].as_str()?.starts_with("Outstanding") {
            return None;
        }
        let lag = network.roll(0..index_lag.as_millis() as u64 + 1);
        let (now, then) = (self.world.now(), self.world.now().saturating_sub(Duration::from_millis(lag)));
        let values = &request.body["ExpressionAttributeValues"];
        if values[":before"].is_null() {
            return Some(self.page(request, then));
        }
        let before: i64 = values[":before"]["N"].as_str()?.parse().ok()?;
        let shard = &values[":shard"];
        let segment =
            (request.body["Segment"].as_u64().unwrap_or(0), request.body["TotalSegments"].as_u64().unwrap_or(1));
        let state = self.state();
        let mut items: Vec<&Value> = state
            .records
            .values()
            .filter_map(|record| record.in_index(then, now))
            .filter(|item| created(item) <= before && (shard.is_null() || item["TopicShard"] == *shard))
            .filter(|item| created(item).unsigned_abs() % segment.1 == segment.0)
            .collect();
        items.sort_by_key(|item| created(item));
        let answer = json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items });
        Some(HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(answer.to_string())))
    }

    /// Returns a page of an index with its contents of an earlier time. The page of one shard is in the order of time;
    /// the page of all shards is in the order of the hashes of the shards.
    fn page(&self, request: &Request, then: Duration) -> HttpResponse {
        let values = &request.body["ExpressionAttributeValues"];
        let (shard, time) =
            (&values[":shard"], values[":time"]["N"].as_str().map_or(i64::MAX, |time| time.parse().unwrap()));
        let is_after = request.body["KeyConditionExpression"].as_str().is_some_and(|text| text.contains("> :time"));
        let place = |item: &Value| (hash(&item["TopicShard"]), created(item), item["MessageId"]["S"].to_string());
        let from = match &request.body["ExclusiveStartKey"] {
            Value::Null => None,
            key => Some((hash(&key["TopicShard"]), created(key), key["MessageId"]["S"].to_string())),
        };
        let (state, now) = (self.state(), self.world.now());
        let mut items: Vec<&Value> = state
            .records
            .values()
            .filter_map(|record| record.in_index(then, now))
            .filter(|item| shard.is_null() || (item["TopicShard"] == *shard && (created(item) > time) == is_after))
            // A request with a filter searches for items without a shard, and every item of the simulation has a shard.
            .filter(|_| request.body["FilterExpression"].is_null())
            .filter(|item| from.as_ref().is_none_or(|from| place(item) > *from))
            .collect();
        items.sort_by_key(|item| place(item));
        let limit = usize::try_from(request.body["Limit"].as_u64().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let mut answer = json!({ "Count": 0 });
        if items.len() > limit {
            items.truncate(limit);
            let last = items[limit - 1];
            let names = ["TopicShard", "OutstandingCreatedTime", "MessageId"];
            answer["LastEvaluatedKey"] = names.iter().map(|name| ((*name).to_owned(), last[*name].clone())).collect();
        }
        answer["Count"] = json!(items.len());
        answer["Items"] = json!(items);
        HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(answer.to_string()))
    }

    /// Checks whether a message that is about to be sent may be sent.
    pub fn sending(&self, message: &Message, process: &Process) {
        let call = process.call();
        let id = message.id();
        let mut found = Vec::new();
        {
            let state = self.state();
            let Some(record) = state.records.get(id) else {
                drop(state);
                return self.violation(format!("message {id} was never deposited and is sent"));
            };
            if record.body != message.body() {
                found.push(format!("message {id} is sent with another body than it was deposited with"));
            }
            let again = record.sent_by.contains(&process.name);
            if record.marked_at.is_some_and(|at| at + SETTLED < call.began || (again && at <= call.began)) {
                found.push(format!(
                    "message {id} was marked dispatched before {:?} began, and is sent again by {}",
                    call.by, process.name
                ));
            }
            if call.by == By::Sweep && state.bounds.is_none_or(|bounds| bounds.clocks_agree) {
                let now = self.world.now();
                let waits = |&(since, until): &(Duration, Duration)| {
                    since <= call.began && until > now + CLOCKS && until < now + LONGEST_WAIT
                };
                if record.wait.as_ref().is_some_and(waits) && record.is_outstanding() {
                    found.push(format!("message {id} is sent by a sweep of {} although it waits", process.name));
                }
                if state.bounds.is_none_or(|bounds| bounds.keeps_order) {
                    found.extend(state.out_of_order(id, record, call.began));
                }
                found.extend(state.without_lease(id, record, process));
            }
        }
        found.into_iter().for_each(|text| self.violation(text));
    }

    /// Records that a producer received a message, and the outcome.
    pub fn sent(&self, message: &Message, process: &Process, outcome: &SendOutcome) {
        let (now, call) = (self.world.now(), process.call());
        let mut state = self.state();
        let is_sent = matches!(outcome, SendOutcome::Sent | SendOutcome::Accepted);
        state.sends += u64::from(is_sent);
        let Some(record) = state.records.get_mut(message.id()) else {
            return;
        };
        record.tried_by.insert(process.name.clone());
        let is_retry = record.failed > 0;
        match outcome {
            SendOutcome::Sent | SendOutcome::Accepted => {
                record.sent_by.push(process.name.clone());
                record.sent_at = Some(now);
            }
            SendOutcome::Reject(_) => return record.rejected += 1,
            _ => record.failed += 1,
        }
        if call.by == By::Sweep {
            let lane = record.lane.clone();
            let tries = state.tries.entry((lane, call.began, process.name.clone())).or_default();
            tries.has_sent |= is_sent;
            *if is_retry { &mut tries.retried } else { &mut tries.fresh } += 1;
        }
    }

    /// Deletes the expired items, as DynamoDB does.
    pub fn expire(&self) {
        let now = unix_seconds(&self.world);
        let request = json!({
            "TableName": OUTBOX,
            "FilterExpression": "ExpiresAt < :now",
            "ExpressionAttributeValues": { ":now": { "N": now.to_string() } },
        });
        let answer = self.database.execute("Scan", &request.to_string()).expect("a scan");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        for item in answer["Items"].as_array().into_iter().flatten() {
            let id = item["MessageId"]["S"].as_str().expect("an id");
            let request = json!({ "TableName": OUTBOX, "Key": { "MessageId": { "S": id } } });
            self.database.execute("DeleteItem", &request.to_string()).expect("a deletion");
            self.look_at(id, "");
        }
    }

    /// Checks all messages at the end, after everything was swept without faults.
    pub fn judge(&self) {
        let records = std::mem::take(&mut self.state().records);
        for (id, record) in &records {
            self.judge_one(id, record);
        }
        let mut state = self.state();
        state.records = records;
        let most = state.bounds.map_or(usize::MAX, |bounds| bounds.hourly_probes);
        let probes = state.most_probes();
        let (counted, messages) = state.counted();
        let most_counted = state.bounds.map_or(f64::MAX, |bounds| bounds.counts);
        drop(state);
        if counted as f64 > most_counted * messages as f64 {
            self.violation(format!("{counted} failures of {messages} messages that can be sent count"));
        }
        if probes.0 > most {
            self.violation(format!("{} sweeps within an hour tried lane {} in vain", probes.0, probes.1));
        }
    }

    fn judge_one(&self, id: &str, record: &Record) {
        let item = self.read(OUTBOX, json!({ "MessageId": { "S": id } }));
        let times = || {
            let command = self.read(COMMANDS, json!({ "Name": { "S": id } }));
            command["Times"]["N"].as_str().map_or(0, |times| times.parse::<u64>().expect("a number"))
        };
        let is_parked = !item["ParkedAt"].is_null() && !is_marked(&item);
        let was_sent = !record.sent_by.is_empty();
        let done = was_sent || is_parked;
        let wrong = |what: &str| self.violation(format!("message {id}: {what}: {}", record.summary()));
        match record.fate {
            Fate::Never if was_sent || !item.is_null() => wrong("was not committed and is there or was sent"),
            Fate::Never if record.transactional && times() > 0 => wrong("was not committed, and its command was"),
            Fate::Committed if !done => wrong("was committed and neither sent nor parked"),
            Fate::Committed if record.transactional && times() != 1 => wrong("its command did not take effect once"),
            Fate::Unknown if record.transactional && times() != u64::from(done) => wrong("and its command differ"),
            _ => {}
        }
        // `tried_at` is also set by the attempt of a sender that crashed, which recorded no failure.
        let age = record.parked_at.unwrap_or_default().saturating_sub(record.tried_at.unwrap_or(Duration::MAX));
        // A claim is written before the send. It counts as an attempt if its writer crashed before it sent the message.
        let writers: BTreeSet<&String> = record.counts.iter().map(|(_, _, writer)| writer).collect();
        let crashed = writers.iter().filter(|writer| !record.tried_by.contains(**writer)).count() as u64;
        let parks = record.rejected > 0 || record.failed + crashed >= MOST_ATTEMPTS || age >= PARK_AFTER;
        let bounds = self.state().bounds;
        let parks = if bounds.is_some_and(|bounds| bounds.parks_nothing) {
            record.rejected > 0 || record.destiny == Destiny::Kills
        } else {
            parks
        };
        if is_parked && !parks {
            wrong("is parked without a reason");
        }
        if record.replayed_at > record.sent_at && was_sent && !is_parked {
            wrong("was replayed and not sent since");
        }
        if let Some(bounds) = bounds {
            let (sends, tries) = (record.sent_by.len(), record.failed + record.sent_by.len() as u64);
            if sends > bounds.sends + record.replays {
                wrong("is sent too often");
            }
            if record.failed > bounds.failures {
                wrong("is tried too often");
            }
            if record.writes > bounds.writes + tries + record.rejected + 3 * record.replays as u64 {
                wrong(&format!("is written too often: {} times", record.writes));
            }
        }
        if !item.is_null() && !is_parked && matches!(record.destiny, Destiny::Fails | Destiny::Rejected) {
            wrong("can never be sent and is not parked");
        }
        if record.is_outstanding() {
            wrong("is outstanding still");
        }
    }
}

impl Tries {
    /// Returns whether these tries must pause the lane. Failures of the first ten retried messages do not; the waits of
    /// each message limit their number.
    fn count_as_vain(&self) -> bool {
        !self.has_sent && (self.fresh > 0 || self.retried > 10)
    }
}

impl State {
    /// Returns a violation for each message of a lane whose failures a process counted since it took the lease,
    /// although the process now pauses the lane.
    fn counted_in_trouble(&self, resource: &str, process: &str) -> Vec<String> {
        let since = self.taken.get(resource).map_or(Duration::MAX, |(_, at)| *at);
        let counts = |record: &Record, until: Duration| {
            record.counts.iter().rev().find(|(at, ..)| *at < until).map_or(0, |(_, count, _)| *count)
        };
        let is_counted = |record: &&Record| {
            let is_own = record.counts.last().is_some_and(|(at, _, by)| *at >= since && by == process);
            let (before, now) = (counts(record, since), counts(record, Duration::MAX));
            record.lane == resource && record.rejected == 0 && is_own && now > before
        };
        let counted = self.records.iter().filter(|(_, record)| is_counted(record));
        counted
            .map(|(id, _)| format!("a failure of message {id} counts although {process} pauses {resource}"))
            .collect()
    }

    /// Returns the number of counted failures of messages that can be sent, and the number of these messages.
    fn counted(&self) -> (u64, u64) {
        let healthy = self.records.values().filter(|record| record.destiny == Destiny::Sent);
        let most = |record: &Record| record.counts.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
        healthy.fold((0, 0), |(counted, messages), record| (counted + most(record), messages + 1))
    }

    /// Returns the largest number of sweeps within an hour that tried to send one lane and sent nothing, and the lane.
    fn most_probes(&self) -> (usize, String) {
        let mut most = (0, String::new());
        let mut times: BTreeMap<&str, VecDeque<Duration>> = BTreeMap::new();
        for ((lane, at, _), _) in self.tries.iter().filter(|(_, tries)| tries.count_as_vain()) {
            let times = times.entry(lane).or_default();
            times.push_back(*at);
            while times.front().is_some_and(|first| *first + HOUR < *at) {
                times.pop_front();
            }
            if times.len() > most.0 {
                most = (times.len(), lane.clone());
            }
        }
        most
    }

    /// Returns a violation if an older message of the same key was stored before the sweep started, and still waits.
    fn out_of_order(&self, id: &str, record: &Record, began: Duration) -> Option<String> {
        if record.key.1.is_empty() || !record.sent_by.is_empty() {
            return None;
        }
        let waits = |other: &&Record| {
            other.key == record.key
                && other.created < record.created
                && other.stored_at.is_some_and(|at| at + SETTLED <= began)
                && other.sent_by.is_empty()
                && other.is_outstanding()
        };
        let older = self.records.iter().find(|(_, other)| waits(other))?;
        Some(format!("message {id} is sent by a sweep before {}, an older one of its key", older.0))
    }

    /// Returns the lease under which a shard of a topic is swept.
    fn lease_of(&self, topic: &str, number: &str) -> String {
        match self.one_lease {
            true => format!("{OUTBOX}_OutboxSweeper"),
            false => lane(topic, number, self.shards),
        }
    }

    fn without_lease(&self, id: &str, record: &Record, process: &Process) -> Option<String> {
        let shard = record.shown.iter().find_map(|version| version.item.as_ref()?["TopicShard"]["S"].as_str())?;
        let resource = self.lease_of(&record.key.0, shard.rsplit_once('_')?.1);
        let holder = self.leases.get(&resource).map(String::as_str);
        (holder != Some(&process.name)).then(|| {
            format!("message {id} is sent by a sweep of {} while {resource} is held by {holder:?}", process.name)
        })
    }
}

/// Returns whether a message was marked dispatched. Brighter 9 stores the time 0 in items that were not sent.
fn is_marked(item: &Value) -> bool {
    !matches!(item["DeliveryTime"]["N"].as_str(), None | Some("0"))
}

/// Returns the creation time in an item. A time that is out of range comes after all others.
fn created(item: &Value) -> i64 {
    item["OutstandingCreatedTime"]["N"].as_str().map_or(0, |time| time.parse().unwrap_or(i64::MAX))
}

/// Returns the hash of a shard, which decides its place in an index.
fn hash(shard: &Value) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    shard["S"].as_str().hash(&mut hasher);
    hasher.finish()
}

/// Returns the name of the lease of the lane that contains a shard of a topic.
fn lane(topic: &str, shard: &str, shards: u64) -> String {
    // With three shards, Brighter stores half of the keys of shard 1 in shard 0, so the two shards share a lane.
    let group = if (shards, shard) == (3, "1") { "0" } else { shard };
    let hash = sha2::Sha256::digest(topic.as_bytes());
    let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{OUTBOX}_Lane_{hash}_{group}")
}

/// Collects all string values of DynamoDB JSON.
fn strings<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("S").and_then(Value::as_str));
            members.values().for_each(|value| strings(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        _ => {}
    }
}
