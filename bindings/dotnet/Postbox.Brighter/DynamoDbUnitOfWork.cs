using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Brighter
{
    /// <summary>
    /// Brighter's unit of work on DynamoDB, with the same names. It has one transaction at a time, which starts when it
    /// is first requested.
    /// </summary>
    public sealed class DynamoDbUnitOfWork : IDisposable, IAsyncDisposable
    {
        private readonly IPostbox client;
        private IUnitOfWork? transaction;

        /// <summary>Creates a unit of work over a client, which the caller still owns.</summary>
        /// <param name="client">The client.</param>
        public DynamoDbUnitOfWork(IPostbox client)
        {
            this.client = client ?? throw new ArgumentNullException(nameof(client));
        }

        /// <summary>Whether a transaction is open.</summary>
        public bool HasOpenTransaction => transaction != null;

        /// <summary>
        /// Returns the open transaction, or starts a new one. Add your actions to it instead of to
        /// <c>TransactItems</c>.
        /// </summary>
        /// <returns>The transaction.</returns>
        public IUnitOfWork BeginOrGetTransaction() => transaction ??= client.BeginUnitOfWork();

        /// <summary>
        /// Commits the open transaction. After an error, the transaction is still open, and can be committed again or
        /// rolled back.
        /// </summary>
        /// <exception cref="InvalidOperationException">No transaction is open.</exception>
        public void Commit()
        {
            Open.Commit();
            Close();
        }

        /// <summary>Commits the open transaction as <see cref="Commit"/> does. No thread waits for DynamoDB.</summary>
        /// <param name="cancellation">
        /// Ends the wait. The transaction stays open, and may or may not have taken effect: call this method again to find out.
        /// </param>
        /// <returns>The task.</returns>
        public async Task CommitAsync(CancellationToken cancellation = default(CancellationToken))
        {
            await Open.CommitAsync(cancellation).ConfigureAwait(false);
            Close();
        }

        private IUnitOfWork Open => transaction ?? throw new InvalidOperationException("no transaction is open: call BeginOrGetTransaction first");

        /// <summary>Rolls back the open transaction, if there is one: nothing is written or sent.</summary>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.OutcomeUnknown"/> if a commit received no response, because the commit may have
        /// taken effect.
        /// </exception>
        public void Rollback()
        {
            try
            {
                transaction?.Rollback();
            }
            finally
            {
                Close();
            }
        }

        /// <summary>Closes the unit of work. An open transaction is not written.</summary>
        public void Close()
        {
            transaction?.Dispose();
            transaction = null;
        }

        /// <summary>Returns the open transaction: "DynamoDbUnitOfWork (UnitOfWork (3 actions))".</summary>
        /// <returns>The text.</returns>
        public override string ToString() => nameof(DynamoDbUnitOfWork) + " (" + (transaction?.ToString() ?? "no transaction") + ")";

        /// <summary>The same as <see cref="Close"/>.</summary>
        public void Dispose() => Close();

        /// <summary>The same as <see cref="Close"/>, which sends no request.</summary>
        /// <returns>A task that has ended.</returns>
        public ValueTask DisposeAsync()
        {
            Close();
            return default(ValueTask);
        }
    }
}
