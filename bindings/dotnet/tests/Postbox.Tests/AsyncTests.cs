using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    public static class AsyncTests
    {
        public static void An_asynchronous_archive_is_awaited()
        {
            using (var world = new World())
            {
                var kept = new List<string>();
                world.Client.ClearOutbox(world.Deposit("kept"), world.Deposit("lost"));
                var result = world.Client.Archive(async message =>
                {
                    await Task.Delay(1);
                    if (message.BodyText == "lost")
                        throw new InvalidOperationException("the disk is full");
                    kept.Add(message.BodyText);
                });
                Check.Same(new[] { "kept" }, kept);
                Check.Equal(1L, result.Archived);
                Check.Equal(1L, result.Failed);
                Check.Equal(1L, world.Client.Archive(_ => (Task)null).Failed);
                // A task of the other kind is awaited too, and is not taken for a delegate that returns nothing.
                Check.Equal(1L, world.Client.Archive(_ => new ValueTask(Task.FromException(new InvalidOperationException("the disk is full")))).Failed);
                Check.Equal(1L, world.Client.Archive(_ => default(ValueTask)).Archived);
            }
        }

        public static void An_asynchronous_archive_of_the_archiver_is_awaited()
        {
            using (var archived = new ManualResetEventSlim())
            using (var world = new World())
            {
                var id = world.Deposit();
                world.Client.ClearOutbox(id);
                world.Client.StartArchiver(async message =>
                {
                    await Task.Delay(1);
                    GC.KeepAlive(message.GetBody());
                    archived.Set();
                });
                Wait.For(archived, "archiving");
                world.Client.StopArchiver();
                Check.Equal(null, world.StateOf(id));
            }
        }

        public static void An_asynchronous_batch_producer_is_awaited()
        {
            using (var world = new World(config => config.AddBatchProducer(World.Topic, 5, async (messages, results) =>
            {
                await Task.Delay(1);
                results[0] = SendResult.Sent;
                throw new InvalidOperationException("the line is down");
            })))
            {
                Report report;
                world.Client.ClearOutbox(new[] { world.Deposit(), world.Deposit() }, out report);
                Check.Same(new[] { Outcome.Dispatched, Outcome.Failed }, report.Select(message => message.Outcome));
                Check.Contains("the line is down", report[1].Detail);
            }
        }

        public static void Methods_that_are_async_void_are_rejected()
        {
            Action<OutboxMessage> archive = Forgotten;
            Action<IReadOnlyList<OutboxMessage>, SendResults> send = Forgotten;
            Action<PostboxLogLevel, string> receiver = Forgotten;
            using (var world = new World())
            using (var config = new PostboxConfig())
            {
                Check.Equal("archive", Check.Throws<ArgumentException>(() => world.Client.Archive(archive)).ParamName);
                Check.Equal("archive", Check.Throws<ArgumentException>(() => world.Client.StartArchiver(archive)).ParamName);
                Check.Equal("send", Check.Throws<ArgumentException>(() => config.AddBatchProducer("t", 1, send)).ParamName);
                Check.Equal("receiver", Check.Throws<ArgumentException>(() => PostboxLog.Set(PostboxLogLevel.Info, receiver)).ParamName);
            }
            var task = typeof(DelegateExtensions).GetMethod("AddBatchProducer", new[] { typeof(PostboxConfig), typeof(string), typeof(int), typeof(Func<IReadOnlyList<OutboxMessage>, SendResults, Task>) });
            Check.That(((ObsoleteAttribute)task.GetCustomAttributes(typeof(ObsoleteAttribute), false).Single()).IsError, "the overload compiles");
            // The compiler prefers this overload for an asynchronous lambda, and rejects it.
            var rejected = typeof(PostboxLog).GetMethod("Set", new[] { typeof(PostboxLogLevel), typeof(Func<PostboxLogLevel, string, Task>) });
            Check.That(((ObsoleteAttribute)rejected.GetCustomAttributes(typeof(ObsoleteAttribute), false).Single()).IsError, "the overload compiles");
        }

        public static void Asynchronous_calls_occupy_no_thread_of_the_pool()
        {
            var pooled = true;
            using (var world = new World(producer: _ =>
            {
                pooled = Thread.CurrentThread.IsThreadPoolThread;
                return SendResult.Sent;
            }))
            {
                world.Client.ClearOutboxAsync(new[] { world.Deposit() }).Wait();
                Check.That(!pooled, "the producer was called on a thread of the pool");
            }
        }

        public static void Callbacks_run_without_the_context_of_the_caller()
        {
            var contexts = new List<SynchronizationContext>();
            Action see = () => contexts.Add(SynchronizationContext.Current);
            var before = SynchronizationContext.Current;
            var context = new SynchronizationContext();
            SynchronizationContext.SetSynchronizationContext(context);
            try
            {
                using (var world = new World(
                    config => config.AddBatchProducer("batch", 5, (messages, results) => see()),
                    _ =>
                    {
                        see();
                        return SendResult.Sent;
                    }))
                using (var message = new OutboxMessage("batch", "x"))
                {
                    world.Client.ClearOutbox(world.Deposit());
                    Report report;
                    world.Client.Post(message, out report);
                    world.Client.Archive(_ => see());
                    Check.Same(new SynchronizationContext[] { null, null, null }, contexts);
                    Check.Equal(context, SynchronizationContext.Current);
                }
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(before);
            }
        }

        private static async void Forgotten(OutboxMessage message) => await Task.Delay(message.Id.Length);

        private static async void Forgotten(IReadOnlyList<OutboxMessage> messages, SendResults results) => await Task.Delay(messages.Count);

        private static async void Forgotten(PostboxLogLevel level, string text) => await Task.Delay(text.Length);
    }
}
