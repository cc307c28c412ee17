#if !NETSTANDARD
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;

namespace Postbox
{
    /// <summary>
    /// The span and the measurements of one call to a producer. The span is the current activity until the call, or the task
    /// of an asynchronous producer, has ended.
    /// </summary>
    internal sealed class SendSpan
    {
        private readonly long began = Stopwatch.GetTimestamp();
        private readonly Activity? outer = Activity.Current;
        private readonly string[] topics;
        private Activity? activity;

        private SendSpan(IReadOnlyList<OutboxMessage> messages)
        {
            topics = messages.Select(message => message.Topic).ToArray();
        }

        /// <summary>The topic, or null if the messages have several.</summary>
        private string? Topic => topics.Length > 0 && topics.All(topic => topic == topics[0]) ? topics[0] : null;

        /// <summary>Starts a span for a call with these messages. Returns null if nobody listens.</summary>
        internal static SendSpan? Start(IReadOnlyList<OutboxMessage> messages)
        {
            if (!Telemetry.IsObserved)
                return null;
            var span = new SendSpan(messages);
            if (Telemetry.HasTracers)
                Telemetry.Guard(() => span.activity = span.Begin(messages));
            if (span.activity == null)
                span.Leave();
            return span;
        }

        /// <summary>Returns a producer that calls this one in a span.</summary>
        internal static Func<OutboxMessage, SendResult> Around(Func<OutboxMessage, SendResult> send)
        {
            return message => Telemetry.IsObserved ? Send(send, message) : send(message);
        }

        /// <summary>Returns a batch producer that calls this one in a span.</summary>
        internal static Action<IReadOnlyList<OutboxMessage>, SendResults> Around(Action<IReadOnlyList<OutboxMessage>, SendResults> send)
        {
            return (messages, results) =>
            {
                if (Telemetry.IsObserved)
                    Send(send, messages, results);
                else
                    send(messages, results);
            };
        }

        /// <summary>
        /// Ends the span with the results of the messages. After an exception, it is the result of those without a result. Throws
        /// no exception.
        /// </summary>
        internal void End(IReadOnlyList<SendResult?> results, Exception? thrown)
        {
            Telemetry.Guard(() =>
            {
                var errors = topics.Select((_, i) => ErrorOf(results[i], thrown)).ToArray();
                var failure = errors.FirstOrDefault(error => error != null);
                Stop(failure);
                Measure(results, thrown, errors, failure);
            });
            Leave();
        }

        /// <summary>Restores the current activity. A listener that throws an exception prevents that .NET does it.</summary>
        private void Leave()
        {
            Telemetry.Guard(() =>
            {
                if (Activity.Current != outer)
                    Activity.Current = outer;
            });
        }

        private static SendResult Send(Func<OutboxMessage, SendResult> send, OutboxMessage message)
        {
            var span = Start(new[] { message });
            try
            {
                var result = send(message);
                span?.End(new[] { result ?? SendResult.Nothing }, null);
                return result!;
            }
            catch (Exception failure)
            {
                span?.End(new SendResult?[] { null }, failure);
                throw;
            }
        }

        private static void Send(Action<IReadOnlyList<OutboxMessage>, SendResults> send, IReadOnlyList<OutboxMessage> messages, SendResults results)
        {
            var span = Start(messages);
            Exception? thrown = null;
            try
            {
                send(messages, results);
            }
            catch (Exception failure)
            {
                thrown = failure;
                throw;
            }
            finally
            {
                span?.End(Enumerable.Range(0, results.Count).Select(i => results[i]).ToArray(), thrown);
            }
        }

        private Activity? Begin(IReadOnlyList<OutboxMessage> messages)
        {
            var current = Activity.Current?.Context ?? ClearActivity.Of(messages);
            var contexts = messages.Select(ContextOf).Where(context => context != default && !Same(context, current)).ToList();
            // A batch has several contexts, of which none can be the parent.
            var parent = messages.Count == 1 ? contexts.SingleOrDefault() : default;
            if (parent != default)
                contexts = current == default ? new List<ActivityContext>() : new List<ActivityContext> { current };
            else if (Activity.Current == null)
                parent = current;
            var name = Topic == null ? Telemetry.Send : Telemetry.Send + " " + Topic;
            return Telemetry.Source?.StartActivity(name, ActivityKind.Producer, parent, Tags(messages), contexts.Select(context => new ActivityLink(context)));
        }

        private List<KeyValuePair<string, object?>> Tags(IReadOnlyList<OutboxMessage> messages)
        {
            var tags = new List<KeyValuePair<string, object?>>(Common(Topic, null));
            if (messages.Count == 1)
                tags.Add(Telemetry.Tag(Telemetry.MessageId, messages[0].Id));
            else
                tags.Add(Telemetry.Tag(Telemetry.MessageCount, messages.Count));
            return tags;
        }

        private void Stop(string? failure)
        {
            if (activity == null)
                return;
            if (failure != null)
                activity.SetStatus(ActivityStatusCode.Error).SetTag(Telemetry.ErrorType, failure);
            activity.Stop();
        }

        /// <summary>Counts the messages that the producer tried to send, by topic and error.</summary>
        private void Measure(IReadOnlyList<SendResult?> results, Exception? thrown, string?[] errors, string? failure)
        {
            Telemetry.Duration?.Record(Seconds, Common(Topic, failure).ToArray());
            var tried = Enumerable.Range(0, topics.Length).Where(i => OutcomeOf(results[i], thrown) != SendOutcome.NotTried);
            foreach (var same in tried.GroupBy(i => (topics[i], errors[i])))
                Telemetry.SentMessages?.Add(same.Count(), Common(same.Key.Item1, same.Key.Item2).ToArray());
        }

        /// <summary>The duration of the span, which is also that of the measurement.</summary>
        private double Seconds => activity?.Duration.TotalSeconds ?? (double)(Stopwatch.GetTimestamp() - began) / Stopwatch.Frequency;

        private static IEnumerable<KeyValuePair<string, object?>> Common(string? topic, string? error)
        {
            yield return Telemetry.Tag(Telemetry.System, Telemetry.SystemValue);
            yield return Telemetry.Tag(Telemetry.OperationName, Telemetry.Send);
            yield return Telemetry.Tag(Telemetry.OperationType, Telemetry.Send);
            if (topic != null)
                yield return Telemetry.Tag(Telemetry.Destination, topic);
            if (error != null)
                yield return Telemetry.Tag(Telemetry.ErrorType, error);
        }

        private static SendOutcome OutcomeOf(SendResult? result, Exception? thrown)
        {
            return (result ?? (thrown == null ? SendResult.NotTried : Callbacks.ResultOf(thrown))).Outcome;
        }

        /// <summary>Returns the class of the exception or the name of the outcome. Null if the message did not fail.</summary>
        private static string? ErrorOf(SendResult? result, Exception? thrown)
        {
            switch (OutcomeOf(result, thrown))
            {
                case SendOutcome.Sent:
                case SendOutcome.Accepted:
                case SendOutcome.NotTried:
                    return null;
                case SendOutcome outcome:
                    return result == null ? thrown!.GetType().FullName : outcome.ToString().ToLowerInvariant();
            }
        }

        private static ActivityContext ContextOf(OutboxMessage message)
        {
            return ActivityContext.TryParse(message["trace_parent"], message["trace_state"], true, out var context) ? context : default;
        }

        private static bool Same(ActivityContext one, ActivityContext other) => one.SpanId == other.SpanId && one.TraceId == other.TraceId;
    }
}
#endif
