using System;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>Converts errors of the library to exceptions.</summary>
    internal static class Errors
    {
        /// <summary>Frees an error and throws it as an exception. Does nothing for NULL, which means success.</summary>
        internal static void Check(IntPtr error, ProducerExceptions? thrown = null)
        {
            if (error != IntPtr.Zero)
                throw Take(error, thrown?.All);
        }

        /// <summary>An error that this assembly finds before it calls the library.</summary>
        internal static PostboxException Reentrant(string message)
        {
            return Make(PostboxErrorCode.ReentrantCall, message, false, new Reason[0], null);
        }

        /// <summary>The error of options that are invalid.</summary>
        internal static PostboxException InvalidSetting(string message)
        {
            return Make(PostboxErrorCode.InvalidSetting, message, false, new Reason[0], null);
        }

        /// <summary>The error of a close that does not wait any longer.</summary>
        internal static PostboxException NotEnded(string message)
        {
            return Make(PostboxErrorCode.Timeout, message, false, new Reason[0], null);
        }

        /// <summary>The error of a call some of whose messages failed.</summary>
        internal static PostboxException Incomplete(string message, bool retryable, IReadOnlyList<Reason> reasons, Exception? inner)
        {
            return Make(PostboxErrorCode.ClearIncomplete, message, retryable, reasons, inner);
        }

        /// <summary>Frees an error and returns it as an exception.</summary>
        internal static PostboxException Take(IntPtr error, Exception? inner = null)
        {
            try
            {
                var code = (PostboxErrorCode)Native.postbox_error_code(error);
                var message = Utf8.Read(Native.postbox_error_message(error));
                var retryable = Native.postbox_error_is_retryable(error);
                return Make(code, message, retryable, Reasons(error), inner);
            }
            finally
            {
                Native.postbox_error_free(error);
            }
        }

        private static PostboxException Make(PostboxErrorCode code, string message, bool retryable, IReadOnlyList<Reason> reasons, Exception? inner)
        {
            switch (code)
            {
                case PostboxErrorCode.DuplicateMessage:
                    return new DuplicateMessageException(code, message, retryable, reasons, inner);
                case PostboxErrorCode.TransactionCanceled:
                    return new PostboxTransactionCanceledException(code, message, retryable, reasons, inner);
                default:
                    return retryable
                        ? new PostboxRetryableException(code, message, reasons, inner)
                        : new PostboxException(code, message, false, reasons, inner);
            }
        }

        private static IReadOnlyList<Reason> Reasons(IntPtr error)
        {
            var reasons = new Reason[(int)Native.postbox_error_reason_count(error)];
            for (var i = 0; i < reasons.Length; i++)
            {
                var at = (UIntPtr)i;
                reasons[i] = new Reason(
                    (int)Native.postbox_error_reason_index(error, at),
                    Utf8.Read(Native.postbox_error_reason_subject(error, at)),
                    Utf8.Read(Native.postbox_error_reason_code(error, at)),
                    Utf8.Read(Native.postbox_error_reason_message(error, at)),
                    Utf8.ReadOptional(Native.postbox_error_reason_item(error, at)),
                    ItemReader.CopyOptional(Native.postbox_error_reason_read_item(error, at)));
            }
            return reasons;
        }
    }
}
