//! Operations that are started, and report their results to a function.

use crate::model::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::runtime::completions::{Cancel, Report};
use crate::runtime::error::{closed, timed_out};
use crate::sys::client_log::ClientLog;
use crate::sys::clock;
use std::sync::Arc;
use std::time::Duration;

impl Runtime {
    /// Starts a future on the runtime thread, and returns without waiting for it. `done` is called once with the result,
    /// on the thread `postbox-completion`. The future is dropped when it is canceled, after the timeout, and when `close`
    /// no longer waits for it.
    ///
    /// # Errors
    /// If an error is returned, the future does not run, and `done` is not called.
    pub(crate) fn start_operation<T: Send + 'static>(
        &self,
        what: &'static str,
        timeout: Duration,
        future: impl Future<Output = Result<T>> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<Cancel> {
        let abandoned = Arc::clone(&self.abandoned).notified_owned();
        let call = self.enter()?;
        let jobs = self.completions.jobs()?;
        let mut report = Report::new(what, done, call, jobs);
        let cancel = Cancel::new();
        let canceled = Arc::clone(&cancel.canceled).notified_owned();
        let future = clock::unless(canceled, clock::unless(abandoned, clock::timeout(timeout, future)));
        let task = Box::pin(async move {
            let result = match future.await {
                None => Err(canceled_error(what)),
                Some(None) => Err(closed()),
                Some(Some(None)) => Err(timed_out(what, timeout)),
                Some(Some(Some(result))) => result,
            };
            report.report(result);
        });
        drop(self.handle.spawn(task));
        Ok(cancel)
    }

    /// Starts a call that blocks, on a thread of its own, as [`start_operation`](Self::start_operation) starts a future. A
    /// canceled call continues to run, but nobody waits for it.
    pub(crate) fn start_call<T: Send + 'static>(
        &self,
        what: &'static str,
        call: impl FnOnce() -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<Cancel> {
        let log = ClientLog::current();
        let call = move || {
            let _log = log.enter();
            call()
        };
        let calls = Arc::clone(&self.blocking_calls);
        let future = async move {
            let Ok(_permit) = calls.acquire_owned().await else { return Err(closed()) };
            // The thread is started by the runtime thread, whose signal mask it inherits.
            match tokio::task::spawn_blocking(call).await {
                Ok(result) => result,
                Err(error) if error.is_cancelled() => Err(closed()),
                Err(_) => Err(Error::new(ErrorCode::Internal, format!("{what} panicked inside Postbox"))),
            }
        };
        self.start_operation(what, Duration::MAX, future, done)
    }
}

fn canceled_error(what: &str) -> Error {
    Error::new(ErrorCode::Canceled, format!("{what} was canceled while it waited for DynamoDB")).retryable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{self, Receiver};
    use std::time::Instant;
    use tokio::sync::oneshot;

    const LONG: Duration = Duration::from_secs(3600);

    /// Starts a future, and returns the channel of its result.
    fn start<T: Send + 'static>(
        runtime: &Runtime,
        timeout: Duration,
        future: impl Future<Output = Result<T>> + Send + 'static,
    ) -> (Cancel, Receiver<(String, Result<T>)>) {
        let (sender, receiver) = mpsc::channel();
        let done = move |result| {
            let thread = std::thread::current().name().unwrap_or_default().to_owned();
            sender.send((thread, result)).unwrap();
        };
        (runtime.start_operation("test", timeout, future, done).unwrap(), receiver)
    }

    fn code<T: std::fmt::Debug>(receiver: &Receiver<(String, Result<T>)>) -> ErrorCode {
        receiver.recv_timeout(LONG).unwrap().1.unwrap_err().code()
    }

    #[test]
    fn a_result_is_reported_on_the_thread_for_completions() {
        let runtime = Runtime::start().unwrap();
        let (_, reported) = start(&runtime, LONG, async { Ok(7) });
        let (thread, result) = reported.recv_timeout(LONG).unwrap();
        assert_eq!((&*thread, result.unwrap()), ("postbox-completion", 7));
        assert!(reported.recv_timeout(LONG).is_err(), "it is reported once");
    }

    #[test]
    fn a_wait_ends_by_a_cancellation_a_timeout_a_panic_and_a_close() {
        let runtime = Runtime::start().unwrap();
        let never = std::future::pending::<Result<()>>;
        let (cancel, canceled) = start(&runtime, LONG, never());
        cancel.cancel();
        assert_eq!(code(&canceled), ErrorCode::Canceled);
        assert_eq!(code(&start(&runtime, Duration::from_millis(1), never()).1), ErrorCode::Timeout);
        assert_eq!(code(&start::<()>(&runtime, LONG, async { panic!("boom") }).1), ErrorCode::Internal);
        let (_, abandoned) = start(&runtime, LONG, never());
        let error = runtime.close(Instant::now(), "no time", || ()).unwrap_err();
        assert_eq!((error.code(), code(&abandoned)), (ErrorCode::Timeout, ErrorCode::Closed));
        let rejected = runtime.start_operation("test", LONG, async { Ok(()) }, |_| panic!("it did not start"));
        assert_eq!(rejected.err().map(|error| error.code()), Some(ErrorCode::Closed));
    }

    #[test]
    fn a_close_waits_for_the_report_of_an_operation() {
        let runtime = Arc::new(Runtime::start().unwrap());
        let (release, released) = mpsc::channel::<()>();
        let (entered, entering) = mpsc::channel();
        let done = move |_| {
            let _ = entered.send(());
            let _ = released.recv();
        };
        runtime.start_operation("test", LONG, async { Ok(()) }, done).unwrap();
        entering.recv_timeout(LONG).unwrap();
        let error = runtime.close(Instant::now(), "no time", || ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
        drop(release);
        runtime.close(Instant::now() + LONG, "an hour", || ()).unwrap();
    }

    #[test]
    fn a_blocking_call_does_not_delay_other_operations() {
        let runtime = Runtime::start().unwrap();
        let (release, released) = oneshot::channel::<()>();
        let (sender, reported) = mpsc::channel();
        let call = move || Ok(released.blocking_recv().is_ok());
        runtime.start_call("test", call, move |result| sender.send(result).unwrap()).unwrap();
        let (_, other) = start(&runtime, LONG, async { Ok(()) });
        other.recv_timeout(LONG).unwrap().1.unwrap();
        release.send(()).unwrap();
        assert!(reported.recv_timeout(LONG).unwrap().unwrap());
    }
}
