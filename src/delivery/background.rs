//! A background thread that runs one job at an interval and continues after every error.

use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::error::{Error, ErrorCode, Result, no_resources};
use crate::sys::client_log::ClientLog;
use crate::sys::sync::{Condvar, Mutex};
use crate::sys::threads;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// The job that a worker runs at every interval. The job returns soon after the token is canceled.
pub(crate) type Job = dyn Fn(&Engine, &CancelToken) -> Result<()> + Send;

/// A background thread of a Postbox, which may not have been started yet.
pub(crate) struct Worker {
    /// The name that errors and the thread use, such as `sweeper`.
    name: &'static str,
    running: Mutex<Option<Running>>,
}

struct Running {
    thread: ThreadId,
    /// Dropping the sender wakes the thread and ends it.
    wake: Option<Sender<()>>,
    cancel: CancelToken,
    end: Arc<End>,
}

thread_local! {
    /// The worker for which this thread runs.
    static WORKER: Cell<Option<ThreadId>> = const { Cell::new(None) };
}

/// The background thread for which a thread runs, if there is one. A worker may start further threads for its job.
#[derive(Clone, Copy)]
pub(crate) struct WorkFor(Option<ThreadId>);

impl WorkFor {
    pub(crate) fn current() -> Self {
        Self(WORKER.get())
    }

    /// Lets this thread run for the same worker as the thread that called [`current`](Self::current).
    pub(crate) fn begin(self) {
        WORKER.set(self.0);
    }
}

/// The end of a thread, which other threads can wait for.
#[derive(Default)]
struct End {
    reached: Mutex<bool>,
    changed: Condvar,
}

impl End {
    fn is_reached(&self) -> bool {
        *self.reached.lock()
    }

    /// Waits for the end. Returns whether the thread ended within this time.
    fn wait(&self, timeout: Duration) -> bool {
        let reached = self.reached.lock();
        *self.changed.wait_timeout_while(reached, timeout, |reached| !*reached)
    }
}

/// A guard of the thread. Dropping the guard reports the end of the thread, even after a panic.
struct Ends(Arc<End>);

impl Drop for Ends {
    fn drop(&mut self) {
        *self.0.reached.lock() = true;
        self.0.changed.notify_all();
    }
}

impl Worker {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, running: Mutex::default() }
    }

    /// Starts the thread, named `postbox-` followed by the name of the worker.
    pub(crate) fn start(&self, engine: &Arc<Engine>, interval: Duration, job: Box<Job>) -> Result<()> {
        let _call = engine.runtime.enter()?;
        let mut running = self.running.lock();
        if running.as_ref().is_some_and(|running| !running.end.is_reached()) {
            let text = format!("the {} of this Postbox is running already", self.name);
            return Err(Error::new(ErrorCode::InvalidArgument, text));
        }
        let (wake, sleep) = mpsc::channel();
        let (cancel, end) = (CancelToken::new(), Arc::<End>::default());
        let (engine, canceled, name, ends) = (Arc::clone(engine), cancel.clone(), self.name, Ends(Arc::clone(&end)));
        let (thread, log) = (format!("postbox-{name}"), ClientLog::current());
        let started = threads::spawn(&thread, move || {
            let log = log.enter();
            WorkFor(Some(thread::current().id())).begin();
            run(name, &engine, interval, job.as_ref(), &sleep, &canceled);
            drop((engine, job, log));
            drop(ends);
        })
        .map_err(|error| no_resources(&format!("the thread {thread} cannot be started"), &error))?;
        let thread = started.thread().id();
        *running = Some(Running { thread, wake: Some(wake), cancel, end });
        Ok(())
    }

    /// Returns whether the thread was ever started. The thread may have ended since then.
    pub(crate) fn was_started(&self) -> bool {
        self.running.lock().is_some()
    }

    /// Asks the thread to stop after its current step.
    pub(crate) fn ask_to_stop(&self) {
        if let Some(running) = &mut *self.running.lock() {
            running.cancel.cancel();
            running.wake = None;
        }
    }

    /// Asks the thread to stop after its current step, and waits up to `timeout` for the thread. A later call continues
    /// to wait. If a callback of the thread calls this method, it does not wait, because the thread could not end before
    /// the callback returns.
    pub(crate) fn stop(&self, timeout: Duration) -> Result<()> {
        self.ask_to_stop();
        let running = self.running.lock().as_ref().map(|running| (running.thread, Arc::clone(&running.end)));
        let Some((thread, end)) = running.filter(|(_, end)| !end.is_reached()) else {
            return Ok(());
        };
        if WORKER.get() == Some(thread) {
            return Err(Error::new(
                ErrorCode::ReentrantCall,
                format!(
                    "the {0} cannot wait for its own end: a callback of the {0} asked it to stop, and it stops as soon as the callback returns",
                    self.name
                ),
            ));
        }
        if end.wait(timeout) {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::Timeout,
            format!(
                "the {0} did not stop within close_timeout_ms, since a producer or an archive has not returned: the {0} stops after that, and its current step may be repeated",
                self.name
            ),
        ))
    }
}

fn run(name: &str, engine: &Engine, interval: Duration, job: &Job, sleep: &Receiver<()>, cancel: &CancelToken) {
    while !cancel.is_canceled() {
        let problem = match catch_unwind(AssertUnwindSafe(|| job(engine, cancel))) {
            Ok(Ok(())) => None,
            Ok(Err(error)) if matches!(error.code(), ErrorCode::Closed | ErrorCode::Forked) => return,
            Ok(Err(error)) => Some(error.message().to_owned()),
            Err(_) => Some("the job panicked".to_owned()),
        };
        if let Some(problem) = problem {
            tracing::warn!(target: "postbox", { worker = name, error.message = %problem }, "a background run failed; the next one tries again");
            engine.counters.background_failed(format!("{name}: {problem}"));
        }
        // The interval varies at random by up to a tenth, so that many machines do not work at the same time.
        let pause = interval.mul_f64(0.9 + 0.2 * fastrand::f64());
        if !matches!(sleep.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            return;
        }
    }
}
