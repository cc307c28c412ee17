//! Ctrl-C and SIGTERM: the first one asks to end after what is under way, the second ends at once.

use crate::outcome::Exit;
#[cfg(unix)]
use std::future::poll_fn;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::task::Poll;

static ASKED: AtomicBool = AtomicBool::new(false);
/// Whether the first signal ends the command, and well.
static AT_ONCE: AtomicBool = AtomicBool::new(false);

/// Listens from now on, and gives what is set when the command is asked to end.
pub fn listen() -> &'static AtomicBool {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // Without a listener the first Ctrl-C ends the process: also safe.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let signals = {
            let _context = runtime.enter();
            Signals::new()
        };
        std::thread::spawn(move || runtime.block_on(count(signals)));
    });
    &ASKED
}

async fn count(mut signals: Signals) {
    signals.next().await;
    if AT_ONCE.load(Ordering::Relaxed) {
        std::process::exit(Exit::Done as i32);
    }
    ASKED.store(true, Ordering::Relaxed);
    signals.next().await;
    std::process::exit(Exit::Interrupted as i32);
}

/// The first signal ends the command, whose end it is meant to have.
pub fn end_at_once() {
    AT_ONCE.store(true, Ordering::Relaxed);
    listen();
}

/// Ctrl-C and SIGTERM, from when it is made; on a tokio runtime.
pub struct Signals(#[cfg(unix)] Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    pub fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    pub async fn next(&mut self) {
        poll_fn(|context| match self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

#[cfg(not(unix))]
impl Signals {
    pub fn new() -> Self {
        Self()
    }

    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

pub fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
