//! A drain: the part of a sweep in which one thread sends the messages of one lane, which is a group of shards of a
//! topic. A drain ends when the lane is empty, when sending or marking fails, when the lease is lost, or when the turn
//! of the lane is over.

use crate::delivery::order::{Order, Turn, probe_size, retried_line, retried_of_probe};
use crate::delivery::poll::Times;
use crate::delivery::reading::{Reading, Unread};
use crate::delivery::record::record;
use crate::delivery::sender::{Candidate, For, Held, Sender};
use crate::delivery::source::Source;
use crate::delivery::stuck::{CalledFor, Calls};
use crate::engine::Engine;
use crate::engine::sweeping::Known;
use crate::model::error::Error;
use crate::model::fate::Fate;
use crate::model::report::{DispatchOutcome, DispatchReport};
use crate::model::ticks::Ticks;
use crate::outbox::attempts::Attempt;
use crate::outbox::lock_table::Why;
use crate::outbox::read::MAX_BATCH_GET;
use crate::outbox::sightings::Sighting;
use crate::runtime::Call;
use crate::sys::clock;
use crate::sys::simulation::{Mutation, mutated};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The number of fresh messages that are found before the first message is sent. A fresh message was not tried before.
const SEEN_FIRST: usize = 200;
/// The maximum number of retried messages, and of messages behind them, that are kept in memory while fresh messages
/// are sent.
const MAX_RETRIED: usize = 2_000;
/// The number of retried messages that are sent before the fresh messages.
const RETRIED_FIRST: usize = 10;
/// The number of bodies in the first read. The number doubles after each small read.
const FIRST_READ: usize = 4;
/// The maximum size of a small read, in bytes.
const SMALL_READ: usize = 512 * 1024;
/// The maximum number of messages that wait themselves and are kept in memory after a drain.
const MAX_HEADS: usize = 200;
/// The length of a claim, as a multiple of the duration of a lease. A claim is a wait that is written to the item of a
/// message before the message is sent, so that no other process sends the message. If the sender crashes, the claimed
/// message may be the cause.
const CLAIM_LEASES: u32 = 2;

/// The lane to drain, and the conditions of the drain.
pub(crate) struct Task<'a, 'p> {
    pub(crate) engine: &'a Engine,
    pub(crate) call: &'a Call,
    pub(crate) times: Times,
    /// The number of consecutive failed probes of the lane. A probe is the first drain after a pause of the lane, and
    /// tests whether its transport works again. If the number is above 0, this drain is a probe.
    pub(crate) failures: u32,
    /// The calls of the sweep, if another thread of the sweep watches them.
    pub(crate) watched: Option<(&'p Calls, Arc<CalledFor>)>,
    /// Whether each message is claimed before it is sent, because the last holder of the lease crashed or could not mark
    /// the messages that it sent.
    pub(crate) is_careful: bool,
    /// Whether messages are no longer claimed after the first mark that succeeds.
    pub(crate) until_marked: bool,
    /// A function that is called before each send and between requests. It returns whether to continue.
    pub(crate) go_on: &'p dyn Fn() -> bool,
    /// The messages that are known to wait. If this is set, the drain reads only newer messages.
    pub(crate) known: Option<Arc<Known>>,
    /// The maximum time from the first send to the end of the drain. The time is limited so that other lanes are
    /// drained too.
    pub(crate) turn: Duration,
    /// A function that is called with the outcomes of each batch.
    pub(crate) on_report: &'p mut dyn FnMut(&DispatchReport),
}

/// The result of a drain.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    pub(crate) tried: u64,
    pub(crate) sent: u64,
    /// The number of messages that were found and not tried.
    pub(crate) passed_over: u64,
    /// The number of messages that were tried and now wait for their next attempts.
    pub(crate) waiting: u64,
    /// The number of messages that were read and not tried, because an older message with their key failed.
    pub(crate) held_back: u64,
    /// Whether the index showed messages as due that could not be tried, for example because they were sent meanwhile.
    pub(crate) is_uncertain: bool,
    pub(crate) trouble: Option<Why>,
    /// Whether a call of a producer did not return in time.
    pub(crate) is_stuck: bool,
    /// Whether the lane may still have messages that are due.
    pub(crate) has_rest: bool,
    /// The time at which the first waiting message is due.
    pub(crate) next_due: Option<Ticks>,
    /// The error for which messages of the lane could not be read.
    pub(crate) read_error: Option<Error>,
    /// The messages that wait themselves, or `None` if there are too many to be kept in memory.
    pub(crate) heads: Option<Vec<Sighting>>,
}

/// A running drain.
struct Drain<'a, 's, 'd> {
    task: &'s mut Task<'a, 'd>,
    source: Source<'a>,
    order: Order,
    fresh: VecDeque<Sighting>,
    retried: Vec<Sighting>,
    /// The messages that are sent after an older, retried message with the same partition key, in the order of their
    /// creation times.
    behind: Vec<Sighting>,
    /// Whether messages were found behind retried ones that this drain does not send.
    has_more_behind: bool,
    /// The messages that wait themselves and those that were tried and not sent, by id, or `None` if there are too many.
    left: Option<HashMap<String, Sighting>>,
    at_once: usize,
    is_over: bool,
    /// The time of the first send.
    began: Option<Instant>,
    drained: Drained,
}

/// Sends the messages of a lane that are due.
pub(crate) fn drain<'a>(mut task: Task<'a, '_>, source: Source<'a>) -> Drained {
    let (engine, call, go_on) = (task.engine, task.call, task.go_on);
    let (mut held, mut tallies) = (Held::default(), BTreeMap::new());
    let order = Order::new(task.times.now);
    let mut drain = Drain {
        source,
        order,
        fresh: VecDeque::new(),
        retried: Vec::new(),
        behind: Vec::new(),
        has_more_behind: false,
        left: Some(HashMap::new()),
        at_once: FIRST_READ.min(usize::try_from(engine.config.sweep_batch).unwrap_or(MAX_BATCH_GET)),
        is_over: false,
        began: None,
        drained: Drained::default(),
        task: &mut task,
    };
    drain.see(SEEN_FIRST);
    if drain.fresh.is_empty() && drain.retried.is_empty() {
        drain.drained.has_rest = drain.source.is_incomplete || drain.is_over;
        return drain.end();
    }
    let mut sender = Sender::new(engine, call, For::Drain, (&mut held, &mut tallies), go_on);
    if let Some((calls, called_for)) = drain.task.watched.take() {
        sender.watch(calls, called_for);
    }
    if drain.task.failures == 0 {
        drain.take_turns(&mut sender);
    } else {
        drain.probe(&mut sender);
    }
    let mut drained = drain.finish(sender);
    for (topic, tally) in &mut tallies {
        for (id, next) in tally.settle(engine, topic, drained.trouble.is_some()) {
            drained.waiting += 1;
            drained.next_due = drained.next_due.into_iter().chain([next]).min();
            if let Some(head) = drained.heads.iter_mut().flatten().find(|head| head.id == id) {
                head.fate.next_attempt = Some(next);
                head.fate.first_failed.get_or_insert(next);
            }
        }
    }
    drained
}

impl<'a> Drain<'a, '_, '_> {
    /// Sends ten retried messages, then the fresh messages in the order of time, and then the other retried messages. A
    /// drain that claims its messages sends all retried messages last, because a retried message may have crashed
    /// another process and may crash this one.
    fn take_turns(&mut self, sender: &mut Sender<'a, '_>) {
        if !self.task.is_careful || mutated(Mutation::CrashersFirst) {
            self.retried.sort_by_key(|sighting| sighting.fate.next_attempt);
            let others = self.retried.split_off(self.retried.len().min(RETRIED_FIRST));
            let first = std::mem::replace(&mut self.retried, others);
            // Failures of retried messages do not show whether the transport works.
            self.send(sender, first.into(), u64::MAX);
        }
        sender.give_up_after(probe_size(0));
        self.send_fresh(sender, u64::MAX);
        let rest = self.take_retried();
        self.send(sender, rest, u64::MAX);
    }

    /// Takes the retried messages and the messages behind them. If this drain claims its messages, the messages with
    /// the fewest counted failures come first, because a crash of a sender can count as a failure.
    fn take_retried(&mut self) -> VecDeque<Sighting> {
        let (retried, behind, now) =
            (std::mem::take(&mut self.retried), std::mem::take(&mut self.behind), Ticks::now());
        let crashes = |sighting: &Sighting| sighting.fate.failures(now).counted;
        retried_line(retried, behind, self.task.is_careful.then_some(&crashes))
    }

    /// Sends some fresh and some retried messages. After the first success, sends all messages.
    fn probe(&mut self, sender: &mut Sender<'a, '_>) {
        let failures = self.task.failures;
        sender.give_up_after(probe_size(failures));
        self.send_fresh(sender, probe_size(failures));
        let rest = self.take_retried();
        let most = if sender.sent_count() > 0 { u64::MAX } else { retried_of_probe(failures) };
        self.send(sender, rest, most);
        if sender.sent_count() > 0 && !self.fresh.is_empty() {
            self.send_fresh(sender, u64::MAX);
        }
    }

    /// Sends fresh messages as they are found: up to `most` messages, or all messages as soon as one message was sent.
    fn send_fresh(&mut self, sender: &mut Sender<'a, '_>, most: u64) {
        let tried = self.drained.tried;
        loop {
            self.see(self.at_once.saturating_mul(2));
            let left = if sender.sent_count() > 0 { u64::MAX } else { most.saturating_sub(self.drained.tried - tried) };
            if self.fresh.is_empty() || left == 0 || self.has_ended(sender) {
                return;
            }
            let next = std::mem::take(&mut self.fresh);
            let tried_before = self.drained.tried;
            self.send(sender, next, left);
            // A probe does not read on for keys that are not held back.
            if most < u64::MAX && sender.sent_count() == 0 && self.drained.tried == tried_before {
                return;
            }
        }
    }

    /// Reads more of the lane until `wanted` fresh messages are known or no further message is found. Sorts the
    /// messages by their turns.
    fn see(&mut self, wanted: usize) {
        while self.fresh.len() < wanted {
            let Some(sighting) = self.source.next(self.task.go_on) else {
                return;
            };
            // This process has no producer for the message.
            if self.task.engine.router.route(&sighting.producer_topic).is_none() {
                self.drained.passed_over += 1;
                continue;
            }
            match self.order.turn(&sighting) {
                Turn::Fresh => self.fresh.push_back(sighting),
                Turn::Retried if self.retried.len() < MAX_RETRIED => self.retried.push(sighting),
                Turn::Waits => {
                    self.drained.passed_over += 1;
                    if sighting.fate.is_waiting(self.task.times.now) {
                        self.keep(&sighting);
                    }
                    let due = sighting.fate.next_attempt;
                    self.drained.next_due = self.drained.next_due.into_iter().chain(due).min();
                }
                // If older messages of the key may be unread, the lane is read in full after the retried message was
                // sent.
                Turn::Behind if self.behind.len() < MAX_RETRIED && self.reads_all() => {
                    self.behind.push(sighting);
                }
                turn => {
                    self.order.wait(&sighting);
                    self.drained.passed_over += 1;
                    self.drained.has_rest |= turn == Turn::Retried;
                    self.has_more_behind |= turn == Turn::Behind;
                }
            }
        }
    }

    /// Returns whether the drain reads all messages of the lane, and not only new ones.
    fn reads_all(&self) -> bool {
        self.task.known.is_none() || mutated(Mutation::UnreadOvertaken)
    }

    /// Sends these messages, a few at a time, and reads the next bodies at the same time. Messages that were not tried
    /// are put back into the queue of fresh messages.
    fn send(&mut self, sender: &mut Sender<'a, '_>, mut line: VecDeque<Sighting>, most: u64) {
        let mut left = usize::try_from(most).unwrap_or(usize::MAX);
        let mut next = self.read(sender, &mut line, left);
        while let Some((reading, asked)) = next.take() {
            let asked_count = asked.len();
            left = if sender.sent_count() > 0 { usize::MAX } else { left.saturating_sub(asked_count) };
            if !self.has_ended(sender) {
                next = self.read(sender, &mut line, left);
            }
            let (candidates, unread) = reading.finish(sender);
            let unread_count = unread.as_ref().map_or(0, |unread| unread.places.len());
            if let Some(Unread { places, error }) = unread {
                // To keep the order, the messages after an unread message are not sent either. The unread messages and
                // the later ones are read again in smaller parts.
                let ahead = next.take().map(|(_, asked)| asked).unwrap_or_default();
                let again = asked.into_iter().filter(|(place, _)| places.contains(place)).chain(ahead);
                for (place, sighting) in again.collect::<Vec<_>>().into_iter().rev() {
                    sender.outcomes.forget(place);
                    line.push_front(sighting);
                }
                if self.at_once == 1 || error.fails_at_any_size() {
                    self.is_over = true;
                    self.drained.read_error = Some(error);
                }
                self.at_once = (self.at_once / 2).max(1);
            } else {
                let bytes: usize = candidates.iter().map(|candidate| candidate.message.body().len()).sum();
                self.at_once = match bytes {
                    0..=SMALL_READ => (self.at_once * 2).min(self.most_at_once()),
                    _ => self.at_once.div_ceil(2),
                };
            }
            self.drained.tried += candidates.len() as u64;
            self.drained.is_uncertain |= candidates.len() + unread_count < asked_count;
            self.offer(sender, candidates);
            self.report(&sender.take());
            if self.has_ended(sender) {
                let unsent = next.take().map(|(_, asked)| asked).unwrap_or_default();
                for (place, sighting) in unsent.into_iter().rev() {
                    sender.outcomes.forget(place);
                    line.push_front(sighting);
                }
                break;
            }
            if next.is_none() {
                next = self.read(sender, &mut line, left);
            }
        }
        if !line.is_empty() {
            self.drained.has_rest = true;
            line.extend(std::mem::take(&mut self.fresh));
            self.fresh = line;
        }
    }

    /// Starts to read the next bodies.
    fn read(
        &mut self,
        sender: &mut Sender<'a, '_>,
        line: &mut VecDeque<Sighting>,
        most: usize,
    ) -> Option<(Reading<'a>, Vec<(usize, Sighting)>)> {
        let mut asked: Vec<(usize, Sighting)> = Vec::new();
        while asked.len() < self.at_once.min(most)
            && let Some(sighting) = line.pop_front()
        {
            // The message need not be read, because an older message with its key could not be sent.
            if sender.held.holds_key(&sighting.topic, &sighting.key) {
                self.drained.passed_over += 1;
                continue;
            }
            self.keep(&sighting);
            asked.push((sender.outcomes.open(&sighting.id), sighting));
        }
        if asked.is_empty() {
            return None;
        }
        let ids: Vec<(usize, String)> = asked.iter().map(|(place, sighting)| (*place, sighting.id.clone())).collect();
        Some((Reading::start(self.task.engine, self.task.call, For::Drain, ids, None), asked))
    }

    fn most_at_once(&self) -> usize {
        usize::try_from(self.task.engine.config.sweep_batch).map_or(MAX_BATCH_GET, |most| most.min(MAX_BATCH_GET))
    }

    fn offer(&mut self, sender: &mut Sender<'a, '_>, candidates: Vec<Candidate<'a>>) {
        // The turn begins with the first send. If it began with the first read, a lane that takes longer than a turn to
        // read would never be sent.
        self.began.get_or_insert_with(clock::now);
        if self.task.is_careful && self.task.until_marked && sender.has_marked() {
            self.task.is_careful = false;
        }
        if !self.task.is_careful {
            candidates.into_iter().for_each(|candidate| sender.offer(candidate));
            return sender.flush();
        }
        let now = Ticks::now();
        let mut batches: Vec<Vec<Candidate<'a>>> = Vec::new();
        for candidate in candidates {
            // A message that was tried before may be the cause of a crash, so it is sent alone.
            let is_alone = |candidate: &Candidate<'_>| candidate.fate.is_retried(now);
            match batches.last_mut().filter(|batch| !is_alone(&batch[0]) && !is_alone(&candidate)) {
                Some(batch) => batch.push(candidate),
                None => batches.push(vec![candidate]),
            }
        }
        for batch in batches {
            // This is checked before the claim, because no process may send a claimed message before the claim ends.
            if self.has_ended(sender) {
                return;
            }
            let (held, free) = batch.into_iter().partition(|candidate| sender.held.holds(&candidate.message));
            for candidate in Vec::into_iter(held).chain(claim(self.task.engine, sender.held, free)) {
                sender.offer(candidate);
            }
            sender.flush();
        }
    }

    /// Keeps a message that waits, or that may wait after this drain.
    fn keep(&mut self, sighting: &Sighting) {
        if let Some(left) = &mut self.left {
            left.insert(sighting.id.clone(), sighting.clone());
            // Messages of one key are tried one after another, so that most of them are removed again soon.
            if left.len() > MAX_HEADS + 2 * MAX_BATCH_GET {
                self.left = None;
            }
        }
    }

    /// Reports the outcomes of a batch. The messages that are done are not kept.
    fn report(&mut self, report: &DispatchReport) {
        use DispatchOutcome::{
            Accepted, AlreadyDispatched, Dispatched, HeldBack, MarkFailed, NotFound, Parked, Rejected,
        };
        for entry in report.entries() {
            match entry.outcome {
                Dispatched | AlreadyDispatched | HeldBack | MarkFailed | NotFound | Parked | Rejected => {
                    self.left.as_mut().map(|left| left.remove(&entry.id));
                    self.drained.held_back += u64::from(entry.outcome == HeldBack);
                }
                // It is not known when the message will be confirmed, and when later messages of its key are due.
                Accepted => self.left = None,
                _ => {}
            }
        }
        (self.task.on_report)(report);
    }

    fn has_ended(&mut self, sender: &Sender<'_, '_>) -> bool {
        let turn_ends = self.began.is_some_and(|began| clock::since(began) > self.task.turn);
        self.is_over |= !(self.task.go_on)() || sender.is_in_trouble() || turn_ends;
        self.drained.has_rest |= self.is_over;
        self.is_over
    }

    /// Waits for the marks, and writes the failed attempts to the items.
    fn finish(mut self, mut sender: Sender<'a, '_>) -> Drained {
        let engine = self.task.engine;
        self.drained.passed_over += (self.fresh.len() + self.retried.len() + self.behind.len()) as u64;
        // The retried messages that are left were found after the others had been taken.
        let has_more = self.has_more_behind || !self.retried.is_empty() || !self.behind.is_empty();
        self.drained.has_rest |= self.source.is_incomplete || (has_more && sender.sent_count() > 0);
        sender.flush();
        let (sent, is_in_trouble) = (sender.sent_count(), sender.is_in_trouble());
        self.drained.is_stuck = sender.is_stuck();
        self.report(&sender.finish());
        self.drained.sent = sent;
        let is_failed_probe = self.task.failures > 0 && self.drained.tried > 0 && sent == 0;
        // If nothing was sent, it is not known whether marks succeed again. The next process that drains the lane must
        // claim its messages too.
        let is_unmarked_still = is_failed_probe && self.task.is_careful && self.task.until_marked;
        self.drained.trouble = match () {
            () if engine.marker.is_failing() || is_unmarked_still => Some(Why::Marks),
            () if is_in_trouble || is_failed_probe => Some(Why::Transport),
            () => None,
        };
        self.end()
    }

    fn end(mut self) -> Drained {
        let heads: Option<Vec<Sighting>> = self.left.take().map(|left| left.into_values().collect());
        self.drained.read_error = self.drained.read_error.or(self.source.failed);
        self.drained.heads = heads.filter(|heads| heads.len() <= MAX_HEADS);
        self.drained
    }
}

/// Claims messages before they are sent. Returns the messages that were claimed successfully. The keys of the others are
/// held back.
fn claim<'a>(engine: &Engine, held: &mut Held, candidates: Vec<Candidate<'a>>) -> Vec<Candidate<'a>> {
    let now = Ticks::now();
    let claimed_for = engine.config.lease_duration * CLAIM_LEASES;
    let claims: Vec<(String, Fate, Attempt)> = candidates
        .iter()
        .map(|candidate| {
            let failures = candidate.fate.failures(now);
            let counted = failures.counted + u32::from(candidate.fate.is_retried(now));
            // The end of a claim varies at random, so that each sender recognizes its own claim.
            let next = now.plus(claimed_for + Duration::from_nanos(fastrand::u64(0..1_000_000)));
            let claim = Attempt::Claimed { next, first: failures.first.unwrap_or(now), counted };
            (candidate.message.id().to_owned(), candidate.fate, claim)
        })
        .collect();
    let written = record(engine, &claims);
    let mut claimed = Vec::with_capacity(candidates.len());
    for ((mut candidate, (_, _, claim)), written) in candidates.into_iter().zip(claims).zip(written) {
        let is_ours = written.is_some_and(|written| claim.is_written(&written));
        match claim {
            Attempt::Claimed { next, first, counted } if is_ours => {
                candidate.fate.claim(now, next, first, counted);
                claimed.push(candidate);
            }
            _ => held.hold(&candidate.message),
        }
    }
    claimed
}
