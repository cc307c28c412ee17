using System;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Options;
using Postbox;

namespace OrderService
{
    /// <summary>
    /// Sends the messages of orders: appends their ids to a file. Every fourth attempt fails, as that of a broker with a bad day.
    /// </summary>
    public sealed class OrderEvents : IAsyncProducer
    {
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
            var line = Encoding.UTF8.GetBytes(message.Id + "\n");
            // One write to the end of the file, so that the lines of several calls and processes do not mix.
            using (var file = new FileStream(options.Sent, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, 1))
                file.Write(line, 0, line.Length);
            return SendResult.Sent;
        }
    }
}
