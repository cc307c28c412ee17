using System;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>
    /// An error of Postbox. <see cref="IsRetryable"/> is true if the same call may succeed later. <c>catch
    /// (PostboxException e) when (e.IsRetryable)</c> catches all errors of this kind. If producers threw exceptions
    /// during a clear or a post, <see cref="Exception.InnerException"/> is the exception, or an
    /// <see cref="AggregateException"/> of all of them.
    /// </summary>
    public class PostboxException : Exception
    {
        internal PostboxException(PostboxErrorCode code, string message, bool retryable, IReadOnlyList<Reason> reasons, Exception? inner) : base(message, inner)
        {
            Code = code;
            IsRetryable = retryable;
            Reasons = reasons;
        }

        /// <summary>
        /// The kind of the error. A later version of the library may return numbers that the enum does not name. Treat
        /// them as <see cref="PostboxErrorCode.Internal"/>.
        /// </summary>
        public PostboxErrorCode Code { get; }

        /// <summary>Whether the same call may succeed later without any change.</summary>
        public bool IsRetryable { get; }

        /// <summary>
        /// A reason for each failed action of a cancelled transaction, each failed message, or each problem with a
        /// table. Empty for other errors.
        /// </summary>
        public IReadOnlyList<Reason> Reasons { get; }
    }

    /// <summary>
    /// An error after which the same call may succeed later, such as throttling, a missing response or a failed
    /// connection. For <see cref="PostboxErrorCode.OutcomeUnknown"/>, call <see cref="UnitOfWork.Commit"/> again on the
    /// same unit of work. A cancelled transaction causes a <see cref="PostboxTransactionCanceledException"/> even if it may be
    /// tried again; <see cref="PostboxException.IsRetryable"/> is then true.
    /// </summary>
    public sealed class PostboxRetryableException : PostboxException
    {
        internal PostboxRetryableException(PostboxErrorCode code, string message, IReadOnlyList<Reason> reasons, Exception? inner)
            : base(code, message, true, reasons, inner) { }
    }

    /// <summary>
    /// DynamoDB cancelled the transaction, and nothing was written. The exception has a reason for each action that
    /// failed. The unit of work stays open.
    /// </summary>
    public class PostboxTransactionCanceledException : PostboxException
    {
        internal PostboxTransactionCanceledException(PostboxErrorCode code, string message, bool retryable, IReadOnlyList<Reason> reasons, Exception? inner)
            : base(code, message, retryable, reasons, inner) { }
    }

    /// <summary>A message id of the unit of work already exists in the outbox. The commit wrote nothing.</summary>
    public sealed class DuplicateMessageException : PostboxTransactionCanceledException
    {
        internal DuplicateMessageException(PostboxErrorCode code, string message, bool retryable, IReadOnlyList<Reason> reasons, Exception? inner)
            : base(code, message, retryable, reasons, inner) { }
    }

    /// <summary>One reason in an error.</summary>
    public sealed class Reason
    {
        internal Reason(int index, string subject, string code, string message, string? item, global::Postbox.Item? storedItem)
        {
            Index = index;
            Subject = subject;
            Code = code;
            Message = message;
            Item = item;
            StoredItem = storedItem;
        }

        /// <summary>
        /// The index of the failed action or message. The first action that was added, or the first message that was
        /// passed, has index 0.
        /// </summary>
        public int Index { get; }

        /// <summary>The subject: an action ("Put People"), a message id or the name of an index.</summary>
        public string Subject { get; }

        /// <summary>
        /// The code from DynamoDB ("ConditionalCheckFailed", "TransactionConflict"), or a code from Postbox if DynamoDB
        /// returned no code.
        /// </summary>
        public string Code { get; }

        /// <summary>The explanation.</summary>
        public string Message { get; }

        /// <summary>
        /// The item whose condition failed, as DynamoDB JSON, if the action requested the item with
        /// <c>"ReturnValuesOnConditionCheckFailure": "ALL_OLD"</c>. Otherwise null.
        /// </summary>
        public string? Item { get; }

        /// <summary>
        /// The item whose condition failed, if the action requested the item with
        /// <see cref="ItemExpression.ReturnItem"/>. Otherwise null. <see cref="Item"/> is the same item as DynamoDB JSON.
        /// </summary>
        public global::Postbox.Item? StoredItem { get; }

        /// <summary>Returns the subject, the code and the message in one line.</summary>
        /// <returns>The line.</returns>
        public override string ToString() => Subject + ": " + Code + ": " + Message;
    }
}
