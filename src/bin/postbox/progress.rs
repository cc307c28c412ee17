//! How far a command has come: a bar on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on stderr, which indicatif leaves out where stderr is no terminal.
pub fn bar(total: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    // The template is checked by the tests that look at a terminal.
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar.with_message(what.to_owned())
}
