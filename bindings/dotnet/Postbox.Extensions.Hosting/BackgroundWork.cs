using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Postbox.Extensions.Hosting
{
    /// <summary>Runs the sweepers and archivers of the clients while the host runs. The library's threads do the work.</summary>
    internal sealed class BackgroundWork : IHostedService
    {
        private readonly PostboxClients clients;
        private readonly IServiceProvider services;
        private readonly List<(string Client, Func<Task> Stop)> started = new List<(string, Func<Task>)>();

        public BackgroundWork(PostboxClients clients, IServiceProvider services)
        {
            this.clients = clients;
            this.services = services;
        }

        public Task StartAsync(CancellationToken cancellationToken)
        {
            foreach (var name in clients.Names)
            {
                var setup = clients.SetupOf(name);
                if (setup.Sweeps)
                {
                    var client = clients.Get(name);
                    client.StartSweeper();
                    started.Add((name, () => client.StopSweeperAsync()));
                }
                if (setup.StartArchiver != null)
                {
                    var client = clients.Get(name);
                    setup.StartArchiver(services, client);
                    started.Add((name, () => client.StopArchiverAsync()));
                }
            }
            return Task.CompletedTask;
        }

        /// <summary>
        /// Stops all threads side by side, after their current calls to producers and archives. Returns without waiting for them if the
        /// time of the host is up.
        /// </summary>
        public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(started.Select(work => Stop(work.Client, work.Stop, cancellationToken)));

        private async Task Stop(string name, Func<Task> stop, CancellationToken timeIsUp)
        {
            try
            {
                await stop().WaitAsync(timeIsUp).ConfigureAwait(false);
            }
            catch (PostboxException failure)
            {
                clients.LoggerOf(name).LogWarning(failure, "A sweeper or an archiver has not stopped yet: {Reason}", failure.Message);
            }
            catch (OperationCanceledException)
            {
                // Some versions of the host stop no other service then. The close logs that the thread has not ended.
                await clients.CloseNowAsync().ConfigureAwait(false);
            }
            catch (ObjectDisposedException)
            {
                // The program has disposed of the client, which has stopped its threads.
            }
        }
    }
}
