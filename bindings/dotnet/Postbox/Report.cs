using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;

namespace Postbox
{
    /// <summary>
    /// The outcomes of the messages of one call, in the order in which their ids were passed. An id that was passed twice has
    /// one entry.
    /// </summary>
    public sealed class Report : IReadOnlyList<MessageReport>
    {
        private readonly MessageReport[] messages;

        internal static readonly Report Empty = new Report(Array.Empty<MessageReport>());

        /// <summary>Creates a report, for tests.</summary>
        /// <param name="messages">The outcomes of the messages.</param>
        public Report(IEnumerable<MessageReport> messages)
        {
            this.messages = (messages ?? throw new ArgumentNullException(nameof(messages))).ToArray();
            FailureCount = this.messages.Count(message => message.HasFailed);
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

        /// <summary>Returns the numbers of messages and of failures: "3 messages, 1 failed".</summary>
        /// <returns>The text.</returns>
        public override string ToString() => Text.Plural(Count, "message") + ", " + FailureCount + " failed";

        /// <summary>
        /// The error of a call whose messages failed, as the library returns it for a call without a report. Null if no
        /// message failed.
        /// </summary>
        internal PostboxException? Failure
        {
            get
            {
                if (FailureCount == 0)
                    return null;
                var reasons = messages
                    .Select((message, index) => new { message, index })
                    .Where(entry => entry.message.HasFailed)
                    .Select(entry => new Reason(entry.index, entry.message.Id, entry.message.Outcome.ToString(), entry.message.Detail, null, null))
                    .ToList();
                return Errors.Incomplete(
                    reasons.Count + " of " + Count + " messages failed; there is a reason for each",
                    messages.Any(message => message.MaySucceedLater), reasons,
                    ProducerExceptions.Together(messages.Select(message => message.Exception)));
            }
        }

        /// <summary>Returns this report with later outcomes of some of its messages.</summary>
        internal Report With(IEnumerable<MessageReport> later)
        {
            var byId = later.ToDictionary(message => message.Id);
            return new Report(Array.ConvertAll(messages, message => byId.TryGetValue(message.Id, out var changed) ? changed : message));
        }

        /// <summary>Copies a report of the library, and frees the original.</summary>
        internal static Report Take(IntPtr report, ProducerExceptions? thrown = null)
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
                return new Report(messages);
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
        /// <summary>Creates the outcome of a message, for tests.</summary>
        /// <param name="id">The id of the message.</param>
        /// <param name="outcome">The outcome.</param>
        /// <param name="detail">The reason for the outcome, or "".</param>
        /// <param name="exception">The exception of the producer, or null.</param>
        public MessageReport(string id, Outcome outcome, string detail = "", Exception? exception = null)
        {
            Id = id ?? throw new ArgumentNullException(nameof(id));
            Outcome = outcome;
            Detail = detail ?? throw new ArgumentNullException(nameof(detail));
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
        public Exception? Exception { get; }

        /// <summary>Returns the id, the outcome and the reason in one line.</summary>
        /// <returns>The line.</returns>
        public override string ToString() => Id + ": " + Text.WithReason(Outcome.ToString(), Detail);

        internal bool HasFailed => Outcome >= Outcome.NotFound;

        /// <summary>Whether the message failed, and the same call may succeed later.</summary>
        internal bool MaySucceedLater
        {
            get
            {
                switch (Outcome)
                {
                    case Outcome.NotFound:
                    case Outcome.Parked:
                    case Outcome.Rejected:
                    case Outcome.Malformed:
                        return false;
                    default:
                        return HasFailed;
                }
            }
        }
    }
}
