using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    /// <summary>Producers whose messages are sent by tasks.</summary>
    public static class AsyncProducerTests
    {
        private static readonly Func<World, string[], Report>[] Clears =
        {
            (world, ids) => Wait.For(world.Client.ClearOutboxAsync(ids, false)),
            (world, ids) =>
            {
                Report report;
                world.Client.ClearOutbox(ids, out report);
                return report;
            },
        };

        public static void Messages_of_one_key_are_sent_one_after_another()
        {
            foreach (var clear in Clears)
            {
                var sender = new Sender();
                using (var world = sender.Open())
                {
                    var ids = new[] { Keyed(world, "a1", "a"), Keyed(world, "a2", "a"), Keyed(world, "b1", "b"), Keyed(world, "c", null) };
                    var clearing = OnAThread(() => clear(world, ids));
                    sender.WaitFor(3);
                    Check.Same(new[] { "a1", "b1", "c" }, sender.Started.OrderBy(id => id));
                    foreach (var id in new[] { "c", "b1", "a1" })
                        sender.End(id, SendResult.Sent);
                    sender.WaitFor(1);
                    Check.That(!clearing.IsCompleted, "the clear has not waited");
                    sender.End("a2", SendResult.Sent);
                    Check.Same(Enumerable.Repeat(Outcome.Dispatched, 4), Wait.For(clearing).Select(message => message.Outcome));
                    Check.Same(ids, clearing.Result.Select(message => message.Id));
                    Check.Equal(0L, world.Client.CountOutstanding().Count);
                }
            }
        }

        public static void After_a_failure_later_messages_of_the_key_are_not_tried()
        {
            foreach (var clear in Clears)
            {
                var sender = new Sender();
                using (var world = sender.Open())
                {
                    var ids = new[] { Keyed(world, "1", "k"), Keyed(world, "2", "k"), Keyed(world, "3", "k") };
                    var clearing = OnAThread(() => clear(world, ids));
                    sender.WaitFor(1);
                    sender.End("1", SendResult.Retry("the broker is away"));
                    Check.Same(new[] { Outcome.Failed, Outcome.HeldBack, Outcome.HeldBack }, Wait.For(clearing).Select(message => message.Outcome));
                    Check.Equal("the broker is away", clearing.Result[0].Detail);
                    Check.Same(new[] { Outcome.HeldBack, Outcome.HeldBack }, clear(world, new[] { "2", "3" }).Select(message => message.Outcome));
                    Check.Same(new[] { "1" }, sender.Started);
                }
            }
        }

        public static void The_result_of_a_task_decides_the_outcome()
        {
            var thrown = new InvalidOperationException("the broker is down");
            Func<Task<SendResult>>[] sends =
            {
                () => Task.FromResult(SendResult.Sent), () => Task.FromResult(SendResult.Reject("too large")), () => Task.FromResult(SendResult.Unavailable("half \ud83d a pair")),
                () => Task.FromResult<SendResult>(null), () => throw thrown, () => Task.FromException<SendResult>(thrown), () => Task.FromResult(SendResult.Accepted),
                () => Task.FromResult(SendResult.NotTried), () => Task.FromCanceled<SendResult>(new CancellationToken(true)),
                () => throw new TaskCanceledException("timeout", new TimeoutException()),
            };
            var outcomes = new[]
            {
                Outcome.Dispatched, Outcome.Rejected, Outcome.Failed, Outcome.Failed, Outcome.Failed, Outcome.Failed, Outcome.Accepted,
                Outcome.Skipped, Outcome.Skipped, Outcome.Failed,
            };
            var details = new[] { "", "too large", "half ", "returned null", "broker is down", "broker is down", "", "", "Cancel", "timeout" };
            var next = 0;
            using (var world = new World(config => config.Set("breaker_threshold", 0).AddProducer(World.Topic, async message =>
            {
                await Task.Yield();
                return await sends[next]();
            })))
            {
                foreach (var clear in Clears)
                    for (next = 0; next < sends.Length; next++)
                    {
                        var id = world.Deposit();
                        var report = clear(world, new[] { id }).Single();
                        Check.Equal(outcomes[next], report.Outcome);
                        Check.Contains(details[next], report.Detail);
                        var state = report.Outcome == Outcome.Dispatched ? MessageState.Dispatched : report.Outcome == Outcome.Rejected ? MessageState.Parked : MessageState.Outstanding;
                        Check.Equal(state, world.StateOf(id).Value);
                        using (var message = world.Client.GetMessage(id))
                            Check.Equal(report.Outcome == Outcome.Failed || report.Outcome == Outcome.Rejected, !string.IsNullOrEmpty(message.LastError));
                        Check.That(!details[next].Contains("broker is down") || report.Exception == thrown, "the exception is lost");
                        if (report.Outcome != Outcome.Accepted)
                            continue;
                        world.Client.Confirm(id, SendResult.Sent);
                        Check.Equal(MessageState.Dispatched, world.StateOf(id).Value);
                    }
                var stats = world.Client.GetStats();
                Check.Equal(2L * Clears.Length, stats.Dispatched);
                Check.Equal(6L * Clears.Length, stats.Failed);
            }
        }

        public static void A_producer_can_be_an_object()
        {
            var producer = new Immediate();
            using (var world = new World(config => config.AddProducer(World.Topic, (IAsyncProducer)producer).AddBatchProducer("batch", 5, producer)))
            {
                foreach (var clear in Clears)
                    Check.Equal(Outcome.Dispatched, clear(world, new[] { world.Deposit() }).Single().Outcome);
                Check.Equal(Outcome.Dispatched, Wait.For(world.Client.PostAsync(new OutboxMessage("batch", "x"))).Single().Outcome);
                Check.Same(new[] { "one", "one", "batch" }, producer.Calls);
            }
            using (var config = new PostboxConfig())
            {
                Check.Throws<ArgumentNullException>(() => config.AddProducer("t", default(IAsyncProducer)));
                Check.Throws<ArgumentNullException>(() => config.AddBatchProducer("t", 1, default(IAsyncBatchProducer)));
            }
        }

        /// <summary>Sends without a wait: the task has ended when it is returned.</summary>
        private sealed class Immediate : IAsyncProducer, IAsyncBatchProducer
        {
            internal readonly List<string> Calls = new List<string>();

            public ValueTask<SendResult> SendAsync(OutboxMessage message, CancellationToken closing)
            {
                Calls.Add("one");
                return new ValueTask<SendResult>(SendResult.Sent);
            }

            public ValueTask SendAsync(IReadOnlyList<OutboxMessage> messages, SendResults results, CancellationToken closing)
            {
                Calls.Add("batch");
                for (var i = 0; i < messages.Count; i++)
                    results[i] = SendResult.Sent;
                return default(ValueTask);
            }
        }

        public static void Lambdas_bind_to_the_overload_that_awaits_them()
        {
            using (var world = new World(config => config
                // The shortest forms, which wait for nothing.
#pragma warning disable CS1998
                .AddProducer("one", async message => SendResult.Sent)
                .AddProducer("two", async (message, closing) => SendResult.Sent)
                .AddBatchProducer("three", 5, async (messages, results) => results[0] = SendResult.Sent)
                .AddBatchProducer("four", 5, async (messages, results, closing) => results[0] = SendResult.Sent)
#pragma warning restore CS1998
                .AddProducer("five", message => SendResult.Sent)
                .AddProducer("six", (message, closing) => new ValueTask<SendResult>(SendResult.Sent))
                .AddProducer("seven", _ => default(ValueTask<SendResult>))
                .AddProducer("eight", message => throw new InvalidOperationException("the broker is down"))
                .AddProducer("nine", SendsAsync)))
            {
                foreach (var topic in new[] { "one", "two", "three", "four", "five", "six", "nine" })
                    Check.Equal(Outcome.Dispatched, Wait.For(world.Client.PostAsync(new OutboxMessage(topic, "x"))).Single().Outcome);
                var report = Wait.For(world.Client.PostAsync(new OutboxMessage("seven", "x"), false));
                Check.Contains("the producer returned null", report.Single().Detail);
                report = Wait.For(world.Client.PostAsync(new OutboxMessage("eight", "x"), false));
                Check.Contains("the broker is down", report.Single().Detail);
            }

            ValueTask<SendResult> SendsAsync(OutboxMessage message) => new ValueTask<SendResult>(SendResult.Sent);
        }

        public static void Exceptions_of_tasks_reach_the_caller_whole()
        {
            var thrown = new InvalidOperationException("the broker is down");
            using (var world = new World(config => config.AddProducer(World.Topic, async message =>
            {
                await Task.Yield();
                throw thrown;
            })))
            {
                var id = world.Deposit();
                foreach (var failure in new[]
                {
                    Check.Fails(PostboxErrorCode.ClearIncomplete, () => world.Client.ClearOutbox(id)),
                    Check.Fails(PostboxErrorCode.ClearIncomplete, () => Wait.For(world.Client.ClearOutboxAsync(new[] { id }))),
                    Check.Fails(PostboxErrorCode.ClearIncomplete, () => world.Client.Post(new OutboxMessage(World.Topic, "x"))),
                    Check.Fails(PostboxErrorCode.ClearIncomplete, () => Wait.For(world.Client.PostAsync(new OutboxMessage(World.Topic, "x")))),
                })
                {
                    Check.That(failure.InnerException == thrown, "the exception has another inner exception");
                    Check.That(failure.IsRetryable, "it may succeed later");
                    Check.Contains("the broker is down", failure.Reasons.Single().Message);
                }
            }
        }

        public static void A_batch_is_sent_by_one_task()
        {
            var batches = new List<int>();
            using (var world = new World(config => config.AddBatchProducer(World.Topic, 10, async (messages, results, closing) =>
            {
                batches.Add(messages.Count);
                await Task.Yield();
                results[0] = SendResult.Sent;
                results[1] = SendResult.Reject("no");
            })))
                foreach (var clear in Clears)
                {
                    var report = clear(world, new[] { world.Deposit(), world.Deposit(), world.Deposit() });
                    Check.Same(new[] { Outcome.Dispatched, Outcome.Rejected, Outcome.Skipped }, report.Select(message => message.Outcome));
                }
            Check.Same(new[] { 3, 3 }, batches);
            using (var config = new PostboxConfig())
            {
                Check.Throws<ArgumentOutOfRangeException>(() => config.AddBatchProducer("t", 0, (messages, results, closing) => default(ValueTask)));
                Check.Throws<ArgumentNullException>(() => config.AddBatchProducer("t", 1, default(Func<IReadOnlyList<OutboxMessage>, SendResults, ValueTask>)));
                Check.Throws<ArgumentNullException>(() => config.AddProducer("t", default(Func<OutboxMessage, ValueTask<SendResult>>)));
                Check.Throws<ArgumentException>(() => config.AddProducer("t\0", (message, closing) => new ValueTask<SendResult>(SendResult.Sent)));
            }
        }

        public static void Hundreds_of_tasks_need_no_threads()
        {
            var sender = new Sender();
            using (var world = sender.Open())
            {
                var ids = Enumerable.Range(0, 200).Select(i => Keyed(world, "m" + i, null)).ToArray();
                OperationTests.WithFourThreads(() =>
                {
                    var clears = ids.Select(id => world.Client.ClearOutboxAsync(new[] { id })).ToList();
                    sender.WaitFor(ids.Length);
                    // All tasks wait, and the pool serves others.
                    Wait.For(Task.Run(() => Check.That(!clears.Any(clear => clear.IsCompleted), "a clear did not wait")));
                    foreach (var id in ids)
                        sender.End(id, SendResult.Sent);
                    Wait.For(Task.WhenAll(clears));
                });
                Check.Equal(0L, world.Client.CountOutstanding().Count);
            }
        }

        public static void Tasks_run_on_the_pool_without_the_context_of_the_caller()
        {
            SynchronizationContext context = null;
            var pooled = false;
            var before = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
            try
            {
                using (var world = new World(config => config.AddProducer(World.Topic, message =>
                {
                    context = SynchronizationContext.Current;
                    pooled = Thread.CurrentThread.IsThreadPoolThread;
                    return new ValueTask<SendResult>(SendResult.Sent);
                })))
                    world.Client.ClearOutbox(world.Deposit());
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(before);
            }
            Check.That(context == null && pooled, "the task has a context or is not on the pool");
        }

        public static void A_message_is_valid_until_its_task_has_ended()
        {
            OutboxMessage kept = null;
            var sender = new Sender();
            using (var world = new World(config => config.AddProducer(World.Topic, (message, closing) =>
            {
                kept = message;
                return sender.Send(message, closing);
            })))
            {
                var id = world.Deposit("the body");
                var clear = world.Client.ClearOutboxAsync(new[] { id });
                sender.WaitFor(1);
                // The call of the library has ended by now, since another one can be made.
                Check.Equal(Outcome.InProgress, Wait.For(world.Client.ClearOutboxAsync(new[] { id })).Single().Outcome);
                Check.Equal("the body", kept.BodyText);
                sender.End(id, SendResult.Sent);
                Wait.For(clear);
                world.Client.Close();
                Check.Throws<ObjectDisposedException>(() => kept.GetBody().ToString());
            }
        }

        public static void The_sweeper_sends_through_tasks()
        {
            var sender = new Sender();
            using (var world = sender.Open(config => config.Set("sweep_interval_ms", 10)))
            {
                var id = world.Deposit();
                world.Client.StartSweeper();
                sender.WaitFor(1);
                sender.End(id, SendResult.Sent);
                // The close waits for the confirmation.
                world.Client.Close(TimeSpan.FromSeconds(60));
                Check.Equal(1L, world.Client.GetStats().Dispatched);
            }
        }

        public static void A_token_ends_the_wait_for_a_task_and_not_the_task()
        {
            var sender = new Sender();
            using (var source = new CancellationTokenSource())
            using (var world = sender.Open())
            {
                var ids = new[] { Keyed(world, "1", "k"), Keyed(world, "2", "k") };
                var clear = world.Client.ClearOutboxAsync(ids, source.Token);
                var blocking = OnAThread(() => world.Client.Post(new OutboxMessage(World.Topic, "x") { Id = "3" }));
                sender.WaitFor(2);
                source.Cancel();
                var failure = Check.Throws<OperationCanceledException>(() => Wait.For(clear));
                Check.Equal(TaskStatus.Canceled, clear.Status);
                Check.Equal("2", ((PostboxException)failure.InnerException).Reasons.Single().Subject);
                Check.Throws<OperationCanceledException>(() => world.Client.ClearOutbox(ids, source.Token));
                sender.End("1", SendResult.Sent);
                sender.End("3", SendResult.Sent);
                Wait.For(blocking);
                world.Client.Close(TimeSpan.FromSeconds(60));
                Check.Equal(2L, world.Client.GetStats().Dispatched);
            }
        }

        public static void A_blocking_clear_ends_when_its_token_is_cancelled()
        {
            var sender = new Sender();
            using (var source = new CancellationTokenSource())
            using (var world = sender.Open())
            {
                var id = world.Deposit();
                var clear = OnAThread(() =>
                {
                    world.Client.ClearOutbox(new[] { id }, source.Token);
                    return true;
                });
                sender.WaitFor(1);
                source.Cancel();
                Check.Throws<OperationCanceledException>(() => Wait.For(clear));
                sender.End(id, SendResult.Sent);
            }
        }

        public static void A_close_waits_for_tasks()
        {
            var sender = new Sender();
            using (var world = sender.Open(config => config.Set("breaker_threshold", 0).Set("max_dispatch_attempts", 0)
                .AddProducer("late", message => new ValueTask<SendResult>(SendResult.Retry("not yet")))))
            using (var message = new OutboxMessage("late", "x"))
            {
                var clear = world.Client.ClearOutboxAsync(new[] { world.Deposit() });
                sender.WaitFor(1);
                var closing = OnAThread(() =>
                {
                    world.Client.Close(TimeSpan.FromSeconds(60));
                    return true;
                });
                // Messages that are offered during the close are not tried.
                while (Wait.For(world.Client.PostAsync(message, false)).Single().Outcome != Outcome.Skipped)
                {
                }
                Check.That(!closing.IsCompleted, "the close has not waited");
                sender.End(sender.Started.Single(), SendResult.Sent);
                Wait.For(closing);
                Check.That(!sender.Canceled.IsSet, "the token was cancelled");
                Check.Equal(Outcome.Dispatched, Wait.For(clear).Single().Outcome);
            }
        }

        public static void A_close_cancels_the_tasks_that_do_not_end()
        {
            var sender = new Sender { HeedsToken = true };
            using (var world = sender.Open())
            {
                var clear = world.Client.ClearOutboxAsync(new[] { world.Deposit() }, false);
                sender.WaitFor(1);
                try
                {
                    world.Client.Close(TimeSpan.Zero);
                }
                catch (PostboxException failure) when (failure.Code == PostboxErrorCode.Timeout)
                {
                    // On a busy machine, the task ends after the close.
                }
                Wait.For(sender.Canceled, "the cancellation of the token");
                Check.That(OutcomeOf(clear) != Outcome.Dispatched, "the message was marked");
            }
        }

        public static void A_close_abandons_tasks_that_never_end()
        {
            var sender = new Sender();
            using (var world = sender.Open(Patient))
            {
                var id = world.Deposit();
                var clear = world.Client.ClearOutboxAsync(new[] { id });
                var blocking = OnAThread(() =>
                {
                    Report report;
                    world.Client.Post(new OutboxMessage(World.Topic, "x"), out report);
                    return report;
                });
                sender.WaitFor(2);
                Check.Fails(PostboxErrorCode.Timeout, () => world.Client.Close(TimeSpan.Zero));
                Check.Equal(Outcome.Accepted, OutcomeOf(clear) ?? Outcome.Accepted);
                Check.Equal(Outcome.Accepted, OutcomeOf(blocking) ?? Outcome.Accepted);
                // The task ends after all, and its result is not lost on anyone.
                sender.End(id, SendResult.Sent);
            }
            // The end of the block does not wait again, for up to ten minutes.
        }

        /// <summary>Returns the outcome of the only message. Null if the client was closed before the report was complete.</summary>
        private static Outcome? OutcomeOf(Task<Report> clear)
        {
            try
            {
                return Wait.For(clear).Single().Outcome;
            }
            catch (PostboxException failure) when (failure.Code == PostboxErrorCode.Closed)
            {
                return null;
            }
        }

        public static void A_task_may_close_its_client()
        {
            foreach (var close in new Action<World>[]
            {
                world => Check.Fails(PostboxErrorCode.ReentrantCall, world.Client.Close),
                world => world.Client.Dispose(),
            })
            {
                World world = null;
                Exception thrown = null;
                using (world = new World(config => Patient(config.AddProducer(World.Topic, async message =>
                {
                    await Task.Yield();
                    try
                    {
                        close(world);
                    }
                    catch (Exception failure)
                    {
                        thrown = failure;
                    }
                    return SendResult.Sent;
                }))))
                    Check.Equal(Outcome.Accepted, Wait.For(world.Client.ClearOutboxAsync(new[] { world.Deposit() })).Single().Outcome);
                Check.Equal(null, thrown);
            }
        }

        public static void The_clients_of_one_configuration_have_their_own_tasks()
        {
            using (var config = World.Eager(":memory:").AddProducer("t", async message =>
            {
                await Task.Yield();
                return SendResult.Sent;
            }))
            using (var first = config.Open())
            using (var second = config.Open())
            {
                first.Close();
                second.Post(new OutboxMessage("t", "x"));
                Check.Equal(1L, second.GetStats().Dispatched);
            }
        }

        public static void A_producer_replaces_an_earlier_one_of_its_topic()
        {
            var calls = new List<string>();
            Func<string, Func<OutboxMessage, ValueTask<SendResult>>> task = name => message =>
            {
                calls.Add(name);
                return new ValueTask<SendResult>(SendResult.Sent);
            };
            Func<OutboxMessage, SendResult> blocking = message =>
            {
                calls.Add("blocking");
                return SendResult.Sent;
            };
            using (var config = World.Eager(":memory:").AddProducer("t", blocking).AddProducer("t", task("first")).AddProducer("t", task("second")))
            {
                Post(config);
                config.AddProducer("t", blocking);
                Post(config);
                config.AddBatchProducer("t", 2, async (messages, results) => results[0] = await task("batch")(messages[0]));
                Post(config);
                config.AddBatchProducer("t", 2, (messages, results) => calls.Add("blocking batch"));
                Post(config);
            }
            Check.Same(new[] { "second", "blocking", "batch", "blocking batch" }, calls);
            calls.Clear();
            // Both stand for every other topic.
            foreach (var (first, second) in new[] { ((string)null, "*"), ("*", (string)null) })
            {
                using (var config = World.Eager(":memory:").AddProducer(first, task("first")).AddProducer(second, blocking))
                    Post(config);
                using (var config = World.Eager(":memory:").AddProducer(first, task("first")).AddProducer(second, task("second")))
                {
                    Post(config);
                    config.AddBatchProducer(first, 2, async (messages, results) => results[0] = await task("batch")(messages[0]));
                    Post(config);
                    config.AddBatchProducer(second, 2, (messages, results) => calls.Add("blocking batch"));
                    Post(config);
                }
            }
            var each = new[] { "blocking", "second", "batch", "blocking batch" };
            Check.Same(each.Concat(each), calls);
        }

        private static void Post(PostboxConfig config)
        {
            Report report;
            using (var client = config.Open())
                client.Post(new OutboxMessage("t", "x"), out report);
        }

        public static void A_forgotten_client_is_collected()
        {
            var handles = new List<WeakReference>();
            var thread = new Thread(() =>
            {
                for (var i = 0; i < 10; i++)
                    handles.Add(Forget());
            });
            thread.Start();
            Wait.For(thread);
            // The tasks end a moment after their messages are confirmed.
            Check.That(SpinWait.SpinUntil(() =>
            {
                GC.Collect();
                return handles.All(handle => !handle.IsAlive);
            }, TimeSpan.FromSeconds(60)), "the producers keep their client alive");
        }

        private static WeakReference Forget()
        {
            using (var config = World.Eager(":memory:").AddProducer("t", async message =>
            {
                await Task.Yield();
                return SendResult.Sent;
            }))
            {
                var client = config.Open();
                client.Post(new OutboxMessage("t", "x"));
                return new WeakReference(typeof(PostboxClient).GetField("handle", BindingFlags.NonPublic | BindingFlags.Instance).GetValue(client));
            }
        }

        private static PostboxConfig Patient(PostboxConfig config) => config.Set("close_timeout_ms", TimeSpan.FromMinutes(10));

        private static string Keyed(World world, string id, string key)
        {
            using (var message = new OutboxMessage(World.Topic, "x") { Id = id, PartitionKey = key })
                return world.Client.DepositPost(message);
        }

        private static Task<T> OnAThread<T>(Func<T> call) => Task.Factory.StartNew(call, TaskCreationOptions.LongRunning);

        /// <summary>A producer whose tasks end when the test lets them.</summary>
        private sealed class Sender
        {
            internal readonly ManualResetEventSlim Canceled = new ManualResetEventSlim();
            internal bool HeedsToken;

            private readonly Dictionary<string, TaskCompletionSource<SendResult>> results = new Dictionary<string, TaskCompletionSource<SendResult>>();
            private readonly SemaphoreSlim arrived = new SemaphoreSlim(0);

            internal IReadOnlyList<string> Started
            {
                get
                {
                    lock (results)
                        return results.Keys.ToList();
                }
            }

            internal World Open(Func<PostboxConfig, PostboxConfig> more = null)
            {
                return new World(config => (more == null ? config : more(config)).AddProducer(World.Topic, Send));
            }

            internal ValueTask<SendResult> Send(OutboxMessage message, CancellationToken closing)
            {
                var result = new TaskCompletionSource<SendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
                lock (results)
                    results[message.Id] = result;
                closing.Register(() =>
                {
                    Canceled.Set();
                    if (HeedsToken)
                        result.TrySetCanceled();
                });
                arrived.Release();
                return new ValueTask<SendResult>(result.Task);
            }

            internal void WaitFor(int tasks)
            {
                for (var i = 0; i < tasks; i++)
                    Check.That(arrived.Wait(TimeSpan.FromSeconds(60)), "task " + i + " was not started");
            }

            internal void End(string id, SendResult result)
            {
                lock (results)
                    results[id].TrySetResult(result);
            }
        }
    }
}
