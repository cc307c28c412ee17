//! The error type of all calls.

use crate::model::item::Item;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The result of a Postbox call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an error. The meaning of a number never changes. Later versions may add codes, so a program should treat
/// an unknown code as an internal error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum ErrorCode {
    /// No error: the code that is returned for a `NULL` error (not used in the Rust API).
    None = 0,
    /// An argument is invalid.
    InvalidArgument = 1,
    /// A required pointer is `NULL` (not used in the Rust API).
    NullArgument = 2,
    /// A string is not valid UTF-8 (not used in the Rust API).
    InvalidUtf8 = 3,
    /// A message cannot be deposited: it has no topic, an invalid header, or a body that does not match its encoding.
    InvalidMessage = 4,
    /// DynamoDB JSON is malformed or has the wrong structure. The error text says where the problem is.
    InvalidJson = 5,
    /// The name of a setting or header field is unknown. The error text lists similar names.
    UnknownName = 6,
    /// A setting has an invalid value, or settings contradict each other.
    InvalidSetting = 7,

    /// The unit of work would have more than 100 actions, the limit of a DynamoDB transaction.
    TooManyActions = 20,
    /// An item is larger than 400 KB, the limit of DynamoDB.
    ItemTooLarge = 21,
    /// The unit of work would be larger than 4 MB, the limit of a DynamoDB transaction.
    TransactionTooLarge = 22,
    /// The unit of work already has an action on this item.
    DuplicateItem = 23,

    /// The unit of work was committed or rolled back, or the outcome of its commit is unknown. No more actions can be
    /// added to it. After an unknown outcome, `commit` can be called again.
    UnitOfWorkClosed = 30,
    /// The client was closed.
    Closed = 31,
    /// The process was forked after the client was opened. Open a new client in the child process.
    Forked = 32,
    /// The handle is in use by another thread.
    ConcurrentUse = 33,
    /// The call would deadlock. It was made in a log callback of the same client, or while the calling thread ends, for
    /// example in a function that is registered with `atexit`. For `close`: it was called in a producer or an archive.
    ReentrantCall = 34,

    /// DynamoDB canceled the transaction and wrote nothing. The error has a reason for each action that failed.
    TransactionCanceled = 40,
    /// A message id of the unit of work already exists in the outbox. Nothing was written.
    DuplicateMessage = 41,
    /// Postbox received no conclusive response to any attempt at the commit, so the transaction may or may not have
    /// taken effect. Call `commit` again on the same unit of work to find out.
    OutcomeUnknown = 42,

    /// Some messages that were passed to a call could not be sent, marked dispatched or replayed. The error has a
    /// reason for each of these messages.
    ClearIncomplete = 50,
    /// Some messages of a bulk deposit could not be stored. The error has a reason for each of these messages.
    DepositIncomplete = 51,
    /// Some outcomes could not be recorded after the program had confirmed them, or the client was closed before all
    /// sent messages were marked dispatched. If the function takes several messages, the error has a reason for
    /// each message that was not recorded.
    MarkIncomplete = 52,

    /// More messages are outstanding than `max_outstanding` allows. Nothing was deposited.
    OutboxLimitReached = 53,

    /// The table does not exist.
    TableNotFound = 60,
    /// The table exists but is not a valid outbox table. The error has a reason for each problem.
    InvalidTable = 61,
    /// No AWS credentials or no AWS region was found.
    NoAwsConfig = 62,
    /// AWS rejected the credentials, or the credentials lack a permission.
    AccessDenied = 63,
    /// DynamoDB throttled the request and all its retries.
    Throttled = 64,
    /// The endpoint could not be reached.
    Unreachable = 65,
    /// The operation did not complete within `operation_timeout_ms`.
    Timeout = 66,
    /// DynamoDB rejected the request for another reason. The error text contains the error code and message that
    /// DynamoDB returned.
    ServiceError = 67,
    /// A stored item cannot be read as a message. The error text names the attribute.
    MalformedItem = 68,
    /// The embedded database could not be opened or is not compiled in.
    EmbeddedUnavailable = 69,
    /// A thread could not be started because the process or the machine has reached a limit, or the process has closed
    /// the file descriptors of Postbox. The code also means that nothing was written because the disk of the embedded
    /// database is full. Repeat the call when resources are free again. If descriptors were closed, the error is not
    /// retryable.
    NoResources = 70,
    /// The program canceled the operation while it waited for DynamoDB. A write may or may not have taken effect.
    Canceled = 71,

    /// A defect in Postbox. Please report it.
    Internal = 99,
}

/// An error of Postbox. It has a code, an error text, and a reason for each action, message or index that failed.
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

/// The part of an error that concerns one action of a transaction, one message of a call, or one index of a table.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Reason {
    /// The position of the action in the unit of work, or of the message in the call. The first position is 0.
    pub index: usize,
    /// The subject: an action (`Put People`), a message id or the name of an index.
    pub subject: String,
    /// The code that DynamoDB returned (`ConditionalCheckFailed`), or a code of Postbox if DynamoDB returned none.
    pub code: String,
    /// The explanation.
    pub message: String,
    /// The item before the transaction, if the action requested it (`ReturnValuesOnConditionCheckFailure`).
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
    /// Writes only the names of the item's attributes, since values do not belong in logs.
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
    /// Returns an error that is not retryable. The method [`retryable`](Self::retryable) changes this.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { code, message: message.into(), retryable: false, reasons: Vec::new(), source: None }))
    }

    pub(crate) fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    pub(crate) fn with_text(mut self, text: &str) -> Self {
        self.0.message += text;
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

    /// Returns the kind of the error.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// Returns the error text, which has one or more lines. The error text contains no secrets and no message bodies.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Returns whether a smaller request would fail in the same way.
    pub(crate) fn fails_at_any_size(&self) -> bool {
        matches!(self.0.code, ErrorCode::AccessDenied | ErrorCode::TableNotFound | ErrorCode::NoAwsConfig)
    }

    /// Returns a reason for each action, message or index that failed. The list is empty if the error concerns the
    /// whole call.
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

/// Returns the error for a resource that the operating system does not provide because of a limit, such as a thread.
pub(crate) fn no_resources(what: &str, error: &std::io::Error) -> Error {
    let text = format!("{what}, since the process or the machine has reached a limit: {error}");
    Error::new(ErrorCode::NoResources, text).retryable()
}

/// Returns the message of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

/// Returns the names of `known` that resemble `wanted`, for error messages.
pub(crate) fn similar_names<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut ranked: Vec<(usize, &str)> = known.map(|name| (edit_distance(wanted, name), name)).collect();
    ranked.sort();
    let similar: Vec<&str> = ranked
        .iter()
        .enumerate()
        .filter(|(rank, (distance, name))| *rank < 1 || *distance <= 3 || name.contains(wanted) && !wanted.is_empty())
        .take(4)
        .map(|(_, (_, name))| *name)
        .collect();
    similar.join(", ")
}

fn edit_distance(a: &str, b: &str) -> usize {
    // The time grows with the product of the lengths. Known names are short, and longer input from outside is cut.
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

/// Returns a caller's text, shortened for an error message.
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
    fn similar_names_come_first() {
        let known = ["table_name", "region", "profile", "number_of_shards"];
        assert_eq!(similar_names("tablename", known.into_iter()), "table_name");
        assert_eq!(similar_names("regon", known.into_iter()), "region");
        assert!(similar_names("shards", known.into_iter()).contains("number_of_shards"));
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
