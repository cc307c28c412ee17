using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// Asynchronous methods for callers that must not block, such as a user interface. Postbox itself blocks, so each call occupies a thread of the pool until it
    /// returns, and saves no threads. A call can be cancelled until it starts; after that it ends by itself, within its timeout.
    /// </summary>
    public static class AsyncExtensions
    {
        /// <summary><see cref="UnitOfWork.Commit"/> on a thread of the pool.</summary>
        /// <param name="work">The unit of work.</param>
        /// <param name="cancellation">Cancels the call if it has not started.</param>
        /// <returns>The task.</returns>
        public static Task CommitAsync(this UnitOfWork work, CancellationToken cancellation = default(CancellationToken))
        {
            if (work == null)
                throw new ArgumentNullException(nameof(work));
            return Task.Run(() => work.Commit(), cancellation);
        }

        /// <summary><see cref="PostboxClient.DepositPost"/> on a thread of the pool.</summary>
        /// <param name="client">The client.</param>
        /// <param name="message">The message.</param>
        /// <param name="cancellation">Cancels the call if it has not started.</param>
        /// <returns>The task, whose result is the id.</returns>
        public static Task<string> DepositPostAsync(this PostboxClient client, Message message, CancellationToken cancellation = default(CancellationToken))
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            return Task.Run(() => client.DepositPost(message), cancellation);
        }

        /// <summary><see cref="PostboxClient.ClearOutbox(string[])"/> on a thread of the pool. The producers are called on that thread too.</summary>
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
