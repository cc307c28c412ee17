using System;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>Sends messages over a transport, several in one call.</summary>
    public interface IBatchProducer
    {
        /// <summary>
        /// Sends messages and sets the result of each. It is called on the threads on which <see cref="IProducer.Send"/> is called, and may do the same. An exception counts as
        /// <see cref="SendResult.Retry"/>, with its text, for each message without a result.
        /// </summary>
        /// <param name="messages">
        /// The messages, valid during the call, in the order in which they are to be sent. No two of them have the same topic and partition key.
        /// </param>
        /// <param name="results">The results. A message without a result was not tried.</param>
        /// <example>
        /// <code>
        /// foreach (var index in Enumerable.Range(0, messages.Count).TakeWhile(_ =&gt; !stopping))
        ///     results[index] = Publish(messages[index]);
        /// </code>
        /// </example>
        void Send(IReadOnlyList<Message> messages, SendResults results);
    }

    /// <summary>
    /// The results of the messages of one call of a batch producer. A message without a result was not tried: nothing is written for it, and it stays outstanding. Any
    /// thread may set results until the call returns.
    /// </summary>
    public sealed class SendResults
    {
        private readonly object key = new object();
        private readonly SendResult[] results;
        private bool isOver;

        internal SendResults(int count)
        {
            results = new SendResult[count];
        }

        /// <summary>The number of messages of the call.</summary>
        public int Count => results.Length;

        /// <summary>The result of a message; null for a message that was not tried.</summary>
        /// <param name="index">The index of the message, from 0.</param>
        /// <exception cref="ArgumentOutOfRangeException">There is no such message.</exception>
        /// <exception cref="ObjectDisposedException">The call has returned, so that the result can no longer be set.</exception>
        public SendResult this[int index]
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

        /// <summary>Ends the setting of results.</summary>
        internal SendResult[] Finish()
        {
            lock (key)
                isOver = true;
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
