using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace Postbox
{
    /// <summary>Messages in transactions of the AWS SDK for .NET, and actions of the SDK in units of work.</summary>
    public static class TransactionExtensions
    {
        /// <summary>
        /// Returns the action that deposits a message, for a <c>TransactWriteItemsRequest</c> that the program sends with the AWS
        /// SDK. See <see cref="IPostbox.MessageToPut"/>.
        /// </summary>
        /// <example><code>
        /// await dynamo.TransactWriteItemsAsync(new TransactWriteItemsRequest
        /// {
        ///     TransactItems = new List&lt;TransactWriteItem&gt; { order, postbox.ToTransactWriteItem(message) },
        /// });
        /// await postbox.ClearOutboxAsync(new[] { message.Id });
        /// </code></example>
        /// <param name="client">The client.</param>
        /// <param name="message">The message, which is copied.</param>
        /// <returns>The action, which must be sent unchanged.</returns>
        /// <exception cref="NotSupportedException">
        /// The native library is newer than this package, and the action has a member that the package does not know.
        /// </exception>
        /// <exception cref="PostboxException">The message is invalid or too large, or the outbox has reached its limit.</exception>
        public static TransactWriteItem ToTransactWriteItem(this IPostbox client, OutboxMessage message)
        {
            var action = new TransactWriteItem();
            foreach (var member in JsonText.Members(NotNull(client, nameof(client)).MessageToPut(message)))
                action.Put = member.Key == "Put" ? ReadPut(member.Value) : throw Unknown(member.Key);
            return action;
        }

        /// <summary>
        /// Returns the exception for a transaction of the AWS SDK that DynamoDB cancelled: a <see cref="DuplicateMessageException"/>
        /// if the outbox had one of the messages already, which means that an earlier attempt succeeded, and otherwise a
        /// <see cref="PostboxTransactionCanceledException"/> with a reason for each action that failed. Its index is that of the
        /// action.
        /// </summary>
        /// <param name="client">The client.</param>
        /// <param name="actions">The actions of the transaction: <c>TransactItems</c> of the request.</param>
        /// <param name="canceled">The exception of the SDK.</param>
        /// <returns>The exception, which is not thrown.</returns>
        public static PostboxException CancellationError(
            this IPostbox client, IEnumerable<TransactWriteItem> actions, TransactionCanceledException canceled)
        {
            var names = NotNull(actions, nameof(actions)).Select(NameOf);
            var reasons = (NotNull(canceled, nameof(canceled)).CancellationReasons ?? new List<CancellationReason>())
                .Select(reason => "{\"Code\":" + Json(reason.Code) + ",\"Message\":" + Json(reason.Message) + "}");
            return NotNull(client, nameof(client)).CancellationError("[" + string.Join(",", names) + "]", "[" + string.Join(",", reasons) + "]");
        }

        /// <summary>
        /// Adds an action of the AWS SDK to a unit of work: a put, an update, a delete or a condition check, with all of its fields.
        /// </summary>
        /// <param name="work">The unit of work.</param>
        /// <param name="action">The action, which is copied. It has exactly one of the four.</param>
        /// <exception cref="ArgumentException">
        /// The action has none or several of the four, no table, or a value with no type or several types.
        /// </exception>
        /// <exception cref="PostboxException">
        /// DynamoDB would reject the action, for example because it is too large. The unit of work is unchanged.
        /// </exception>
        public static void Add(this IUnitOfWork work, TransactWriteItem action)
        {
            NotNull(work, nameof(work));
            var all = new object?[] { NotNull(action, nameof(action)).Put, action.Update, action.Delete, action.ConditionCheck };
            if (all.Count(one => one != null) != 1)
                throw new ArgumentException("an action has exactly one of Put, Update, Delete and ConditionCheck", nameof(action));
            if (action.Put is Put put)
                work.Put(put.TableName, Attributes(put.Item), Expression(
                    null, put.ConditionExpression, put.ExpressionAttributeNames, put.ExpressionAttributeValues, put.ReturnValuesOnConditionCheckFailure?.Value));
            else if (action.Update is Update update)
                work.Update(update.TableName, Attributes(update.Key), Expression(
                    update.UpdateExpression, update.ConditionExpression, update.ExpressionAttributeNames, update.ExpressionAttributeValues,
                    update.ReturnValuesOnConditionCheckFailure?.Value));
            else if (action.Delete is Delete delete)
                work.Delete(delete.TableName, Attributes(delete.Key), Expression(
                    null, delete.ConditionExpression, delete.ExpressionAttributeNames, delete.ExpressionAttributeValues,
                    delete.ReturnValuesOnConditionCheckFailure?.Value));
            else if (action.ConditionCheck is ConditionCheck check)
                work.ConditionCheck(check.TableName, Attributes(check.Key), Expression(
                    null, check.ConditionExpression, check.ExpressionAttributeNames, check.ExpressionAttributeValues,
                    check.ReturnValuesOnConditionCheckFailure?.Value));
        }

        /// <summary>Reads one item of any table, with a consistent read.</summary>
        /// <param name="client">The client.</param>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <returns>The item, or null if the table has no such item.</returns>
        public static Dictionary<string, AttributeValue>? GetItem(this IPostbox client, string table, Dictionary<string, AttributeValue> key)
        {
            return Read(NotNull(client, nameof(client)).GetItem(table, key.ToItem()));
        }

        /// <summary>Reads one item of any table, with a consistent read. No thread waits for DynamoDB.</summary>
        /// <param name="client">The client.</param>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <param name="cancellation">Ends the read.</param>
        /// <returns>The task, whose result is the item, or null if the table has no such item.</returns>
        public static async Task<Dictionary<string, AttributeValue>?> GetItemAsync(
            this IPostbox client, string table, Dictionary<string, AttributeValue> key, CancellationToken cancellation = default)
        {
            return Read(await NotNull(client, nameof(client)).GetItemAsync(table, key.ToItem(), cancellation).ConfigureAwait(false));
        }

        /// <summary>
        /// Reads one item of any table immediately, with a consistent read. The read is not part of the transaction. To detect that
        /// the item has changed before the commit, add a condition on the item.
        /// </summary>
        /// <param name="work">The unit of work.</param>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <returns>The item, or null if the table has no such item.</returns>
        public static Dictionary<string, AttributeValue>? GetItem(this IUnitOfWork work, string table, Dictionary<string, AttributeValue> key)
        {
            return Read(NotNull(work, nameof(work)).GetItem(table, key.ToItem()));
        }

        /// <summary>
        /// Reads an item as <see cref="GetItem(IUnitOfWork, string, Dictionary{string, AttributeValue})"/> does. No thread waits for
        /// DynamoDB.
        /// </summary>
        /// <param name="work">The unit of work.</param>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <param name="cancellation">Ends the read.</param>
        /// <returns>The task, whose result is the item, or null if the table has no such item.</returns>
        public static async Task<Dictionary<string, AttributeValue>?> GetItemAsync(
            this IUnitOfWork work, string table, Dictionary<string, AttributeValue> key, CancellationToken cancellation = default)
        {
            return Read(await NotNull(work, nameof(work)).GetItemAsync(table, key.ToItem(), cancellation).ConfigureAwait(false));
        }

        /// <summary>Returns the put with all members of the JSON. Without one of them, the put could replace a message.</summary>
        private static Put ReadPut(string json)
        {
            var put = new Put();
            foreach (var member in JsonText.Members(json))
                switch (member.Key)
                {
                    case nameof(Put.TableName):
                        put.TableName = JsonText.Unquote(member.Value);
                        break;
                    case nameof(Put.Item):
                        put.Item = ReadAttributes(member.Value);
                        break;
                    case nameof(Put.ConditionExpression):
                        put.ConditionExpression = JsonText.Unquote(member.Value);
                        break;
                    case nameof(Put.ExpressionAttributeNames):
                        put.ExpressionAttributeNames = JsonText.Members(member.Value).ToDictionary(name => name.Key, name => JsonText.Unquote(name.Value));
                        break;
                    case nameof(Put.ExpressionAttributeValues):
                        put.ExpressionAttributeValues = ReadAttributes(member.Value);
                        break;
                    case nameof(Put.ReturnValuesOnConditionCheckFailure):
                        put.ReturnValuesOnConditionCheckFailure = new ReturnValuesOnConditionCheckFailure(JsonText.Unquote(member.Value));
                        break;
                    default:
                        throw Unknown("Put." + member.Key);
                }
            return put;
        }

        private static Dictionary<string, AttributeValue> ReadAttributes(string json) => AttributeWriter.Members(Item.FromJson(json));

        private static NotSupportedException Unknown(string member) => new NotSupportedException(
            "the native library returned an action with the member " + member + ", which this version of Postbox.AWSSDK does not know: update the package");

        private static Dictionary<string, AttributeValue>? Read(Item? item) => item == null ? null : AttributeWriter.Members(item);

        private static Item Attributes(Dictionary<string, AttributeValue>? attributes) => attributes?.ToItem() ?? new Item();

        private static ItemExpression Expression(
            string? update, string? condition, Dictionary<string, string>? names, Dictionary<string, AttributeValue>? values, string? returned)
        {
            var expression = new ItemExpression { Update = update, Condition = condition, ReturnItem = returned == "ALL_OLD" };
            foreach (var name in names ?? new Dictionary<string, string>())
                expression.Names[name.Key] = name.Value;
            foreach (var value in Attributes(values))
                expression.Values[value.Key] = value.Value;
            return expression;
        }

        /// <summary>Returns what <see cref="IPostbox.CancellationError"/> reads of an action.</summary>
        private static string NameOf(TransactWriteItem action)
        {
            var id = action.Put?.Item != null && action.Put.Item.TryGetValue("MessageId", out var value) ? value.S : null;
            var item = id == null ? "" : ",\"Item\":{\"MessageId\":{\"S\":" + Json(id) + "}}";
            return action.Put != null ? Named("Put", action.Put.TableName, item)
                : action.Update != null ? Named("Update", action.Update.TableName, "")
                : action.Delete != null ? Named("Delete", action.Delete.TableName, "")
                : Named("ConditionCheck", action.ConditionCheck?.TableName, "");
        }

        private static string Named(string verb, string? table, string item) => "{\"" + verb + "\":{\"TableName\":" + Json(table) + item + "}}";

        private static string Json(string? text) => text == null ? "null" : JsonText.Quote(text);

        private static T NotNull<T>(T? argument, string name) where T : class => argument ?? throw new ArgumentNullException(name);
    }
}
