using System;
using System.Threading;
using System.Threading.Tasks;
using Postbox;

namespace OrderService
{
    /// <summary>The settings of the service.</summary>
    public sealed class OrderOptions
    {
        /// <summary>The file to which the ids of sent messages are appended.</summary>
        public string Sent { get; set; } = "orders.sent";

        /// <summary>The number of orders that are written at the same time.</summary>
        public int Writers { get; set; } = 4;
    }

    /// <summary>The handler of orders.</summary>
    public sealed class Orders
    {
        private const string Table = "Orders";

        private readonly PostboxClient postbox;

        /// <summary>Creates the table if it does not exist. With DynamoDB, it would be created before the deployment.</summary>
        public Orders(PostboxClient postbox)
        {
            this.postbox = postbox;
            try
            {
                postbox.EmbeddedExecute("DescribeTable", "{\"TableName\":\"" + Table + "\"}");
            }
            catch (PostboxException failure) when (failure.Code == PostboxErrorCode.TableNotFound)
            {
                postbox.EmbeddedExecute("CreateTable",
                    "{\"TableName\":\"" + Table + "\",\"BillingMode\":\"PAY_PER_REQUEST\","
                    + "\"AttributeDefinitions\":[{\"AttributeName\":\"Id\",\"AttributeType\":\"S\"}],"
                    + "\"KeySchema\":[{\"AttributeName\":\"Id\",\"KeyType\":\"HASH\"}]}");
            }
        }

        /// <summary>Stores an order and its message, both or neither, and sends the message.</summary>
        /// <param name="id">The id of the order, and of its message.</param>
        /// <param name="isPaid">Whether the payment succeeds. If it does not, nothing is stored.</param>
        /// <param name="isUrgent">Whether the message is sent now, and not by the next sweep.</param>
        /// <param name="cancellation">Ends the wait for the database.</param>
        public async Task Place(string id, bool isPaid, bool isUrgent, CancellationToken cancellation)
        {
            using (var work = postbox.BeginAsyncUnitOfWork())
            using (var message = new OutboxMessage("order.made", "{\"order\":\"" + id + "\"}") { Id = id })
            {
                work.Put(Table, new Item { ["Id"] = id, ["PlacedAt"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds() });
                work.DepositPost(message);
                if (!isPaid)
                {
                    work.Rollback();
                    return;
                }
                await work.CommitAsync(cancellation);
            }
            if (isUrgent)
                await postbox.ClearOutboxAsync(new[] { id }, throwOnFailure: false, cancellation);
        }
    }
}
