using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// For callers that must not block, such as a user interface. Postbox itself blocks, so that each of these occupies a thread of the pool until it is over: they
    /// save no threads. Cancelling works until the call begins; after that it ends by itself, within its timeout.
    /// </summary>
    public static class AsyncExtensions
    {
        /// <summary><see cref="UnitOfWork.Commit"/> on a thread of the pool.</summary>
        /// <param name="work">The unit of work.</param>
        /// <param name="cancellation">Works until the call begins.</param>
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
        /// <param name="cancellation">Works until the call begins.</param>
        /// <returns>The task, whose result is the id.</returns>
        public static Task<string> DepositPostAsync(this PostboxClient client, Message message, CancellationToken cancellation = default(CancellationToken))
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            return Task.Run(() => client.DepositPost(message), cancellation);
        }

        /// <summary><see cref="PostboxClient.ClearOutbox(string[])"/> on a thread of the pool, where the producers are called too.</summary>
        /// <param name="client">The client.</param>
        /// <param name="ids">The ids.</param>
        /// <param name="cancellation">Works until the call begins.</param>
        /// <returns>The task.</returns>
        public static Task ClearOutboxAsync(this PostboxClient client, string[] ids, CancellationToken cancellation = default(CancellationToken))
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            return Task.Run(() => client.ClearOutbox(ids), cancellation);
        }
    }
}
