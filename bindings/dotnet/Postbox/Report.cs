using System;
using System.Collections;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>
    /// The outcomes of the messages of one call, in the order in which their ids were passed. An id that was passed twice has
    /// one entry.
    /// </summary>
    public sealed class Report : IReadOnlyList<MessageReport>
    {
        private readonly MessageReport[] messages;

        private Report(MessageReport[] messages, int failureCount)
        {
            this.messages = messages;
            FailureCount = failureCount;
        }

        /// <summary>The number of messages in the report.</summary>
        public int Count => messages.Length;

        /// <summary>
        /// The number of failed messages. A message has failed if the number of its outcome is
        /// <see cref="Outcome.NotFound"/> or greater.
        /// </summary>
        public int FailureCount { get; }

        /// <summary>The outcome of one message.</summary>
        /// <param name="index">The index of the message. The first index is 0.</param>
        public MessageReport this[int index] => messages[index];

        /// <summary>Returns an enumerator of the messages.</summary>
        /// <returns>The enumerator.</returns>
        public IEnumerator<MessageReport> GetEnumerator() => ((IEnumerable<MessageReport>)messages).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        /// <summary>Copies a report of the library, and frees the original.</summary>
        internal static Report Take(IntPtr report, ProducerExceptions thrown = null)
        {
            try
            {
                var messages = new MessageReport[(int)Native.postbox_report_count(report)];
                for (var i = 0; i < messages.Length; i++)
                {
                    var at = (UIntPtr)i;
                    var id = Utf8.Read(Native.postbox_report_id(report, at));
                    messages[i] = new MessageReport(
                        id,
                        (Outcome)Native.postbox_report_outcome(report, at),
                        Utf8.Read(Native.postbox_report_detail(report, at)),
                        thrown?.Of(id));
                }
                return new Report(messages, (int)Native.postbox_report_failure_count(report));
            }
            finally
            {
                Native.postbox_report_free(report);
            }
        }
    }

    /// <summary>The outcome of one message.</summary>
    public sealed class MessageReport
    {
        internal MessageReport(string id, Outcome outcome, string detail, Exception exception)
        {
            Id = id;
            Outcome = outcome;
            Detail = detail;
            Exception = exception;
        }

        /// <summary>The id of the message.</summary>
        public string Id { get; }

        /// <summary>The outcome of the message.</summary>
        public Outcome Outcome { get; }

        /// <summary>The reason for the outcome, or "" if the outcome has no reason.</summary>
        public string Detail { get; }

        /// <summary>
        /// The exception that the producer of the message threw during this call. Null if the producer threw none.
        /// </summary>
        public Exception Exception { get; }
    }
}
