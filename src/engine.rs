//! What a Postbox, its units of work and its threads share.

use crate::config::Config;
use crate::dispatch::in_flight::InFlight;
use crate::dispatch::recent::Recent;
use crate::error::Result;
use crate::outbox::Outbox;
use crate::outbox::deposit::CONCURRENT_REQUESTS;
use crate::runtime::Runtime;
use crate::transport::Router;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// The outbox, the runtime that works on it, and what is known in this process of its messages.
pub(crate) struct Engine {
    pub(crate) config: Config,
    pub(crate) runtime: Runtime,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) router: Router,
    pub(crate) recent: Recent,
    pub(crate) in_flight: InFlight,
}

impl Engine {
    pub(crate) fn operation_timeout(&self) -> Duration {
        Duration::from_millis(self.config.operation_timeout_ms)
    }

    /// Runs an operation on the outbox and blocks for its result, at most the operation timeout.
    pub(crate) fn run<T, F>(&self, what: &str, operation: impl FnOnce(Arc<Outbox>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let future = operation(Arc::clone(&self.outbox));
        self.runtime.block_on(what, self.operation_timeout(), future)?
    }

    /// Runs one request for each part, some at once, each with the operation timeout, and hands
    /// their results over in order; `None` for one that had no answer in time.
    pub(crate) fn run_each<P, T, F>(
        &self,
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
                done(running.pop_front().and_then(|oldest: Receiver<T>| oldest.recv().ok()));
            }
            let request = request(Arc::clone(&self.outbox), part);
            running.push_back(self.runtime.start_task(&call, self.operation_timeout(), request));
        }
        running.into_iter().for_each(|result| done(result.recv().ok()));
        Ok(())
    }
}
