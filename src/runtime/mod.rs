//! The single-threaded runtime of a Postbox, and the calls that block on it.

#[cfg(feature = "capi")]
mod completions;
mod error;
mod gate;
#[cfg(feature = "capi")]
mod start;
mod wait;

use crate::model::error::{Error, ErrorCode, Result, panic_text};
#[cfg(feature = "capi")]
pub(crate) use crate::runtime::completions::Cancel;
#[cfg(feature = "capi")]
use crate::runtime::completions::Completions;
pub(crate) use crate::runtime::error::timed_out;
use crate::runtime::error::{cannot_start, closed, descriptors_closed};
pub(crate) use crate::runtime::gate::Call;
use crate::runtime::gate::Gate;
use crate::sys::client_log::ClientLog;
use crate::sys::clock;
use crate::sys::descriptors::were_closed;
#[cfg(postbox_simulation)]
use crate::sys::simulation::Simulated;
use crate::sys::sync::Mutex;
use crate::sys::threads;
use crate::{
    runtime::wait::{Waited, wait_for},
    sys::park::ThisThread,
};
use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
#[cfg(feature = "capi")]
use tokio::sync::Semaphore;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, unconstrained};

/// The minimum time for which `close` waits for the thread to end.
const GRACE: Duration = Duration::from_millis(500);
/// The part of this time in which abandoned calls may make their last requests, such as those that release leases.
pub(crate) const LAST_REQUESTS: Duration = Duration::from_millis(250);
/// The maximum number of threads for started calls that block. Further calls wait for a free thread.
#[cfg(feature = "capi")]
const MAX_BLOCKING_CALLS: usize = 128;
/// The maximum number of threads for these calls and for the DNS lookups of the runtime.
const MAX_THREADS: usize = 160;

/// A thread named `postbox-runtime` with a tokio current-thread runtime, which handles all connections and timers.
/// Callers block until their future is done or its deadline has passed.
pub(crate) struct Runtime {
    handle: Handle,
    thread: ThreadId,
    process: u32,
    /// The calls of the host program and of the background threads.
    gate: Gate,
    /// The calls of producers and archives.
    callbacks: Gate,
    /// The threads that are in calls of producers and archives. A thread occurs once for each call.
    callback_threads: Mutex<Vec<ThreadId>>,
    /// The futures that run on the threads of their callers.
    futures: Gate,
    /// A notification that ends the calls that are still waiting when `close` has timed out.
    abandoned: Arc<Notify>,
    /// The end of the time for the last requests of abandoned calls, if `close` has timed out.
    last_requests_end: OnceLock<Instant>,
    #[cfg(feature = "capi")]
    completions: Completions,
    /// The permits of started calls that block, so that their producers leave threads for DNS lookups.
    #[cfg(feature = "capi")]
    blocking_calls: Arc<Semaphore>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    stopped: Mutex<Receiver<()>>,
    #[cfg(postbox_simulation)]
    simulated: Option<Simulated>,
}

thread_local! {
    /// The runtime whose future currently runs on this thread, identified by the runtime's own thread.
    static INSIDE: Cell<Option<ThreadId>> = const { Cell::new(None) };
    /// A value that is destroyed when the thread ends, so that a call during the end of a thread is detected. On the
    /// main thread, this happens before the functions of `atexit` run.
    static LIFE: String = const { String::new() };
}

/// A guard that marks this thread as running a future of a runtime, until the guard is dropped. Until then, calls of
/// the same Postbox on this thread are rejected. Otherwise, a log callback that calls Postbox would be called again for
/// the log messages of its own call.
struct Inside(Option<ThreadId>);

impl Inside {
    fn begin(runtime: ThreadId) -> Self {
        Self(INSIDE.replace(Some(runtime)))
    }

    fn is(runtime: ThreadId) -> bool {
        INSIDE.get() == Some(runtime)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

/// A guard of a call of a producer or an archive, which ends when this value is dropped.
pub(crate) struct Callback<'a> {
    runtime: &'a Runtime,
    _call: Call,
}

impl Drop for Callback<'_> {
    fn drop(&mut self) {
        // Callbacks on one thread may end in any order, because some hosts switch stacks, as gevent does in Python.
        let mut threads = self.runtime.callback_threads.lock();
        if let Some(place) = threads.iter().position(|thread| *thread == std::thread::current().id()) {
            threads.swap_remove(place);
        }
    }
}

/// A task that is cancelled when this value is dropped.
pub(crate) struct AbortOnDrop<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A future that was [started](Runtime::start_task).
pub(crate) struct Task<T> {
    result: Receiver<T>,
    #[cfg(postbox_simulation)]
    running: Option<(Simulated, JoinHandle<()>)>,
}

impl<T> Task<T> {
    /// Blocks until the future is done. Returns `None` if the call is abandoned or the deadline passes.
    pub(crate) fn wait(self) -> Option<T> {
        #[cfg(postbox_simulation)]
        if let Some((simulated, running)) = self.running {
            simulated.finish(running);
        }
        self.result.recv().ok()
    }
}

impl Runtime {
    /// Starts the thread.
    pub(crate) fn start() -> Result<Self> {
        #[cfg(postbox_simulation)]
        if let Some(simulated) = Simulated::start() {
            return Ok(Self::simulated(simulated.expect("a runtime for a simulation")));
        }
        if were_closed().map_err(cannot_start)? {
            return Err(descriptors_closed());
        }
        let (stop, stop_requested) = oneshot::channel::<()>();
        let (started, starting) = mpsc::channel();
        let (ended, stopped) = mpsc::channel::<()>();
        let log = ClientLog::current();
        let thread = threads::spawn("postbox-runtime", move || {
            let log = log.enter();
            // All code on this thread runs inside an operation, so calls to Postbox from this thread are rejected.
            INSIDE.set(Some(std::thread::current().id()));
            let runtime = match tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .thread_name("postbox-call")
                .thread_stack_size(threads::STACK)
                .max_blocking_threads(MAX_THREADS)
                .build()
            {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = started.send(Err(error));
                    return;
                }
            };
            let _ = started.send(Ok(runtime.handle().clone()));
            let _ = runtime.block_on(stop_requested);
            // Dropping the runtime would wait for a DNS lookup in progress.
            runtime.shutdown_background();
            drop(log);
            let _ = ended.send(());
        })
        .map_err(cannot_start)?;
        let handle = starting
            .recv()
            .map_err(|_| Error::new(ErrorCode::Internal, "the thread postbox-runtime ended at its start"))?
            .map_err(cannot_start)?;
        Ok(Self {
            handle,
            thread: thread.thread().id(),
            process: std::process::id(),
            gate: Gate::default(),
            callbacks: Gate::default(),
            callback_threads: Mutex::default(),
            futures: Gate::default(),
            abandoned: Arc::default(),
            last_requests_end: OnceLock::new(),
            #[cfg(feature = "capi")]
            completions: Completions::default(),
            #[cfg(feature = "capi")]
            blocking_calls: Arc::new(Semaphore::new(MAX_BLOCKING_CALLS)),
            stop: Mutex::new(Some(stop)),
            stopped: Mutex::new(stopped),
            #[cfg(postbox_simulation)]
            simulated: None,
        })
    }

    /// Creates a runtime without a thread. Callers run its tasks while they wait.
    #[cfg(postbox_simulation)]
    fn simulated(simulated: Simulated) -> Self {
        Self {
            handle: simulated.handle().clone(),
            // Calls from the thread with this id are rejected, so this is the id of a thread that has ended.
            thread: std::thread::spawn(|| ()).thread().id(),
            process: std::process::id(),
            gate: Gate::default(),
            callbacks: Gate::default(),
            callback_threads: Mutex::default(),
            futures: Gate::default(),
            abandoned: Arc::default(),
            last_requests_end: OnceLock::new(),
            #[cfg(feature = "capi")]
            completions: Completions::default(),
            #[cfg(feature = "capi")]
            blocking_calls: Arc::new(Semaphore::new(MAX_BLOCKING_CALLS)),
            stop: Mutex::default(),
            stopped: Mutex::new(mpsc::channel().1),
            simulated: Some(simulated),
        }
    }

    /// Runs the future on the runtime thread and blocks until it is done, or cancels it at the
    /// deadline. `what` names the operation for the error.
    pub(crate) fn block_on<T, F>(&self, what: &str, timeout: Duration, future: F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let abandoned = self.abandoned.notified();
        // The call is entered before the task starts, so that `close` waits for the task.
        let _call = self.enter()?;
        let mut task = AbortOnDrop(self.handle.spawn(Box::pin(future)));
        match self.drive(what, timeout, abandoned, &mut task.0)? {
            Ok(value) => Ok(value),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => Err(self.broken(what, &*panic)),
                Err(_) => Err(closed()),
            },
        }
    }

    /// Runs the future on this thread and blocks until it is done, or drops it at the deadline. The runtime thread
    /// handles only connections and timers, so that the work of many callers, such as signing and parsing, uses all
    /// processors.
    pub(crate) fn run<T>(&self, what: &str, timeout: Duration, future: impl Future<Output = T>) -> Result<T> {
        // The wait is registered before the call enters the gate, so that no call that has entered can miss the
        // notification.
        let abandoned = self.abandoned.notified();
        let _call = self.enter()?;
        self.drive(what, timeout, abandoned, future)
    }

    /// Runs a future as [`run`](Self::run) does, within a call that has already [entered](Self::enter). An example is a
    /// request that a producer makes. The future may start while `close` waits for that call, and for a short time after
    /// `close` has abandoned it.
    pub(crate) fn run_inside<T>(&self, what: &str, timeout: Duration, future: impl Future<Output = T>) -> Result<T> {
        self.check()?;
        let abandoned = self.abandoned.notified();
        let remaining = self.last_requests_end.get().map(|end| end.saturating_duration_since(clock::now()));
        match remaining {
            Some(Duration::ZERO) => Err(closed()),
            remaining => self.drive(what, remaining.unwrap_or(timeout).min(timeout), abandoned, future),
        }
    }

    fn drive<T>(
        &self,
        what: &str,
        timeout: Duration,
        abandoned: Notified<'_>,
        future: impl Future<Output = T>,
    ) -> Result<T> {
        if LIFE.try_with(|_| ()).is_err() {
            return Err(Error::new(
                ErrorCode::ReentrantCall,
                format!("{what} was called while its thread ends, as in a function of atexit: call it earlier"),
            ));
        }
        // The runtime stops only after all futures have ended, because a future must not use its timers after that.
        let Some(_running) = self.futures.enter() else {
            return Err(closed());
        };
        let deadline = clock::now() + timeout;
        let waited = catch_unwind(AssertUnwindSafe(move || {
            let _context = self.handle.enter();
            let _inside = Inside::begin(self.thread);
            // If the caller is a tokio task, tokio limits the work that the task may do before it yields. The task
            // cannot yield here, so the futures are exempt from the limit.
            self.wait_for(unconstrained(future), unconstrained(abandoned), deadline)
        }));
        match waited {
            Ok(Waited::Done(value)) => Ok(value),
            Ok(Waited::Abandoned) => Err(closed()),
            Ok(Waited::TimedOut) => Err(timed_out(what, timeout)),
            Err(panic) => Err(self.broken(what, &*panic)),
        }
    }

    fn wait_for<T>(
        &self,
        future: impl Future<Output = T>,
        abandoned: impl Future<Output = ()>,
        deadline: Instant,
    ) -> Waited<T> {
        #[cfg(postbox_simulation)]
        if let Some(simulated) = &self.simulated {
            return wait_for(future, abandoned, deadline, simulated);
        }
        wait_for(future, abandoned, deadline, &ThisThread::new())
    }

    /// Logs the panic of a future, and returns an error for it.
    fn broken(&self, what: &str, panic: &(dyn Any + Send)) -> Error {
        if self.gate.is_closed() {
            return closed();
        }
        tracing::error!(target: "postbox", { operation = what, error.message = panic_text(panic) }, "a panic inside Postbox");
        Error::new(ErrorCode::Internal, format!("{what} panicked inside Postbox; the log has the text"))
    }

    /// Enters a call that consists of several operations, such as `clear_outbox`. `close` waits for the end of the
    /// call.
    pub(crate) fn enter(&self) -> Result<Call> {
        self.check()?;
        self.gate.enter().ok_or_else(closed)
    }

    /// Returns the handle of the tokio runtime.
    #[cfg(any(feature = "sns", feature = "sqs"))]
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Starts a future of a call that was [entered](Self::enter), and returns immediately.
    #[inline(never)]
    pub(crate) fn start_task<T, F>(&self, _: &Call, timeout: Duration, future: F) -> Task<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (sender, result) = mpsc::sync_channel(1);
        // A task is built on the stack of this thread, so it must be small.
        let future = Box::pin(future);
        let abandoned = Arc::clone(&self.abandoned).notified_owned();
        let running = self.handle.spawn(async move {
            if let Some(Some(value)) = clock::unless(abandoned, clock::timeout(timeout, future)).await {
                let _ = sender.send(value);
            }
        });
        #[cfg(not(postbox_simulation))]
        drop(running);
        Task {
            result,
            #[cfg(postbox_simulation)]
            running: self.simulated.clone().map(|simulated| (simulated, running)),
        }
    }

    /// Checks that the process was not forked and that the call does not come from inside an operation.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_forked() {
            return Err(Error::new(
                ErrorCode::Forked,
                "this process was forked after the Postbox was opened; threads and connections do not survive a fork: open a new Postbox in the child",
            ));
        }
        if Inside::is(self.thread) {
            return Err(Error::new(
                ErrorCode::ReentrantCall,
                "re-entrant call from inside an operation of the same Postbox, which would deadlock: call it from another thread",
            ));
        }
        Ok(())
    }

    /// Registers a call of a producer or an archive on this thread. Returns `None` if the Postbox is being closed, and in a
    /// forked child, because the parent calls the same producers.
    pub(crate) fn enter_callback(&self) -> Option<Callback<'_>> {
        if self.is_forked() {
            return None;
        }
        let call = self.callbacks.enter()?;
        self.callback_threads.lock().push(std::thread::current().id());
        Some(Callback { runtime: self, _call: call })
    }

    /// Returns whether this thread runs a producer, an archive or a completion of this Postbox.
    pub(crate) fn is_in_callback(&self) -> bool {
        #[cfg(feature = "capi")]
        if self.completions.is_this_thread() {
            return true;
        }
        self.callback_threads.lock().contains(&std::thread::current().id())
    }

    /// Starts no more calls of producers and archives. Running calls such as `clear_outbox` therefore end soon.
    pub(crate) fn end_callbacks(&self) {
        self.callbacks.shut();
    }

    /// Returns whether running calls must end, because the Postbox is being closed or the process was forked during them.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_forked() || self.callbacks.is_closed()
    }

    /// Starts a future of a call that was [entered](Self::enter). The future ends by itself and has no result.
    pub(crate) fn spawn(&self, _: &Call, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(Box::pin(future)));
    }

    /// Checks that the Postbox is open for new calls.
    pub(crate) fn check_open(&self) -> Result<()> {
        self.check()?;
        if self.gate.is_closed() { Err(closed()) } else { Ok(()) }
    }

    /// Rejects new calls, and waits for the running calls until the deadline.
    pub(crate) fn end_calls(&self, deadline: Instant) {
        self.gate.close(deadline);
    }

    /// Rejects new calls, waits for the running calls until the deadline, and stops the thread. A second call also
    /// waits for the thread to stop. The error names `limit`, which is the time for all steps of closing the Postbox. If a
    /// call is still running at the deadline and does not end when it is abandoned, `give_back` makes the last requests in
    /// its place.
    pub(crate) fn close(&self, deadline: Instant, limit: &str, give_back: impl FnOnce()) -> Result<()> {
        self.check()?;
        self.end_callbacks();
        self.gate.close(deadline);
        let (calls, callbacks) = (self.gate.count(), self.callbacks.count());
        let now = clock::now();
        let deadline = deadline.max(now + GRACE);
        let last_requests_end = *self.last_requests_end.get_or_init(|| now + LAST_REQUESTS);
        self.abandoned.notify_waiters();
        if callbacks == 0 {
            // The abandoned calls wait for nothing but requests, so they end now.
            self.gate.close(now + LAST_REQUESTS / 2);
        }
        if self.gate.count() > 0 {
            give_back();
            if callbacks == 0 {
                self.gate.close(last_requests_end);
            }
        }
        self.futures.close(deadline);
        self.request_stop();
        let stopped = self.stopped.lock();
        let remaining = deadline.saturating_duration_since(clock::now());
        let ended = !matches!(stopped.recv_timeout(remaining), Err(RecvTimeoutError::Timeout));
        #[cfg(feature = "capi")]
        let ended = self.completions.end(deadline) && ended;
        if calls == 0 && ended {
            return Ok(());
        }
        let left = match (calls, callbacks) {
            (0, _) => "the thread postbox-runtime has not ended, since a log callback has not returned".to_owned(),
            (calls, 0) => format!("running calls were abandoned ({calls})"),
            (calls, callbacks) => format!(
                "running calls were abandoned ({calls}), and producers or archives have not returned ({callbacks})"
            ),
        };
        Err(Error::new(ErrorCode::Timeout, format!("closing took longer than {limit}; {left}")))
    }

    fn request_stop(&self) {
        if let Some(stop) = self.stop.lock().take() {
            let _ = stop.send(());
        }
    }

    pub(crate) fn is_forked(&self) -> bool {
        std::process::id() != self.process
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // A forked child process has no runtime thread to stop. In the child, a lock may be held by a thread that
        // exists only in the parent process.
        if !self.is_forked() {
            self.request_stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_future_runs_on_the_named_thread() {
        let runtime = Runtime::start().unwrap();
        let name = runtime.block_on("test", LONG, async { std::thread::current().name().map(String::from) }).unwrap();
        assert_eq!(name.as_deref(), Some("postbox-runtime"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_broken_pipe_does_not_end_the_process() {
        const SIGPIPE: u64 = 1 << 12;
        let runtime = Runtime::start().unwrap();
        let status = runtime.block_on("test", LONG, async { std::fs::read_to_string("/proc/thread-self/status") });
        let status = status.unwrap().unwrap();
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap();
        assert_ne!(u64::from_str_radix(blocked, 16).unwrap() & SIGPIPE, 0, "{blocked}");
    }

    /// tokio limits the work of a task until it yields.
    #[test]
    fn any_number_of_calls_can_be_made_in_one_task_of_the_caller() {
        let runtime = Runtime::start().unwrap();
        let caller = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        caller.block_on(async {
            for turn in 0..300 {
                let task = runtime.handle.spawn(async {});
                runtime
                    .run("test", LONG, async { task.await.is_ok() })
                    .unwrap_or_else(|error| panic!("{turn}: {error}"));
            }
        });
    }

    #[test]
    fn a_future_past_its_deadline_is_cancelled() {
        struct Dropped(mpsc::Sender<()>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let runtime = Runtime::start().unwrap();
        let (sender, dropped) = mpsc::channel();
        let guard = Dropped(sender);
        let error = runtime
            .block_on("waiting for ever", Duration::from_millis(20), async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            })
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout);
        assert!(error.message().contains("waiting for ever"), "{error}");
        dropped.recv_timeout(LONG).expect("the future is dropped");
    }

    #[test]
    fn a_panic_in_a_future_is_an_error_and_the_thread_continues() {
        let runtime = Runtime::start().unwrap();
        let error = runtime.block_on::<(), _>("test", LONG, async { panic!("boom") }).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Internal);
        assert_eq!(runtime.block_on("test", LONG, async { 7 }).unwrap(), 7);
    }

    #[test]
    fn close_waits_for_calls_rejects_new_ones_and_is_bounded() {
        let runtime = Arc::new(Runtime::start().unwrap());
        let (release, released) = oneshot::channel::<()>();
        let (entered, entering) = mpsc::channel();
        let caller = std::thread::spawn({
            let runtime = Arc::clone(&runtime);
            move || {
                runtime.block_on("test", LONG, async move {
                    let _ = entered.send(());
                    released.await.is_ok()
                })
            }
        });
        entering.recv_timeout(LONG).unwrap();
        let timeout = Duration::from_millis(10);
        let error = runtime.close(Instant::now() + timeout, "10 ms", || ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout);
        drop(release);
        assert_eq!(caller.join().unwrap().unwrap_err().code(), ErrorCode::Closed);
        let rejected = runtime.block_on("test", LONG, async {}).unwrap_err();
        assert_eq!(rejected.code(), ErrorCode::Closed);
    }

    #[test]
    fn a_call_from_the_runtime_thread_is_rejected() {
        let runtime = Arc::new(Runtime::start().unwrap());
        let inner = Arc::clone(&runtime);
        let error = runtime
            .block_on("test", LONG, async move { inner.block_on("inner", LONG, async {}).map_err(|e| e.code()) })
            .unwrap();
        assert_eq!(error, Err(ErrorCode::ReentrantCall));
    }
}
