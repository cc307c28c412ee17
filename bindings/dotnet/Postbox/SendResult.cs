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

        /// <summary>Reports a transient failure. The message stays outstanding and will be sent again.</summary>
        /// <param name="reason">The reason, of which up to 1,023 bytes are stored with the message.</param>
        /// <returns>The result.</returns>
        public static SendResult Retry(string reason) => new SendResult(SendOutcome.Retry, reason);

        /// <summary>Reports that the message can never be sent. It is parked at once.</summary>
        /// <param name="reason">The reason, of which up to 1,023 bytes are stored with the message.</param>
        /// <returns>The result.</returns>
        public static SendResult Reject(string reason) => new SendResult(SendOutcome.Reject, reason);

        /// <summary>The outcome of the message.</summary>
        public SendOutcome Outcome { get; }

        /// <summary>The reason for a failure; "" if there is none.</summary>
        public string Reason { get; }
    }
}
