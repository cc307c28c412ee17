//! The end of a command: its exit code, and its error message on stderr.

use crate::screen::{complain, note};
use postbox::{Error, ErrorCode};
use std::io::{self, ErrorKind};
use std::process::ExitCode;

/// The exit codes, which the help and docs/operators.md describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    /// Some messages failed.
    SomeFailed = 1,
    Usage = 2,
    /// DynamoDB or the transport could not be used.
    Unreachable = 3,
    Interrupted = 130,
    /// The reader of the output has closed it, as in `postbox list | head`.
    PipeClosed = 141,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The reason for which a command failed.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    text: String,
    /// The failed parts, and the work that was done before the failure. Each is printed on a line of its own.
    details: Vec<String>,
}

pub type Outcome = Result<Exit, Failure>;

impl Failure {
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into(), details: Vec::new() }
    }

    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// Adds a line that describes the work that was done before the failure.
    pub fn after(mut self, done: String) -> Self {
        self.details.push(done);
        self
    }

    /// Writes the message to stderr, unless the reader of the output has closed it.
    pub fn print(&self) {
        if self.exit == Exit::PipeClosed {
            return;
        }
        complain(&self.text);
        for detail in &self.details {
            note(&format!("  {detail}"));
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.code() {
            ErrorCode::InvalidArgument
            | ErrorCode::InvalidUtf8
            | ErrorCode::InvalidMessage
            | ErrorCode::InvalidJson
            | ErrorCode::UnknownName
            | ErrorCode::InvalidSetting
            | ErrorCode::ItemTooLarge => Exit::Usage,
            ErrorCode::ClearIncomplete
            | ErrorCode::DepositIncomplete
            | ErrorCode::MarkIncomplete
            | ErrorCode::OutboxLimitReached
            | ErrorCode::MalformedItem => Exit::SomeFailed,
            _ => Exit::Unreachable,
        };
        let reasons = error.reasons().iter();
        let details = reasons.map(|reason| format!("{}: {}: {}", reason.subject, reason.code, reason.message));
        Self { exit, text: error.message().to_owned(), details: details.collect() }
    }
}

/// An error that occurred while writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::new(Exit::PipeClosed, ""),
            _ => Self::new(Exit::SomeFailed, format!("the output could not be written: {error}")),
        }
    }
}
