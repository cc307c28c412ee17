//! The state that a Postbox shares with its units of work and its threads.

pub(crate) mod backlog_limit;
pub(crate) mod breaker;
pub(crate) mod committed;
pub(crate) mod counters;
pub(crate) mod evidence;
pub(crate) mod in_flight;
pub(crate) mod marker;
pub(crate) mod polling;
pub(crate) mod recent;
pub(crate) mod sweeping;
pub(crate) mod unsent_keys;

use crate::engine::backlog_limit::{BacklogLimit, Reserved};
use crate::engine::breaker::Breakers;
use crate::engine::committed::Committed;
use crate::engine::counters::Counters;
use crate::engine::evidence::Evidence;
use crate::engine::in_flight::{Acceptance, InFlight};
use crate::engine::marker::Marker;
use crate::engine::polling::Polling;
use crate::engine::recent::Recent;
use crate::engine::sweeping::Sweeping;
use crate::engine::unsent_keys::UnsentKeys;
use crate::model::config::Config;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::fate::Fate;
use crate::model::message::Message;
use crate::model::stats::{OutstandingCount, Stats};
use crate::model::ticks::Ticks;
use crate::model::trace_context::TraceContext;
use crate::outbox::Outbox;
use crate::outbox::deposit::{CONCURRENT_REQUESTS, Deposited};
use crate::runtime::{Runtime, Task, timed_out};
use crate::sdk::credentials::Renewable;
use crate::transport::Router;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tracing::{Instrument, Span};

/// A function that returns the trace context of the calling thread.
pub(crate) type TraceContextSource = dyn Fn() -> Option<TraceContext> + Send + Sync;

/// The outbox, the runtime that accesses it, and the information that this process has about its messages.
pub(crate) struct Engine {
    pub(crate) config: Config,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) router: Router,
    pub(crate) recent: Recent,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) breakers: Breakers,
    pub(crate) unsent_keys: UnsentKeys,
    pub(crate) evidence: Evidence,
    pub(crate) marker: Marker,
    pub(crate) counters: Arc<Counters>,
    pub(crate) limit: Arc<BacklogLimit>,
    pub(crate) polling: Polling,
    pub(crate) sweeping: Sweeping,
    pub(crate) committed: Committed,
    /// The credentials of requests to AWS. `None` if there are no such requests.
    pub(crate) credentials: Option<Renewable>,
    /// The source of the trace context of the messages that a thread deposits.
    trace_context: Option<Arc<TraceContextSource>>,
    /// The name of the holder in the leases of this process: its host and process.
    pub(crate) holder: String,
    /// The host and the name of this program, which stay the same when the program is started again.
    pub(crate) program: String,
}

impl Engine {
    pub(crate) fn new(
        config: Config,
        runtime: Arc<Runtime>,
        outbox: Arc<Outbox>,
        router: Router,
        credentials: Option<Renewable>,
        trace_context: Option<Arc<TraceContextSource>>,
    ) -> Self {
        let (in_flight, counters, host) = (Arc::default(), Arc::default(), host());
        Self {
            recent: Recent::new(&config),
            breakers: Breakers::new(config.breaker_threshold, config.breaker_cooldown),
            unsent_keys: UnsentKeys::default(),
            evidence: Evidence::default(),
            marker: Marker::new(&outbox, &in_flight, &counters, &config),
            in_flight,
            counters,
            limit: BacklogLimit::new(config.max_outstanding),
            polling: Polling::default(),
            sweeping: Sweeping::default(),
            committed: Committed::default(),
            trace_context,
            holder: format!("{host} {}", std::process::id()),
            program: format!("{host}_{}", program()),
            config,
            runtime,
            outbox,
            router,
            credentials,
        }
    }

    /// Returns the message as it is deposited: with the trace context of the calling thread, unless the message has one.
    pub(crate) fn traced(&self, message: Message) -> Message {
        match self.current_trace_context() {
            Some(context) => context.applied_to(message),
            None => message,
        }
    }

    /// Does the same for many messages, and copies them only if the thread has a trace context.
    pub(crate) fn traced_all<'a>(&self, messages: &'a [Message]) -> Cow<'a, [Message]> {
        match self.current_trace_context() {
            Some(context) => messages.iter().map(|message| context.clone().applied_to(message.clone())).collect(),
            None => Cow::Borrowed(messages),
        }
    }

    fn current_trace_context(&self) -> Option<TraceContext> {
        self.trace_context.as_ref().and_then(|source| source())
    }

    /// Returns the name of the resource that a kind of worker leases. The kinds are Brighter's: `OutboxSweeper` and
    /// `Archiver`.
    pub(crate) fn resource(&self, worker: &str) -> String {
        let group = &self.config.lease_group;
        let group = if group.is_empty() { self.outbox.table() } else { group };
        format!("{group}_{worker}")
    }

    /// Notes that a message was deposited outside a transaction, or that it already existed.
    pub(crate) fn deposited(&self, deposited: Deposited, message: &Message) {
        match deposited {
            Deposited::New => {
                Counters::add(&self.counters.deposited, 1);
                self.recent.add([message.clone()]);
            }
            Deposited::AlreadyThere => Counters::add(&self.counters.duplicates_avoided, 1),
        }
    }

    /// Notes that a message was confirmed as sent. If its producer has not returned yet, the thread that sends it notes
    /// the success.
    pub(crate) fn confirmed_as_sent(&self, id: &str) {
        self.unsent_keys.settle(id);
        if let Some(Acceptance { topic, is_first_try }) = self.in_flight.settle_as_sent(id) {
            self.note_sent(&topic, is_first_try);
        }
    }

    /// Notes that a message of the topic was sent, which closes the breaker of the topic. A first attempt that succeeded
    /// is evidence that the transport works.
    pub(crate) fn note_sent(&self, topic: &str, is_first_try: bool) {
        self.breakers.succeeded(topic);
        if is_first_try {
            self.evidence.note(topic, true);
        }
    }

    /// Notes that a message was confirmed as failed. If the message had not been tried before, this is evidence that
    /// its transport does not work.
    pub(crate) fn confirmed_as_failed(&self, acceptance: Option<Acceptance>, topic: &str, fate: &Fate) {
        let is_first_try = acceptance.map_or_else(|| !fate.is_retried(Ticks::now()), |known| known.is_first_try);
        if is_first_try {
            self.evidence.note(topic, false);
        }
    }

    /// Returns the time limit of a mark. A mark waits for earlier requests, and each request ends at the operation
    /// timeout.
    pub(crate) fn mark_timeout(&self) -> Duration {
        self.operation_timeout().saturating_mul(3).max(Duration::from_secs(1))
    }

    /// Reserves room for messages before they are deposited.
    ///
    /// # Errors
    /// [`ErrorCode::OutboxLimitReached`] if there is not enough room.
    pub(crate) fn reserve(&self, messages: usize) -> Result<Reserved> {
        let mut reserved = Reserved::none(&self.limit);
        reserved.add(messages, self.outbox.outstanding_change())?;
        Ok(reserved)
    }

    /// Notes a count of all outstanding messages. `count_then` is the number of these messages that were created before
    /// the count started. `change_then` is the change by this process to the number of outstanding messages at that
    /// time.
    pub(crate) fn counted(&self, outstanding: OutstandingCount, count_then: u64, change_then: i64) {
        self.limit.counted(count_then, change_then);
        self.counters.counted(outstanding);
    }

    /// Returns the statistics of this Postbox since it was opened.
    pub(crate) fn stats(&self) -> Stats {
        self.counters.read(self.breakers.states(), self.marker.troubles())
    }

    pub(crate) fn operation_timeout(&self) -> Duration {
        self.config.operation_timeout
    }

    /// Runs an operation on the outbox on this thread, and waits for its result up to the operation timeout.
    // The future takes up to 20 KB. If this function were inlined, its caller would reserve this stack for each operation.
    #[inline(never)]
    pub(crate) fn run<T, F>(&self, what: &str, operation: impl FnOnce(Arc<Outbox>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let future = Box::pin(operation(Arc::clone(&self.outbox))).instrument(self.request_span(what));
        let result = self.runtime.run(what, self.operation_timeout(), future);
        result.and_then(|result| result).map_err(|error| self.with_provider(error))
    }

    /// Runs an operation as [`run`](Self::run) does, within a call that was entered, even while the Postbox is being
    /// closed.
    #[inline(never)]
    pub(crate) fn run_to_end<T, F>(&self, what: &str, operation: impl FnOnce(Arc<Outbox>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let future = Box::pin(operation(Arc::clone(&self.outbox))).instrument(self.request_span(what));
        let result = self.runtime.run_inside(what, self.operation_timeout(), future);
        result.and_then(|result| result).map_err(|error| self.with_provider(error))
    }

    /// Returns the error of a request that received no response within the operation timeout.
    pub(crate) fn timed_out(&self, what: &str) -> Error {
        self.with_provider(timed_out(what, self.operation_timeout()))
    }

    /// Adds the provider of credentials to the error of a request that was not sent because it waited for this provider.
    pub(crate) fn with_provider(&self, error: Error) -> Error {
        match self.credentials.as_ref().and_then(Renewable::awaited) {
            Some(provider) if error.code() == ErrorCode::Timeout && !self.outbox.is_embedded() => {
                error.with_text(&format!("; no AWS credentials have arrived yet from this provider: {provider}"))
            }
            _ => error,
        }
    }

    /// Returns the span of an operation on the outbox, according to OpenTelemetry's conventions for databases.
    pub(crate) fn request_span(&self, operation: &str) -> Span {
        tracing::debug_span!(
            target: "postbox",
            "dynamodb",
            otel.kind = "client",
            db.system.name = "aws.dynamodb",
            db.operation.name = operation,
            db.collection.name = self.outbox.table(),
        )
    }

    /// Runs one request for each part, several requests at a time. The operation timeout applies to each request. Calls
    /// `done` with the results in order. The result is `None` if the request received no response in time.
    #[inline(never)]
    pub(crate) fn run_each<P, T, F>(
        &self,
        what: &str,
        parts: impl IntoIterator<Item = P>,
        request: impl Fn(Arc<Outbox>, P) -> F,
        mut done: impl FnMut(Option<T>),
    ) -> Result<()>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let call = self.runtime.enter()?;
        let mut running = VecDeque::with_capacity(CONCURRENT_REQUESTS);
        for part in parts {
            if running.len() >= CONCURRENT_REQUESTS {
                done(running.pop_front().and_then(Task::wait));
            }
            let request = Box::pin(request(Arc::clone(&self.outbox), part)).instrument(self.request_span(what));
            running.push_back(self.runtime.start_task(&call, self.operation_timeout(), request));
        }
        running.into_iter().for_each(|result| done(result.wait()));
        Ok(())
    }
}

fn host() -> String {
    let host = std::env::var("HOSTNAME").ok().filter(|host| !host.is_empty());
    let host = host.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    host.as_deref().map_or("unknown host", str::trim).to_owned()
}

fn program() -> String {
    let path = std::env::current_exe().ok();
    path.as_deref().and_then(std::path::Path::file_name).map_or_else(String::new, |name| name.to_string_lossy().into())
}
