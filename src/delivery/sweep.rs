//! A sweep finds the lanes that have messages to send, and drains the lanes that no other process holds, several topics
//! in parallel. A lane is a group of shards of a topic. Draining a lane means sending its messages.

use crate::delivery::acceptance::MAX_UNCONFIRMED;
use crate::delivery::background::WorkFor;
use crate::delivery::drain::{Drained, Task, drain};
use crate::delivery::lease::{Lease, Obtained, Terms, forget_pause, pause_unleased, use_lock_table};
use crate::delivery::marking::catch_up;
use crate::delivery::pause::pause;
use crate::delivery::poll::{Quiet, Seen, Times, View, have_news, is_empty, poll};
use crate::delivery::presence::{show, show_progress};
use crate::delivery::source::Source;
use crate::delivery::stuck::{CalledFor, Calls, STUCK_WAIT, Stuck};
use crate::engine::Engine;
use crate::engine::sweeping::Known;
use crate::model::cancel::CancelToken;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::report::{DispatchReport, LeaseStatus, OnBatch, SweepReport};
use crate::model::settings::LeaseMode;
use crate::model::ticks::Ticks;
use crate::outbox::lane::{Group, Groups, Lane};
use crate::outbox::lock_table::{LockItem, Standing, Why, unix_milliseconds};
use crate::outbox::sightings::{Range, Sighting};
use crate::runtime::Call;
use crate::sys::client_log::ClientLog;
use crate::sys::clock;
use crate::sys::scope::{Scope, scope};
use crate::sys::simulation::{Mutation, mutated};
use crate::sys::sync::{Condvar, Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// The name of the threads that send messages of several topics.
const SWEEPER: &str = "postbox-sweeper";
/// The time for which this process ignores a lane after it found that another process holds the lane.
const HELD_ELSEWHERE: Duration = Duration::from_secs(15);
/// The interval at which a lane all of whose messages wait is read in full, because an older message may have
/// appeared, for example after a late commit.
const FULL_READ: Duration = Duration::from_secs(300);
/// The same interval for a lane with more waiting messages than are kept in memory.
const NOTHING_DUE: Duration = Duration::from_secs(60);
/// The maximum time for which the lease of all lanes is held if other topics need another sweeper.
const ONE_LEASE_FOR: Duration = Duration::from_secs(30);
/// The time after which a lane that a poll has found is looked at again before its lease is taken, because another
/// process may have sent its messages.
const STALE: Duration = Duration::from_secs(1);
/// The interval at which a thread that waits for others looks whether the sweep was cancelled.
const NOTICE: Duration = Duration::from_millis(100);
/// The maximum number of threads of a sweep that wait for producers that do not return.
const MOST_STUCK: usize = 64;
/// The maximum number of lanes whose leases one poll reads.
const MOST_LANES: usize = 100;

/// A lane that may have messages to send, and its messages that a poll found.
struct Job {
    lane: Lane,
    seen: Seen,
    /// The time of the poll that found the lane.
    found: Instant,
    /// The messages that are known to wait. If this is set, only newer messages are read.
    known: Option<Arc<Known>>,
    /// The item of the last pause of the lane, if there is one and the pause is over.
    pause: Option<LockItem>,
}

/// A running sweep: the state that its threads share.
struct Sweep<'a, 'r> {
    engine: &'a Engine,
    call: &'a Call,
    topic: Option<&'a str>,
    cancel: &'a CancelToken,
    /// The thread that called the sweep.
    caller: ThreadId,
    started: Instant,
    lanes_are_leased: bool,
    /// The one lease that covers all lanes, if the lanes have no leases of their own.
    one_lease: Mutex<Option<Lease<'a>>>,
    state: Mutex<State>,
    changed: Condvar,
    results: Mutex<Results<'r>>,
    calls: Calls,
}

/// The results of a sweep, which are reported to the caller at the end and after each batch.
struct Results<'r> {
    report: SweepReport,
    on_batch: &'r mut OnBatch<'r>,
    lanes: BTreeMap<Lane, Left>,
    unserved_topics: BTreeSet<String>,
    /// The first error for which messages could not be read.
    read_error: Option<Error>,
}

/// The numbers of messages of a lane that were not sent. A message counts once, even if the lane is drained repeatedly.
#[derive(Clone, Copy, Default)]
struct Left {
    held_back: u64,
    failed: u64,
    was_drained: bool,
}

impl Results<'_> {
    /// Notes the messages of a lane that a poll found, unless the sweep has drained the lane. A drain finds more
    /// messages than a poll.
    fn saw(&mut self, lane: &Lane, seen: &Seen) {
        let left = self.lanes.entry(lane.clone()).or_default();
        if !left.was_drained {
            left.held_back = seen.waiting + seen.due.len() as u64 + seen.unserved;
        }
    }

    /// Notes the messages that a drain of a lane did not send. Messages that failed in an earlier drain now wait, and
    /// are not counted again.
    fn drained(&mut self, lane: &Lane, held_back: u64, failed: u64, read_error: Option<&Error>) {
        let left = self.lanes.entry(lane.clone()).or_default();
        // A drain that could not read all messages may know fewer than the poll.
        let known = read_error.map_or(0, |_| left.held_back);
        left.held_back = held_back.saturating_sub(left.failed).max(known);
        self.read_error = self.read_error.take().or(read_error.cloned());
        left.failed += failed;
        left.was_drained = true;
    }

    /// Returns the report, or the error for which messages could not be read, if no message was tried.
    fn into_report(mut self) -> Result<SweepReport> {
        match self.read_error {
            Some(error) if self.report.dispatched + self.report.failed == 0 => return Err(error),
            _ => {}
        }
        self.report.pass_over(self.lanes.values().map(|left| left.held_back).sum());
        self.report.topics_without_producer = self.unserved_topics.into_iter().collect();
        Ok(self.report)
    }
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// The lanes whose messages could not be read. They are left to the next sweep.
    unreadable: HashSet<Lane>,
    /// The topics whose lanes are being drained.
    busy: HashSet<String>,
    /// The number of threads that drain lanes or look for lanes.
    threads: usize,
    /// The number of threads that wait for a producer that did not return in time.
    stuck: usize,
    /// Whether no more lanes are started.
    is_over: bool,
    /// The time of the last poll, if there was one.
    polled: Option<Instant>,
    /// Whether a message was sent or tried since the last poll.
    has_progress: bool,
}

impl State {
    fn has_threads(&self) -> bool {
        self.threads + self.stuck > 0
    }
}

/// A guard of a thread that drains lanes. Dropping the guard removes the thread from the count, even after a panic.
struct Working<'a> {
    state: &'a Mutex<State>,
    changed: &'a Condvar,
    /// Whether another thread has taken the place of this one, because a producer did not return in time.
    is_replaced: bool,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        let count = if self.is_replaced { &mut state.stuck } else { &mut state.threads };
        *count = count.saturating_sub(1);
        // The topic of this thread stays busy after a panic, for which the other threads would wait.
        state.is_over |= std::thread::panicking();
        self.changed.notify_all();
    }
}

/// Sweeps one topic or all topics, until no message is left that is old enough and can be sent, or until the sweep is
/// cancelled. Passes the outcomes of each batch to `on_batch`.
pub(crate) fn sweep(
    engine: &Engine,
    topic: Option<&str>,
    cancel: &CancelToken,
    on_batch: &mut OnBatch<'_>,
) -> Result<SweepReport> {
    let call = &engine.runtime.enter()?;
    let sweep = Sweep {
        engine,
        call,
        topic,
        cancel,
        caller: thread::current().id(),
        started: clock::now(),
        lanes_are_leased: engine.config.lease_mode == LeaseMode::PerShard,
        one_lease: Mutex::new(None),
        state: Mutex::default(),
        changed: Condvar::default(),
        results: Mutex::new(Results {
            report: SweepReport::new(LeaseStatus::Held),
            on_batch,
            lanes: BTreeMap::new(),
            unserved_topics: BTreeSet::new(),
            read_error: None,
        }),
        calls: Calls::default(),
    };
    if !catch_up(engine, call) {
        tracing::warn!(target: "postbox", "messages that were sent cannot be marked: nothing more is sent");
    }
    let swept = sweep.run();
    drop(sweep.one_lease);
    engine.runtime.check()?;
    let results = sweep.results.into_inner();
    let swept = swept.and_then(|()| results.into_report());
    show(engine, swept.as_ref());
    let report = swept?;
    engine.counters.swept(&report);
    if report.found > 0 {
        tracing::info!(
            target: "postbox", found = report.found, dispatched = report.dispatched, failed = report.failed,
            held_back = report.held_back, lease = report.lease.name(), "swept"
        );
    }
    Ok(report)
}

/// Sweeps all topics, as the sweeper does at every interval. Fails if sent messages cannot be marked, or if the lock table
/// cannot be used and sweeping without a lease is not allowed.
pub(crate) fn sweep_in_background(engine: &Engine, cancel: &CancelToken) -> Result<()> {
    let report = sweep(engine, None, cancel, &mut |_| {})?;
    match report.lease {
        LeaseStatus::Unavailable(why) if !engine.config.sweep_without_lease => {
            Err(Error::new(ErrorCode::AccessDenied, format!("nothing is swept, since no lease can be taken: {why}")))
        }
        _ => engine.marker.failure().map_or(Ok(()), Err),
    }
}

/// Starts a thread of a sweep, which runs for the same worker and the same client as the calling thread.
fn start_thread<'scope>(scope: &'scope Scope<'scope, '_>, body: impl FnOnce() + Send + 'scope) -> io::Result<()> {
    let (worker, log) = (WorkFor::current(), ClientLog::current());
    scope.spawn(SWEEPER, move || {
        let _log = log.enter();
        worker.begin();
        body();
    })
}

impl<'a, 'r> Sweep<'a, 'r> {
    /// Polls and drains lanes until a poll finds no messages that can be sent.
    fn run(&self) -> Result<()> {
        while !self.state().is_over && self.may_start() && self.find_jobs()? > 0 {
            self.state().has_progress = false;
            self.state().threads = 1;
            scope(|scope| {
                self.stand_by(scope);
                self.work(scope);
                self.wait_for_threads();
            });
            if !self.state().has_progress {
                break;
            }
        }
        Ok(())
    }

    /// Drains one lane after another, and starts further threads for other topics.
    fn work<'scope, 'env: 'scope>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        let mut working = Working { state: &self.state, changed: &self.changed, is_replaced: false };
        while !working.is_replaced {
            // This thread takes a lane first, since it may be the thread of the caller, which can then react to signals.
            let job = self.take_job();
            self.start_helper(scope);
            match job {
                Some(job) => {
                    let topic = job.lane.topic.clone();
                    working.is_replaced = self.drain_lane(job);
                    if !working.is_replaced {
                        self.state().busy.remove(&topic);
                    }
                    self.changed.notify_all();
                    self.show_progress();
                }
                None if self.waits_for_others() => {}
                None => return,
            }
        }
    }

    /// Starts a thread that takes the place of a thread whose producer does not return. With `sweep_threads` = 1, the
    /// producers are never called by two threads at the same time, so that there is no such thread.
    fn stand_by<'scope, 'env: 'scope>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        if self.engine.config.sweep_threads < 2 || self.state().stuck >= MOST_STUCK {
            return;
        }
        let started = start_thread(scope, move || {
            if let Some(stuck) = self.wait_for_stuck() {
                stuck.leave(self.engine, &self.calls, Terms::of(self.engine).stuck_after());
                self.stand_by(scope);
                self.work(scope);
            }
        });
        if let Err(error) = started {
            tracing::debug!(target: "postbox", { error.message = %error }, "no thread watches the calls of producers");
        }
    }

    /// Waits until a call of a producer is stuck, and removes the topic of the call from the work of this sweep.
    /// Returns `None` when no thread is working any more.
    fn wait_for_stuck(&self) -> Option<Stuck> {
        let after = Terms::of(self.engine).stuck_after();
        loop {
            let state = self.state();
            if state.threads == 0 {
                return None;
            }
            let wait = self.calls.next_look(after);
            let mut state = self.changed.wait_timeout_while(state, wait, |state| state.threads > 0);
            if let Some(stuck) = self.calls.next_stuck(after) {
                self.engine.sweeping.leave_topic(stuck.topic(), STUCK_WAIT);
                state.jobs.retain(|job| job.lane.topic != stuck.topic());
                state.busy.remove(stuck.topic());
                state.stuck += 1;
                return Some(stuck);
            }
        }
    }

    fn start_helper<'scope, 'env: 'scope>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        let mut state = self.state();
        let most = self.engine.config.sweep_threads as usize;
        let is_free = |job: &Job| !state.busy.contains(&job.lane.topic);
        // While all threads drain lanes, a further thread looks for messages of new topics.
        let has_work = state.jobs.iter().any(is_free) || (state.busy.len() == state.threads && state.threads > 0);
        let is_wanted = !state.is_over && has_work && state.threads < most && self.may_start();
        if !is_wanted {
            return;
        }
        state.threads += 1;
        if let Err(error) = start_thread(scope, move || self.work(scope)) {
            state.threads -= 1;
            tracing::warn!(target: "postbox", { error.message = %error }, "a thread for another topic could not be started: topics are sent one after the other");
        }
    }

    /// Takes a lane of a topic that no other thread is sending. If this is the only thread, takes any lane.
    fn take_job(&self) -> Option<Job> {
        let mut state = self.state();
        if state.is_over || !self.may_start() {
            return None;
        }
        let place = state.jobs.iter().position(|job| !state.busy.contains(&job.lane.topic));
        let place = place.or(if state.threads == 1 && !state.jobs.is_empty() { Some(0) } else { None })?;
        let job = state.jobs.remove(place)?;
        state.busy.insert(job.lane.topic.clone());
        Some(job)
    }

    /// Waits while other threads are sending, and polls for more lanes at every interval. Returns whether there may be
    /// more lanes to drain.
    fn waits_for_others(&self) -> bool {
        self.notice_wait();
        let interval = self.engine.config.sweep_interval;
        let mut state = self.state();
        // This sweep cannot end while a producer is stuck. Until then, it therefore does the work of the next sweeps.
        state.is_over &= state.stuck == 0;
        let has_others = |state: &State| state.stuck > 0 || !state.busy.is_empty();
        if state.is_over || !has_others(&state) || !self.may_start() {
            return false;
        }
        let since = state.polled.map_or(Duration::MAX, clock::since);
        if since < interval {
            let wait = (interval - since).min(NOTICE);
            let polled = state.polled;
            drop(self.changed.wait_timeout_while(state, wait, |state| state.polled == polled && has_others(state)));
            return true;
        }
        drop(state);
        self.leave_to_others();
        match self.find_jobs() {
            Ok(_) => self.show_progress(),
            Err(error) => {
                tracing::debug!(target: "postbox", { error.message = error.message() }, "a poll failed while other threads were sending");
            }
        }
        true
    }

    /// Waits until no other thread works for this sweep.
    fn wait_for_threads(&self) {
        // A forked child has no other thread.
        while !self.engine.runtime.is_forked() && self.state().has_threads() {
            self.notice_wait();
            drop(self.changed.wait_timeout_while(self.state(), NOTICE, |state| state.has_threads()));
        }
    }

    /// Reports to the host program that the thread which called the sweep waits for other threads. The host program may
    /// then cancel the sweep.
    fn notice_wait(&self) {
        if thread::current().id() == self.caller
            // A call of `close` in this callback must not wait for the sweep.
            && let Some(_callback) = self.engine.runtime.enter_callback()
        {
            self.cancel.waits();
        }
    }

    fn show_progress(&self) {
        let report = self.results().report.clone();
        show_progress(self.engine, &report);
    }

    /// Releases the lease of all lanes if the only remaining work of this sweep is calls of producers that are stuck.
    /// Other processes can then send the remaining messages.
    fn leave_to_others(&self) {
        let state = self.state();
        if state.stuck > 0 && state.busy.is_empty() && state.jobs.is_empty() {
            drop(state);
            *self.one_lease() = None;
        }
    }

    /// Returns whether another lane may be started.
    fn may_start(&self) -> bool {
        // Another sweeper needs the lease of all lanes only if it has producers for other topics.
        let has_time = self.lanes_are_leased
            || clock::since(self.started) < ONE_LEASE_FOR
            || self.results().unserved_topics.is_empty();
        has_time && self.goes_on() && !self.engine.marker.is_failing()
    }

    fn goes_on(&self) -> bool {
        !self.cancel.is_canceled() && !self.engine.runtime.is_closing()
    }

    /// Finds lanes that have messages to send and that no other process holds. Returns the number of lanes in the
    /// queue.
    fn find_jobs(&self) -> Result<usize> {
        self.state().polled = Some(clock::now());
        let times = Times::of(self.engine);
        let View { lanes, unserved_topics } = poll(self.engine, self.topic, times, &|| self.goes_on())?;
        if !self.goes_on() {
            return Ok(0);
        }
        {
            let mut results = self.results();
            lanes.iter().for_each(|(lane, seen)| results.saw(lane, seen));
            results.unserved_topics.extend(unserved_topics);
        }
        let mut jobs = self.jobs_of(lanes, times)?;
        fastrand::shuffle(&mut jobs);
        jobs.truncate(MOST_LANES);
        if jobs.is_empty() {
            return Ok(0);
        }
        let jobs = match self.available(jobs)? {
            Ok(jobs) => jobs,
            Err(why) => {
                self.results().report.lease = LeaseStatus::Unavailable(why);
                return Ok(0);
            }
        };
        if jobs.is_empty() || !self.has_one_lease()? {
            return Ok(0);
        }
        let mut state = self.state();
        let State { jobs: waiting, busy, .. } = &mut *state;
        waiting.extend(jobs.into_iter().filter(|job| !busy.contains(&job.lane.topic)));
        let count = waiting.len();
        drop(state);
        self.changed.notify_all();
        Ok(count)
    }

    /// Returns the lanes that may have messages that are due. If all messages of a lane are known to wait, only its newer
    /// messages are looked for.
    fn jobs_of(&self, lanes: BTreeMap<Lane, Seen>, times: Times) -> Result<Vec<Job>> {
        let (left_out, busy): (HashSet<Lane>, HashSet<String>) = {
            let state = self.state();
            let in_queue = state.jobs.iter().map(|job| job.lane.clone());
            (in_queue.chain(state.unreadable.iter().cloned()).collect(), state.busy.clone())
        };
        let (mut jobs, mut quiet) = (Vec::new(), Vec::new());
        for (lane, seen) in lanes {
            let is_anothers =
                mutated(Mutation::SharesDealt) && lane.resource().bytes().map(u32::from).sum::<u32>() % 2 == 0;
            // The lanes of a busy topic are skipped, because their leases, which this process holds, would look like
            // leases of another process.
            let is_left_out = left_out.contains(&lane) || busy.contains(&lane.topic);
            if is_left_out || self.engine.sweeping.leaves(&lane) || is_anothers {
                continue;
            }
            let known = self.engine.sweeping.known_lane(&lane).filter(|known| known.read_to < times.before);
            let job = Job { lane, seen, found: clock::now(), known: None, pause: None };
            let Seen { due, cut, .. } = &job.seen;
            match known {
                _ if due.is_empty() && cut.is_empty() => {}
                Some(known) if !cut.is_empty() && known.heads.is_some() && known.explains(due, times.now) => {
                    let is_due = !due.is_empty() || known.due <= clock::now();
                    let job = Job { known: Some(known), ..job };
                    if is_due { jobs.push(job) } else { quiet.push(job) }
                }
                Some(known) if due.is_empty() && known.heads.is_none() => {}
                _ => jobs.push(job),
            }
        }
        let looks: Vec<Quiet<'_>> =
            quiet.iter().filter_map(|job| Some(Quiet { known: job.known.as_deref()?, cut: &job.seen.cut })).collect();
        let news = have_news(self.engine, &looks, times)?;
        jobs.extend(quiet.into_iter().zip(news).filter_map(|(job, has_news)| has_news.then_some(job)));
        self.engine.polling.found_nothing_new(jobs.is_empty());
        Ok(jobs)
    }

    /// Returns the lanes that are neither held nor paused, or the reason for which the lock table cannot be used.
    fn available(&self, jobs: Vec<Job>) -> Result<std::result::Result<Vec<Job>, String>> {
        let resources: Vec<String> = jobs.iter().map(|job| self.resource(&job.lane)).collect();
        let table = &self.engine.config.lock_table_name;
        let items = use_lock_table(self.engine, || {
            let (table, resources) = (table.clone(), resources.clone());
            self.engine.run("reading the leases", |outbox| async move { outbox.lock_items(table, resources).await })
        })?;
        let mut items: HashMap<String, LockItem> = match items {
            Ok(items) => items,
            Err(why) if self.goes_without_lease() => {
                self.results().report.lease = LeaseStatus::Unavailable(why);
                HashMap::new()
            }
            Err(why) => return Ok(Err(why)),
        };
        let (now, skew) = (unix_milliseconds(), Terms::of(self.engine).skew);
        let mut available = Vec::new();
        for (mut job, resource) in jobs.into_iter().zip(resources) {
            let item = items.remove(&resource);
            let standing = item.as_ref().map_or(Standing::Free, |item| item.standing(now, skew));
            match standing {
                Standing::Paused(until) => {
                    self.engine.sweeping.leave_lane(&job.lane, Duration::from_millis(until.saturating_sub(now)));
                }
                Standing::Held(_) if self.lanes_are_leased && !self.is_left_behind(item.as_ref(), &resource) => {
                    self.leave_to_another(&job.lane);
                }
                _ => {
                    job.pause = item;
                    available.push(job);
                }
            }
        }
        Ok(Ok(available))
    }

    /// Returns whether a lease may be one of this process that it does not hold, and releases before it takes the lane.
    fn is_left_behind(&self, item: Option<&LockItem>, resource: &str) -> bool {
        let sweeping = &self.engine.sweeping;
        if let Some(id) = item.and_then(|item| item.id.as_ref()).filter(|id| sweeping.has_released(resource, id)) {
            sweeping.leave_lease(resource, id.clone());
        }
        !sweeping.left_leases(resource).is_empty()
    }

    fn leave_to_another(&self, lane: &Lane) {
        self.engine.sweeping.leave_lane(lane, HELD_ELSEWHERE.mul_f64(0.7 + 0.6 * fastrand::f64()));
        let mut results = self.results();
        if results.report.dispatched == 0 {
            results.report.lease = LeaseStatus::HeldElsewhere;
        }
    }

    /// Returns whether the sweep continues although no lease can be obtained.
    fn has_no_lease(&self) -> bool {
        self.goes_without_lease() && matches!(self.results().report.lease, LeaseStatus::Unavailable(_))
    }

    fn goes_without_lease(&self) -> bool {
        self.engine.config.sweep_without_lease
    }

    /// Takes the lease of all lanes, unless this sweep already holds it. Returns whether lanes may be drained.
    fn has_one_lease(&self) -> Result<bool> {
        let mut lease = self.one_lease();
        if self.lanes_are_leased || lease.is_some() || self.has_no_lease() {
            return Ok(true);
        }
        match Lease::obtain(self.engine, &self.engine.resource("OutboxSweeper"), None)? {
            Obtained::Held(held) => {
                *lease = Some(held);
                Ok(true)
            }
            Obtained::HeldElsewhere => {
                self.results().report.lease = LeaseStatus::HeldElsewhere;
                Ok(false)
            }
            Obtained::Unusable(why) => {
                self.results().report.lease = LeaseStatus::Unavailable(why);
                Ok(self.goes_without_lease())
            }
        }
    }

    fn resource(&self, lane: &Lane) -> String {
        self.engine.resource(&lane.resource())
    }

    /// Drains a lane under its own lease or under the lease of all lanes, and afterwards releases or pauses the lane.
    /// Returns whether a producer did not return in time. In this case, another thread already continues the work of
    /// this thread.
    fn drain_lane(&self, job: Job) -> bool {
        let resource = self.resource(&job.lane);
        let mut lease = None;
        let (mut failures, mut was_abandoned, mut unmarked) = (0, false, false);
        let mut before = job.pause.clone();
        if self.lanes_are_leased && clock::since(job.found) > STALE && self.is_empty_by_now(&job) {
            self.results().drained(&job.lane, 0, 0, None);
            return false;
        }
        if self.lanes_are_leased && !self.has_no_lease() {
            match Lease::obtain(self.engine, &resource, Some(&job.lane.topic)) {
                Ok(Obtained::Held(held)) => {
                    before = held.before.as_deref().cloned();
                    was_abandoned = held.was_abandoned;
                    lease = Some(held);
                }
                Ok(Obtained::HeldElsewhere) => {
                    self.leave_to_another(&job.lane);
                    return false;
                }
                Ok(Obtained::Unusable(why)) => {
                    self.results().report.lease = LeaseStatus::Unavailable(why);
                    if !self.goes_without_lease() {
                        // No other lane can be leased either.
                        self.state().is_over = true;
                        return false;
                    }
                }
                Err(error) => {
                    tracing::warn!(target: "postbox", { error.message = error.message() }, "the lease of a lane could not be taken");
                    return false;
                }
            }
        } else {
            match &*self.one_lease() {
                Some(one) => was_abandoned = one.was_abandoned,
                // The lease was released in the meantime.
                None if !self.has_no_lease() => return false,
                None => {}
            }
        }
        if let Some(item) = &before {
            failures = item.failures;
            unmarked = item.why.as_deref() == Some(Why::Marks.name());
        }
        let (lease, times) = (Mutex::new(lease), Times::of(self.engine));
        let is_careful = (was_abandoned || unmarked, unmarked && !was_abandoned);
        let drained = self.drain(&job, times, failures, is_careful, &lease);
        let (lease, is_stuck) = (lease.into_inner(), drained.is_stuck);
        self.engine.sweeping.forget_lane(&job.lane);
        self.end_lane(&job, &resource, lease, (failures, before.as_ref()), &drained);
        self.note_known(&job, times, drained);
        is_stuck
    }

    /// Returns whether another process has sent all messages of a lane since it was found.
    fn is_empty_by_now(&self, job: &Job) -> bool {
        job.lane.group != Group::Other && is_empty(self.engine, self.shards(job), Times::of(self.engine))
    }

    fn shards(&self, job: &Job) -> Vec<String> {
        match job.lane.group {
            Group::Numbered(_) => Groups::of(self.engine.outbox.shards()).shards(&job.lane),
            Group::Other => job.seen.other_shards.iter().cloned().collect(),
        }
    }

    fn drain(
        &self,
        job: &Job,
        times: Times,
        failures: u32,
        (is_careful, until_marked): (bool, bool),
        lease: &Mutex<Option<Lease<'a>>>,
    ) -> Drained {
        let go_on = || {
            let own = lease.lock().as_mut().is_none_or(Lease::is_held);
            let all = match &mut *self.one_lease() {
                Some(one) => one.is_held(),
                None => self.lanes_are_leased || self.has_no_lease(),
            };
            if !own || !all {
                self.results().report.lease = LeaseStatus::Lost;
                self.state().is_over |= !all;
            }
            own && all && self.goes_on()
        };
        let (mut held_back, mut failed) = (0, 0);
        let mut on_report = |report: &DispatchReport| {
            if report.entries().is_empty() {
                return;
            }
            let mut results = self.results();
            let failed_before = results.report.failed;
            held_back += results.report.add(report);
            failed += results.report.failed - failed_before;
            (results.on_batch)(report);
        };
        let (first, found) = match job.known.as_deref() {
            Some(Known { heads, read_to, .. }) => {
                let older = heads.iter().flatten().filter(|head| head.created < *read_to);
                (Range::Between(*read_to, times.before), older.cloned().collect())
            }
            None => (Range::UpTo(times.before), job.seen.unsharded.clone()),
        };
        let ranges = [first, Range::After(times.too_late)];
        let parts = self.shards(job).into_iter().flat_map(|shard| ranges.map(|range| (shard.clone(), range)));
        let source = Source::new(self.engine, self.call, parts, found);
        let called_for = Arc::new(CalledFor {
            topic: job.lane.topic.clone(),
            lock: lease.lock().as_ref().map(|lease| lease.lock.clone()),
            failures,
        });
        let task = Task {
            engine: self.engine,
            call: self.call,
            times,
            failures,
            watched: (self.engine.config.sweep_threads > 1).then_some((&self.calls, called_for)),
            is_careful,
            until_marked,
            go_on: &go_on,
            known: job.known.clone(),
            turn: Terms::of(self.engine).turn(),
            on_report: &mut on_report,
        };
        let drained = drain(task, source);
        self.results().drained(&job.lane, drained.passed_over + held_back, failed, drained.read_error.as_ref());
        drained
    }

    fn end_lane(
        &self,
        job: &Job,
        resource: &str,
        mut lease: Option<Lease<'a>>,
        (failures, before): (u32, Option<&LockItem>),
        drained: &Drained,
    ) {
        let engine = self.engine;
        let cooldown = engine.config.breaker_cooldown;
        {
            let mut state = self.state();
            if drained.read_error.is_some() {
                state.unreadable.insert(job.lane.clone());
            }
            state.has_progress |=
                drained.sent > 0 || (drained.has_rest && drained.tried > 0 && drained.trouble.is_none());
        }
        if let Some(why) = drained.trouble {
            let (length, count) = pause(cooldown, failures, drained.sent > 0 && why != Why::Marks);
            tracing::warn!(
                target: "postbox", { messaging.destination.name = %job.lane.topic, why = why.name(), pause_ms = length.as_millis() as u64 },
                "a lane is paused"
            );
            // After a stuck call has returned, this process may soon send the topic again.
            engine.sweeping.leave_topic(&job.lane.topic, if drained.sent == 0 { cooldown } else { Duration::ZERO });
            if drained.sent > 0 {
                engine.sweeping.leave_lane(&job.lane, length);
            }
            match &mut lease {
                _ if mutated(Mutation::PauseInMemory) => {}
                Some(lease) => lease.pause_at_end(length, count, why),
                None => {
                    let paused = pause_unleased(engine, resource, &job.lane.topic, (length, count, why));
                    if let Err(error) = paused {
                        tracing::debug!(target: "postbox", { error.message = error.message() }, "a pause could not be written");
                    }
                }
            }
            return;
        }
        if drained.sent > 0
            && let Some(one) = &mut *self.one_lease()
        {
            one.rest_at_end();
        }
        if lease.is_none()
            && let Some(item) = before
        {
            forget_pause(engine, item);
        }
    }

    /// Keeps in memory which messages of a lane wait, if the lane has no other messages after a drain.
    fn note_known(&self, job: &Job, times: Times, drained: Drained) {
        let all_wait = drained.tried == drained.sent + drained.waiting + drained.held_back && !drained.has_rest;
        let is_certain = drained.trouble.is_none() && !drained.is_uncertain;
        // Messages that wait for the confirmations of others can be sent at any time.
        let wait_for_others = self.engine.in_flight.has_accepted(&job.lane.topic, MAX_UNCONFIRMED);
        if !all_wait || !is_certain || wait_for_others || job.lane.group == Group::Other {
            return;
        }
        let heads = drained.heads;
        let is_left = |head: &Sighting| heads.iter().flatten().any(|left| left.id == head.id);
        if heads.as_ref().map_or(drained.sent > 0, Vec::is_empty) {
            return;
        }
        // After a known message was sent, the later messages of its key are unread.
        if !job.known.iter().flat_map(|known| &known.heads).flatten().all(is_left) {
            return;
        }
        let longest = if heads.is_some() { FULL_READ } else { NOTHING_DUE };
        let next = drained.next_due.map_or(longest, |due| due.since(Ticks::now()).min(longest));
        let (now, read_to) = (clock::now(), times.before);
        let until = match &job.known {
            Some(known) => known.until,
            None if heads.is_some() => now + FULL_READ,
            None => now + next,
        };
        self.engine.sweeping.know_lane(&job.lane, Known { heads, read_to, due: now + next, until });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn results(&self) -> MutexGuard<'_, Results<'r>> {
        self.results.lock()
    }

    fn one_lease(&self) -> MutexGuard<'_, Option<Lease<'a>>> {
        self.one_lease.lock()
    }
}
