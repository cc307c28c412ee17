using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Postbox.Extensions.Hosting
{
    /// <summary>Opens the clients of a host, each once, and closes them.</summary>
    internal sealed class PostboxClients : IPostboxClients, IDisposable, IAsyncDisposable
    {
        private readonly IServiceProvider services;
        private readonly IOptionsMonitor<PostboxOptions> options;
        private readonly IOptionsMonitor<ClientSetup> setups;
        private readonly ILoggerFactory loggers;
        private readonly Dictionary<string, PostboxClient?> clients;
        private Task? closing;
        private volatile bool isTimeUp;
        private bool isDisposed;

        public PostboxClients(
            IServiceProvider services, IEnumerable<ClientName> names, IOptionsMonitor<PostboxOptions> options,
            IOptionsMonitor<ClientSetup> setups, ILoggerFactory loggers)
        {
            this.services = services;
            this.options = options;
            this.setups = setups;
            this.loggers = loggers;
            clients = names.ToDictionary(name => name.Value, _ => (PostboxClient?)null, StringComparer.Ordinal);
        }

        internal IEnumerable<string> Names => clients.Keys;

        public PostboxClient Get(string name)
        {
            if (name == null)
                throw new ArgumentNullException(nameof(name));
            lock (clients)
            {
                if (!clients.TryGetValue(name, out var client))
                    throw new ArgumentException("no client has the name \"" + name + "\": add it with AddPostbox", nameof(name));
                if (isDisposed)
                    throw new ObjectDisposedException(nameof(IPostboxClients));
                return client ?? (clients[name] = Open(name)!);
            }
        }

        internal ClientSetup SetupOf(string name) => setups.Get(name);

        internal ILogger LoggerOf(string name) => loggers.CreateLogger(ClientLog.CategoryOf(name));

        private PostboxClient Open(string name)
        {
            using (var config = new PostboxConfig(options.Get(name)))
            {
                ClientLog.Attach(config, LoggerOf(name));
                foreach (var change in SetupOf(name).Changes)
                    change(services, config);
                return config.Open();
            }
        }

        /// <summary>
        /// Closes the clients that are open, side by side, each within its "close_timeout_ms". Logs the failures and throws no
        /// exception. A second call waits for the same close.
        /// </summary>
        internal Task CloseAsync()
        {
            lock (clients)
                return closing ??= CloseAll(client => client.CloseAsync());
        }

        /// <summary>Closes the clients that are open without waiting for calls in progress, now and in <see cref="EndAsync"/>.</summary>
        internal Task CloseNowAsync()
        {
            isTimeUp = true;
            return CloseAll(client => client.CloseAsync(TimeSpan.Zero));
        }

        /// <summary>Closes the clients at the end of the container, which must not take longer than the time of the host.</summary>
        internal Task EndAsync() => isTimeUp ? CloseNowAsync() : CloseAsync();

        private Task CloseAll(Func<PostboxClient, Task> close)
        {
            return Task.WhenAll(Opened().Select(async open =>
            {
                try
                {
                    await close(open.Value).ConfigureAwait(false);
                }
                catch (PostboxException failure)
                {
                    LoggerOf(open.Key).LogWarning(failure, "The client was not closed completely: {Reason}", failure.Message);
                }
                catch (ObjectDisposedException)
                {
                    // The container, or the program, has disposed of the client.
                }
            }));
        }

        private List<KeyValuePair<string, PostboxClient>> Opened()
        {
            lock (clients)
                return clients.Where(client => client.Value != null).Select(client => KeyValuePair.Create(client.Key, client.Value!)).ToList();
        }

        public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

        public async ValueTask DisposeAsync()
        {
            lock (clients)
                isDisposed = true;
            await EndAsync().ConfigureAwait(false);
            Opened().ForEach(client => client.Value.Dispose());
        }
    }

    /// <summary>
    /// Ends the clients before the container disposes of them, which would wait for each of them again. A container disposes of its
    /// services in the reverse order of their creation, so this one must be created when the clients are open.
    /// </summary>
    internal sealed class ClientsEnd : IDisposable, IAsyncDisposable
    {
        private readonly PostboxClients clients;

        public ClientsEnd(PostboxClients clients)
        {
            this.clients = clients;
        }

        public void Dispose() => clients.EndAsync().GetAwaiter().GetResult();

        public ValueTask DisposeAsync() => new ValueTask(clients.EndAsync());
    }
}
