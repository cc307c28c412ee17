using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// The settings and producers with which a <see cref="PostboxClient"/> is opened. Opening a client does not change
    /// the configuration, so one configuration can open several clients. The configuration may be disposed of while
    /// these clients are open.
    /// </summary>
    public sealed partial class PostboxConfig : IDisposable
    {
        private readonly ConfigHandle handle;

        // The asynchronous producers by topic. Each client has its own, so they are added when a client is opened.
        private readonly List<KeyValuePair<string?, Action<Sending>>> asynchronous = new List<KeyValuePair<string?, Action<Sending>>>();

        /// <summary>Creates a configuration with the default settings and no producer.</summary>
        /// <exception cref="DllNotFoundException">The native library was not found.</exception>
        /// <exception cref="NotSupportedException">
        /// This assembly does not work with the version of the native library.
        /// </exception>
        public PostboxConfig()
        {
            PostboxLibrary.Check();
            handle = new ConfigHandle(Native.postbox_config_new());
        }

        /// <summary>Creates a configuration with these options and no producer.</summary>
        /// <param name="options">The options.</param>
        /// <exception cref="PostboxException">
        /// Options are invalid. The text of the exception names each of them and its setting.
        /// </exception>
        /// <exception cref="DllNotFoundException">The native library was not found.</exception>
        /// <exception cref="NotSupportedException">
        /// This assembly does not work with the version of the native library.
        /// </exception>
        public PostboxConfig(PostboxOptions options) : this()
        {
            Apply(options);
        }

        /// <summary>
        /// Creates a configuration for tests of a program that uses Postbox: an outbox in the memory of this process, whose
        /// sweeps send messages of any age. Each client that it opens has its own empty database, on which
        /// <see cref="PostboxClient.EmbeddedExecute"/> creates the tables of the program. Everything else is the same as with
        /// DynamoDB.
        /// </summary>
        /// <returns>The configuration, to be disposed of.</returns>
        /// <exception cref="DllNotFoundException">The native library was not found.</exception>
        public static PostboxConfig InMemory()
        {
            var config = new PostboxConfig();
            try
            {
                return config.Set("embedded_path", ":memory:").Set("sweep_min_age_ms", 0);
            }
            catch
            {
                config.Dispose();
                throw;
            }
        }

        /// <summary>
        /// A setting, by its name in CONFIGURATION.md. The value is "" for an optional setting that is not set, and
        /// "***" for a secret that is set.
        /// </summary>
        /// <param name="name">The name.</param>
        /// <exception cref="PostboxException">
        /// The name of the setting is unknown (the text of the exception lists similar names), or the value is out of
        /// range. The configuration is unchanged.
        /// </exception>
        [AllowNull]
        public string this[string name]
        {
            get
            {
                lock (handle)
                using (Handle.Using())
                {
                    IntPtr value;
                    Errors.Check(Native.postbox_config_get(handle, Utf8.Required(name, nameof(name)), out value));
                    return Utf8.Read(value);
                }
            }
            set
            {
                lock (handle)
                    Errors.Check(Native.postbox_config_set(Handle, Utf8.Required(name, nameof(name)), Utf8.Required(value ?? "", nameof(value))));
            }
        }

        /// <summary>Sets a setting by its name.</summary>
        /// <param name="name">The name, such as "table_name".</param>
        /// <param name="value">The value; null or "" unsets an optional one.</param>
        /// <returns>This configuration.</returns>
        /// <exception cref="PostboxException">
        /// The name of the setting is unknown (the text of the exception lists similar names), or the value is out of
        /// range. The configuration is unchanged.
        /// </exception>
        public PostboxConfig Set(string name, string? value)
        {
            this[name] = value;
            return this;
        }

        /// <summary>Sets a setting that is a number.</summary>
        /// <param name="name">The name, such as "sweep_batch".</param>
        /// <param name="value">The value.</param>
        /// <returns>This configuration.</returns>
        /// <exception cref="PostboxException">The same as for a string value.</exception>
        public PostboxConfig Set(string name, long value) => Set(name, value.ToString(CultureInfo.InvariantCulture));

        /// <summary>Sets a setting that is true or false.</summary>
        /// <param name="name">The name, such as "park_keyed".</param>
        /// <param name="value">The value.</param>
        /// <returns>This configuration.</returns>
        /// <exception cref="PostboxException">The same as for a string value.</exception>
        public PostboxConfig Set(string name, bool value) => Set(name, OptionText.Flag(value));

        /// <summary>Sets a setting that is a time. The name of the setting ends with the unit of the time.</summary>
        /// <param name="name">The name, such as "operation_timeout_ms" or "dispatched_ttl_seconds".</param>
        /// <param name="value">The time, a whole number of units.</param>
        /// <returns>This configuration.</returns>
        /// <exception cref="ArgumentException">
        /// The setting is not a time, or the time is not a whole number of its units.
        /// </exception>
        /// <exception cref="PostboxException">The same as for a string value.</exception>
        public PostboxConfig Set(string name, TimeSpan value)
        {
            if (name == null)
                throw new ArgumentNullException(nameof(name));
            if (!OptionText.IsTime(name))
                throw new ArgumentException("the setting \"" + name + "\" is not a time: the names of such settings end in _ms or _seconds", nameof(name));
            return Set(name, OptionText.Time(name, value) ?? throw new ArgumentException(OptionText.NotWhole(name, value), nameof(value)));
        }

        /// <summary>
        /// Sets the settings whose properties are set in <paramref name="options"/>. Other settings stay as they are.
        /// Options and calls to <see cref="Set(string, string)"/> can be combined; the last one takes precedence.
        /// </summary>
        /// <param name="options">The options.</param>
        /// <returns>This configuration.</returns>
        /// <exception cref="PostboxException">
        /// Options are invalid. The text of the exception names each of them and its setting. The configuration is unchanged.
        /// </exception>
        public PostboxConfig Apply(PostboxOptions options)
        {
            if (options == null)
                throw new ArgumentNullException(nameof(options));
            options.Apply(this);
            return this;
        }

        /// <summary>
        /// Adds the producer of a topic, and replaces an earlier producer of this topic. The delegate is kept alive
        /// until this configuration and the clients that were opened with it are disposed of.
        /// </summary>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="send">See <see cref="IProducer.Send"/>.</param>
        /// <returns>This configuration.</returns>
        public PostboxConfig AddProducer(string? topic, Func<OutboxMessage, SendResult> send)
        {
            if (send == null)
                throw new ArgumentNullException(nameof(send));
            lock (asynchronous)
            {
                Give(topic, Observed(send));
                RemoveAsynchronous(topic);
            }
            return this;
        }

        /// <summary>
        /// Adds the asynchronous producer of a topic, and replaces an earlier producer of this topic. No thread waits for its
        /// task.
        /// </summary>
        /// <remarks>
        /// The task runs on the thread pool, without a SynchronizationContext. When it ends, its message is marked, or its
        /// failure is recorded. Until then, later messages with the same topic and partition key are held back, also by
        /// sweeps, for up to "confirm_timeout_ms": set it to more than a task can take, since a sweep sends the message again
        /// after this time. A call that clears or posts messages waits for their tasks. A sweep does not, and counts their
        /// messages as dispatched.
        /// </remarks>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="send">
        /// See <see cref="IAsyncProducer.SendAsync"/>. A method that returns a <see cref="Task{TResult}"/> is passed as
        /// <c>async (message, closing) => await Send(message, closing)</c>.
        /// </param>
        /// <returns>This configuration.</returns>
        public PostboxConfig AddProducer(string? topic, Func<OutboxMessage, CancellationToken, ValueTask<SendResult>> send)
        {
            if (send == null)
                throw new ArgumentNullException(nameof(send));
            Func<IReadOnlyList<OutboxMessage>, SendResults, CancellationToken, ValueTask> sendOne = async (messages, results, closing) =>
                results[0] = await send(messages[0], closing).ConfigureAwait(false) ?? SendResult.Nothing;
            return Add(topic, sending => Give(topic, message => sending.Accept(new[] { message }, sendOne) ? SendResult.Accepted : SendResult.NotTried));
        }

        /// <summary>Adds the producer of a topic, and replaces an earlier producer of this topic.</summary>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="producer">
        /// The producer, which is kept alive in the same way as the delegate of the other overload.
        /// </param>
        /// <returns>This configuration.</returns>
        public PostboxConfig AddProducer(string? topic, IProducer producer)
        {
            if (producer == null)
                throw new ArgumentNullException(nameof(producer));
            Func<OutboxMessage, SendResult> send = producer.Send;
            return AddProducer(topic, send);
        }

        /// <summary>Adds the asynchronous producer of a topic, and replaces an earlier producer of this topic.</summary>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="producer">
        /// The producer, which is kept alive in the same way as the delegate of the other overload.
        /// </param>
        /// <returns>This configuration.</returns>
        public PostboxConfig AddProducer(string? topic, IAsyncProducer producer)
        {
            if (producer == null)
                throw new ArgumentNullException(nameof(producer));
            Func<OutboxMessage, CancellationToken, ValueTask<SendResult>> send = producer.SendAsync;
            return AddProducer(topic, send);
        }

        internal PostboxConfig AddBlockingBatchProducer(string? topic, int maxBatch, Action<IReadOnlyList<OutboxMessage>, SendResults> send)
        {
            Callbacks.Observable(send, nameof(send));
            lock (asynchronous)
            {
                Give(topic, maxBatch, Observed(send));
                RemoveAsynchronous(topic);
            }
            return this;
        }

        /// <summary>
        /// Adds an asynchronous producer that receives several messages in one call. No thread waits for its task. See
        /// <see cref="AddProducer(string, Func{OutboxMessage, CancellationToken, ValueTask{SendResult}})"/>.
        /// </summary>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="maxBatch">The maximum number of messages in one call, at least 1.</param>
        /// <param name="send">
        /// See <see cref="IAsyncBatchProducer.SendAsync"/>. Write <c>async (messages, results, closing) => await ...</c> around a
        /// method that returns a <see cref="Task"/>.
        /// </param>
        /// <returns>This configuration.</returns>
        public PostboxConfig AddBatchProducer(string? topic, int maxBatch, Func<IReadOnlyList<OutboxMessage>, SendResults, CancellationToken, ValueTask> send)
        {
            if (send == null)
                throw new ArgumentNullException(nameof(send));
            return Add(topic, sending => Give(topic, maxBatch, (messages, results) =>
            {
                if (sending.Accept(messages, send))
                    for (var i = 0; i < results.Count; i++)
                        results[i] = SendResult.Accepted;
            }));
        }

        /// <summary>Adds an asynchronous batch producer as the other overload does.</summary>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="maxBatch">The maximum number of messages in one call, at least 1.</param>
        /// <param name="send">See <see cref="IAsyncBatchProducer.SendAsync"/>.</param>
        /// <returns>This configuration.</returns>
        public PostboxConfig AddBatchProducer(string? topic, int maxBatch, Func<IReadOnlyList<OutboxMessage>, SendResults, ValueTask> send)
        {
            if (send == null)
                throw new ArgumentNullException(nameof(send));
            return AddBatchProducer(topic, maxBatch, (messages, results, _) => send(messages, results));
        }

        /// <summary>Adds a producer that receives several messages in one call.</summary>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="maxBatch">The maximum number of messages in one call, at least 1.</param>
        /// <param name="producer">
        /// The producer, which is kept alive in the same way as the delegate of the other overload.
        /// </param>
        /// <returns>This configuration.</returns>
        public PostboxConfig AddBatchProducer(string? topic, int maxBatch, IBatchProducer producer)
        {
            if (producer == null)
                throw new ArgumentNullException(nameof(producer));
            return AddBlockingBatchProducer(topic, maxBatch, producer.Send);
        }

        /// <summary>Adds an asynchronous producer that receives several messages in one call.</summary>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="maxBatch">The maximum number of messages in one call, at least 1.</param>
        /// <param name="producer">
        /// The producer, which is kept alive in the same way as the delegate of the other overload.
        /// </param>
        /// <returns>This configuration.</returns>
        public PostboxConfig AddBatchProducer(string? topic, int maxBatch, IAsyncBatchProducer producer)
        {
            if (producer == null)
                throw new ArgumentNullException(nameof(producer));
            Func<IReadOnlyList<OutboxMessage>, SendResults, CancellationToken, ValueTask> send = producer.SendAsync;
            return AddBatchProducer(topic, maxBatch, send);
        }

        /// <summary>
        /// Sends the log messages of the clients that this configuration opens to <paramref name="receiver"/>, up to
        /// <paramref name="level"/>, and not to the receiver of <see cref="PostboxLog"/>. Replaces an earlier receiver of
        /// this configuration: <c>config.SetLog(PostboxLogLevel.Info, (level, text) => logger.Log(Map(level), text))</c>.
        /// </summary>
        /// <remarks>
        /// The receiver runs on the thread that logs the message, and under the rules of
        /// <see cref="PostboxLog.Set(PostboxLogLevel, Action{PostboxLogLevel, string})"/>. It is kept alive until this
        /// configuration, the clients that were opened with it and their units of work are disposed of. It is not
        /// called after <see cref="PostboxClient.Close()"/> has returned or thrown an exception.
        /// </remarks>
        /// <param name="level">The least severe level that is sent to the receiver.</param>
        /// <param name="receiver">
        /// Receives the level and a line of text, which contains no secrets and no message bodies.
        /// </param>
        /// <returns>This configuration.</returns>
        /// <exception cref="ArgumentException">The receiver is an <c>async void</c> method.</exception>
        public PostboxConfig SetLog(PostboxLogLevel level, Action<PostboxLogLevel, string> receiver)
        {
            Callbacks.Observable(receiver, nameof(receiver));
            Callbacks.Give(receiver, data => Native.postbox_config_set_log_callback(Handle, (int)level, Callbacks.Log, data, Callbacks.Release));
            log = new LogReceiver(level, receiver);
            return this;
        }

        /// <summary>
        /// Does not compile. Postbox waits for the receiver, which therefore cannot be asynchronous.
        /// </summary>
        /// <param name="level">The level.</param>
        /// <param name="receiver">The receiver.</param>
        /// <returns>Nothing.</returns>
        [Obsolete("A log receiver cannot be asynchronous: write the text to a queue, and read the queue elsewhere.", true)]
        [EditorBrowsable(EditorBrowsableState.Never)]
        public PostboxConfig SetLog(PostboxLogLevel level, Func<PostboxLogLevel, string, Task> receiver) => throw new NotSupportedException();

        /// <summary>
        /// Opens a client. With DynamoDB, this method sends no request to the table. With "embedded_path", it creates
        /// the outbox table in the embedded database if the table does not exist.
        /// </summary>
        /// <returns>The client, to be disposed of.</returns>
        /// <exception cref="PostboxException">
        /// A setting is invalid, no region is known, or the embedded database cannot be opened.
        /// </exception>
        public PostboxClient Open()
        {
            Callbacks.RejectLogReceiver();
            return OpenUnlessCanceled(CancellationToken.None);
        }

        /// <summary>
        /// Runs <see cref="Open"/> on a thread of its own, which is not one of the pool. Opening can wait for a source of
        /// credentials. The configuration must not be disposed of before the task has ended.
        /// </summary>
        /// <param name="cancellation">Ends the wait for credentials with an <see cref="OperationCanceledException"/>.</param>
        /// <returns>The task, whose result is the client, to be disposed of.</returns>
        public Task<PostboxClient> OpenAsync(CancellationToken cancellation = default(CancellationToken))
        {
            Callbacks.RejectLogReceiver();
            return OwnThread.Run(() => OpenUnlessCanceled(cancellation), cancellation);
        }

        private PostboxClient OpenUnlessCanceled(CancellationToken cancellation)
        {
            // Without the lock, because a source may take long, and may use this configuration.
            var source = credentials;
            var current = source?.Wait(cancellation);
            lock (asynchronous)
            {
                var sending = asynchronous.Count == 0 ? null : new Sending(ulong.Parse(this["close_timeout_ms"], CultureInfo.InvariantCulture));
                if (sending != null)
                    foreach (var producer in asynchronous)
                        producer.Value(sending);
                var description = Description;
                var table = this["table_name"];
                IntPtr pointer;
                Errors.Check(Native.postbox_open(Handle, out pointer));
                var client = new ClientHandle(pointer, sending);
                BeginRenewal(client, source, current);
#if !NETSTANDARD
                ClientMetrics.Add(client, table);
#endif
                sending?.Begin(client);
                return new PostboxClient(client, description);
            }
        }

        /// <summary>Returns the table, without secrets: "PostboxConfig (table brighter_outbox)".</summary>
        /// <returns>The text.</returns>
        public override string ToString() => nameof(PostboxConfig) + " (" + (handle.IsDisposed ? "disposed" : Description) + ")";

        private string Description
        {
            get
            {
                var path = this["embedded_path"];
                var region = this["region"];
                return "table " + this["table_name"] + (path.Length > 0 ? ", embedded database " + path : region.Length > 0 ? ", region " + region : "");
            }
        }

        /// <summary>Frees the configuration. Disposing twice is harmless.</summary>
        public void Dispose() => handle.Dispose();

        private PostboxConfig Add(string? topic, Action<Sending> producer)
        {
            lock (asynchronous)
            {
                // The library checks the arguments. No client calls this producer.
                producer(new Sending(0));
                RemoveAsynchronous(topic);
                asynchronous.Add(new KeyValuePair<string?, Action<Sending>>(topic, producer));
            }
            return this;
        }

        /// <summary>Removes the asynchronous producer of a topic. The library takes "*" for null.</summary>
        private void RemoveAsynchronous(string? topic)
        {
            asynchronous.RemoveAll(other => (other.Key ?? "*") == (topic ?? "*"));
        }

#if NETSTANDARD
        private static T Observed<T>(T send) => send;
#else
        private static Func<OutboxMessage, SendResult> Observed(Func<OutboxMessage, SendResult> send) => SendSpan.Around(send);

        private static Action<IReadOnlyList<OutboxMessage>, SendResults> Observed(Action<IReadOnlyList<OutboxMessage>, SendResults> send) => SendSpan.Around(send);
#endif

        private void Give(string? topic, Func<OutboxMessage, SendResult> send)
        {
            var name = Utf8.Optional(topic, nameof(topic));
            Callbacks.Give(send, data => Native.postbox_config_add_producer(Handle, name, Callbacks.Send, data, Callbacks.Release));
        }

        private void Give(string? topic, int maxBatch, Action<IReadOnlyList<OutboxMessage>, SendResults> send)
        {
            if (maxBatch < 1)
                throw new ArgumentOutOfRangeException(nameof(maxBatch), maxBatch, "a batch has at least 1 message");
            var name = Utf8.Optional(topic, nameof(topic));
            Callbacks.Give(send, data => Native.postbox_config_add_batch_producer(
                Handle, name, (UIntPtr)maxBatch, Callbacks.SendBatch, data, Callbacks.Release));
        }

        private ConfigHandle Handle
        {
            get
            {
                if (handle.IsDisposed)
                    throw new ObjectDisposedException(nameof(PostboxConfig));
                return handle;
            }
        }
    }
}
