//! Marks what was sent, for all callers of a Postbox together: they share requests, and no mark waits for company.

use crate::model::error::{Error, ErrorCode};
use crate::outbox::Outbox;
use crate::outbox::mark::{Mark, Marked};
use crate::outbox::partiql::MAX_STATEMENTS;
use crate::runtime::{Call, Runtime};
use crate::sdk::retry::Retry;
use crate::sys::clock;
use crate::sys::simulation::{Mutation, mutated};
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// So many requests are under way before a mark waits for others to share one.
const EAGER_REQUESTS: usize = 2;
/// So many requests are under way at most.
const MOST_REQUESTS: usize = 8;
/// So many messages that were sent and could not be marked are remembered.
const MOST_UNMARKED: usize = 10_000;

/// The marks of a Postbox that wait or are under way, and those that failed. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Marker(Arc<Shared>);

struct Shared {
    outbox: Arc<Outbox>,
    timeout: Duration,
    max_attempts: u64,
    state: Mutex<State>,
}

struct State {
    queue: VecDeque<Waiting>,
    requests: usize,
    /// How many requests may be under way: fewer after one was throttled.
    most_requests: usize,
    /// The last marks failed, and not for a fault of their messages.
    is_failing: bool,
    unmarked: BTreeMap<String, Mark>,
}

/// A mark that waits for its request, or for its answer.
struct Waiting {
    mark: Mark,
    tries: u64,
    place: usize,
    answers: UnboundedSender<(usize, Marked)>,
}

impl Marker {
    pub(crate) fn new(outbox: &Arc<Outbox>, timeout: Duration, max_attempts: u64) -> Self {
        let state = State {
            queue: VecDeque::new(),
            requests: 0,
            most_requests: MOST_REQUESTS,
            is_failing: false,
            unmarked: BTreeMap::new(),
        };
        Self(Arc::new(Shared { outbox: Arc::clone(outbox), timeout, max_attempts, state: Mutex::new(state) }))
    }

    /// Marks messages that were sent. The answers come with the places that are given here.
    pub(crate) fn mark(
        &self,
        runtime: &Runtime,
        call: &Call<'_>,
        marks: impl IntoIterator<Item = (usize, Mark)>,
        answers: &UnboundedSender<(usize, Marked)>,
    ) {
        let waiting =
            marks.into_iter().map(|(place, mark)| Waiting { mark, tries: 0, place, answers: answers.clone() });
        self.0.lock().queue.extend(waiting);
        while let Some(batch) = self.0.lock().next_batch() {
            runtime.spawn(call, self.clone().send(batch));
        }
    }

    /// Returns whether marks fail, so that nothing more may be sent.
    pub(crate) fn is_failing(&self) -> bool {
        self.0.lock().is_failing && !mutated(Mutation::SentUnmarked)
    }

    /// Returns the mark of a message that this process has sent and could not mark.
    pub(crate) fn unmarked(&self, id: &str) -> Option<Mark> {
        self.0.lock().unmarked.get(id).cloned()
    }

    /// Returns the messages that are to be marked before anything else is sent, while marks fail.
    pub(crate) fn overdue(&self) -> Vec<Mark> {
        let state = self.0.lock();
        if state.is_failing { state.unmarked.values().cloned().collect() } else { Vec::new() }
    }

    /// Marks work again, or there is nothing that could tell.
    pub(crate) fn trust(&self) {
        self.0.lock().is_failing = false;
    }

    /// Sends one request after the other until no mark waits that it may take.
    fn send(self, first: Vec<Waiting>) -> Sending {
        Box::pin(self.send_all(first))
    }

    async fn send_all(self, first: Vec<Waiting>) {
        let mut next = Some(first);
        while let Some(batch) = next {
            let marks: Vec<Mark> = batch.iter().map(|waiting| waiting.mark.clone()).collect();
            let marked = clock::timeout(self.0.timeout, Arc::clone(&self.0.outbox).mark_once(marks)).await;
            let again = self.0.lock().settle(batch, marked, self.0.max_attempts);
            if !again.is_empty() {
                tokio::spawn(self.clone().send_later(again));
            }
            next = self.0.lock().next_batch();
            // More may wait than one request takes.
            while let Some(more) = self.0.lock().next_batch() {
                tokio::spawn(self.clone().send(more));
            }
        }
    }

    async fn send_later(self, again: Vec<Waiting>) {
        let tries = again.iter().map(|waiting| waiting.tries).max().unwrap_or(1);
        Retry::pause(tries).await;
        self.0.lock().queue.extend(again);
        while let Some(batch) = self.0.lock().next_batch() {
            tokio::spawn(self.clone().send(batch));
        }
    }
}

/// A request under way, whose type would contain itself.
type Sending = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    /// Takes the marks of the next request, if one may begin.
    fn next_batch(&mut self) -> Option<Vec<Waiting>> {
        let eager = self.requests < EAGER_REQUESTS.min(self.most_requests);
        let full = self.queue.len() >= MAX_STATEMENTS && self.requests < self.most_requests;
        if self.queue.is_empty() || !(eager || full) {
            return None;
        }
        let (mut batch, mut ids, mut left) = (Vec::new(), HashSet::new(), VecDeque::new());
        // A message is in a request at most once.
        for waiting in std::mem::take(&mut self.queue) {
            if batch.len() < MAX_STATEMENTS && ids.insert(waiting.mark.id.clone()) {
                batch.push(waiting);
            } else {
                left.push_back(waiting);
            }
        }
        self.queue = left;
        self.requests += 1;
        Some(batch)
    }

    /// Hands over the answers of a request. Returns the marks that are to be tried again.
    fn settle(&mut self, batch: Vec<Waiting>, marked: Option<Vec<Marked>>, max_attempts: u64) -> Vec<Waiting> {
        self.requests -= 1;
        let mut answers = marked.unwrap_or_default().into_iter();
        let (mut again, mut worked, mut failed) = (Vec::new(), false, false);
        let mut throttled = false;
        for mut waiting in batch {
            let no_answer = || Error::new(ErrorCode::Timeout, "no answer within operation_timeout_ms").retryable();
            let answer = answers.next().unwrap_or_else(|| Marked::Failed(no_answer()));
            let Marked::Failed(error) = &answer else {
                worked = true;
                self.unmarked.remove(&waiting.mark.id);
                waiting.answer(answer);
                continue;
            };
            throttled |= error.code() == ErrorCode::Throttled;
            waiting.tries += 1;
            // A request that had no answer was tried again by the SDK.
            if error.code() == ErrorCode::Throttled && waiting.tries < max_attempts {
                again.push(waiting);
                continue;
            }
            failed |= error.is_retryable() || error.code() == ErrorCode::AccessDenied;
            if self.unmarked.len() < MOST_UNMARKED {
                self.unmarked.insert(waiting.mark.id.clone(), waiting.mark.clone());
            }
            waiting.answer(answer);
        }
        self.most_requests = if throttled { 1 } else { (self.most_requests * 2).min(MOST_REQUESTS) };
        self.is_failing = if worked { self.is_failing && !self.unmarked.is_empty() } else { self.is_failing || failed };
        again
    }
}

impl Waiting {
    fn answer(&self, marked: Marked) {
        // Whoever asked may have given it up.
        let _ = self.answers.send((self.place, marked));
    }
}
