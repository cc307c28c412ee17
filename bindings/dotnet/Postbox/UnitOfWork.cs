using System;

namespace Postbox
{
    /// <summary>
    /// A DynamoDB transaction that collects your writes and messages, and commits all of them or none. Nothing is
    /// written before <see cref="Commit"/>. If the unit of work is disposed of without a commit, nothing is written.
    /// Only one thread at a time may use a unit of work. A concurrent call fails with
    /// <see cref="PostboxErrorCode.ConcurrentUse"/>. <para> An action that exceeds a limit of DynamoDB is rejected with
    /// a <see cref="PostboxException"/> when it is added, and the unit of work is unchanged. The limits are 100
    /// actions, 400 KB per item, 4 MB in total, and one action per item. Items and keys are passed as
    /// <see cref="Item"/>, which lists the types of values, or as DynamoDB JSON, as in the AWS CLI. </para>
    /// </summary>
    public sealed partial class UnitOfWork : IUnitOfWork
    {
        private readonly UnitOfWorkHandle handle;
        private int actions;

        // A client that is collected is closed, and the commit would fail.
        private readonly ClientHandle client;

        internal UnitOfWork(UnitOfWorkHandle handle, ClientHandle client)
        {
            this.handle = handle;
            this.client = client;
        }

        /// <summary>
        /// Reads one item of any table immediately, with a consistent read. The read is not part of the transaction. To
        /// detect that the item has changed before the commit, add a condition on the item.
        /// </summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key: <c>{"Name": {"S": "Ada"}}</c>.</param>
        /// <returns>The item, or null if the table has no such item.</returns>
        public string? GetItem(string table, string key)
        {
            IntPtr item;
            Errors.Check(Native.postbox_unit_of_work_get_item(Handle, Utf8.Required(table, nameof(table)), Utf8.Required(key, nameof(key)), out item));
            return Utf8.TakeOptional(item);
        }

        /// <summary>
        /// Reads one item of any table immediately, with a consistent read. The read is not part of the transaction. To
        /// detect that the item has changed before the commit, add a condition on the item.
        /// </summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <returns>The item, or null if the table has no such item.</returns>
        public Item? GetItem(string table, Item key)
        {
            IntPtr item;
            using (var written = ItemWriter.Write(key, nameof(key)))
                Errors.Check(Native.postbox_unit_of_work_read_item(Handle, Utf8.Required(table, nameof(table)), written.Pointer, out item));
            return ItemReader.TakeOptional(item);
        }

        /// <summary>Adds a put of an item, which replaces an existing item.</summary>
        /// <param name="table">The table.</param>
        /// <param name="item">The item, which is copied.</param>
        /// <param name="expression">A condition with its placeholders, or null.</param>
        public void Put(string table, Item item, ItemExpression? expression = null)
        {
            Act((work, name, written, passed) => Native.postbox_unit_of_work_put_item(work, name, written, passed), table, item, nameof(item), expression);
        }

        /// <summary>Adds an update of the item with this key.</summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <param name="expression">An update expression, optionally a condition, and their placeholders.</param>
        public void Update(string table, Item key, ItemExpression expression)
        {
            Act((work, name, written, passed) => Native.postbox_unit_of_work_update_item(work, name, written, passed), table, key, nameof(key), expression);
        }

        /// <summary>Adds a delete of the item with this key. A missing item is not an error.</summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <param name="expression">A condition with its placeholders, or null.</param>
        public void Delete(string table, Item key, ItemExpression? expression = null)
        {
            Act((work, name, written, passed) => Native.postbox_unit_of_work_delete_item(work, name, written, passed), table, key, nameof(key), expression);
        }

        /// <summary>
        /// Adds a condition on an item that the unit of work does not write. The commit fails if the condition is not
        /// met.
        /// </summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <param name="expression">The condition with its placeholders.</param>
        public void ConditionCheck(string table, Item key, ItemExpression expression)
        {
            Act((work, name, written, passed) => Native.postbox_unit_of_work_check_item(work, name, written, passed), table, key, nameof(key), expression);
        }

        private delegate IntPtr Action(UnitOfWorkHandle work, byte[] table, IntPtr item, Native.postbox_expression[]? expression);

        private void Act(Action action, string table, Item item, string argument, ItemExpression? expression)
        {
            var name = Utf8.Required(table, nameof(table));
            using (var written = ItemWriter.Write(item, argument))
                if (expression == null)
                    Errors.Check(action(Handle, name, written.Pointer, null));
                else
                    Act(action, name, written.Pointer, expression);
            actions++;
        }

        private void Act(Action action, byte[] table, IntPtr item, ItemExpression expression)
        {
            NativeExpression.Pass(expression, passed => action(Handle, table, item, passed));
        }

        /// <summary>Adds a put of an item, which replaces an existing item.</summary>
        /// <param name="table">The table.</param>
        /// <param name="item">The item: <c>{"Name": {"S": "Ada"}}</c>.</param>
        public void Put(string table, string item)
        {
            Added(Native.postbox_unit_of_work_put(Handle, Utf8.Required(table, nameof(table)), Utf8.Required(item, nameof(item))));
        }

        /// <summary>Adds an update of one item.</summary>
        /// <param name="update">
        /// The update, <c>{"TableName": ..., "Key": ..., "UpdateExpression": ...}</c>, and optionally the other fields
        /// of an update in a transaction.
        /// </param>
        public void Update(string update)
        {
            Added(Native.postbox_unit_of_work_update(Handle, Utf8.Required(update, nameof(update))));
        }

        /// <summary>Adds a delete of the item with this key. A missing item is not an error.</summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key: <c>{"Name": {"S": "Ada"}}</c>.</param>
        public void Delete(string table, string key)
        {
            Added(Native.postbox_unit_of_work_delete(Handle, Utf8.Required(table, nameof(table)), Utf8.Required(key, nameof(key))));
        }

        /// <summary>
        /// Adds a condition on an item that the unit of work does not write. The commit fails if the condition is not
        /// met.
        /// </summary>
        /// <param name="check">
        /// The condition, <c>{"TableName": ..., "Key": ..., "ConditionExpression": ...}</c>, and optionally the other
        /// fields of a condition in a transaction.
        /// </param>
        public void ConditionCheck(string check)
        {
            Added(Native.postbox_unit_of_work_condition_check(Handle, Utf8.Required(check, nameof(check))));
        }

        /// <summary>
        /// Adds any action, in the format of <c>aws dynamodb transact-write-items --transact-items</c>.
        /// </summary>
        /// <param name="action">
        /// The action, such as <c>{"Put": {"TableName": ..., "Item": ..., "ConditionExpression": ...}}</c>. The other
        /// actions are "Update", "Delete" and "ConditionCheck".
        /// </param>
        public void Add(string action)
        {
            Added(Native.postbox_unit_of_work_add(Handle, Utf8.Required(action, nameof(action))));
        }

        /// <summary>Adds a deposit of this message in the outbox.</summary>
        /// <param name="message">The message, which is copied.</param>
        /// <returns>
        /// The id of the message, for <see cref="PostboxClient.ClearOutbox(string[])"/> after the commit.
        /// </returns>
        public string DepositPost(OutboxMessage message)
        {
            if (message == null)
                throw new ArgumentNullException(nameof(message));
            TraceContext.Carry();
            Added(Native.postbox_unit_of_work_deposit_post(Handle, message.Handle));
            handle.Weigh(handle.Weight + message.Handle.BodyLength);
            return message.Id;
        }

        /// <summary>
        /// Commits all actions in one transaction: either all actions take effect, or none. If a request fails and is
        /// safe to repeat, it is repeated with the same token. A unit of work without actions commits without a
        /// request.
        /// </summary>
        /// <exception cref="DuplicateMessageException">
        /// Nothing was written, because the outbox already has a message with the same id.
        /// </exception>
        /// <exception cref="PostboxTransactionCanceledException">
        /// Nothing was written. The exception has a reason for each action that failed. The unit of work stays open.
        /// </exception>
        /// <exception cref="PostboxRetryableException">
        /// With <see cref="PostboxErrorCode.OutcomeUnknown"/>, the transaction may or may not have taken effect. In
        /// this case, call this method again on the same unit of work. This is safe for 9 minutes after the first
        /// commit. With another code, nothing was written.
        /// </exception>
        /// <exception cref="PostboxException">Nothing was written, and the unit of work stays open.</exception>
        public void Commit() => Errors.Check(Native.postbox_unit_of_work_commit(Handle));

        /// <summary>Discards the actions and closes the unit of work.</summary>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.OutcomeUnknown"/> if the last commit failed with this error, because the
        /// transaction may have taken effect.
        /// </exception>
        public void Rollback() => Errors.Check(Native.postbox_unit_of_work_rollback(Handle));

        private void Added(IntPtr error)
        {
            Errors.Check(error);
            actions++;
        }

        /// <summary>Returns the number of actions: "UnitOfWork (3 actions)".</summary>
        /// <returns>The text.</returns>
        public override string ToString() => nameof(UnitOfWork) + " (" + (handle.IsDisposed ? "disposed" : Text.Plural(actions, "action")) + ")";

        /// <summary>
        /// Frees the unit of work. The actions of a unit of work that was not committed are discarded. Disposing twice
        /// is harmless.
        /// </summary>
        public void Dispose() => handle.Dispose();

        private UnitOfWorkHandle Handle
        {
            get
            {
                Callbacks.RejectLogReceiver();
                if (handle.IsDisposed)
                    throw new ObjectDisposedException(nameof(UnitOfWork));
                return handle;
            }
        }
    }
}
