using System;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>
    /// An error of Postbox. <see cref="IsRetryable"/> is true if the same call may succeed later; <c>catch (PostboxException e) when (e.IsRetryable)</c> catches all such errors.
    /// </summary>
    public class PostboxException : Exception
    {
        internal PostboxException(PostboxErrorCode code, string message, bool retryable, IReadOnlyList<Reason> reasons) : base(message)
        {
            Code = code;
            IsRetryable = retryable;
            Reasons = reasons;
        }

        /// <summary>The kind of the error. A later library may return numbers that the enum does not name; treat them as <see cref="PostboxErrorCode.Internal"/>.</summary>
        public PostboxErrorCode Code { get; }

        /// <summary>Whether the same call may succeed later without any change.</summary>
        public bool IsRetryable { get; }

        /// <summary>A reason for each failed action of a cancelled transaction, each failed message, or each problem of a table. Empty for other errors.</summary>
        public IReadOnlyList<Reason> Reasons { get; }
    }

    /// <summary>
    /// An error after which the same call may succeed later: throttling, no response, no connection. For <see cref="PostboxErrorCode.OutcomeUnknown"/>, call
    /// <see cref="UnitOfWork.Commit"/> again on the same unit of work. A cancelled transaction that may be tried again is a
    /// <see cref="TransactionCanceledException"/> with <see cref="PostboxException.IsRetryable"/> set.
    /// </summary>
    public sealed class PostboxRetryableException : PostboxException
    {
        internal PostboxRetryableException(PostboxErrorCode code, string message, IReadOnlyList<Reason> reasons)
            : base(code, message, true, reasons) { }
    }

    /// <summary>DynamoDB cancelled the transaction: nothing was written. There is a reason for each action that failed. The unit of work stays open.</summary>
    public class TransactionCanceledException : PostboxException
    {
        internal TransactionCanceledException(PostboxErrorCode code, string message, bool retryable, IReadOnlyList<Reason> reasons)
            : base(code, message, retryable, reasons) { }
    }

    /// <summary>A message id of the unit of work already exists in the outbox. The commit wrote nothing.</summary>
    public sealed class DuplicateMessageException : TransactionCanceledException
    {
        internal DuplicateMessageException(PostboxErrorCode code, string message, bool retryable, IReadOnlyList<Reason> reasons)
            : base(code, message, retryable, reasons) { }
    }

    /// <summary>One reason of an error.</summary>
    public sealed class Reason
    {
        internal Reason(int index, string subject, string code, string message, string item)
        {
            Index = index;
            Subject = subject;
            Code = code;
            Message = message;
            Item = item;
        }

        /// <summary>The index of the failed action or message, from 0 in the order in which they were added or passed.</summary>
        public int Index { get; }

        /// <summary>The subject: an action ("Put People"), a message id or the name of an index.</summary>
        public string Subject { get; }

        /// <summary>The code from DynamoDB ("ConditionalCheckFailed", "TransactionConflict"), or one from Postbox if DynamoDB returned none.</summary>
        public string Code { get; }

        /// <summary>The explanation.</summary>
        public string Message { get; }

        /// <summary>
        /// The item whose condition failed, as DynamoDB JSON, if the action asked for it by
        /// <c>"ReturnValuesOnConditionCheckFailure": "ALL_OLD"</c>; else null.
        /// </summary>
        public string Item { get; }

        /// <summary>Subject, code and message in one line.</summary>
        /// <returns>The line.</returns>
        public override string ToString() => Subject + ": " + Code + ": " + Message;
    }
}
