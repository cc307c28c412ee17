//! The thread that reports the results of operations that were started. It is not the runtime thread, since the code of
//! the host program must not delay the requests of other operations.

use crate::model::error::{Error, ErrorCode, Result, no_resources};
use crate::runtime::error::closed;
use crate::runtime::gate::{Call, Gate};
use crate::sys::client_log::ClientLog;
use crate::sys::sync::Mutex;
use crate::sys::threads;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::ThreadId;
use std::time::Instant;
use tokio::sync::Notify;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// The thread `postbox-completion`. It is started by the first operation, and ends when the runtime is closed and the
/// results of all operations were reported.
#[derive(Default)]
pub(super) struct Completions {
    thread: Mutex<Option<Thread>>,
    /// The thread is counted as a call until it ends.
    running: Gate,
}

struct Thread {
    id: ThreadId,
    /// The channel to the thread, until the runtime is closed.
    jobs: Option<Sender<Job>>,
}

/// A request to stop waiting for an operation.
pub(crate) struct Cancel {
    pub(super) canceled: Arc<Notify>,
    process: u32,
}

impl Cancel {
    pub(super) fn new() -> Self {
        Self { canceled: Arc::default(), process: std::process::id() }
    }

    /// Ends the wait for the operation, which then fails with [`ErrorCode::Canceled`]. Does nothing if the operation is
    /// done, and in a forked child, in which a lock of the runtime may be held forever.
    pub(crate) fn cancel(&self) {
        if std::process::id() == self.process {
            self.canceled.notify_one();
        }
    }
}

/// The promise to report the result of an operation once. If this value is dropped, it reports an error.
pub(super) struct Report<T: Send + 'static, D: FnOnce(Result<T>) + Send + 'static> {
    what: &'static str,
    /// The function that takes the result, and the running call, which ends after the function has returned.
    done: Option<(D, Call)>,
    jobs: Sender<Job>,
    _result: PhantomData<fn(T)>,
}

impl<T: Send + 'static, D: FnOnce(Result<T>) + Send + 'static> Report<T, D> {
    pub(super) fn new(what: &'static str, done: D, call: Call, jobs: Sender<Job>) -> Self {
        Self { what, done: Some((done, call)), jobs, _result: PhantomData }
    }

    pub(super) fn report(&mut self, result: Result<T>) {
        if let Some((done, call)) = self.done.take() {
            let job = move || {
                done(result);
                drop(call);
            };
            // The thread runs until the last sender is dropped.
            let _ = self.jobs.send(Box::new(job));
        }
    }
}

impl<T: Send + 'static, D: FnOnce(Result<T>) + Send + 'static> Drop for Report<T, D> {
    fn drop(&mut self) {
        if self.done.is_some() {
            let what = self.what;
            self.report(Err(if std::thread::panicking() {
                Error::new(ErrorCode::Internal, format!("{what} panicked inside Postbox"))
            } else {
                closed()
            }));
        }
    }
}

impl Completions {
    /// Returns the channel to the thread, which is started if it does not exist yet.
    pub(super) fn jobs(&self) -> Result<Sender<Job>> {
        let mut thread = self.thread.lock();
        if let Some(thread) = &*thread {
            return thread.jobs.clone().ok_or_else(closed);
        }
        let running = self.running.enter().ok_or_else(closed)?;
        let (jobs, received) = mpsc::channel::<Job>();
        let log = ClientLog::current();
        let started = threads::spawn("postbox-completion", move || {
            let log = log.enter();
            for job in received {
                // A panic in the code of the program must not end the reports of other operations.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
            drop((log, running));
        })
        .map_err(|error| no_resources("the thread postbox-completion cannot be started", &error))?;
        *thread = Some(Thread { id: started.thread().id(), jobs: Some(jobs.clone()) });
        Ok(jobs)
    }

    /// Returns whether this thread reports results.
    pub(super) fn is_this_thread(&self) -> bool {
        self.thread.lock().as_ref().is_some_and(|thread| thread.id == std::thread::current().id())
    }

    /// Lets the thread end after its last report, and waits for its end until the deadline. Returns whether it has ended.
    pub(super) fn end(&self, deadline: Instant) -> bool {
        if let Some(thread) = &mut *self.thread.lock() {
            thread.jobs = None;
        }
        self.running.close(deadline)
    }
}
