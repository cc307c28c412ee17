// Generated from include/postbox.h by tools/csharp_enums.py; do not edit.
namespace Postbox
{
    /// <summary>
    /// The kind of an error. The meaning of a number never changes. Later versions may add codes, so a program should
    /// treat an unknown code as an internal error.
    /// </summary>
    public enum PostboxErrorCode
    {
        /// <summary>No error: the code that is returned for a <c>NULL</c> error (not used in the Rust API).</summary>
        None = 0,

        /// <summary>An argument is invalid.</summary>
        InvalidArgument = 1,

        /// <summary>A required pointer is <c>NULL</c> (not used in the Rust API).</summary>
        NullArgument = 2,

        /// <summary>A string is not valid UTF-8 (not used in the Rust API).</summary>
        InvalidUtf8 = 3,

        /// <summary>
        /// A message cannot be deposited: it has no topic, an invalid header, or a body that does not match its
        /// encoding.
        /// </summary>
        InvalidMessage = 4,

        /// <summary>
        /// DynamoDB JSON is malformed or has the wrong structure. The error text says where the problem is.
        /// </summary>
        InvalidJson = 5,

        /// <summary>The name of a setting or header field is unknown. The error text lists similar names.</summary>
        UnknownName = 6,

        /// <summary>A setting has an invalid value, or settings contradict each other.</summary>
        InvalidSetting = 7,

        /// <summary>The unit of work would have more than 100 actions, the limit of a DynamoDB transaction.</summary>
        TooManyActions = 20,

        /// <summary>An item is larger than 400 KB, the limit of DynamoDB.</summary>
        ItemTooLarge = 21,

        /// <summary>The unit of work would be larger than 4 MB, the limit of a DynamoDB transaction.</summary>
        TransactionTooLarge = 22,

        /// <summary>The unit of work already has an action on this item.</summary>
        DuplicateItem = 23,

        /// <summary>
        /// The unit of work was committed or rolled back, or the outcome of its commit is unknown. No more actions can
        /// be added to it. After an unknown outcome, <see cref="UnitOfWork.Commit"/> can be called again.
        /// </summary>
        UnitOfWorkClosed = 30,

        /// <summary>The client was closed.</summary>
        Closed = 31,

        /// <summary>
        /// The process was forked after the client was opened. Open a new client in the child process.
        /// </summary>
        Forked = 32,

        /// <summary>The handle is in use by another thread.</summary>
        ConcurrentUse = 33,

        /// <summary>
        /// The call would deadlock. It was made in a log callback of the same client, or while the calling thread ends,
        /// for example in a function that is registered with <c>atexit</c>. For <c>close</c>: it was called in a
        /// producer or an archive.
        /// </summary>
        ReentrantCall = 34,

        /// <summary>
        /// DynamoDB canceled the transaction and wrote nothing. The error has a reason for each action that failed.
        /// </summary>
        TransactionCanceled = 40,

        /// <summary>A message id of the unit of work already exists in the outbox. Nothing was written.</summary>
        DuplicateMessage = 41,

        /// <summary>
        /// Postbox received no conclusive response to any attempt at the commit, so the transaction may or may not have
        /// taken effect. Call <see cref="UnitOfWork.Commit"/> again on the same unit of work to find out.
        /// </summary>
        OutcomeUnknown = 42,

        /// <summary>
        /// Some messages that were passed to a call could not be sent, marked dispatched or replayed. The error has a
        /// reason for each of these messages.
        /// </summary>
        ClearIncomplete = 50,

        /// <summary>
        /// Some messages of a bulk deposit could not be stored. The error has a reason for each of these messages.
        /// </summary>
        DepositIncomplete = 51,

        /// <summary>
        /// Some outcomes could not be recorded after the program had confirmed them, or the client was closed before
        /// all sent messages were marked dispatched. If the function takes several messages, the error has a reason for
        /// each message that was not recorded.
        /// </summary>
        MarkIncomplete = 52,

        /// <summary>More messages are outstanding than <c>max_outstanding</c> allows. Nothing was deposited.</summary>
        OutboxLimitReached = 53,

        /// <summary>The table does not exist.</summary>
        TableNotFound = 60,

        /// <summary>
        /// The table exists but is not a valid outbox table. The error has a reason for each problem.
        /// </summary>
        InvalidTable = 61,

        /// <summary>No AWS credentials or no AWS region was found.</summary>
        NoAwsConfig = 62,

        /// <summary>AWS rejected the credentials, or the credentials lack a permission.</summary>
        AccessDenied = 63,

        /// <summary>DynamoDB throttled the request and all its retries.</summary>
        Throttled = 64,

        /// <summary>The endpoint could not be reached.</summary>
        Unreachable = 65,

        /// <summary>The operation did not complete within <c>operation_timeout_ms</c>.</summary>
        Timeout = 66,

        /// <summary>
        /// DynamoDB rejected the request for another reason. The error text contains the error code and message that
        /// DynamoDB returned.
        /// </summary>
        ServiceError = 67,

        /// <summary>A stored item cannot be read as a message. The error text names the attribute.</summary>
        MalformedItem = 68,

        /// <summary>The embedded database could not be opened or is not compiled in.</summary>
        EmbeddedUnavailable = 69,

        /// <summary>
        /// A thread could not be started because the process or the machine has reached a limit, or the process has
        /// closed the file descriptors of Postbox. The code also means that nothing was written because the disk of the
        /// embedded database is full. Repeat the call when resources are free again. If descriptors were closed, the
        /// error is not retryable.
        /// </summary>
        NoResources = 70,

        /// <summary>
        /// The program canceled the operation while it waited for DynamoDB. A write may or may not have taken effect.
        /// </summary>
        Canceled = 71,

        /// <summary>A defect in Postbox. Please report it.</summary>
        Internal = 99,
    }

    /// <summary>The outcome of one message that was passed to a call. The meaning of a number never changes.</summary>
    public enum Outcome
    {
        /// <summary>
        /// The message was sent and marked dispatched. If the call only marks messages, the message was marked but not
        /// sent by Postbox.
        /// </summary>
        Dispatched = 0,

        /// <summary>The message was already dispatched and was not sent again.</summary>
        AlreadyDispatched = 1,

        /// <summary>
        /// The producer accepted the message. The program must still confirm whether the message was sent.
        /// </summary>
        Accepted = 2,

        /// <summary>
        /// Another thread of this process is sending the message, or the message waits for its confirmation.
        /// </summary>
        InProgress = 3,

        /// <summary>The message was replayed, and is outstanding again.</summary>
        Replayed = 4,

        /// <summary>The outbox has no message with this id.</summary>
        NotFound = 10,

        /// <summary>The message is parked and is not sent until a program or an operator releases it.</summary>
        Parked = 11,

        /// <summary>The topic has no producer. The message stays outstanding.</summary>
        NoProducer = 12,

        /// <summary>
        /// The producer could not send the message. The message stays outstanding, and a later sweep sends it again or
        /// parks it.
        /// </summary>
        Failed = 13,

        /// <summary>The producer rejected the message permanently, and the message is parked.</summary>
        Rejected = 14,

        /// <summary>
        /// The stored item cannot be read as a message. A sweep parks the item if it still cannot be read after a day.
        /// </summary>
        Malformed = 15,

        /// <summary>The table could not be read, so the message was not sent. The message stays outstanding.</summary>
        ReadFailed = 16,

        /// <summary>
        /// The message could not be marked dispatched after it was sent, or could not be replayed. A message that was
        /// sent and not marked stays outstanding and may be sent again.
        /// </summary>
        MarkFailed = 17,

        /// <summary>
        /// The message was not tried. Either an earlier message with the same topic and partition key could not be
        /// sent, or the message itself waits for its next attempt, or too many messages of its topic wait for their
        /// confirmations, or messages that were sent cannot be marked dispatched. The detail of the outcome names the
        /// reason.
        /// </summary>
        HeldBack = 18,

        /// <summary>
        /// The message was held back, because the circuit breaker of its topic is open. No attempt is counted.
        /// </summary>
        BreakerOpen = 19,

        /// <summary>The operation stopped before the message was tried. The message is unchanged.</summary>
        Skipped = 20,
    }

    /// <summary>The outcome of sending a message.</summary>
    public enum SendOutcome
    {
        /// <summary>The transport confirmed that it received the message. The message is marked dispatched.</summary>
        Sent = 0,

        /// <summary>
        /// The producer handed the message over, but the transport has not yet confirmed that it received the message.
        /// The program must call <see cref="PostboxClient.Confirm"/> when it knows the outcome. Until then the message
        /// stays outstanding.
        /// </summary>
        Accepted = 1,

        /// <summary>
        /// Sending failed, and the cause may be the transport or the message. The message stays outstanding. A later
        /// sweep sends it again or parks it; see <see cref="PostboxClient.Sweep"/>.
        /// </summary>
        Retry = 2,

        /// <summary>
        /// The message can never be sent, for example because it is too large, not permitted or malformed. The message
        /// is parked without further attempts. Exception: if three or more messages of a topic are rejected with the
        /// same reason and none is sent, they are tried again; see <see cref="PostboxClient.Sweep"/>.
        /// </summary>
        Reject = 3,

        /// <summary>
        /// The transport cannot send any message at present, for example because a server is down. The message stays
        /// outstanding, and a sweep tries to send it later.
        /// </summary>
        Unavailable = 4,

        /// <summary>
        /// The message was not handed to the transport, for example because the producer was asked to stop. Nothing is
        /// written: the message stays outstanding, no attempt is counted, and later messages of its topic and partition
        /// key are held back. A message for which a batch callback sets no result has this outcome.
        /// </summary>
        NotTried = 5,
    }

    /// <summary>The severity of a log message. A greater number is less severe.</summary>
    public enum PostboxLogLevel
    {
        /// <summary>An error: something was lost or does not work.</summary>
        Error = 1,

        /// <summary>A warning: something failed and will be retried, or needs attention.</summary>
        Warn = 2,

        /// <summary>Information for an operator.</summary>
        Info = 3,

        /// <summary>The steps of each operation.</summary>
        Debug = 4,

        /// <summary>All log messages.</summary>
        Trace = 5,
    }

    /// <summary>Whether a sweep or an archiver held its lease.</summary>
    public enum LeaseStatus
    {
        /// <summary>The lease was held for the whole run.</summary>
        Held = 0,

        /// <summary>Another sweeper or archiver holds the lease. This run did nothing.</summary>
        HeldElsewhere = 1,

        /// <summary>The lease was lost during the run, and the run stopped.</summary>
        Lost = 2,

        /// <summary>
        /// The lock table could not be used, for example because access to it was denied. In this case, a sweep sends
        /// nothing unless <c>sweep_without_lease</c> is set. An archiver runs in any case, without the lease.
        /// </summary>
        Unavailable = 3,
    }

    /// <summary>The state of a stored message.</summary>
    public enum MessageState
    {
        /// <summary>The message is neither marked as sent nor parked. It may already have been sent.</summary>
        Outstanding = 0,

        /// <summary>The message was sent and marked.</summary>
        Dispatched = 1,

        /// <summary>
        /// The message is not sent until it is released, because it failed too often, was rejected or is malformed.
        /// </summary>
        Parked = 2,
    }

    /// <summary>The type of a value in DynamoDB.</summary>
    public enum ValueKind
    {
        /// <summary>There is no value: the pointer is NULL.</summary>
        Missing = 0,

        /// <summary>A string (S).</summary>
        String = 1,

        /// <summary>A decimal number of up to 38 digits (N).</summary>
        Number = 2,

        /// <summary>Bytes (B).</summary>
        Binary = 3,

        /// <summary>True or false (BOOL).</summary>
        Bool = 4,

        /// <summary>Null (NULL).</summary>
        Null = 5,

        /// <summary>Values by name (M).</summary>
        Map = 6,

        /// <summary>Values in order (L).</summary>
        List = 7,

        /// <summary>Different strings (SS).</summary>
        StringSet = 8,

        /// <summary>Different numbers (NS).</summary>
        NumberSet = 9,

        /// <summary>Different byte strings (BS).</summary>
        BinarySet = 10,
    }
}
