using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Options;
using Postbox;

namespace OrderService
{
    /// <summary>
    /// Sends the messages of orders: appends their ids to a file. Every fourth attempt fails, as with a busy broker.
    /// </summary>
    public sealed class OrderEvents : IAsyncProducer
    {
        private static readonly object Key = new object();
        private static int attempts;

        private readonly OrderOptions options;

        /// <summary>The container creates a producer for each call.</summary>
        public OrderEvents(IOptionsSnapshot<OrderOptions> options)
        {
            this.options = options.Value;
        }

        /// <inheritdoc/>
        public async ValueTask<SendResult> SendAsync(OutboxMessage message, CancellationToken closing)
        {
            await Task.Delay(1, closing);
            if (Interlocked.Increment(ref attempts) % 4 == 0)
                return SendResult.Retry("the broker is busy");
            // .NET does not open the file with O_APPEND, so two calls at the same time would write to the same place.
            lock (Key)
                File.AppendAllText(options.Sent, message.Id + "\n");
            return SendResult.Sent;
        }
    }
}
