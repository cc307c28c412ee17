using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>The messages that one task of an asynchronous producer sends.</summary>
    internal sealed class SentBatch : IDisposable
    {
        private volatile bool hasEnded;

        /// <summary>Copies messages, which the library lends for the duration of a callback only.</summary>
        internal SentBatch(Sending owner, IReadOnlyList<OutboxMessage> lent)
        {
            Owner = owner;
            Messages = lent.Select(message => message.Copy()).ToList();
            Sent = Messages.Select(message => new SentMessage(message.Id)).ToList();
        }

        internal Sending Owner { get; }

        internal IReadOnlyList<OutboxMessage> Messages { get; }

        internal IReadOnlyList<SentMessage> Sent { get; }

        /// <summary>Whether the task of the producer has ended.</summary>
        internal bool HasEnded
        {
            get => hasEnded;
            set => hasEnded = value;
        }

        public void Dispose()
        {
            foreach (var message in Messages)
                message.Dispose();
        }
    }

    /// <summary>A message that an asynchronous producer has accepted.</summary>
    internal sealed class SentMessage
    {
        private readonly TaskCompletionSource<MessageReport> confirmed =
            new TaskCompletionSource<MessageReport>(TaskCreationOptions.RunContinuationsAsynchronously);

        internal SentMessage(string id)
        {
            Id = id;
        }

        internal string Id { get; }

        /// <summary>The task that ends when the result of the message is confirmed.</summary>
        internal Task<MessageReport> Confirmed => confirmed.Task;

        /// <summary>Confirms the result of the message. Throws no exception.</summary>
        internal async Task Confirm(ClientHandle client, SendResult result, Exception? thrown)
        {
            var outcome = OutcomeOf(result.Outcome);
            var detail = result.Reason;
            try
            {
                if (result.Outcome == SendOutcome.NotTried)
                    // This sends no request.
                    Errors.Check(Native.postbox_confirm(client, Utf8.Required(Id, nameof(Id)), (int)result.Outcome, null));
                else if (result.Outcome != SendOutcome.Accepted)
                    await Completion.Run(
                        started => Native.postbox_confirm_async(
                            client, Utf8.Required(Id, nameof(Id)), (int)result.Outcome, Confirmations.ReasonOf(result),
                            Completion.Done, started.Data, out started.Operation),
                        Completion.Nothing, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                outcome = result.Outcome == SendOutcome.Sent ? Outcome.MarkFailed : outcome;
                detail = failure.Message;
            }
            confirmed.TrySetResult(new MessageReport(Id, outcome, detail, thrown));
        }

        /// <summary>Ends the waits for this message, whose producer may still send it.</summary>
        internal void Abandon()
        {
            confirmed.TrySetResult(new MessageReport(Id, Outcome.Accepted, "the client was closed before the asynchronous producer ended", null));
        }

        private static Outcome OutcomeOf(SendOutcome outcome)
        {
            switch (outcome)
            {
                case SendOutcome.Sent:
                    return Outcome.Dispatched;
                case SendOutcome.Accepted:
                    return Outcome.Accepted;
                case SendOutcome.Reject:
                    return Outcome.Rejected;
                case SendOutcome.NotTried:
                    return Outcome.Skipped;
                default:
                    return Outcome.Failed;
            }
        }
    }
}
