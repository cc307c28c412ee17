//! The sweeper: a thread that sweeps at an interval, and survives every error.

use crate::dispatch::sweep::{SweepReport, sweep};
use crate::engine::Engine;
use crate::error::{Error, ErrorCode, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The sweeper of a Postbox, if it was started.
#[derive(Default)]
pub(crate) struct Sweeper(Mutex<Option<Running>>);

struct Running {
    /// Dropping it wakes the thread and ends it.
    wake: Sender<()>,
    stop: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Sweeper {
    /// Starts the thread `postbox-sweeper`.
    pub(crate) fn start(&self, engine: &Arc<Engine>) -> Result<()> {
        engine.runtime.check()?;
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_some() {
            return Err(Error::new(ErrorCode::InvalidArgument, "the sweeper of this Postbox is running already"));
        }
        let (wake, sleep) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, stopping) = (Arc::clone(engine), Arc::clone(&stop));
        std::thread::Builder::new()
            .name("postbox-sweeper".into())
            .spawn(move || {
                run(&engine, &sleep, &stopping);
                drop(engine);
                let _ = end.send(());
            })
            .map_err(|error| {
                Error::new(ErrorCode::Internal, format!("the thread postbox-sweeper could not be started: {error}"))
            })?;
        *running = Some(Running { wake, stop, ended });
        Ok(())
    }

    /// Stops the thread after the message that it is sending, and waits so long for it.
    pub(crate) fn stop(&self, timeout: Duration) -> Result<()> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { wake, stop, ended }) = running else {
            return Ok(());
        };
        stop.store(true, Ordering::Relaxed);
        drop(wake);
        match ended.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout) => Err(Error::new(
                ErrorCode::Timeout,
                format!(
                    "the sweeper did not stop within {} ms, since a producer has not returned: it stops after that, and what it is sending may be sent again",
                    timeout.as_millis()
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn run(engine: &Engine, sleep: &Receiver<()>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        // A panic of ours ends this sweep, not the sweeper (W13).
        match catch_unwind(AssertUnwindSafe(|| sweep(engine, None, stop))) {
            Ok(Ok(report)) => tell(&report),
            Ok(Err(error)) if matches!(error.code(), ErrorCode::Closed | ErrorCode::Forked) => return,
            Ok(Err(error)) => {
                tracing::warn!(target: "postbox", error = error.message(), "a sweep failed; the next one tries again")
            }
            Err(_) => tracing::error!(target: "postbox", "a sweep panicked; the next one tries again"),
        }
        if !matches!(sleep.recv_timeout(interval(engine)), Err(RecvTimeoutError::Timeout)) {
            return;
        }
    }
}

/// The interval with a tenth of jitter, so that many machines do not sweep in step.
fn interval(engine: &Engine) -> Duration {
    let interval = Duration::from_millis(engine.config.sweep_interval_ms);
    interval.mul_f64(0.9 + 0.2 * fastrand::f64())
}

fn tell(report: &SweepReport) {
    if report.found > 0 {
        tracing::info!(
            target: "postbox", found = report.found, dispatched = report.dispatched, failed = report.failed,
            held_back = report.held_back, "swept"
        );
    }
}
