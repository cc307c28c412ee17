//! The threads of the library.

use std::io;
use std::thread::{Builder, JoinHandle};

/// The size of the stack of each thread, in bytes. The threads call producers, archives and log callbacks of the host
/// program, which may need as much stack as a main thread usually has.
pub(crate) const STACK: usize = 8 << 20;

/// Starts a thread with this name. The thread blocks all signals except those that report an error of the thread itself,
/// so that the signal handlers of the host program run on the threads of the host program.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    start(name, |builder| builder.spawn(body))
}

/// Starts a thread with this name, as [`spawn`] does, with a function that uses the builder of the thread.
pub(crate) fn start<T>(name: &str, start: impl FnOnce(Builder) -> io::Result<T>) -> io::Result<T> {
    without_signals(|| start(builder(name)))
}

fn builder(name: &str) -> Builder {
    Builder::new().name(name.to_owned()).stack_size(STACK)
}

/// Starts a thread while the signals are blocked on this thread. The new thread inherits the signal mask.
#[cfg(unix)]
fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    use nix::sys::signal::{SigSet, SigmaskHow, Signal};
    let mut signals = SigSet::all();
    // If a thread causes one of these signals while it is blocked, the kernel ends the process without calling the
    // handler of the program.
    for signal in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGTRAP, Signal::SIGSYS] {
        signals.remove(signal);
    }
    let before = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let started = start();
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    started
}

#[cfg(not(unix))]
fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    start()
}
