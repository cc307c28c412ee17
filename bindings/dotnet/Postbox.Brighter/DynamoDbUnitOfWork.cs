using System;

namespace Postbox.Brighter
{
    /// <summary>Brighter's unit of work on DynamoDB, under its names: one transaction at a time, begun when it is first asked for.</summary>
    public sealed class DynamoDbUnitOfWork : IDisposable
    {
        private readonly PostboxClient client;
        private UnitOfWork transaction;

        /// <summary>Makes a unit of work over a client, which stays the caller's.</summary>
        /// <param name="client">The client.</param>
        public DynamoDbUnitOfWork(PostboxClient client)
        {
            this.client = client ?? throw new ArgumentNullException(nameof(client));
        }

        /// <summary>Whether a transaction is open.</summary>
        public bool HasOpenTransaction => transaction != null;

        /// <summary>The open transaction, or a new one: what you would add to <c>TransactItems</c>, put into it.</summary>
        /// <returns>The transaction.</returns>
        public UnitOfWork BeginOrGetTransaction() => transaction ?? (transaction = client.BeginUnitOfWork());

        /// <summary>Commits the open transaction. After an error it is still open: it can be tried again or rolled back.</summary>
        /// <exception cref="InvalidOperationException">No transaction is open.</exception>
        public void Commit()
        {
            if (transaction == null)
                throw new InvalidOperationException("no transaction is open: call BeginOrGetTransaction first");
            transaction.Commit();
            Close();
        }

        /// <summary>Rolls back the open transaction, if there is one: nothing is written or sent.</summary>
        /// <exception cref="PostboxException"><see cref="PostboxErrorCode.OutcomeUnknown"/> if a commit had no answer, since then it may have taken effect.</exception>
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

        /// <summary>Lets go of the transaction; one that is still open is not written.</summary>
        public void Close()
        {
            transaction?.Dispose();
            transaction = null;
        }

        /// <summary>The same as <see cref="Close"/>.</summary>
        public void Dispose() => Close();
    }
}
