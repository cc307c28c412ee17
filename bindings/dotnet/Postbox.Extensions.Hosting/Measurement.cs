using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Extensions.Hosting
{
    /// <summary>
    /// A value that is read from DynamoDB, at most once within a time, and by one request for all checks that run at the same time.
    /// A read that failed is repeated by the next check.
    /// </summary>
    internal sealed class Measurement<T>
    {
        private readonly object key = new object();
        private readonly Func<CancellationToken, Task<T>> read;
        private readonly TimeSpan timeout, maxAge;
        private Task<(T, Stopwatch)>? latest;

        internal Measurement(Func<CancellationToken, Task<T>> read, TimeSpan timeout, TimeSpan maxAge)
        {
            this.read = read;
            this.timeout = timeout;
            this.maxAge = maxAge;
        }

        /// <summary>Returns the value and the time since it was read.</summary>
        internal async Task<(T Value, TimeSpan Age)> Get(CancellationToken cancellation)
        {
            Task<(T Value, Stopwatch Since)> reading;
            lock (key)
            {
                if (latest == null || latest.IsCompleted && !IsUsable(latest))
                    latest = Read();
                reading = latest;
            }
            var (value, since) = await reading.WaitAsync(cancellation).ConfigureAwait(false);
            return (value, since.Elapsed);
        }

        private bool IsUsable(Task<(T, Stopwatch Since)> ended) => ended.IsCompletedSuccessfully && ended.Result.Since.Elapsed < maxAge;

        private async Task<(T, Stopwatch)> Read()
        {
            var since = Stopwatch.StartNew();
            using (var time = new CancellationTokenSource(timeout))
                try
                {
                    return (await read(time.Token).ConfigureAwait(false), since);
                }
                catch (OperationCanceledException failure)
                {
                    throw new TimeoutException("DynamoDB has not responded within " + timeout + ", or the outbox is too large to be read in this time", failure);
                }
        }
    }
}
