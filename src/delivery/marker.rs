//! Marks what was sent, 25 a request, while the next messages are being sent.

use crate::engine::Engine;
use crate::engine::in_flight::Claim;
use crate::model::report::{DispatchOutcome, DispatchReport};
use crate::model::ticks::Ticks;
use crate::outbox::mark::Marked;
use crate::outbox::partiql::MAX_STATEMENTS;
use crate::runtime::{Call, Task};
use crate::sys::clock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// How long a sent message waits for others to share its request: a crash meanwhile means that it is sent twice.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// How many requests are under way at once.
const MOST_REQUESTS: usize = 8;

/// Collects sent messages, starts a request when there are enough, and writes the outcomes into the report.
pub(crate) struct Marking<'a> {
    engine: &'a Engine,
    call: &'a Call<'a>,
    waiting: Vec<(usize, Claim<'a>)>,
    waiting_since: Instant,
    running: VecDeque<Request<'a>>,
}

/// A request under way. Its messages stay claimed until they are marked: until then they look
/// outstanding to whoever reads the table.
struct Request<'a> {
    places: Vec<(usize, Claim<'a>)>,
    marking: Task<Vec<Marked>>,
}

impl<'a> Marking<'a> {
    pub(crate) fn new(engine: &'a Engine, call: &'a Call<'a>) -> Self {
        Self { engine, call, waiting: Vec::new(), waiting_since: clock::now(), running: VecDeque::new() }
    }

    /// The message at this place of the report was sent.
    pub(crate) fn add(&mut self, report: &mut DispatchReport, index: usize, claim: Claim<'a>) {
        if self.waiting.is_empty() {
            self.waiting_since = clock::now();
        }
        self.waiting.push((index, claim));
        if self.waiting.len() >= MAX_STATEMENTS {
            self.start(report);
        }
    }

    /// Lets no sent message wait long behind slow ones.
    pub(crate) fn tick(&mut self, report: &mut DispatchReport) {
        if !self.waiting.is_empty() && clock::since(self.waiting_since) > LONGEST_WAIT {
            self.start(report);
        }
    }

    /// Marks the rest and waits for all.
    pub(crate) fn finish(&mut self, report: &mut DispatchReport) {
        self.start(report);
        while let Some(request) = self.running.pop_front() {
            self.wait_for(request, report);
        }
    }

    fn start(&mut self, report: &mut DispatchReport) {
        if self.waiting.is_empty() {
            return;
        }
        if self.running.len() >= MOST_REQUESTS
            && let Some(oldest) = self.running.pop_front()
        {
            self.wait_for(oldest, report);
        }
        let places = std::mem::take(&mut self.waiting);
        let ids = places.iter().map(|(_, claim)| claim.id().to_owned()).collect();
        let outbox = Arc::clone(&self.engine.outbox);
        let marking = outbox.mark_dispatched(ids, Ticks::now()).instrument(self.engine.request_span("mark_dispatched"));
        let marking = self.engine.runtime.start_task(self.call, self.engine.operation_timeout(), marking);
        self.running.push_back(Request { places, marking });
    }

    fn wait_for(&self, request: Request<'a>, report: &mut DispatchReport) {
        // The task ends by itself at the operation timeout.
        let marked = request.marking.wait().unwrap_or_default();
        for (position, (index, _claim)) in request.places.into_iter().enumerate() {
            match marked.get(position) {
                Some(Marked::Dispatched) => report.set(index, DispatchOutcome::Dispatched, ""),
                Some(Marked::AlreadyDispatched) => {
                    report.set(index, DispatchOutcome::Dispatched, "another sender had dispatched it meanwhile");
                }
                Some(Marked::Missing) => {
                    report.set(index, DispatchOutcome::Dispatched, "its item was deleted meanwhile");
                }
                Some(Marked::Failed(error)) => report.set(index, DispatchOutcome::MarkFailed, error.message()),
                None => report.set(index, DispatchOutcome::MarkFailed, "no answer within operation_timeout_ms"),
            }
        }
    }
}
