//! The errors of a runtime.

use crate::model::error::{Error, ErrorCode, no_resources};
use std::time::Duration;

/// Returns the error for a runtime thread that cannot be started.
pub(super) fn cannot_start(error: std::io::Error) -> Error {
    no_resources("the thread postbox-runtime cannot be started", &error)
}

/// Returns the error for a process that has closed the descriptors of this library. tokio has descriptors that exist once
/// per process and cannot be opened again. It would read from other files of the program that now have their numbers.
pub(super) fn descriptors_closed() -> Error {
    Error::new(
        ErrorCode::NoResources,
        "the thread postbox-runtime cannot be started, since this process has closed file descriptors of Postbox, as daemons do: open the first Postbox after that",
    )
}

pub(super) fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the Postbox was closed: open a new one")
}

/// Returns the error for an operation that received no response within this time.
pub(crate) fn timed_out(what: &str, timeout: Duration) -> Error {
    Error::new(
        ErrorCode::Timeout,
        format!("{what}: no response within operation_timeout_ms ({} ms)", timeout.as_millis()),
    )
    .retryable()
}
