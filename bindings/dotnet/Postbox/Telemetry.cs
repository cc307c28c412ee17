#if !NETSTANDARD
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Postbox
{
    /// <summary>
    /// The names under which .NET programs observe Postbox. They follow OpenTelemetry's conventions for messaging. No name
    /// and no value contains a body, a secret, or the text of an exception.
    /// </summary>
    internal static class Telemetry
    {
        internal const string Name = "Postbox";

        internal const string System = "messaging.system";
        internal const string OperationName = "messaging.operation.name";
        internal const string OperationType = "messaging.operation.type";
        internal const string Destination = "messaging.destination.name";
        internal const string MessageId = "messaging.message.id";
        internal const string MessageCount = "messaging.batch.message_count";
        internal const string ClientId = "messaging.client.id";
        internal const string Table = "db.collection.name";
        internal const string ErrorType = "error.type";

        internal const string SystemValue = "postbox";
        internal const string Send = "send";

        internal static readonly string Version = typeof(Telemetry).Assembly.GetName().Version?.ToString(3) ?? "";

        // Null if a listener threw an exception when it was told of the source or of the instrument.
        internal static readonly ActivitySource? Source = Publish(() => new ActivitySource(Name, Version));

        // The instruments of the clients belong to another meter of this name, whose callbacks would keep a plug-in loaded.
        private static readonly Meter Meter = new Meter(Name, Version);

        internal static readonly Counter<long>? SentMessages = Publish(() => Meter.CreateCounter<long>(
            "messaging.client.sent.messages", "{message}", "Number of messages that a producer attempted to send."));

        internal static readonly Histogram<double>? Duration = Publish(() => Meter.CreateHistogram<double>(
            "messaging.client.operation.duration", "s", "Duration of a call to a producer."));

        /// <summary>Whether any listener receives the spans or the measurements of producers.</summary>
        internal static bool IsObserved => HasTracers || SentMessages?.Enabled == true || Duration?.Enabled == true;

        internal static bool HasTracers => Source?.HasListeners() == true;

        /// <summary>
        /// Runs code that calls listeners of the program. Their exceptions are ignored, because they must not decide whether
        /// a message counts as sent, or prevent that a client is opened or closed.
        /// </summary>
        internal static void Guard(Action observe)
        {
            try
            {
                observe();
            }
            catch (Exception failure)
            {
                Debug.WriteLine(failure);
            }
        }

        private static T? Publish<T>(Func<T> create) where T : class
        {
            T? created = null;
            Guard(() => created = create());
            return created;
        }

        internal static KeyValuePair<string, object?> Tag(string name, object? value) => new KeyValuePair<string, object?>(name, value);
    }
}
#endif
