using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Postbox.Tests
{
    public static class ProducerTests
    {
        public static void An_exception_of_a_producer_is_a_failed_dispatch_with_its_message()
        {
            using (var world = new World(producer: _ => throw new InvalidOperationException("the queue \ud83d\ude00 is full")))
            {
                var id = world.Deposit();
                var failure = Check.Fails(PostboxErrorCode.ClearIncomplete, () => world.Client.ClearOutbox(id));
                Check.Equal(id, failure.Reasons.Single().Subject);
                Check.Contains("System.InvalidOperationException: the queue \ud83d\ude00 is full", failure.Reasons.Single().Message);
                using (var message = world.Client.GetMessage(id))
                {
                    Check.Equal(MessageState.Outstanding, message.State.Value);
                }
            }
        }

        public static void An_exception_with_an_unusable_message_is_a_failed_dispatch()
        {
            var thrown = new Exception[]
            {
                new Unspeakable(), new Exception("half \ud83d a pair and\0NUL"), new Exception(new string('\u20ac', 5000)),
                new Exception("x" + new string('\u20ac', 5000)), null,
            };
            var next = 0;
            using (var world = new World(producer: _ => thrown[next] == null ? default(SendResult) : throw thrown[next]))
            {
                var expected = new[] { "Unspeakable", "half \ufffd a pair and NUL", "\u20ac\u20ac\u20ac", "x\u20ac", "returned null" };
                for (; next < thrown.Length; next++)
                {
                    Report report;
                    world.Client.ClearOutbox(new[] { world.Deposit() }, out report);
                    Check.Equal(Outcome.Failed, report.Single().Outcome);
                    Check.Contains(expected[next], report.Single().Detail);
                    Check.That(!report.Single().Detail.Contains("\u20ac\ufffd"), "a character was cut in two");
                }
            }
        }

        public static void A_producer_says_retry_reject_or_accepted()
        {
            var result = SendResult.Retry("later");
            using (var world = new World(producer: _ => result))
            {
                Report report;
                var id = world.Deposit();
                world.Client.ClearOutbox(new[] { id }, out report);
                Check.Equal(1, report.FailureCount);
                Check.Equal(Outcome.Failed, report[0].Outcome);
                Check.Contains("later", report[0].Detail);

                result = SendResult.Accepted;
                world.Client.ClearOutbox(new[] { id }, out report);
                Check.Equal(Outcome.Accepted, report[0].Outcome);
                world.Client.Confirm(id, SendResult.Retry("the broker \ud83d changed its mind"));
                Check.Equal(MessageState.Outstanding, world.StateOf(id).Value);
                world.Client.ClearOutbox(new[] { id }, out report);
                Check.Equal(Outcome.Accepted, report[0].Outcome);
                world.Client.Confirm(id, SendResult.Sent);
                Check.Equal(MessageState.Dispatched, world.StateOf(id).Value);

                result = SendResult.Reject("too large");
                var other = world.Deposit();
                world.Client.ClearOutbox(new[] { other }, out report);
                Check.Equal(Outcome.Rejected, report[0].Outcome);
                Check.Equal(MessageState.Parked, world.StateOf(other).Value);
            }
        }

        public static void A_batch_producer_sets_a_result_for_each_message()
        {
            var given = new[] { SendResult.Sent, SendResult.Retry("half \ud83d a pair"), SendResult.Unavailable("no leader"), SendResult.Reject("too large"), SendResult.NotTried, null };
            var batches = new List<int>();
            using (var world = new World(config => config.Set("breaker_threshold", 0).AddBatchProducer(World.Topic, given.Length, (messages, results) =>
            {
                batches.Add(messages.Count);
                Check.Equal(messages.Count, results.Count);
                Check.Throws<ArgumentOutOfRangeException>(() => results[messages.Count] = SendResult.Sent);
                for (var i = 0; i < messages.Count; i++)
                    results[i] = given[i];
            })))
            {
                Report report;
                var ids = given.Select(_ => world.Deposit()).Concat(new[] { world.Deposit() }).ToList();
                world.Client.ClearOutbox(ids, out report);
                Check.Same(new[] { given.Length, 1 }, batches);
                Check.Same(
                    new[] { Outcome.Dispatched, Outcome.Failed, Outcome.Failed, Outcome.Rejected, Outcome.Skipped, Outcome.Skipped, Outcome.Dispatched },
                    report.Select(message => message.Outcome));
                Check.Equal("half \ufffd a pair", report[1].Detail);
                Check.Equal("no leader", report[2].Detail);
                using (var message = world.Client.GetMessage(ids[5]))
                {
                    Check.Equal(MessageState.Outstanding, message.State.Value);
                    Check.Equal(0, message.DispatchAttempts);
                }
            }
        }

        public static void An_exception_of_a_batch_producer_fails_the_messages_without_a_result()
        {
            var failing = new HalfSent();
            using (var world = new World(config => config.AddBatchProducer(World.Topic, 10, failing)))
            {
                Report report;
                world.Client.ClearOutbox(new[] { world.Deposit(), world.Deposit() }, out report);
                Check.Same(new[] { Outcome.Dispatched, Outcome.Failed }, report.Select(message => message.Outcome));
                Check.Contains("System.InvalidOperationException: the line is down", report[1].Detail);
                Check.Throws<ObjectDisposedException>(() => failing.Results[1] = SendResult.Sent);
                Check.Throws<ObjectDisposedException>(() => failing.Messages[0].GetBody().ToString());
            }
            Check.Throws<ArgumentOutOfRangeException>(() => new PostboxConfig().AddBatchProducer("t", 0, failing));
            Check.Throws<ArgumentNullException>(() => new PostboxConfig().AddBatchProducer("t", 1, default(IBatchProducer)));
        }

        public static void Many_messages_are_confirmed_in_one_call()
        {
            using (var world = new World(producer: _ => SendResult.Accepted))
            {
                var ids = Enumerable.Range(0, 30).Select(_ => world.Deposit()).ToList();
                world.Client.ClearOutbox(ids.ToArray());
                var results = ids.ToDictionary(id => id, _ => SendResult.Sent);
                results[ids[0]] = SendResult.Retry("no leader");
                results[ids[1]] = SendResult.Reject("half \ud83d a pair");
                world.Client.ConfirmMany(results);
                Check.Equal(MessageState.Outstanding, world.StateOf(ids[0]).Value);
                Check.Equal(MessageState.Parked, world.StateOf(ids[1]).Value);
                using (var message = world.Client.GetMessage(ids[1]))
                    Check.Equal("half \ufffd a pair", message.LastError);
                Check.That(ids.Skip(2).All(id => world.StateOf(id) == MessageState.Dispatched), "a message was not marked");

                results = new Dictionary<string, SendResult> { { "nobody", SendResult.Sent }, { ids[0], SendResult.Sent } };
                var failure = Check.Fails(PostboxErrorCode.MarkIncomplete, () => world.Client.ConfirmMany(results));
                Check.Equal("nobody", failure.Reasons.Single().Subject);
                Check.Equal(MessageState.Dispatched, world.StateOf(ids[0]).Value);
                results["nobody"] = SendResult.Accepted;
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.ConfirmMany(results));
                results["nobody"] = null;
                Check.Throws<ArgumentException>(() => world.Client.ConfirmMany(results));
                results.Clear();
                world.Client.ConfirmMany(results);
            }
        }

        public static void A_producer_may_be_an_object_and_may_use_postbox()
        {
            var chained = new Chained();
            using (var world = new World(config => config.AddProducer("first", chained)))
            using (var message = new OutboxMessage("first", "x"))
            {
                chained.World = world;
                world.Client.Post(message);
                Check.Same(new[] { chained.Followed }, world.Sent);
            }
        }

        public static void The_sweeper_calls_producers_on_a_thread_of_its_own()
        {
            var here = Thread.CurrentThread.ManagedThreadId;
            var there = here;
            using (var called = new ManualResetEventSlim())
            using (var world = new World(producer: message =>
            {
                there = Thread.CurrentThread.ManagedThreadId;
                GC.Collect();
                called.Set();
                return SendResult.Sent;
            }))
            {
                world.Deposit();
                world.Client.StartSweeper();
                Wait.For(called, "the call of the producer");
                world.Client.StopSweeper();
                Check.That(there != here, "the producer was called on the thread of the test");
            }
        }

        public static void Many_threads_clear_at_once()
        {
            using (var world = new World())
            {
                var failures = 0;
                var threads = Enumerable.Range(0, 8).Select(_ => new Thread(() =>
                {
                    try
                    {
                        for (var i = 0; i < 20; i++)
                            world.Client.ClearOutbox(world.Deposit());
                    }
                    catch (PostboxException)
                    {
                        Interlocked.Increment(ref failures);
                    }
                })).ToList();
                threads.ForEach(thread => thread.Start());
                threads.ForEach(Wait.For);
                Check.Equal(0, failures);
                Check.Equal(160, world.Sent.Distinct().Count());
            }
        }

        public static void A_lent_message_is_invalid_after_the_call()
        {
            OutboxMessage kept = null;
            using (var world = new World(producer: message =>
            {
                Check.Throws<InvalidOperationException>(() => message.Id = "another");
                kept = message;
                return SendResult.Sent;
            }))
            {
                world.Client.ClearOutbox(world.Deposit());
                Check.Throws<ObjectDisposedException>(() => kept.GetBody().ToString());
                Check.Throws<ObjectDisposedException>(() => world.Client.DepositPost(kept));
            }
        }

        public static void Producers_are_kept_alive_while_they_are_needed_and_no_longer()
        {
            WeakReference producer = null;
            PostboxClient client = null;
            // This runs on a thread that ends, so that no reference is left on a stack.
            OnAThread(() => client = OpenWithAProducer(out producer));
            Collect();
            Check.That(producer.IsAlive, "the producer was collected while a client had it");
            using (var message = new OutboxMessage("t", "x"))
                client.Post(message);
            client.Dispose();
            Collect();
            Check.That(!producer.IsAlive, "the producer is kept although its client is gone");
        }

        public static void A_producer_that_was_not_taken_is_let_go_of()
        {
            WeakReference producer = null;
            OnAThread(() => producer = RefusedProducer());
            Collect();
            Check.That(!producer.IsAlive, "the producer is kept although its configuration was disposed of");
        }

        private static void OnAThread(Action action)
        {
            var thread = new Thread(() => action());
            thread.Start();
            Wait.For(thread);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static PostboxClient OpenWithAProducer(out WeakReference weak)
        {
            var producer = new Chained();
            weak = new WeakReference(producer);
            using (var config = World.Eager(":memory:"))
                return config.AddProducer("t", new Counting(producer)).Open();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static WeakReference RefusedProducer()
        {
            var producer = new Chained();
            var config = new PostboxConfig();
            config.Dispose();
            Check.Throws<ObjectDisposedException>(() => config.AddProducer("t", producer));
            return new WeakReference(producer);
        }

        private static void Collect()
        {
            // The first round collects the delegate, the second one the objects that it refers to, and the third one
            // the objects that the finalizers of these release.
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        private sealed class Unspeakable : Exception
        {
            public override string Message => throw new NotSupportedException();
        }

        private sealed class Counting : IProducer
        {
            private readonly object kept;

            internal Counting(object kept)
            {
                this.kept = kept;
            }

            public SendResult Send(OutboxMessage message) => kept == null ? SendResult.Retry("nothing was kept") : SendResult.Sent;
        }

        /// <summary>Sends the first message of a batch, and fails.</summary>
        private sealed class HalfSent : IBatchProducer
        {
            internal IReadOnlyList<OutboxMessage> Messages;
            internal SendResults Results;

            public void Send(IReadOnlyList<OutboxMessage> messages, SendResults results)
            {
                Messages = messages;
                Results = results;
                results[0] = SendResult.Sent;
                throw new InvalidOperationException("the line is down");
            }
        }

        /// <summary>Sends by posting another message.</summary>
        private sealed class Chained : IProducer
        {
            internal World World;
            internal string Followed;

            public SendResult Send(OutboxMessage message)
            {
                using (var next = new OutboxMessage("second", message.GetBody()))
                    Followed = World.Client.Post(next);
                return SendResult.Sent;
            }
        }
    }
}
