using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// Asynchronous methods for callers that must not block, such as a user interface. Postbox itself blocks, so each
    /// call occupies a thread of the pool until it returns, and the number of blocked threads does not decrease. A call
    /// can be cancelled until it starts. After that, the call ends when it has succeeded or failed, within its timeout.
    /// </summary>
    public static class AsyncExtensions
    {
        /// <summary>Runs <see cref="UnitOfWork.Commit"/> on a thread of the pool.</summary>
        /// <param name="work">The unit of work.</param>
        /// <param name="cancellation">Cancels the call if it has not started.</param>
        /// <returns>The task.</returns>
        public static Task CommitAsync(this UnitOfWork work, CancellationToken cancellation = default(CancellationToken))
        {
            if (work == null)
                throw new ArgumentNullException(nameof(work));
            return Task.Run(() => work.Commit(), cancellation);
        }

        /// <summary>Runs <see cref="PostboxClient.DepositPost"/> on a thread of the pool.</summary>
        /// <param name="client">The client.</param>
        /// <param name="message">The message.</param>
        /// <param name="cancellation">Cancels the call if it has not started.</param>
        /// <returns>The task, whose result is the id of the message.</returns>
        public static Task<string> DepositPostAsync(this PostboxClient client, Message message, CancellationToken cancellation = default(CancellationToken))
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            return Task.Run(() => client.DepositPost(message), cancellation);
        }

        /// <summary>
        /// Runs <see cref="PostboxClient.ClearOutbox(string[])"/> on a thread of the pool. The producers are called on
        /// the same thread.
        /// </summary>
        /// <param name="client">The client.</param>
        /// <param name="ids">The ids.</param>
        /// <param name="cancellation">Cancels the call if it has not started.</param>
        /// <returns>The task.</returns>
        public static Task ClearOutboxAsync(this PostboxClient client, string[] ids, CancellationToken cancellation = default(CancellationToken))
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            return Task.Run(() => client.ClearOutbox(ids), cancellation);
        }
    }
}
