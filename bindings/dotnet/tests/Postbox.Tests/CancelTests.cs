using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    public static class CancelTests
    {
        public static void A_producer_that_cancels_a_clear_leaves_the_rest_outstanding()
        {
            using (var source = new CancellationTokenSource())
            using (var world = Canceling(source))
            {
                var ids = new[] { world.Deposit(), world.Deposit(), world.Deposit() };
                var failure = Check.Throws<OperationCanceledException>(() => world.Client.ClearOutbox(ids, source.Token));
                Check.Equal(source.Token, failure.CancellationToken);
                Check.Equal(2, ((PostboxException)failure.InnerException).Reasons.Count);
                Check.Same(new[] { MessageState.Dispatched, MessageState.Outstanding, MessageState.Outstanding }, ids.Select(id => world.StateOf(id).Value));

                Report report;
                world.Client.ClearOutbox(ids, out report, source.Token);
                Check.Same(new[] { Outcome.Skipped, Outcome.Skipped }, report.Select(message => message.Outcome).Skip(1));
                world.Client.ClearOutbox(ids, CancellationToken.None);
            }
        }

        public static void A_producer_that_cancels_a_sweep_leaves_the_rest_outstanding()
        {
            WithAFile(file =>
            {
                using (var source = new CancellationTokenSource())
                using (var world = Canceling(source, file))
                using (var config = World.Eager(file).AddProducer(null, _ => SendResult.Sent))
                using (var other = config.Open())
                {
                    for (var i = 0; i < 3; i++)
                        world.Deposit();
                    Check.Equal(1L, world.Client.Sweep(null, source.Token).Dispatched);
                    Check.Equal(2L, world.Client.CountOutstanding().Count);
                    // The lease was returned, so another client can sweep.
                    Check.Equal(2L, other.Sweep().Dispatched);
                }
            });
        }

        public static void An_archive_can_be_cancelled()
        {
            WithAFile(file =>
            {
                using (var source = new CancellationTokenSource())
                using (var world = new World())
                {
                    world.Client.ClearOutbox(world.Deposit(), world.Deposit(), world.Deposit());
                    Check.Equal(1L, world.Client.Archive(_ => source.Cancel(), source.Token).Archived);
                    Check.Equal(0L, world.Client.ArchiveToFile(file, source.Token).Archived);
                    Check.Equal(2L, world.Client.ArchiveToFile(file).Archived);
                }
            });
        }

        public static void Cancelled_tasks_are_cancelled()
        {
            using (var source = new CancellationTokenSource())
            using (var started = new ManualResetEventSlim())
            using (var world = new World(producer: _ =>
            {
                Wait.For(started, "the start of the operation");
                source.Cancel();
                return SendResult.Sent;
            }))
            {
                var ids = new[] { world.Deposit(), world.Deposit(), world.Deposit() };
                var clear = world.Client.ClearOutboxAsync(ids, source.Token);
                started.Set();
                IsCanceled(clear);
                Check.Equal(2L, world.Client.CountOutstanding().Count);
            }
            using (var source = new CancellationTokenSource())
            using (var world = Canceling(source))
            {
                world.Deposit();
                world.Deposit();
                IsCanceled(world.Client.SweepAsync(null, source.Token));
                Check.Equal(1, world.Sent.Count);
                world.Client.Sweep();
                IsCanceled(world.Client.SweepAsync(null, source.Token));
                IsCanceled(world.Client.ArchiveAsync(_ => Task.CompletedTask, source.Token));
                Check.Equal(2L, world.Client.ArchiveAsync(_ => Task.CompletedTask).Result.Archived);
            }
        }

        public static void A_producer_that_is_cancelled_has_not_tried()
        {
            using (var world = new World(config => config.AddBatchProducer("batch", 5, (messages, results) =>
            {
                results[0] = SendResult.Sent;
                throw new TaskCanceledException();
            }), _ => throw new OperationCanceledException()))
            {
                Report report;
                world.Client.ClearOutbox(new[] { world.Deposit() }, out report);
                Check.Equal(Outcome.Skipped, report.Single().Outcome);
                Check.That(report.Single().Exception is OperationCanceledException, "the exception is lost");
                using (var message = world.Client.GetMessage(report.Single().Id))
                    Check.Equal(null, message.LastError);

                var ids = new List<string>();
                for (var i = 0; i < 2; i++)
                    using (var message = new OutboxMessage("batch", "x"))
                        ids.Add(world.Client.DepositPost(message));
                world.Client.ClearOutbox(ids, out report);
                Check.Same(new[] { Outcome.Dispatched, Outcome.Skipped }, report.Select(message => message.Outcome));
            }
        }

        public static void A_timeout_of_a_producer_is_a_failed_attempt()
        {
            using (var world = new World(producer: _ => throw new TaskCanceledException("timeout", new TimeoutException())))
            {
                Report report;
                world.Client.ClearOutbox(new[] { world.Deposit() }, out report);
                Check.Equal(Outcome.Failed, report.Single().Outcome);
            }
        }

        public static void Exceptions_of_producers_reach_the_caller_whole()
        {
            var thrown = new InvalidOperationException("the broker is down", new IOException("connection reset"));
            using (var world = new World(producer: _ => throw thrown))
            {
                Report report;
                world.Client.ClearOutbox(new[] { world.Deposit() }, out report);
                Check.That(report.Single().Exception == thrown, "the report has another exception");
                Check.Contains("the broker is down ---> System.IO.IOException: connection reset", report.Single().Detail);
                Check.Contains(" at Postbox.Tests.CancelTests", report.Single().Detail);
                Check.That(!report.Single().Detail.Contains("\n"), "the reason has several lines");

                var failure = Check.Fails(PostboxErrorCode.ClearIncomplete, () => world.Client.ClearOutbox(report.Single().Id));
                Check.That(failure.InnerException == thrown, "the exception has another inner exception");
                using (var message = new OutboxMessage("t", "x"))
                    failure = Check.Fails(PostboxErrorCode.ClearIncomplete, () => world.Client.Post(message));
                Check.That(failure.InnerException == thrown, "the exception has another inner exception");
            }
        }

        public static void A_close_ends_a_clear_between_two_messages()
        {
            using (var called = new ManualResetEventSlim())
            using (var release = new ManualResetEventSlim())
            {
                var calls = 0;
                using (var world = new World(producer: _ =>
                {
                    calls++;
                    called.Set();
                    Wait.For(release, "the release of the producer");
                    return SendResult.Sent;
                }))
                {
                    var ids = new[] { world.Deposit(), world.Deposit(), world.Deposit() };
                    Report report = null;
                    var clearing = new Thread(() => world.Client.ClearOutbox(ids, out report));
                    clearing.Start();
                    Wait.For(called, "the call of the producer");
                    var closing = new Thread(() => world.Client.Close(TimeSpan.FromSeconds(60)));
                    closing.Start();
                    Wait.UntilClosed(world.Client);
                    release.Set();
                    Wait.For(closing);
                    Wait.For(clearing);
                    Check.Equal(1, calls);
                    Check.Same(new[] { Outcome.Dispatched, Outcome.Skipped, Outcome.Skipped }, report.Select(message => message.Outcome));
                }
            }
        }

        public static void A_close_has_a_time_limit()
        {
            using (var called = new ManualResetEventSlim())
            using (var release = new ManualResetEventSlim())
            using (var world = new World(config => config.Set("close_timeout_ms", TimeSpan.FromMinutes(10)), _ =>
            {
                called.Set();
                Wait.For(release, "the release of the producer");
                return SendResult.Sent;
            }))
            {
                world.Deposit();
                world.Client.StartSweeper();
                Wait.For(called, "the call of the producer");
                Check.Fails(PostboxErrorCode.Timeout, () => world.Client.Close(TimeSpan.Zero));
                Check.Throws<ArgumentOutOfRangeException>(() => world.Client.Close(TimeSpan.FromTicks(-1)));
                release.Set();
            }
        }

        public static void A_producer_that_closes_its_client_does_not_wait_for_itself()
        {
            PostboxException failure = null;
            World world = null;
            using (world = new World(config => config.Set("close_timeout_ms", TimeSpan.FromMinutes(10)), _ =>
            {
                failure = Check.Fails(PostboxErrorCode.ReentrantCall, world.Client.Close);
                return SendResult.Sent;
            }))
            {
                Report report;
                world.Client.ClearOutbox(new[] { world.Deposit() }, out report);
                Check.That(failure != null, "the producer was not called");
            }
        }

        public static void A_producer_that_stops_its_sweeper_does_not_wait_for_itself()
        {
            var stopped = new ManualResetEventSlim();
            World world = null;
            using (world = new World(config => config.Set("close_timeout_ms", TimeSpan.FromMinutes(10)), _ =>
            {
                Check.Fails(PostboxErrorCode.ReentrantCall, world.Client.StopSweeper);
                stopped.Set();
                return SendResult.Sent;
            }))
            {
                world.Deposit();
                world.Client.StartSweeper();
                Wait.For(stopped, "the producer that stops the sweeper");
                world.Client.StopSweeper();
            }
        }

        /// <summary>Returns a client whose producer sends the message and cancels the source.</summary>
        private static World Canceling(CancellationTokenSource source, string path = ":memory:")
        {
            World world = null;
            return world = new World(null, message =>
            {
                source.Cancel();
                return world.Remember(message);
            }, path);
        }

        private static void IsCanceled(Task task)
        {
            ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
            Check.Equal(TaskStatus.Canceled, task.Status);
        }

        internal static void WithAFile(Action<string> test)
        {
            var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
            try
            {
                test(file);
            }
            finally
            {
                foreach (var left in Directory.GetFiles(Path.GetTempPath(), Path.GetFileName(file) + "*"))
                    File.Delete(left);
            }
        }
    }
}
