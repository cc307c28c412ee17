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
        /// <summary>Creates an error, for tests.</summary>
        public PostboxException() : this("an error of Postbox") { }

        /// <summary>Creates an error with a message, for tests.</summary>
        /// <param name="message">The message.</param>
        public PostboxException(string message) : this(PostboxErrorCode.Internal, message) { }

        /// <summary>Creates an error with a message and an inner exception, for tests.</summary>
        /// <param name="message">The message.</param>
        /// <param name="innerException">The inner exception, or null.</param>
        public PostboxException(string message, Exception? innerException)
            : this(PostboxErrorCode.Internal, message, false, null, innerException) { }

        /// <summary>Creates an error as the library reports it, for tests.</summary>
        /// <param name="code">The kind of the error.</param>
        /// <param name="message">The message.</param>
        /// <param name="isRetryable">Whether the same call may succeed later.</param>
        /// <param name="reasons">The reasons, or null if there are none.</param>
        /// <param name="innerException">The inner exception, or null.</param>
        public PostboxException(
            PostboxErrorCode code, string message, bool isRetryable = false, IReadOnlyList<Reason>? reasons = null, Exception? innerException = null)
            : base(message, innerException)
        {
            Code = code;
            IsRetryable = isRetryable;
            Reasons = reasons ?? Array.Empty<Reason>();
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
        /// <summary>Creates a retryable error, for tests.</summary>
        public PostboxRetryableException() : this("a retryable error of Postbox") { }

        /// <summary>Creates a retryable error with a message, for tests.</summary>
        /// <param name="message">The message.</param>
        public PostboxRetryableException(string message) : this(message, default(Exception)) { }

        /// <summary>Creates a retryable error with a message and an inner exception, for tests.</summary>
        /// <param name="message">The message.</param>
        /// <param name="innerException">The inner exception, or null.</param>
        public PostboxRetryableException(string message, Exception? innerException) : this(PostboxErrorCode.Unreachable, message, null, innerException) { }

        /// <summary>Creates a retryable error as the library reports it, for tests.</summary>
        /// <param name="code">The kind of the error.</param>
        /// <param name="message">The message.</param>
        /// <param name="reasons">The reasons, or null if there are none.</param>
        /// <param name="innerException">The inner exception, or null.</param>
        public PostboxRetryableException(
            PostboxErrorCode code, string message, IReadOnlyList<Reason>? reasons = null, Exception? innerException = null)
            : base(code, message, true, reasons, innerException) { }
    }

    /// <summary>
    /// DynamoDB cancelled the transaction, and nothing was written. The exception has a reason for each action that
    /// failed. The unit of work stays open.
    /// </summary>
    public class PostboxTransactionCanceledException : PostboxException
    {
        /// <summary>Creates a cancelled transaction, for tests.</summary>
        public PostboxTransactionCanceledException() : this("a cancelled transaction of Postbox") { }

        /// <summary>Creates a cancelled transaction with a message, for tests.</summary>
        /// <param name="message">The message.</param>
        public PostboxTransactionCanceledException(string message) : this(message, default(Exception)) { }

        /// <summary>Creates a cancelled transaction with a message and an inner exception, for tests.</summary>
        /// <param name="message">The message.</param>
        /// <param name="innerException">The inner exception, or null.</param>
        public PostboxTransactionCanceledException(string message, Exception? innerException) : this(message, false, null, innerException) { }

        /// <summary>Creates a cancelled transaction as the library reports it, for tests.</summary>
        /// <param name="message">The message.</param>
        /// <param name="isRetryable">Whether the same call may succeed later.</param>
        /// <param name="reasons">The reasons, or null if there are none.</param>
        /// <param name="innerException">The inner exception, or null.</param>
        public PostboxTransactionCanceledException(
            string message, bool isRetryable, IReadOnlyList<Reason>? reasons = null, Exception? innerException = null)
            : base(PostboxErrorCode.TransactionCanceled, message, isRetryable, reasons, innerException) { }

        private protected PostboxTransactionCanceledException(
            PostboxErrorCode code, string message, bool isRetryable, IReadOnlyList<Reason>? reasons, Exception? innerException)
            : base(code, message, isRetryable, reasons, innerException) { }
    }

    /// <summary>A message id of the unit of work already exists in the outbox. The commit wrote nothing.</summary>
    public sealed class DuplicateMessageException : PostboxTransactionCanceledException
    {
        /// <summary>Creates a duplicate message, for tests.</summary>
        public DuplicateMessageException() : this("a duplicate message of Postbox") { }

        /// <summary>Creates a duplicate message with a message, for tests.</summary>
        /// <param name="message">The message.</param>
        public DuplicateMessageException(string message) : this(message, default(Exception)) { }

        /// <summary>Creates a duplicate message with a message and an inner exception, for tests.</summary>
        /// <param name="message">The message.</param>
        /// <param name="innerException">The inner exception, or null.</param>
        public DuplicateMessageException(string message, Exception? innerException) : this(message, null, innerException) { }

        /// <summary>Creates the error of a duplicate message as the library reports it, for tests.</summary>
        /// <param name="message">The message.</param>
        /// <param name="reasons">The reasons, or null if there are none.</param>
        /// <param name="innerException">The inner exception, or null.</param>
        public DuplicateMessageException(string message, IReadOnlyList<Reason>? reasons, Exception? innerException = null)
            : base(PostboxErrorCode.DuplicateMessage, message, false, reasons, innerException) { }
    }

    /// <summary>One reason in an error.</summary>
    public sealed class Reason
    {
        /// <summary>Creates a reason, for tests.</summary>
        /// <param name="index">The index of the failed action or message. The first index is 0.</param>
        /// <param name="subject">The subject: an action, a message id or the name of an index.</param>
        /// <param name="code">The code.</param>
        /// <param name="message">The explanation.</param>
        /// <param name="item">The item whose condition failed, as DynamoDB JSON, or null.</param>
        /// <param name="storedItem">The item whose condition failed, or null.</param>
        public Reason(int index, string subject, string code, string message, string? item = null, global::Postbox.Item? storedItem = null)
        {
            Index = index;
            Subject = subject ?? throw new ArgumentNullException(nameof(subject));
            Code = code ?? throw new ArgumentNullException(nameof(code));
            Message = message ?? throw new ArgumentNullException(nameof(message));
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
