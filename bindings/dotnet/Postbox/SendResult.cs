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

        /// <summary>The transport has the message. The message is marked dispatched.</summary>
        public static SendResult Sent { get; } = new SendResult(SendOutcome.Sent, "");

        /// <summary>The transport accepted the message. Call <see cref="PostboxClient.Confirm"/> when the program knows whether the message was sent.</summary>
        public static SendResult Accepted { get; } = new SendResult(SendOutcome.Accepted, "");

        /// <summary>Sending failed, and may succeed at another time. The message stays outstanding, and a later sweep sends it again or parks it.</summary>
        /// <param name="reason">Why; it is stored with the message, up to 600 bytes of it.</param>
        /// <returns>The result.</returns>
        public static SendResult Retry(string reason) => new SendResult(SendOutcome.Retry, reason);

        /// <summary>The message can never be sent. It is parked immediately.</summary>
        /// <param name="reason">Why; it is stored with the message, up to 600 bytes of it.</param>
        /// <returns>The result.</returns>
        public static SendResult Reject(string reason) => new SendResult(SendOutcome.Reject, reason);

        /// <summary>The transport cannot send any message at present. The message stays outstanding and will be sent again.</summary>
        /// <param name="reason">Why; it is stored with the message, up to 600 bytes of it.</param>
        /// <returns>The result.</returns>
        public static SendResult Unavailable(string reason) => new SendResult(SendOutcome.Unavailable, reason);

        /// <summary>The message was not handed to the transport, for example because the producer was asked to stop. Nothing is written for it, and it stays outstanding.</summary>
        public static SendResult NotTried { get; } = new SendResult(SendOutcome.NotTried, "");

        /// <summary>The outcome of sending the message.</summary>
        public SendOutcome Outcome { get; }

        /// <summary>The reason for a failure; "" if there is none.</summary>
        public string Reason { get; }
    }
}
