//! Ctrl-C and SIGTERM. The first signal ends the command after its current batch, and the second signal ends it
//! immediately.

use crate::outcome::Exit;
use postbox::CancelToken;
#[cfg(unix)]
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Once};
#[cfg(unix)]
use std::task::Poll;

static CANCEL: LazyLock<CancelToken> = LazyLock::new(CancelToken::new);
/// Whether the first signal ends the command immediately, with exit code 0.
static AT_ONCE: AtomicBool = AtomicBool::new(false);

/// Starts to listen for signals. Returns the token that the first signal cancels.
pub fn listen() -> CancelToken {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // Without a listener, the first Ctrl-C ends the process, which is also safe.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let signals = {
            let _context = runtime.enter();
            Signals::new()
        };
        std::thread::spawn(move || runtime.block_on(count(signals)));
    });
    CANCEL.clone()
}

async fn count(mut signals: Signals) {
    signals.next().await;
    if AT_ONCE.load(Ordering::Relaxed) {
        std::process::exit(Exit::Done as i32);
    }
    CANCEL.cancel();
    signals.next().await;
    std::process::exit(Exit::Interrupted as i32);
}

/// Makes the first signal end the command immediately and successfully.
pub fn end_at_once() {
    AT_ONCE.store(true, Ordering::Relaxed);
    listen();
}

/// A listener for Ctrl-C and SIGTERM on a tokio runtime.
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
    CANCEL.is_canceled()
}
