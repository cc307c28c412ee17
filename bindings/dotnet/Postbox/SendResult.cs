namespace Postbox
{
    /// <summary>Sends messages over a transport.</summary>
    public interface IProducer
    {
        /// <summary>
        /// Sends one message. It is called on the thread that clears, posts or sweeps, or on the sweeper's; by several at once if several do those. It
        /// may take its time, and use Postbox. An exception counts as <see cref="SendResult.Retry"/> with its text.
        /// </summary>
        /// <param name="message">The message, valid during the call.</param>
        /// <returns>The outcome of the message.</returns>
        SendResult Send(Message message);
    }

    /// <summary>The outcome of sending a message.</summary>
    public sealed class SendResult
    {
        private SendResult(SendOutcome outcome, string reason)
        {
            Outcome = outcome;
            Reason = reason ?? "";
        }

        /// <summary>The transport has it: it is marked dispatched.</summary>
        public static SendResult Sent { get; } = new SendResult(SendOutcome.Sent, "");

        /// <summary>The transport accepted it and will confirm it later, by <see cref="PostboxClient.Confirm"/>.</summary>
        public static SendResult Accepted { get; } = new SendResult(SendOutcome.Accepted, "");

        /// <summary>It failed for a passing reason: it stays outstanding and will be sent again.</summary>
        /// <param name="reason">Why; it is stored with the message, up to 600 bytes of it.</param>
        /// <returns>The result.</returns>
        public static SendResult Retry(string reason) => new SendResult(SendOutcome.Retry, reason);

        /// <summary>It can never be sent as it is: it is parked at once.</summary>
        /// <param name="reason">Why; it is stored with the message, up to 600 bytes of it.</param>
        /// <returns>The result.</returns>
        public static SendResult Reject(string reason) => new SendResult(SendOutcome.Reject, reason);

        /// <summary>The transport cannot be used now, whatever the message: it stays outstanding and will be sent again.</summary>
        /// <param name="reason">Why; it is stored with the message, up to 600 bytes of it.</param>
        /// <returns>The result.</returns>
        public static SendResult Unavailable(string reason) => new SendResult(SendOutcome.Unavailable, reason);

        /// <summary>The message was not handed to the transport, for example because the producer was asked to stop. Nothing is written for it, and it stays outstanding.</summary>
        public static SendResult NotTried { get; } = new SendResult(SendOutcome.NotTried, "");

        /// <summary>What became of it.</summary>
        public SendOutcome Outcome { get; }

        /// <summary>The reason for a failure; "" if there is none.</summary>
        public string Reason { get; }
    }
}
