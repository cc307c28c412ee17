using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Postbox;

namespace OrderService
{
    /// <summary>Places orders for as long as the host runs, as the requests of customers would.</summary>
    public sealed class Writers : BackgroundService
    {
        private readonly Orders orders;
        private readonly OrderOptions options;
        private readonly ILogger<Writers> logger;
        private int count;

        /// <summary>The container creates the service.</summary>
        public Writers(Orders orders, IOptions<OrderOptions> options, ILogger<Writers> logger)
        {
            this.orders = orders;
            this.options = options.Value;
            this.logger = logger;
        }

        /// <inheritdoc/>
        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            return Task.WhenAll(Enumerable.Range(0, options.Writers).Select(_ => Task.Run(() => Write(stoppingToken))));
        }

        private async Task Write(CancellationToken stopping)
        {
            while (!stopping.IsCancellationRequested)
            {
                var number = Interlocked.Increment(ref count);
                try
                {
                    await orders.Place(Guid.NewGuid().ToString(), isPaid: number % 5 != 0, isUrgent: number % 2 == 0, stopping);
                    await Task.Delay(2, stopping);
                }
                catch (OperationCanceledException) when (stopping.IsCancellationRequested)
                {
                    // The order may or may not be stored. A real handler would place it again with the same id.
                }
                catch (PostboxException failure)
                {
                    logger.LogError(failure, "An order could not be placed");
                }
            }
        }
    }
}
