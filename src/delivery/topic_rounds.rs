//! What a sweep found, topic by topic: several topics at once, each on a thread of its own, so
//! that one whose transport is slow or dead does not hold up the others.

use crate::delivery::sender::{Delivery, For};
use crate::engine::Engine;
use crate::model::report::{OnBatch, SweepReport};
use crate::outbox::outstanding::Sighting;
use crate::runtime::Call;
use crate::sys::clock;
use crate::sys::sync::Mutex;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

/// After how long a topic that is still being sent, alone, is left for the next round: others may have messages by then.
const ROUND: Duration = Duration::from_secs(5);

/// The topics of a sweep, and what it knows of each.
pub(crate) struct Topics<'a> {
    engine: &'a Engine,
    call: &'a Call<'a>,
    deliveries: HashMap<String, Delivery<'a>>,
    /// Topics that were passed over since their breaker was open: what comes later must not overtake.
    passed_over: HashSet<String>,
}

/// The ids of one topic that are still to be sent, oldest first.
struct Pending<'a> {
    topic: String,
    ids: VecDeque<String>,
    delivery: Delivery<'a>,
}

/// One round: what its threads share.
struct Round<'a, 'r> {
    began: Instant,
    ends: Option<Instant>,
    batch: usize,
    state: Mutex<State<'a>>,
    sink: Mutex<(&'r mut SweepReport, &'r mut OnBatch<'r>)>,
}

#[derive(Default)]
struct State<'a> {
    waiting: VecDeque<Pending<'a>>,
    done: Vec<Pending<'a>>,
    /// A thread has found nothing left to take.
    has_idle_thread: bool,
}

impl<'a> Topics<'a> {
    pub(crate) fn new(engine: &'a Engine, call: &'a Call<'a>) -> Self {
        Self { engine, call, deliveries: HashMap::new(), passed_over: HashSet::new() }
    }

    /// Sends what was found, oldest first in each topic, as long as `go_on` says so and until `ends`.
    /// `false`: some was left, to be found again.
    pub(crate) fn deliver<'r>(
        &mut self,
        found: Vec<Sighting>,
        ends: Option<Instant>,
        (report, on_batch): (&'r mut SweepReport, &'r mut OnBatch<'r>),
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> bool {
        let waiting = self.group(found, report);
        let threads = waiting.len().min(self.engine.config.sweep_threads as usize);
        let round = Round {
            began: clock::now(),
            ends,
            batch: self.engine.config.sweep_batch as usize,
            state: Mutex::new(State { waiting, ..State::default() }),
            sink: Mutex::new((report, on_batch)),
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                let thread = std::thread::Builder::new().name("postbox-sweeper".into());
                if let Err(error) = thread.spawn_scoped(scope, || round.work(go_on)) {
                    tracing::warn!(target: "postbox", { error.message = %error }, "a thread for another topic could not be started: topics are sent one after the other");
                }
            }
            round.work(go_on);
        });
        let state = round.state.into_inner();
        let is_complete = state.done.iter().all(|pending| pending.ids.is_empty());
        self.deliveries.extend(state.done.into_iter().map(|pending| (pending.topic, pending.delivery)));
        is_complete
    }

    /// By topic, but for those whose breaker is open: they are not even read.
    fn group(&mut self, found: Vec<Sighting>, report: &mut SweepReport) -> VecDeque<Pending<'a>> {
        let mut places = HashMap::new();
        let mut waiting: VecDeque<Pending<'a>> = VecDeque::new();
        for Sighting { topic, id, .. } in found {
            let place = *places.entry(topic.clone()).or_insert_with(|| {
                let delivery = self.deliveries.remove(&*topic);
                let delivery = delivery.unwrap_or_else(|| Delivery::new(self.engine, self.call, For::Sweep));
                waiting.push_back(Pending { topic: topic.to_string(), ids: VecDeque::new(), delivery });
                waiting.len() - 1
            });
            if let Some(pending) = waiting.get_mut(place) {
                pending.ids.push_back(id);
            }
        }
        waiting.retain(|pending| {
            if self.passed_over.contains(&pending.topic) || self.engine.breakers.is_open(&pending.topic) {
                self.passed_over.insert(pending.topic.clone());
                report.pass_over(pending.ids.len() as u64);
                return false;
            }
            true
        });
        waiting
    }
}

impl<'a> Round<'a, '_> {
    /// What each thread does: a batch of one topic after the other, until nothing is left.
    fn work(&self, go_on: &(dyn Fn() -> bool + Sync)) {
        while let Some(mut pending) = self.take() {
            let next = pending.ids.len().min(self.batch);
            let ids: Vec<String> = pending.ids.drain(..next).collect();
            let sent = pending.delivery.run(&ids, || !self.leaves_rest() && go_on());
            let mut sink = self.sink.lock();
            sink.0.add(&sent);
            (sink.1)(&sent);
            drop(sink);
            let is_over = pending.ids.is_empty() || self.leaves_rest() || self.has_ended() || !go_on();
            let mut state = self.state.lock();
            if is_over { state.done.push(pending) } else { state.waiting.push_back(pending) }
        }
    }

    fn take(&self) -> Option<Pending<'a>> {
        let mut state = self.state.lock();
        let pending = state.waiting.pop_front();
        state.has_idle_thread |= pending.is_none();
        pending
    }

    /// Whether the other topics are done, and have been kept waiting for long enough.
    fn leaves_rest(&self) -> bool {
        clock::since(self.began) > ROUND && self.state.lock().has_idle_thread
    }

    fn has_ended(&self) -> bool {
        self.ends.is_some_and(|ends| clock::now() > ends)
    }
}
