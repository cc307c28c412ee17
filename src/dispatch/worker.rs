//! A background thread that does one job at an interval, and survives every error (W13).

use crate::engine::Engine;
use crate::error::{Error, ErrorCode, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a worker does at every interval. It looks at the flag now and then and returns soon once it is set.
pub(crate) type Job = dyn Fn(&Engine, &AtomicBool) -> Result<()> + Send;

/// A thread of a Postbox, if it was started.
pub(crate) struct Worker {
    /// What errors and the thread call it: `sweeper`.
    name: &'static str,
    running: Mutex<Option<Running>>,
}

struct Running {
    /// Dropping it wakes the thread and ends it.
    wake: Sender<()>,
    stop: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Worker {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, running: Mutex::default() }
    }

    /// Starts the thread, named `postbox-` and its name.
    pub(crate) fn start(&self, engine: &Arc<Engine>, interval_ms: u64, job: Box<Job>) -> Result<()> {
        engine.runtime.check()?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_some() {
            let text = format!("the {} of this Postbox is running already", self.name);
            return Err(Error::new(ErrorCode::InvalidArgument, text));
        }
        let (wake, sleep) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, stopping, name) = (Arc::clone(engine), Arc::clone(&stop), self.name);
        std::thread::Builder::new()
            .name(format!("postbox-{name}"))
            .spawn(move || {
                run(name, &engine, Duration::from_millis(interval_ms), job.as_ref(), &sleep, &stopping);
                drop((engine, job));
                let _ = end.send(());
            })
            .map_err(|error| {
                Error::new(ErrorCode::Internal, format!("the thread postbox-{name} could not be started: {error}"))
            })?;
        *running = Some(Running { wake, stop, ended });
        Ok(())
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Stops the thread after what it is doing, and waits so long for it.
    pub(crate) fn stop(&self, timeout: Duration) -> Result<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { wake, stop, ended }) = running else {
            return Ok(());
        };
        stop.store(true, Ordering::Relaxed);
        drop(wake);
        match ended.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout) => Err(Error::new(
                ErrorCode::Timeout,
                format!(
                    "the {} did not stop within {} ms, since a producer or an archive has not returned: it stops after that, and what it is doing may be done again",
                    self.name,
                    timeout.as_millis()
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn run(name: &str, engine: &Engine, interval: Duration, job: &Job, sleep: &Receiver<()>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let problem = match catch_unwind(AssertUnwindSafe(|| job(engine, stop))) {
            Ok(Ok(())) => None,
            Ok(Err(error)) if matches!(error.code(), ErrorCode::Closed | ErrorCode::Forked) => return,
            Ok(Err(error)) => Some(error.message().to_owned()),
            Err(_) => Some("it panicked".to_owned()),
        };
        if let Some(problem) = problem {
            tracing::warn!(target: "postbox", { worker = name, error.message = %problem }, "a background run failed; the next one tries again");
            engine.counters.background_failed(format!("{name}: {problem}"));
        }
        // A tenth of jitter, so that many machines do not work in step.
        let pause = interval.mul_f64(0.9 + 0.2 * fastrand::f64());
        if !matches!(sleep.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            return;
        }
    }
}
