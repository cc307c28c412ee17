//! Marks sent messages for all callers of a Postbox. The marks of several callers are combined into one request. While
//! few requests are in progress, a mark is requested immediately.

use crate::engine::counters::Counters;
use crate::engine::in_flight::InFlight;
use crate::model::config::Config;
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
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

/// If this number of requests is in progress, a mark waits until it can be requested together with other marks.
const EAGER_REQUESTS: usize = 2;
/// The maximum number of requests in progress.
const MOST_REQUESTS: usize = 8;
/// The maximum number of marks without a result. When it is reached, callers wait for the results of their own marks.
const MOST_OPEN: usize = 1000;
/// The maximum number of remembered messages that were sent and could not be marked.
const MOST_UNMARKED: usize = 10_000;

/// The marks of a Postbox that wait or are in progress, and the marks that failed. Clones share the same marks.
#[derive(Clone)]
pub(crate) struct Marker(Arc<Shared>);

struct Shared {
    outbox: Arc<Outbox>,
    in_flight: Arc<InFlight>,
    counters: Arc<Counters>,
    timeout: Duration,
    max_attempts: u64,
    state: Mutex<State>,
    /// A notification that is sent when no marks are open.
    all_answered: Notify,
}

struct State {
    queue: VecDeque<Waiting>,
    /// The number of marks that wait, are in progress, or will be retried.
    open: usize,
    requests: usize,
    /// The maximum number of requests in progress. It is lower after a request was throttled.
    most_requests: usize,
    /// The error of the last marks, if they failed for a reason that does not depend on their messages.
    failure: Option<Error>,
    unmarked: BTreeMap<String, Mark>,
}

/// Marks with their results.
type Answered = Vec<(Waiting, Marked)>;

/// A mark that waits for its request or its result.
struct Waiting {
    mark: Mark,
    tries: u64,
    place: usize,
    /// The channel for the result, or `None` if no caller waits for the result.
    answers: Option<UnboundedSender<(usize, Marked)>>,
}

impl Marker {
    pub(crate) fn new(
        outbox: &Arc<Outbox>,
        in_flight: &Arc<InFlight>,
        counters: &Arc<Counters>,
        config: &Config,
    ) -> Self {
        let state = State {
            queue: VecDeque::new(),
            open: 0,
            requests: 0,
            most_requests: MOST_REQUESTS,
            failure: None,
            unmarked: BTreeMap::new(),
        };
        Self(Arc::new(Shared {
            outbox: Arc::clone(outbox),
            in_flight: Arc::clone(in_flight),
            counters: Arc::clone(counters),
            timeout: config.operation_timeout,
            max_attempts: config.max_request_attempts,
            state: Mutex::new(state),
            all_answered: Notify::new(),
        }))
    }

    /// Marks messages that were sent. Each result is sent to `answers` with the place of its message.
    pub(crate) fn mark(
        &self,
        runtime: &Runtime,
        call: &Call,
        marks: impl IntoIterator<Item = (usize, Mark)>,
        answers: &UnboundedSender<(usize, Marked)>,
    ) {
        let waiting = |(place, mark)| Waiting { mark, tries: 0, place, answers: Some(answers.clone()) };
        self.begin(runtime, call, marks.into_iter().map(waiting).collect());
    }

    /// Marks messages without a caller that waits for the results. Until a message is marked, no other thread of this
    /// process sends it.
    pub(crate) fn mark_in_background(&self, runtime: &Runtime, call: &Call, marks: Vec<Mark>) {
        let waiting = |mark| Waiting { mark, tries: 0, place: 0, answers: None };
        self.begin(runtime, call, marks.into_iter().map(waiting).collect());
    }

    /// Returns whether another mark may be left to the background.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.0.lock();
        state.open < MOST_OPEN && state.failure.is_none()
    }

    /// Returns the number of marks without a result.
    pub(crate) fn open(&self) -> usize {
        self.0.lock().open
    }

    /// Returns the number of messages that this process has sent and could not mark yet, and whether marks fail.
    pub(crate) fn troubles(&self) -> (usize, bool) {
        let state = self.0.lock();
        (state.unmarked.len(), state.failure.is_some())
    }

    /// Waits until every mark has a result.
    pub(crate) async fn all_answered(self) {
        loop {
            let mut answered = pin!(self.0.all_answered.notified());
            answered.as_mut().enable();
            if self.open() == 0 {
                return;
            }
            answered.await;
        }
    }

    fn begin(&self, runtime: &Runtime, call: &Call, marks: Vec<Waiting>) {
        {
            let mut state = self.0.lock();
            state.open += marks.len();
            state.queue.extend(marks);
        }
        while let Some(batch) = self.0.lock().next_batch() {
            runtime.spawn(call, self.clone().send(batch));
        }
    }

    /// Returns whether marks fail, so that no more messages may be sent.
    pub(crate) fn is_failing(&self) -> bool {
        self.0.lock().failure.is_some() && !mutated(Mutation::SentUnmarked)
    }

    /// Returns why sent messages cannot be marked, if marks fail.
    pub(crate) fn failure(&self) -> Option<Error> {
        let failure = self.0.lock().failure.clone()?;
        let text = format!("nothing more is sent, since sent messages cannot be marked: {}", failure.message());
        Some(Error::new(failure.code(), text))
    }

    /// Returns the mark of a message that this process has sent and could not mark.
    pub(crate) fn unmarked(&self, id: &str) -> Option<Mark> {
        self.0.lock().unmarked.get(id).cloned()
    }

    /// Forgets that a message was sent and could not be marked.
    pub(crate) fn forget(&self, id: &str) {
        self.0.lock().unmarked.remove(id);
    }

    /// Returns the messages that must be marked before any other message is sent. The list is empty unless marks fail.
    pub(crate) fn overdue(&self) -> Vec<Mark> {
        let state = self.0.lock();
        if state.failure.is_some() { state.unmarked.values().cloned().collect() } else { Vec::new() }
    }

    /// Notes that marks succeed again, or that no unmarked message is left whose mark could be tried.
    pub(crate) fn trust(&self) {
        self.0.lock().failure = None;
    }

    /// Sends requests one after another, until no mark waits or no further request may be sent.
    fn send(self, first: Vec<Waiting>) -> Sending {
        Box::pin(self.send_all(first))
    }

    async fn send_all(self, first: Vec<Waiting>) {
        let mut next = Some(first);
        while let Some(batch) = next {
            let marks: Vec<Mark> = batch.iter().map(|waiting| waiting.mark.clone()).collect();
            let marked = clock::timeout(self.0.timeout, Arc::clone(&self.0.outbox).mark_once(marks)).await;
            let again = self.0.settle(batch, marked);
            if !again.is_empty() {
                tokio::spawn(self.clone().send_later(again));
            }
            next = self.0.lock().next_batch();
            // More marks may be waiting than one request can contain.
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

/// A request in progress. It is boxed, because otherwise its type would contain itself.
type Sending = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Delivers the results of a request. Returns the marks to retry.
    fn settle(&self, batch: Vec<Waiting>, marked: Option<Vec<Marked>>) -> Vec<Waiting> {
        let mut state = self.lock();
        let (answered, again) = state.settle(batch, marked, self.max_attempts);
        state.open -= answered.len();
        let is_last = state.open == 0;
        drop(state);
        let dispatched = answered.iter().filter(|(_, marked)| matches!(marked, Marked::Dispatched)).count();
        Counters::add(&self.counters.dispatched, dispatched as u64);
        for (waiting, marked) in answered {
            waiting.answer(marked, &self.in_flight);
        }
        if is_last {
            self.all_answered.notify_waiters();
        }
        again
    }
}

impl State {
    /// Takes the marks of the next request, if another request may be sent.
    fn next_batch(&mut self) -> Option<Vec<Waiting>> {
        let eager = self.requests < EAGER_REQUESTS.min(self.most_requests);
        let full = self.queue.len() >= MAX_STATEMENTS && self.requests < self.most_requests;
        if self.queue.is_empty() || !(eager || full) {
            return None;
        }
        let (mut batch, mut ids, mut left) = (Vec::new(), HashSet::new(), VecDeque::new());
        // A request contains a message only once.
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

    /// Records the results of a request. Returns the marks that are finished, and the marks to retry.
    fn settle(
        &mut self,
        batch: Vec<Waiting>,
        marked: Option<Vec<Marked>>,
        max_attempts: u64,
    ) -> (Answered, Vec<Waiting>) {
        self.requests -= 1;
        let mut answered = Vec::with_capacity(batch.len());
        let mut answers = marked.unwrap_or_default().into_iter();
        let (mut again, mut worked, mut failure) = (Vec::new(), false, None);
        let mut throttled = false;
        for mut waiting in batch {
            let no_answer = || Error::new(ErrorCode::Timeout, "no response within operation_timeout_ms").retryable();
            let answer = answers.next().unwrap_or_else(|| Marked::Failed(no_answer()));
            let Marked::Failed(error) = &answer else {
                worked = true;
                self.unmarked.remove(&waiting.mark.id);
                answered.push((waiting, answer));
                continue;
            };
            throttled |= error.code() == ErrorCode::Throttled;
            waiting.tries += 1;
            // The SDK has already retried a request that received no response.
            if error.code() == ErrorCode::Throttled && waiting.tries < max_attempts {
                again.push(waiting);
                continue;
            }
            if error.is_retryable() || error.code() == ErrorCode::AccessDenied {
                failure = Some(error.clone());
            }
            if self.unmarked.len() < MOST_UNMARKED {
                self.unmarked.insert(waiting.mark.id.clone(), waiting.mark.clone());
            }
            answered.push((waiting, answer));
        }
        self.most_requests = if throttled { 1 } else { (self.most_requests * 2).min(MOST_REQUESTS) };
        let before = self.failure.take();
        self.failure = if worked { before.filter(|_| !self.unmarked.is_empty()) } else { failure.or(before) };
        (answered, again)
    }
}

impl Waiting {
    fn answer(self, marked: Marked, in_flight: &InFlight) {
        if let Some(answers) = self.answers {
            // The caller may have stopped waiting.
            let _ = answers.send((self.place, marked));
            return;
        }
        if let Marked::Failed(error) = marked {
            tracing::warn!(
                target: "postbox", { messaging.message.id = %self.mark.id, error.message = error.message() },
                "a message was sent and could not be marked in the background: it will be marked or sent again later"
            );
        }
        in_flight.settle(&self.mark.id);
    }
}
