//! The progress of a command: a bar on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The interval between two updates of a bar.
const TICK: Duration = Duration::from_millis(100);

/// Returns a bar on stderr. It is not drawn if stderr is not a terminal.
pub fn bar(total: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    // An invalid template is ignored here, because the tests that run a command in a terminal would fail.
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar.with_message(what.to_owned())
}

/// Does the work while a bar shows its position out of `total`.
pub fn follow<T>(total: usize, what: &str, position: impl Fn() -> u64 + Sync, work: impl FnOnce() -> T) -> T {
    let bar = bar(total, what);
    let ended = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        let shown = scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                bar.set_position(position());
                std::thread::park_timeout(TICK);
            }
        });
        let result = work();
        ended.store(true, Ordering::Relaxed);
        shown.thread().unpark();
        result
    });
    bar.finish_and_clear();
    result
}

/// Does work of unknown length while a terminal shows that it continues.
pub fn spin<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    spinner.enable_steady_tick(TICK);
    let result = work();
    spinner.finish_and_clear();
    result
}
