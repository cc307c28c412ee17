using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// The calls of a <see cref="UnitOfWork"/>, for programs whose tests replace it with a mock. Later versions add members.
    /// </summary>
    public interface IUnitOfWork : IDisposable, IAsyncDisposable
    {
        /// <inheritdoc cref="UnitOfWork.GetItem(string, string)"/>
        string? GetItem(string table, string key);

        /// <inheritdoc cref="UnitOfWork.GetItem(string, Item)"/>
        Item? GetItem(string table, Item key);

        /// <inheritdoc cref="UnitOfWork.Put(string, Item, ItemExpression)"/>
        void Put(string table, Item item, ItemExpression? expression = null);

        /// <inheritdoc cref="UnitOfWork.Update(string, Item, ItemExpression)"/>
        void Update(string table, Item key, ItemExpression expression);

        /// <inheritdoc cref="UnitOfWork.Delete(string, Item, ItemExpression)"/>
        void Delete(string table, Item key, ItemExpression? expression = null);

        /// <inheritdoc cref="UnitOfWork.ConditionCheck(string, Item, ItemExpression)"/>
        void ConditionCheck(string table, Item key, ItemExpression expression);

        /// <inheritdoc cref="UnitOfWork.Put(string, string)"/>
        void Put(string table, string item);

        /// <inheritdoc cref="UnitOfWork.Update(string)"/>
        void Update(string update);

        /// <inheritdoc cref="UnitOfWork.Delete(string, string)"/>
        void Delete(string table, string key);

        /// <inheritdoc cref="UnitOfWork.ConditionCheck(string)"/>
        void ConditionCheck(string check);

        /// <inheritdoc cref="UnitOfWork.Add(string)"/>
        void Add(string action);

        /// <inheritdoc cref="UnitOfWork.DepositPost(OutboxMessage)"/>
        string DepositPost(OutboxMessage message);

        /// <inheritdoc cref="UnitOfWork.Commit()"/>
        void Commit();

        /// <inheritdoc cref="UnitOfWork.Rollback()"/>
        void Rollback();

        /// <inheritdoc cref="UnitOfWork.CommitAsync(CancellationToken)"/>
        Task CommitAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="UnitOfWork.GetItemAsync(string, string, CancellationToken)"/>
        Task<string?> GetItemAsync(string table, string key, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="UnitOfWork.GetItemAsync(string, Item, CancellationToken)"/>
        Task<Item?> GetItemAsync(string table, Item key, CancellationToken cancellation = default(CancellationToken));
    }
}
