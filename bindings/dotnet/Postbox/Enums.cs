// Generated from include/postbox.h by tools/csharp_enums.py; do not edit.
namespace Postbox
{
    /// <summary>What kind of error it is. The numbers are stable and are the codes of the C ABI; later versions add codes, so treat one that you do not know as an internal error.</summary>
    public enum PostboxErrorCode
    {
        /// <summary>No error. Only the C ABI gives it: the code of a <c>NULL</c> error.</summary>
        None = 0,

        /// <summary>An argument has a value that the call cannot work with.</summary>
        InvalidArgument = 1,

        /// <summary>A pointer that must not be <c>NULL</c> is <c>NULL</c>. C ABI only.</summary>
        NullArgument = 2,

        /// <summary>A string is not valid UTF-8. C ABI only.</summary>
        InvalidUtf8 = 3,

        /// <summary>A message cannot be deposited as it is: no topic, a bad header, a body that contradicts its encoding.</summary>
        InvalidMessage = 4,

        /// <summary>DynamoDB JSON is malformed or has the wrong shape; the text says where.</summary>
        InvalidJson = 5,

        /// <summary>No setting or header field has this name; the text lists the near ones.</summary>
        UnknownName = 6,

        /// <summary>A setting has a value that it cannot have, or settings contradict each other.</summary>
        InvalidSetting = 7,

        /// <summary>The unit of work would have more than 100 actions.</summary>
        TooManyActions = 20,

        /// <summary>An item is larger than DynamoDB's 400 KB.</summary>
        ItemTooLarge = 21,

        /// <summary>The unit of work would be larger than DynamoDB's 4 MB.</summary>
        TransactionTooLarge = 22,

        /// <summary>The unit of work has an action on this item already.</summary>
        DuplicateItem = 23,

        /// <summary>The unit of work was committed or rolled back, or its outcome is open and it cannot be changed.</summary>
        UnitOfWorkClosed = 30,

        /// <summary>The Postbox was closed.</summary>
        Closed = 31,

        /// <summary>The process was forked after the Postbox was opened: open a new one in the child.</summary>
        Forked = 32,

        /// <summary>The handle is in use by another thread.</summary>
        ConcurrentUse = 33,

        /// <summary>The call came from the Postbox's own runtime thread (for instance from a log callback), where it would wait for itself.</summary>
        ReentrantCall = 34,

        /// <summary>DynamoDB cancelled the transaction: nothing was written. The reasons say why, action by action.</summary>
        TransactionCanceled = 40,

        /// <summary>A message id of the unit of work is in the outbox already: nothing was written.</summary>
        DuplicateMessage = 41,

        /// <summary>No answer came: the transaction took effect or it did not. Call <see cref="UnitOfWork.Commit"/> again on the same unit of work.</summary>
        OutcomeUnknown = 42,

        /// <summary>Some messages could not be cleared, marked or replayed; the reasons say which and why.</summary>
        ClearIncomplete = 50,

        /// <summary>Some messages of a bulk deposit could not be stored; the reasons say which and why.</summary>
        DepositIncomplete = 51,

        /// <summary>Some messages could not be marked dispatched; the reasons say which and why.</summary>
        MarkIncomplete = 52,

        /// <summary>More messages are outstanding than <c>max_outstanding</c> allows: nothing was deposited.</summary>
        OutboxLimitReached = 53,

        /// <summary>The table does not exist.</summary>
        TableNotFound = 60,

        /// <summary>The table exists and cannot serve as an outbox; the reasons say what is wrong with it.</summary>
        InvalidTable = 61,

        /// <summary>No AWS credentials or no region were found.</summary>
        NoAwsConfig = 62,

        /// <summary>AWS refused the credentials or the permission.</summary>
        AccessDenied = 63,

        /// <summary>DynamoDB throttled the request, also after retries.</summary>
        Throttled = 64,

        /// <summary>The endpoint could not be reached.</summary>
        Unreachable = 65,

        /// <summary>No answer within <c>operation_timeout_ms</c>.</summary>
        Timeout = 66,

        /// <summary>DynamoDB refused the request for another reason; its code and text are in the message.</summary>
        ServiceError = 67,

        /// <summary>A stored item cannot be read as a message; the text names the attribute.</summary>
        MalformedItem = 68,

        /// <summary>The embedded database could not be opened or is not compiled in.</summary>
        EmbeddedUnavailable = 69,

        /// <summary>Something that should not happen. Please report it.</summary>
        Internal = 99,
    }

    /// <summary>What became of one message. The numbers are stable and are those of the C ABI.</summary>
    public enum Outcome
    {
        /// <summary>It was sent and marked dispatched; or only marked, if that was asked for.</summary>
        Dispatched = 0,

        /// <summary>It had been dispatched before and was not sent again.</summary>
        AlreadyDispatched = 1,

        /// <summary>Its producer accepted it and will confirm it later.</summary>
        Accepted = 2,

        /// <summary>Another thread of this process is sending it, or waits for its confirmation.</summary>
        InProgress = 3,

        /// <summary>It is outstanding again, as was asked for.</summary>
        Replayed = 4,

        /// <summary>The outbox has no message of this id.</summary>
        NotFound = 10,

        /// <summary>It is parked: not sent until it is released.</summary>
        Parked = 11,

        /// <summary>No producer serves its topic. It stays outstanding.</summary>
        NoProducer = 12,

        /// <summary>Its producer failed. It stays outstanding, or is parked after <c>max_dispatch_attempts</c>.</summary>
        Failed = 13,

        /// <summary>Its producer can never send it as it is. It is parked.</summary>
        Rejected = 14,

        /// <summary>Its stored item cannot be read. It is parked.</summary>
        Malformed = 15,

        /// <summary>The table could not be read, so it was not sent. It stays outstanding.</summary>
        ReadFailed = 16,

        /// <summary>It was sent, and could not be marked: it stays outstanding and will be sent again.</summary>
        MarkFailed = 17,

        /// <summary>It waits: an earlier message of its topic and partition key failed, or it did so lately itself.</summary>
        HeldBack = 18,

        /// <summary>The breaker of its topic is open: it waits, and no attempt is counted.</summary>
        BreakerOpen = 19,

        /// <summary>The operation was stopped before the message was tried; it stays as it was.</summary>
        Skipped = 20,
    }

    /// <summary>What became of a message that a producer was given.</summary>
    public enum SendOutcome
    {
        /// <summary>The transport has it: it is marked dispatched.</summary>
        Sent = 0,

        /// <summary>The transport accepted it and will confirm it later, by <see cref="PostboxClient.Confirm"/>; until then it stays outstanding.</summary>
        Accepted = 1,

        /// <summary>It failed for a passing reason: it stays outstanding and will be sent again, <c>max_dispatch_attempts</c> in all.</summary>
        Retry = 2,

        /// <summary>It can never be sent as it is, being too large, not permitted, malformed: it is parked at once.</summary>
        Reject = 3,
    }

    /// <summary>How important a log message is.</summary>
    public enum PostboxLogLevel
    {
        /// <summary>Something is lost or broken.</summary>
        Error = 1,

        /// <summary>Something failed and will be tried again, or needs a look.</summary>
        Warn = 2,

        /// <summary>Something that an operator wants to know.</summary>
        Info = 3,

        /// <summary>What Postbox does, step by step.</summary>
        Debug = 4,

        /// <summary>Everything.</summary>
        Trace = 5,
    }

    /// <summary>Whether a sweep or an archiver had its lease.</summary>
    public enum LeaseStatus
    {
        /// <summary>It had, to the end.</summary>
        Held = 0,

        /// <summary>Another one has it: nothing was done.</summary>
        HeldElsewhere = 1,

        /// <summary>It had, and lost it: it stopped at once.</summary>
        Lost = 2,

        /// <summary>It ran without one: there is no lock table, or no permission for it.</summary>
        Unavailable = 3,
    }

    /// <summary>Where a stored message is in its life.</summary>
    public enum MessageState
    {
        /// <summary>Not yet sent.</summary>
        Outstanding = 0,

        /// <summary>Sent.</summary>
        Dispatched = 1,

        /// <summary>Set aside after it failed too often or was rejected.</summary>
        Parked = 2,
    }
}
