using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>Sends messages over a transport. One call can send several messages.</summary>
    public interface IBatchProducer
    {
        /// <summary>
        /// Sends messages and sets the result of each. This method is called on the same threads as
        /// <see cref="IProducer.Send"/>, and may call the same methods. An exception counts as
        /// <see cref="SendResult.Retry"/>, with the text of the exception, for each message whose result is not set.
        /// </summary>
        /// <param name="messages">
        /// The messages, in the order in which they are to be sent. They are valid during the call. No two messages
        /// have the same topic and partition key.
        /// </param>
        /// <param name="results">The results. A message whose result is not set counts as not tried.</param>
        /// <example>
        /// <code>
        /// foreach (var index in Enumerable.Range(0, messages.Count).TakeWhile(_ =&gt; !stopping))
        ///     results[index] = Publish(messages[index]);
        /// </code>
        /// </example>
        void Send(IReadOnlyList<OutboxMessage> messages, SendResults results);
    }

    /// <summary>
    /// Sends messages over a transport, without a thread that waits for it. One call can send several messages.
    /// </summary>
    public interface IAsyncBatchProducer
    {
        /// <summary>
        /// Sends messages and sets the result of each. This method is called in the same way as
        /// <see cref="IAsyncProducer.SendAsync"/>. An exception has the same effect as in <see cref="IBatchProducer.Send"/>.
        /// </summary>
        /// <param name="messages">
        /// The messages, in the order in which they are to be sent. They are valid until the task has ended. No two messages
        /// have the same topic and partition key.
        /// </param>
        /// <param name="results">
        /// The results, which can be set until the task has ended. A message whose result is not set counts as not tried.
        /// </param>
        /// <param name="closing">The token, which is cancelled when a close of the client no longer waits for the task.</param>
        /// <returns>The task.</returns>
        ValueTask SendAsync(IReadOnlyList<OutboxMessage> messages, SendResults results, CancellationToken closing);
    }

    /// <summary>
    /// The results of the messages of one call to a batch producer. A message whose result is not set counts as not
    /// tried: nothing is written for the message, and it stays outstanding. Any thread may set results until the call
    /// returns.
    /// </summary>
    public sealed class SendResults
    {
        private readonly object key = new object();
        private readonly SendResult?[] results;
        private bool isOver;

        /// <summary>Creates the results of a call, for tests of a producer.</summary>
        /// <param name="count">The number of messages in the call.</param>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
        public SendResults(int count)
        {
            if (count < 0)
                throw new ArgumentOutOfRangeException(nameof(count), count, "the number of messages is negative");
            results = new SendResult?[count];
        }

        /// <summary>The number of messages in the call.</summary>
        public int Count => results.Length;

        /// <summary>The result of a message. Null if the result is not set.</summary>
        /// <param name="index">The index of the message. The first index is 0.</param>
        /// <exception cref="ArgumentOutOfRangeException">No message has this index.</exception>
        /// <exception cref="ObjectDisposedException">
        /// The call has returned, so the result can no longer be set.
        /// </exception>
        public SendResult? this[int index]
        {
            get
            {
                lock (key)
                    return results[Checked(index)];
            }
            set
            {
                lock (key)
                {
                    if (isOver)
                        throw new ObjectDisposedException(nameof(SendResults));
                    results[Checked(index)] = value;
                }
            }
        }

        /// <summary>Returns how many results are set: "2 of 3 results".</summary>
        /// <returns>The text.</returns>
        public override string ToString()
        {
            lock (key)
                return Text.Number(results.Count(result => result != null)) + " of " + Text.Plural(results.Length, "result");
        }

        /// <summary>Prevents further results from being set.</summary>
        internal SendResult?[] Finish()
        {
            Uninterrupted.Run(() =>
            {
                lock (key)
                    isOver = true;
            });
            return results;
        }

        private int Checked(int index)
        {
            if (index < 0 || index >= results.Length)
                throw new ArgumentOutOfRangeException(nameof(index), index, "the batch has " + results.Length + " messages");
            return index;
        }
    }
}
