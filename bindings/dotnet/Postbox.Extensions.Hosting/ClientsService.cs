using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Postbox.Extensions.Hosting
{
    /// <summary>
    /// Opens the clients at the start of the host, before the other hosted services, and closes them after all hosted services have
    /// stopped.
    /// </summary>
    internal sealed class ClientsService : IHostedService
    {
        private readonly PostboxClients clients;
        private readonly IServiceProvider services;
        private readonly IHostApplicationLifetime lifetime;
        private CancellationToken timeIsUp;

        public ClientsService(PostboxClients clients, IServiceProvider services, IHostApplicationLifetime lifetime)
        {
            this.clients = clients;
            this.services = services;
            this.lifetime = lifetime;
        }

        public Task StartAsync(CancellationToken cancellationToken)
        {
            foreach (var name in clients.Names)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (name.Length == 0)
                    services.GetRequiredService<PostboxClient>();
                else
                    clients.Get(name);
            }
            services.GetRequiredService<ClientsEnd>();
            // Other hosted services may use the clients until they have stopped. The host waits for this callback.
            lifetime.ApplicationStopped.Register(Close);
            return Task.CompletedTask;
        }

        /// <summary>
        /// Lets the clients close without waiting when the time of the host is up, even if another service did not stop in time.
        /// </summary>
        public Task StopAsync(CancellationToken cancellationToken)
        {
            timeIsUp = cancellationToken;
            cancellationToken.Register(() => _ = clients.CloseNowAsync());
            return Task.CompletedTask;
        }

        private void Close()
        {
            try
            {
                clients.CloseAsync().Wait(timeIsUp);
            }
            catch (OperationCanceledException)
            {
                // The registered callback has ended the wait for the calls in progress.
            }
        }
    }
}
