using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    public sealed partial class UnitOfWork
    {
        /// <summary>
        /// Commits as <see cref="Commit"/> does. No thread waits for DynamoDB. Until the task ends, other calls on this unit
        /// of work fail with <see cref="PostboxErrorCode.ConcurrentUse"/>. The unit of work may be disposed of meanwhile: the
        /// commit continues.
        /// </summary>
        /// <param name="cancellation">
        /// Ends the wait. The task is cancelled, and the <see cref="System.Exception.InnerException"/> of its exception is a
        /// <see cref="PostboxException"/> with <see cref="PostboxErrorCode.OutcomeUnknown"/>: the transaction may or may not
        /// take effect. Call this method again on the same unit of work to find out, within 9 minutes after the first commit.
        /// If the token was cancelled before the call, nothing is sent.
        /// </param>
        /// <returns>The task, whose exceptions are those of <see cref="Commit"/>.</returns>
        public Task CommitAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_unit_of_work_commit_async(Handle, Completion.Done, started.Data, out started.Operation),
                Completion.Nothing, cancellation);
        }

        /// <summary>Reads an item as <see cref="GetItem(string, string)"/> does. No thread waits for DynamoDB.</summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key: <c>{"Name": {"S": "Ada"}}</c>.</param>
        /// <param name="cancellation">Ends the read.</param>
        /// <returns>The task, whose result is the item, or null if the table has no such item.</returns>
        public Task<string?> GetItemAsync(string table, string key, CancellationToken cancellation = default(CancellationToken))
        {
            return AsyncItems.Read(Client, table, key, cancellation);
        }

        /// <summary>Reads an item as <see cref="GetItem(string, Item)"/> does. No thread waits for DynamoDB.</summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <param name="cancellation">Ends the read.</param>
        /// <returns>The task, whose result is the item, or null if the table has no such item.</returns>
        public Task<Item?> GetItemAsync(string table, Item key, CancellationToken cancellation = default(CancellationToken))
        {
            return AsyncItems.Read(Client, table, key, cancellation);
        }

        /// <summary>Frees the unit of work as <see cref="Dispose"/> does, which sends no request.</summary>
        /// <returns>A task that has ended.</returns>
        public ValueTask DisposeAsync()
        {
            Dispose();
            return default(ValueTask);
        }

        /// <summary>The client. Throws an exception if the unit of work was disposed of.</summary>
        private ClientHandle Client()
        {
            System.GC.KeepAlive(Handle);
            return client;
        }
    }
}
