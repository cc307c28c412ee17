using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Postbox.Tests
{
    /// <summary>A host whose log is kept.</summary>
    internal sealed class TestHost : IDisposable
    {
        /// <summary>Builds a host. It has 60 seconds to stop unless the services are configured otherwise.</summary>
        internal TestHost(Action<IServiceCollection> configure)
        {
            Host = new HostBuilder()
                .ConfigureLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).Services.AddSingleton<ILoggerProvider>(_ => Log))
                .ConfigureServices(services =>
                {
                    services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(60));
                    configure(services);
                })
                .Build();
        }

        internal IHost Host { get; }

        internal KeptLog Log { get; } = new KeptLog();

        internal PostboxClient Client => Host.Services.GetRequiredService<PostboxClient>();

        internal TestHost Start()
        {
            Wait.For(Host.StartAsync());
            return this;
        }

        internal void Stop() => Wait.For(Host.StopAsync());

        public void Dispose() => Host.Dispose();

        /// <summary>Options of a client in memory whose sweeps send messages of any age at once.</summary>
        internal static void Eager(PostboxOptions options)
        {
            options.EmbeddedPath = ":memory:";
            options.SweepMinAge = TimeSpan.Zero;
            options.ArchiveMinAge = TimeSpan.Zero;
            options.SweepInterval = TimeSpan.FromMilliseconds(20);
            options.DispatchRetryDelay = TimeSpan.Zero;
        }

        /// <summary>The same with a file.</summary>
        internal static Action<PostboxOptions> Eager(string file) => options =>
        {
            Eager(options);
            options.EmbeddedPath = file;
        };

        internal static string Deposit(IPostbox client, string topic = "order.made", string body = "hello")
        {
            using (var message = new OutboxMessage(topic, body))
                return client.DepositPost(message);
        }

        /// <summary>Runs a test with the path of a database file, which is deleted afterwards.</summary>
        internal static void WithAFile(Action<string> test)
        {
            var directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()));
            try
            {
                test(Path.Combine(directory.FullName, "database"));
            }
            finally
            {
                directory.Delete(true);
            }
        }
    }

    internal sealed class Line
    {
        internal string Category, Text;
        internal LogLevel Level;

        public override string ToString() => Category + " " + Level + " " + Text;
    }

    /// <summary>Keeps the log of a host.</summary>
    internal sealed class KeptLog : ILoggerProvider
    {
        private readonly ConcurrentQueue<Line> lines = new ConcurrentQueue<Line>();
        private int late;

        internal bool IsDisposed { get; private set; }

        /// <summary>The number of lines that came after the end of the container.</summary>
        internal int Late => late;

        internal IReadOnlyList<Line> Lines => lines.ToList();

        internal bool Has(string category, string part) => lines.Any(line => line.Category == category && line.Text.Contains(part));

        public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

        public void Dispose() => IsDisposed = true;

        private sealed class Logger : ILogger
        {
            private readonly KeptLog log;
            private readonly string category;

            internal Logger(KeptLog log, string category)
            {
                this.log = log;
                this.category = category;
            }

            public IDisposable BeginScope<TState>(TState state) => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception exception, Func<TState, Exception, string> formatter)
            {
                if (log.IsDisposed)
                    Interlocked.Increment(ref log.late);
                log.lines.Enqueue(new Line { Category = category, Level = logLevel, Text = formatter(state, exception) + exception });
            }
        }
    }

    /// <summary>Waits for conditions for which there is no event.</summary>
    internal static class Until
    {
        internal static void True(Func<bool> condition, string what)
        {
            Check.That(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(60)), what + " did not happen");
        }
    }

    /// <summary>A hosted service of two delegates.</summary>
    internal sealed class Service : IHostedService
    {
        private readonly Action start, stop;

        internal Service(Action start = null, Action stop = null)
        {
            this.start = start;
            this.stop = stop;
        }

        public Task StartAsync(CancellationToken cancellationToken)
        {
            start?.Invoke();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            stop?.Invoke();
            return Task.CompletedTask;
        }
    }
}
