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
        private readonly Dictionary<string, ClientState> clients;
        private readonly object key = new object();
        private Task? closing;
        private volatile bool isTimeUp, isDisposed;

        public PostboxClients(
            IServiceProvider services, IEnumerable<ClientName> names, IOptionsMonitor<PostboxOptions> options,
            IOptionsMonitor<ClientSetup> setups, ILoggerFactory loggers)
        {
            this.services = services;
            this.options = options;
            this.setups = setups;
            this.loggers = loggers;
            clients = names.ToDictionary(name => name.Value, _ => new ClientState(), StringComparer.Ordinal);
        }

        internal IEnumerable<string> Names => clients.Keys;

        IPostbox IPostboxClients.Get(string name) => Get(name);

        internal PostboxClient Get(string name)
        {
            if (name == null)
                throw new ArgumentNullException(nameof(name));
            if (!clients.TryGetValue(name, out var state))
                throw new ArgumentException("no client has the name \"" + name + "\": add it with AddPostbox", nameof(name));
            CheckNotDisposed();
            return state.Client ?? Open(name, state);
        }

        internal ClientSetup SetupOf(string name) => setups.Get(name);

        internal ILogger LoggerOf(string name) => loggers.CreateLogger(ClientLog.CategoryOf(name));

        /// <summary>
        /// Opens a client, once. No lock is held while the container creates the services that configure the client, because the
        /// container has locks of its own: another thread may hold one of them and wait for this client.
        /// </summary>
        private PostboxClient Open(string name, ClientState state)
        {
            using (var config = Configure(name, state))
                lock (state)
                {
                    CheckNotDisposed();
                    return state.Client ??= config.Open();
                }
        }

        private PostboxConfig Configure(string name, ClientState state)
        {
            if (!state.BeginConfiguring())
                throw new InvalidOperationException(
                    "the " + NameOf(name) + " is needed to configure itself: a service that its options or a delegate of Configure resolve"
                    + " depends on it; let this service resolve the client when it uses it");
            try
            {
                return NewConfig(name);
            }
            finally
            {
                state.EndConfiguring();
            }
        }

        private PostboxConfig NewConfig(string name)
        {
            var config = new PostboxConfig(options.Get(name));
            try
            {
                ClientLog.Attach(config, LoggerOf(name));
                foreach (var change in SetupOf(name).Changes)
                    change(services, config);
                return config;
            }
            catch
            {
                config.Dispose();
                throw;
            }
        }

        private static string NameOf(string name) => name.Length == 0 ? "default client" : "client \"" + name + "\"";

        private void CheckNotDisposed()
        {
            if (isDisposed)
                throw new ObjectDisposedException(nameof(IPostboxClients));
        }

        /// <summary>
        /// Closes the clients that are open, side by side, each within its "close_timeout_ms". Logs the failures and throws no
        /// exception. A second call waits for the same close.
        /// </summary>
        internal Task CloseAsync()
        {
            lock (key)
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

        /// <summary>Returns the clients that are open, after the end of the calls that open one now.</summary>
        private List<KeyValuePair<string, PostboxClient>> Opened()
        {
            var opened = new List<KeyValuePair<string, PostboxClient>>();
            foreach (var (name, state) in clients)
                lock (state)
                    if (state.Client is PostboxClient client)
                        opened.Add(KeyValuePair.Create(name, client));
            return opened;
        }

        public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

        public async ValueTask DisposeAsync()
        {
            isDisposed = true;
            await EndAsync().ConfigureAwait(false);
            Opened().ForEach(client => client.Value.Dispose());
        }
    }

    /// <summary>The state of one client. The lock of the instance guards its opening.</summary>
    internal sealed class ClientState
    {
        // The clients that this thread configures, each for the sake of the one before it.
        [ThreadStatic]
        private static List<ClientState>? configuring;

        private volatile PostboxClient? client;

        /// <summary>The client, or null if it is not open yet.</summary>
        internal PostboxClient? Client
        {
            get => client;
            set => client = value;
        }

        /// <summary>Returns false if this thread configures the client already.</summary>
        internal bool BeginConfiguring()
        {
            configuring ??= new List<ClientState>();
            if (configuring.Contains(this))
                return false;
            configuring.Add(this);
            return true;
        }

        internal void EndConfiguring() => configuring!.Remove(this);
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
