using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>Sends messages over a transport.</summary>
    public interface IProducer
    {
        /// <summary>
        /// Sends one message. This method is called on the thread that clears, posts or sweeps, or on a thread of the
        /// sweeper. Several threads may call it at the same time. It may block, and may call Postbox. An exception
        /// counts as <see cref="SendResult.Retry"/>, with the text of the exception as the reason. An
        /// <see cref="OperationCanceledException"/> counts as <see cref="SendResult.NotTried"/>, unless its inner exception is a
        /// <see cref="TimeoutException"/>.
        /// </summary>
        /// <param name="message">The message, which is valid during the call.</param>
        /// <returns>The outcome of the message.</returns>
        SendResult Send(OutboxMessage message);
    }

    /// <summary>Sends messages over a transport, without a thread that waits for it.</summary>
    public interface IAsyncProducer
    {
        /// <summary>
        /// Sends one message. This method runs on the thread pool, without a SynchronizationContext, and for several messages at
        /// the same time. It may call Postbox, except for a close of its own client. An exception has the same effect as in
        /// <see cref="IProducer.Send"/>.
        /// </summary>
        /// <param name="message">The message, which is valid until the task has ended.</param>
        /// <param name="closing">The token, which is cancelled when a close of the client no longer waits for the task.</param>
        /// <returns>The task, whose result is the outcome of the message.</returns>
        ValueTask<SendResult> SendAsync(OutboxMessage message, CancellationToken closing);
    }

    /// <summary>The outcome of sending a message.</summary>
    public sealed class SendResult
    {
        private SendResult(SendOutcome outcome, string? reason)
        {
            Outcome = outcome;
            Reason = reason ?? "";
        }

        /// <summary>The transport has the message. The message is marked dispatched.</summary>
        public static SendResult Sent { get; } = new SendResult(SendOutcome.Sent, "");

        /// <summary>
        /// The transport accepted the message. Call <see cref="PostboxClient.Confirm"/> when the program knows whether
        /// the message was sent.
        /// </summary>
        public static SendResult Accepted { get; } = new SendResult(SendOutcome.Accepted, "");

        /// <summary>
        /// Sending failed, and may succeed at another time. The message stays outstanding. A later sweep sends it again
        /// or parks it.
        /// </summary>
        /// <param name="reason">The reason, of which up to 600 bytes are stored with the message.</param>
        /// <returns>The result.</returns>
        public static SendResult Retry(string? reason) => new SendResult(SendOutcome.Retry, reason);

        /// <summary>The message can never be sent. The message is parked immediately.</summary>
        /// <param name="reason">The reason, of which up to 600 bytes are stored with the message.</param>
        /// <returns>The result.</returns>
        public static SendResult Reject(string? reason) => new SendResult(SendOutcome.Reject, reason);

        /// <summary>
        /// The transport cannot send any message at present. The message stays outstanding and will be sent again.
        /// </summary>
        /// <param name="reason">The reason, of which up to 600 bytes are stored with the message.</param>
        /// <returns>The result.</returns>
        public static SendResult Unavailable(string? reason) => new SendResult(SendOutcome.Unavailable, reason);

        /// <summary>
        /// The message was not handed to the transport, for example because the producer was asked to stop. Nothing is
        /// written for the message, and it stays outstanding.
        /// </summary>
        public static SendResult NotTried { get; } = new SendResult(SendOutcome.NotTried, "");

        /// <summary>The result of a producer that returned null.</summary>
        internal static SendResult Nothing { get; } = Retry("the producer returned null");

        /// <summary>A message that was not tried because the producer was cancelled.</summary>
        internal static SendResult Canceled(string reason) => new SendResult(SendOutcome.NotTried, reason);

        /// <summary>The outcome of sending the message.</summary>
        public SendOutcome Outcome { get; }

        /// <summary>The reason for a failure, or "" if there is no reason.</summary>
        public string Reason { get; }

        /// <summary>Returns the outcome and the reason, such as <c>Retry: the broker is down</c>.</summary>
        /// <returns>The text.</returns>
        public override string ToString() => Text.WithReason(Outcome.ToString(), Reason);
    }
}
