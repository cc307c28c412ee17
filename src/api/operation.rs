//! Operations that can be waited for, or started with a function that receives their result.

use crate::engine::Engine;
use crate::model::error::Result;
use crate::outbox::Outbox;
#[cfg(feature = "capi")]
use crate::runtime::Cancel;
use std::pin::Pin;
use std::sync::Arc;
#[cfg(feature = "capi")]
use tracing::Instrument;

/// The function that processes the result of a request. It does not wait.
type Finish<R, T> = Box<dyn FnOnce(&Engine, Result<R>) -> Result<T> + Send>;

/// An operation: a request to the outbox, and what this process does with its result.
pub(crate) struct Operation<R, T = R> {
    what: &'static str,
    request: Pin<Box<dyn Future<Output = Result<R>> + Send>>,
    finish: Finish<R, T>,
}

impl<T: Send + 'static> Operation<T> {
    /// Returns an operation whose result is that of its request.
    pub(crate) fn request<Request>(
        engine: &Engine,
        what: &'static str,
        request: impl FnOnce(Arc<Outbox>) -> Request,
    ) -> Self
    where
        Request: Future<Output = Result<T>> + Send + 'static,
    {
        Self { what, request: Box::pin(request(Arc::clone(&engine.outbox))), finish: Box::new(|_, result| result) }
    }
}

impl<R: Send + 'static, T: Send + 'static> Operation<R, T> {
    /// Adds a function that processes the result, which must not wait.
    pub(crate) fn then<U>(
        self,
        next: impl FnOnce(&Engine, Result<T>) -> Result<U> + Send + 'static,
    ) -> Operation<R, U> {
        let Self { what, request, finish } = self;
        Operation { what, request, finish: Box::new(move |engine, result| next(engine, finish(engine, result))) }
    }

    /// Runs the request on this thread, and waits for its result up to the operation timeout.
    pub(crate) fn run(self, engine: &Engine) -> Result<T> {
        let result = engine.run(self.what, |_| self.request);
        (self.finish)(engine, result)
    }

    /// Starts the request on the runtime thread. `done` is called once, on the thread for completions. If an error is
    /// returned, `done` is not called.
    #[cfg(feature = "capi")]
    pub(crate) fn start(self, engine: &Arc<Engine>, done: impl FnOnce(Result<T>) + Send + 'static) -> Result<Cancel> {
        let Self { what, request, finish } = self;
        let request = request.instrument(engine.request_span(what));
        let of_result = Arc::clone(engine);
        engine.runtime.start_operation(what, engine.operation_timeout(), request, move |result: Result<R>| {
            let result = result.map_err(|error| of_result.with_provider(error));
            done(finish(&of_result, result));
        })
    }
}
