//! The one error type: what happened, to which thing, and what to do.

use crate::model::item::Item;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The result of a Postbox call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of error it is. The numbers are stable and are the codes of the C ABI; later
/// versions add codes, so treat one that you do not know as an internal error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum ErrorCode {
    /// No error. Only the C ABI gives it: the code of a `NULL` error.
    None = 0,
    /// An argument has a value that the call cannot work with.
    InvalidArgument = 1,
    /// A pointer that must not be `NULL` is `NULL`. C ABI only.
    NullArgument = 2,
    /// A string is not valid UTF-8. C ABI only.
    InvalidUtf8 = 3,
    /// A message cannot be deposited as it is: no topic, a bad header, a body that contradicts its encoding.
    InvalidMessage = 4,
    /// DynamoDB JSON is malformed or has the wrong shape; the text says where.
    InvalidJson = 5,
    /// No setting or header field has this name; the text lists the near ones.
    UnknownName = 6,
    /// A setting has a value that it cannot have, or settings contradict each other.
    InvalidSetting = 7,

    /// The unit of work would have more than 100 actions.
    TooManyActions = 20,
    /// An item is larger than DynamoDB's 400 KB.
    ItemTooLarge = 21,
    /// The unit of work would be larger than DynamoDB's 4 MB.
    TransactionTooLarge = 22,
    /// The unit of work has an action on this item already.
    DuplicateItem = 23,

    /// The unit of work was committed or rolled back, or its outcome is open and it cannot be changed.
    UnitOfWorkClosed = 30,
    /// The Postbox was closed.
    Closed = 31,
    /// The process was forked after the Postbox was opened: open a new one in the child.
    Forked = 32,
    /// The handle is in use by another thread.
    ConcurrentUse = 33,
    /// The call came from the Postbox's own runtime thread (for instance from a log callback), where it would wait for itself.
    ReentrantCall = 34,

    /// DynamoDB cancelled the transaction: nothing was written. The reasons say why, action by action.
    TransactionCanceled = 40,
    /// A message id of the unit of work is in the outbox already: nothing was written.
    DuplicateMessage = 41,
    /// No answer came: the transaction took effect or it did not. Call `commit` again on the same unit of work.
    OutcomeUnknown = 42,

    /// Some messages could not be cleared, marked or replayed; the reasons say which and why.
    ClearIncomplete = 50,
    /// Some messages of a bulk deposit could not be stored; the reasons say which and why.
    DepositIncomplete = 51,
    /// Some messages could not be marked dispatched; the reasons say which and why.
    MarkIncomplete = 52,

    /// More messages are outstanding than `max_outstanding` allows: nothing was deposited.
    OutboxLimitReached = 53,

    /// The table does not exist.
    TableNotFound = 60,
    /// The table exists and cannot serve as an outbox; the reasons say what is wrong with it.
    InvalidTable = 61,
    /// No AWS credentials or no region were found.
    NoAwsConfig = 62,
    /// AWS refused the credentials or the permission.
    AccessDenied = 63,
    /// DynamoDB throttled the request, also after retries.
    Throttled = 64,
    /// The endpoint could not be reached.
    Unreachable = 65,
    /// No answer within `operation_timeout_ms`.
    Timeout = 66,
    /// DynamoDB refused the request for another reason; its code and text are in the message.
    ServiceError = 67,
    /// A stored item cannot be read as a message; the text names the attribute.
    MalformedItem = 68,
    /// The embedded database could not be opened or is not compiled in.
    EmbeddedUnavailable = 69,

    /// Something that should not happen. Please report it.
    Internal = 99,
}

/// An error of Postbox.
///
/// ```
/// use postbox::{ErrorCode, Message, Postbox};
///
/// # fn main() -> postbox::Result<()> {
/// let postbox = Postbox::builder().embedded_path(":memory:").open()?;
/// let error = postbox.deposit_post(Message::new("", "no topic")).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::InvalidMessage);
/// assert!(!error.is_retryable());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: ErrorCode,
    message: String,
    retryable: bool,
    reasons: Vec<Reason>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// One part of an error that concerns several things: why one action of a transaction was
/// cancelled, why one message of many was not sent, what is wrong with one index of a table.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Reason {
    /// The position of the action or message among those of the call, from 0.
    pub index: usize,
    /// What it concerns: an action (`Put People`), a message id, an index name.
    pub subject: String,
    /// DynamoDB's own code where there is one (`ConditionalCheckFailed`), else a word of ours.
    pub code: String,
    /// The explanation.
    pub message: String,
    /// The item as it was, if the action asked for it (`ReturnValuesOnConditionCheckFailure`).
    pub item: Option<Item>,
}

impl Reason {
    pub(crate) fn new(
        index: usize,
        subject: impl Into<String>,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { index, subject: subject.into(), code: code.into(), message: message.into(), item: None }
    }
}

impl fmt::Debug for Reason {
    /// With no more of the item than the names of its attributes: values do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes = self.item.as_ref().map(|item| item.keys().collect::<std::collections::BTreeSet<_>>());
        f.debug_struct("Reason")
            .field("index", &self.index)
            .field("subject", &self.subject)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("item", &attributes)
            .finish()
    }
}

impl Error {
    /// An error with this code and text, final unless [`retryable`](Self::retryable) is called.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { code, message: message.into(), retryable: false, reasons: Vec::new(), source: None }))
    }

    pub(crate) fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    pub(crate) fn with_reasons(mut self, reasons: Vec<Reason>) -> Self {
        self.0.reasons = reasons;
        self
    }

    pub(crate) fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What kind of error it is.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What happened, to which thing, and what to do: one line or more, without secrets and bodies.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// The parts, where the error concerns several things; else empty.
    pub fn reasons(&self) -> &[Reason] {
        &self.0.reasons
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for reason in &self.0.reasons {
            write!(f, "\n  {}: {}: {}", reason.subject, reason.code, reason.message)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("retryable", &self.0.retryable)
            .field("reasons", &self.0.reasons)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

/// The names of `known` that resemble `wanted`, for error messages.
pub(crate) fn near_names<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut ranked: Vec<(usize, &str)> = known.map(|name| (edit_distance(wanted, name), name)).collect();
    ranked.sort();
    let near: Vec<&str> = ranked
        .iter()
        .enumerate()
        .filter(|(rank, (distance, name))| *rank < 1 || *distance <= 3 || name.contains(wanted) && !wanted.is_empty())
        .take(4)
        .map(|(_, (_, name))| *name)
        .collect();
    near.join(", ")
}

fn edit_distance(a: &str, b: &str) -> usize {
    // Names are short; what is not is cut, so that hostile input costs nothing.
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

/// A caller's text as an error message shows it: bounded.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_first() {
        let known = ["table_name", "region", "profile", "number_of_shards"];
        assert_eq!(near_names("tablename", known.into_iter()), "table_name");
        assert_eq!(near_names("regon", known.into_iter()), "region");
        assert!(near_names("shards", known.into_iter()).contains("number_of_shards"));
    }

    #[test]
    fn display_holds_every_reason() {
        let error = Error::new(ErrorCode::TransactionCanceled, "cancelled").with_reasons(vec![Reason::new(
            0,
            "Put People",
            "ConditionalCheckFailed",
            "The conditional request failed",
        )]);
        assert_eq!(
            error.to_string(),
            "cancelled\n  Put People: ConditionalCheckFailed: The conditional request failed"
        );
    }
}
