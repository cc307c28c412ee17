//! The errors of a runtime.

use crate::model::error::{Error, ErrorCode, no_resources};
use std::time::Duration;

/// EBADF.
const BAD_DESCRIPTOR: i32 = 9;

/// Returns the error for a runtime thread that cannot be started.
pub(super) fn cannot_start(error: std::io::Error) -> Error {
    const WHAT: &str = "the thread postbox-runtime cannot be started";
    // tokio has descriptors that exist once per process and cannot be opened again.
    if error.raw_os_error() == Some(BAD_DESCRIPTOR) {
        let text = format!(
            "{WHAT}, since this process has closed file descriptors of Postbox, as daemons do: open the first Postbox after that"
        );
        return Error::new(ErrorCode::NoResources, text);
    }
    no_resources(WHAT, &error)
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
