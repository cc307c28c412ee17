#if !NETSTANDARD
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    /// <summary>The spans of producers, their measurements, and the statistics of clients.</summary>
    public static class TelemetryTests
    {
        private static readonly SendResult[] Outcomes =
        {
            SendResult.Sent, SendResult.Accepted, SendResult.NotTried, SendResult.Retry("secret"), SendResult.Reject("secret"),
            SendResult.Unavailable("secret"),
        };

        private static readonly string[] Errors = { null, null, null, "retry", "reject", "unavailable" };

        public static void A_producer_runs_in_a_span_of_its_message()
        {
            foreach (var producer in Kinds(_ => SendResult.Sent))
                using (var spans = new Spans())
                using (var world = new World(producer))
                {
                    string parent, id;
                    using (var request = Start("request"))
                    {
                        parent = request.Id;
                        id = world.Deposit("secret");
                    }
                    using (var later = Start("later"))
                    {
                        later.TraceStateString = "vendor=1";
                        world.Client.ClearOutbox(id);
                        Check.Equal(later, Activity.Current);
                        var span = spans.Ended.Single();
                        Check.Equal(span.Id, Inside.Id);
                        Check.Equal("send " + World.Topic, span.DisplayName);
                        Check.Equal(ActivityKind.Producer, span.Kind);
                        Check.Equal(parent, span.ParentId);
                        Check.Equal(later.Id, IdOf(span.Links.Single().Context));
                        Check.Equal(ActivityStatusCode.Unset, span.Status);
                        Check.Same(
                            new[]
                            {
                                "messaging.system=postbox", "messaging.operation.name=send", "messaging.operation.type=send",
                                "messaging.destination.name=" + World.Topic, "messaging.message.id=" + id,
                            },
                            Texts(span.TagObjects));
                        Check.Equal(typeof(PostboxClient).Assembly.GetName().Version.ToString(3), span.Source.Version);
                    }
                }
        }

        public static void A_span_has_a_link_to_the_activity_of_an_asynchronous_clear()
        {
            foreach (var producer in Kinds(_ => SendResult.Sent))
                using (var spans = new Spans())
                using (var world = new World(producer))
                {
                    string parent, first, alone = world.Deposit();
                    using (var request = Start("request"))
                    {
                        parent = request.Id;
                        first = world.Deposit();
                    }
                    using (var later = Start("later"))
                    {
                        Wait.For(world.Client.ClearOutboxAsync(first));
                        Check.Equal(parent, spans.Ended.Single().ParentId);
                        Check.Equal(later.Id, IdOf(spans.Ended.Single().Links.Single().Context));
                        // A message without a context of its own, and one of the activity that clears it, are a part of the clear.
                        Wait.For(world.Client.ClearOutboxAsync(alone));
                        Wait.For(world.Client.PostAsync(new OutboxMessage(World.Topic, "x")));
                        foreach (var span in spans.Ended.Skip(1))
                        {
                            Check.Equal(later.Id, span.ParentId);
                            Check.That(!span.Links.Any(), "a link to the parent");
                        }
                    }
                    // The clear has ended.
                    var last = world.Deposit();
                    Wait.For(world.Client.ClearOutboxAsync(last));
                    Check.Equal(4, spans.Ended.Count);
                    Check.Equal(null, spans.Ended.Last().ParentId);
                }
        }

        public static void A_message_of_the_current_activity_gets_a_child_without_a_link()
        {
            using (var spans = new Spans())
            using (var world = new World())
            using (var request = Start("request"))
            {
                world.Client.ClearOutbox(world.Deposit());
                Check.Equal(request.Id, spans.Ended.Single().ParentId);
                Check.That(!spans.Ended.Single().Links.Any(), "a link to the parent");
                // Without a context of its own, a message is a part of the clear.
                Activity.Current = null;
                var id = world.Deposit();
                Activity.Current = request;
                world.Client.ClearOutbox(id);
                Check.Equal(request.Id, spans.Ended.Last().ParentId);
            }
        }

        public static void A_batch_has_one_span_with_a_link_to_each_message()
        {
            foreach (var producer in new Action<PostboxConfig>[]
            {
                config => config.AddBatchProducer(World.Topic, 10, (messages, results) => SendAll(results)),
                config => config.AddBatchProducer(World.Topic, 10, async (messages, results) =>
                {
                    await Task.Yield();
                    SendAll(results);
                }),
            })
                using (var spans = new Spans())
                using (var world = new World(producer))
                {
                    var contexts = new List<string>();
                    var ids = new List<string>();
                    for (var i = 0; i < 3; i++)
                        using (var request = Start("request"))
                        {
                            contexts.Add(request.Id);
                            ids.Add(world.Deposit());
                        }
                    world.Client.ClearOutbox(ids.ToArray());
                    var span = spans.Ended.Single();
                    Check.Same(contexts, span.Links.Select(link => IdOf(link.Context)));
                    Check.Equal(null, span.ParentId);
                    Check.Equal(3, (int)span.GetTagItem("messaging.batch.message_count"));
                    Check.Equal(null, span.GetTagItem("messaging.message.id"));
                    Check.Equal(World.Topic, (string)span.GetTagItem("messaging.destination.name"));
                }
        }

        public static void A_failure_has_the_type_of_its_error_and_not_its_text()
        {
            for (var i = 0; i < Outcomes.Length; i++)
                foreach (var producer in Kinds(_ => Outcomes[i]))
                    CheckFailure(producer, Errors[i], Outcomes[i].Outcome != SendOutcome.NotTried);
            foreach (var producer in Kinds(_ => throw new InvalidOperationException("secret")))
                CheckFailure(producer, "System.InvalidOperationException", true);
            foreach (var producer in Kinds(_ => null))
                CheckFailure(producer, "retry", true);
            foreach (var producer in Kinds(_ => throw new OperationCanceledException()))
                CheckFailure(producer, null, false);
        }

        private static void CheckFailure(Action<PostboxConfig> producer, string error, bool isTried)
        {
            using (var spans = new Spans())
            using (var measured = new Measurements())
            using (var world = new World(producer))
            {
                world.Client.ClearOutbox(new[] { world.Deposit("secret") }, out _);
                var span = spans.Ended.Single();
                Check.Equal(error == null ? ActivityStatusCode.Unset : ActivityStatusCode.Error, span.Status);
                Check.Equal(error, (string)span.GetTagItem("error.type"));
                var tags = "messaging.system=postbox messaging.operation.name=send messaging.operation.type=send messaging.destination.name="
                    + World.Topic + (error == null ? "" : " error.type=" + error);
                Check.Same(isTried ? new[] { "1 " + tags } : new string[0], measured.Of("messaging.client.sent.messages"));
                Check.Same(new[] { span.Duration.TotalSeconds.ToString("R") + " " + tags }, measured.Of("messaging.client.operation.duration"));
                Check.That(!span.TagObjects.Select(tag => tag.Value).Append(span.StatusDescription).Any(value => value is string text && text.Contains("secret")), "a secret");
            }
        }

        public static void The_messages_of_a_batch_are_counted_by_topic_and_error()
        {
            using (var spans = new Spans())
            using (var measured = new Measurements())
            using (var world = new World(config => config.AddBatchProducer(null, 10, (messages, results) =>
            {
                results[0] = SendResult.Sent;
                results[1] = SendResult.Retry("no");
                throw new TimeoutException();
            })))
            {
                var ids = new[] { "a", "a", "b", "b" }.Select(topic =>
                {
                    using (var message = new OutboxMessage(topic, "x"))
                        return world.Client.DepositPost(message);
                }).ToArray();
                world.Client.ClearOutbox(ids, out _);
                var counts = measured.Of("messaging.client.sent.messages").Select(text => text.Replace("messaging.", "")).ToList();
                // Batches may have one topic or several, so only the sums are known.
                Check.Equal(4, counts.Sum(text => int.Parse(text.Split(' ')[0])));
                Check.Contains("destination.name=a", counts[0]);
                Check.That(counts.Any(text => text.Contains("error.type=retry")) && !counts.Any(text => text.Contains("TimeoutException") && text.Contains("retry")), "errors");
            }
        }

        public static void The_span_of_a_task_is_current_until_the_task_ends()
        {
            var proceed = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            Activity before = null, after = null;
            using (var spans = new Spans())
            using (var world = new World(config => config.AddProducer(World.Topic, async (message, closing) =>
            {
                before = Activity.Current;
                await proceed.Task.ConfigureAwait(false);
                after = Activity.Current;
                return SendResult.Sent;
            })))
            {
                var clear = world.Client.ClearOutboxAsync(new[] { world.Deposit() });
                proceed.SetResult(true);
                Wait.For(clear);
                var span = spans.Ended.Single();
                Check.Equal(span, before);
                Check.Equal(span, after);
                Check.Equal(null, Activity.Current);
            }
        }

        public static void A_message_that_a_producer_deposits_continues_its_trace()
        {
            PostboxClient client = null;
            string follow = null;
            using (var spans = new Spans())
            using (var world = new World(producer: _ =>
            {
                if (follow == null)
                    using (var message = new OutboxMessage(World.Topic, "follow-up"))
                        follow = client.DepositPost(message);
                return SendResult.Sent;
            }))
            {
                client = world.Client;
                world.Client.ClearOutbox(world.Deposit());
                using (var stored = world.Client.GetMessage(follow))
                    Check.Equal(spans.Ended.Single().Id, stored["trace_parent"]);
            }
        }

        public static void A_listener_that_throws_does_not_decide_the_outcome()
        {
            Action nothing = () => { };
            Action fails = () => throw new InvalidOperationException("the listener failed");
            foreach (var listener in new[] { (fails, nothing), (nothing, fails) })
                foreach (var producer in Kinds(_ => SendResult.Sent))
                    using (var spans = new Spans(listener.Item1, listener.Item2))
                    using (var world = new World(producer))
                    {
                        var id = world.Deposit();
                        world.Client.ClearOutbox(id);
                        Check.Equal(MessageState.Dispatched, world.StateOf(id).Value);
                        Check.Equal(null, Activity.Current);
                    }
        }

        public static void A_handler_of_the_current_activity_that_throws_does_not_decide_the_outcome()
        {
            EventHandler<ActivityChangedEventArgs> fails = (_, change) => throw new InvalidOperationException("the handler failed");
            foreach (var producer in Kinds(_ => SendResult.Sent))
                using (var spans = new Spans())
                using (var world = new World(producer))
                {
                    var id = world.Deposit();
                    Activity.CurrentChanged += fails;
                    try
                    {
                        Wait.For(world.Client.ClearOutboxAsync(id));
                    }
                    finally
                    {
                        Activity.CurrentChanged -= fails;
                    }
                    Check.Equal(MessageState.Dispatched, world.StateOf(id).Value);
                }
        }

        public static void A_listener_that_throws_does_not_keep_clients_from_being_opened_and_closed()
        {
            var fails = false;
            using (var listener = new MeterListener())
            {
                listener.InstrumentPublished = (instrument, _) => Fail(instrument);
                listener.MeasurementsCompleted = (instrument, _) => Fail(instrument);
                listener.Start();
                fails = true;
                foreach (var table in new[] { "first", "second" })
                    using (var world = Open(table))
                        world.Client.ClearOutbox(world.Deposit());
                fails = false;
            }

            void Fail(Instrument instrument)
            {
                if (fails && instrument.Meter.Name == "Postbox")
                    throw new InvalidOperationException("the listener failed");
            }
        }

        public static void The_statistics_of_open_clients_are_observed()
        {
            using (var measured = new Measurements())
            using (var one = Open("one"))
            using (var other = Open("other"))
            {
                one.Client.ClearOutbox(one.Deposit());
                other.Deposit();
                other.Client.Sweep();
                other.Deposit();
                other.Client.CountOutstanding();
                measured.Observe();
                var tags = measured.Of("postbox.deposited").Where(text => text.EndsWith(" db.collection.name=one") || text.EndsWith(" db.collection.name=other"))
                    .Select(text => text.Split(' ')).ToList();
                Check.Same(new[] { "1", "2" }, tags.Select(parts => parts[0]));
                Check.That(tags[0][1] != tags[1][1] && tags[0][1].StartsWith("messaging.client.id="), "the ids of clients");
                Check.Same(new[] { "0" }, Values(measured, "postbox.sweeps", "one"));
                Check.Same(new[] { "1" }, Values(measured, "postbox.sweeps", "other"));
                Check.Same(new[] { "1" }, Values(measured, "postbox.dispatched", "one"));
                // The other client was never asked to count.
                Check.Same(new string[0], Values(measured, "postbox.outstanding", "one"));
                Check.Same(new[] { "1" }, Values(measured, "postbox.outstanding", "other"));
                foreach (var name in new[] { "failed", "parked", "duplicates_avoided", "background_failures", "open_breakers" })
                    Check.Same(new[] { "0" }, Values(measured, "postbox." + name, "other"));
            }
        }

        public static void Nothing_is_observed_after_a_client_is_disposed_of()
        {
            using (var spans = new Spans())
            using (var measured = new Measurements())
            {
                var disposed = Open("disposed");
                using (var kept = Open("kept"))
                {
                    disposed.Client.ClearOutbox(disposed.Deposit());
                    disposed.Dispose();
                    measured.Observe();
                    Check.Same(new[] { "0" }, Values(measured, "postbox.deposited", "kept"));
                    Check.Same(new string[0], Values(measured, "postbox.deposited", "disposed"));
                    measured.Clear();
                }
                measured.Observe();
                Check.Same(new string[0], Values(measured, "postbox.deposited", "kept"));
                Check.Same(new string[0], measured.Of("messaging.client.sent.messages"));
                Check.Equal(1, spans.Ended.Count);
                Check.Equal(0, spans.Open);
            }
        }

        public static void A_client_that_is_observed_can_be_collected()
        {
            using (var measured = new Measurements())
            {
                var forgotten = Forget(measured);
                for (var i = 0; i < 20 && forgotten.IsAlive; i++)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                }
                Check.That(!forgotten.IsAlive, "the client is kept");
                measured.Clear();
                using (Open("next"))
                    measured.Observe();
                Check.Same(new string[0], Values(measured, "postbox.deposited", "forgotten"));
                Check.Same(new[] { "0" }, Values(measured, "postbox.deposited", "next"));
            }
        }

        public static void Without_a_listener_a_producer_has_no_span()
        {
            foreach (var producer in Kinds(_ => SendResult.Sent))
                using (var world = new World(producer))
                using (var request = Start("request"))
                {
                    world.Client.ClearOutbox(world.Deposit());
                    Check.Equal(request, Inside);
                }
        }

        /// <summary>The current activity in the last call of a producer.</summary>
        private static Activity Inside { get; set; }

        /// <summary>Returns a blocking and an asynchronous producer, of one message and of batches.</summary>
        private static IEnumerable<Action<PostboxConfig>> Kinds(Func<OutboxMessage, SendResult> send)
        {
            Func<OutboxMessage, SendResult> noting = message =>
            {
                Inside = Activity.Current;
                return send(message);
            };
            yield return config => config.AddProducer(World.Topic, noting);
            yield return config => config.AddProducer(World.Topic, async (message, closing) =>
            {
                await Task.Yield();
                return noting(message);
            });
            yield return config => config.AddBatchProducer(World.Topic, 10, (messages, results) => results[0] = noting(messages[0]) ?? SendResult.Retry("null"));
            yield return config => config.AddBatchProducer(World.Topic, 10, async (messages, results) =>
            {
                await Task.Yield();
                results[0] = noting(messages[0]) ?? SendResult.Retry("null");
            });
        }

        private static void SendAll(SendResults results)
        {
            for (var i = 0; i < results.Count; i++)
                results[i] = SendResult.Sent;
        }

        private static Activity Start(string name) => new Activity(name).SetIdFormat(ActivityIdFormat.W3C).Start();

        private static string IdOf(ActivityContext context) => "00-" + context.TraceId + "-" + context.SpanId + "-" + (context.TraceFlags == ActivityTraceFlags.Recorded ? "01" : "00");

        private static IEnumerable<string> Texts(IEnumerable<KeyValuePair<string, object>> tags) => tags.Select(tag => tag.Key + "=" + tag.Value);

        private static World Open(string table) => new World(config => config.Set("table_name", table), _ => SendResult.Sent);

        /// <summary>The values of the client of a table. Other tests may have left clients open.</summary>
        private static IEnumerable<string> Values(Measurements measured, string name, string table)
        {
            return measured.Of(name).Where(text => text.EndsWith(" db.collection.name=" + table)).Select(text => text.Split(' ')[0]);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static WeakReference Forget(Measurements measured)
        {
            var world = Open("forgotten");
            measured.Observe();
            Check.Same(new[] { "0" }, Values(measured, "postbox.deposited", "forgotten"));
            return new WeakReference(world.Client);
        }

        /// <summary>Listens to the spans of Postbox.</summary>
        private sealed class Spans : IDisposable
        {
            private readonly List<Activity> ended = new List<Activity>();
            private readonly ActivityListener listener;
            private int started;

            internal Spans(Action onStart = null, Action onStop = null)
            {
                listener = new ActivityListener
                {
                    ShouldListenTo = source => source.Name == "Postbox",
                    Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                    ActivityStarted = _ =>
                    {
                        Interlocked.Increment(ref started);
                        onStart?.Invoke();
                    },
                    ActivityStopped = activity =>
                    {
                        lock (ended)
                            ended.Add(activity);
                        onStop?.Invoke();
                    },
                };
                ActivitySource.AddActivityListener(listener);
            }

            internal IReadOnlyList<Activity> Ended
            {
                get
                {
                    lock (ended)
                        return ended.ToList();
                }
            }

            internal int Open => started - Ended.Count;

            public void Dispose() => listener.Dispose();
        }

        /// <summary>Listens to the measurements of Postbox, as texts of the value and the tags.</summary>
        private sealed class Measurements : IDisposable
        {
            private readonly MeterListener listener = new MeterListener();
            private readonly List<KeyValuePair<string, string>> all = new List<KeyValuePair<string, string>>();

            internal Measurements()
            {
                listener.InstrumentPublished = (instrument, _) =>
                {
                    if (instrument.Meter.Name == "Postbox")
                        listener.EnableMeasurementEvents(instrument);
                };
                listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value.ToString(), tags));
                listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value.ToString("R"), tags));
                listener.Start();
            }

            internal IReadOnlyList<string> Of(string name)
            {
                lock (all)
                    return all.Where(one => one.Key == name).Select(one => one.Value).ToList();
            }

            internal void Observe() => listener.RecordObservableInstruments();

            internal void Clear()
            {
                lock (all)
                    all.Clear();
            }

            public void Dispose() => listener.Dispose();

            private void Add(Instrument instrument, string value, ReadOnlySpan<KeyValuePair<string, object>> tags)
            {
                var text = string.Join(" ", Texts(tags.ToArray()).Prepend(value));
                lock (all)
                    all.Add(new KeyValuePair<string, string>(instrument.Name, text));
            }
        }
    }
}
#endif
