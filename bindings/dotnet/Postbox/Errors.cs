using System;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>Converts errors of the library to exceptions.</summary>
    internal static class Errors
    {
        /// <summary>Frees an error and throws it as an exception. Does nothing for NULL, which means success.</summary>
        internal static void Check(IntPtr error)
        {
            if (error != IntPtr.Zero)
                throw Take(error);
        }

        private static PostboxException Take(IntPtr error)
        {
            try
            {
                var code = (PostboxErrorCode)Native.postbox_error_code(error);
                var message = Utf8.Read(Native.postbox_error_message(error));
                var retryable = Native.postbox_error_is_retryable(error);
                return Make(code, message, retryable, Reasons(error));
            }
            finally
            {
                Native.postbox_error_free(error);
            }
        }

        private static PostboxException Make(PostboxErrorCode code, string message, bool retryable, IReadOnlyList<Reason> reasons)
        {
            switch (code)
            {
                case PostboxErrorCode.DuplicateMessage:
                    return new DuplicateMessageException(code, message, retryable, reasons);
                case PostboxErrorCode.TransactionCanceled:
                    return new TransactionCanceledException(code, message, retryable, reasons);
                default:
                    return retryable
                        ? new PostboxRetryableException(code, message, reasons)
                        : new PostboxException(code, message, false, reasons);
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
                    Utf8.Read(Native.postbox_error_reason_item(error, at)));
            }
            return reasons;
        }
    }
}
