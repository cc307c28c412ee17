using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    /// <summary>
    /// A thread is interrupted while its callback waits until another thread has finished reading the message.
    /// </summary>
    public static class InterruptTests
    {
        public static void An_interrupted_producer_ends_normally()
        {
            Interrupt(
                (config, callback) => config.AddProducer(World.Topic, message =>
                {
                    callback(message);
                    return SendResult.Sent;
                }),
                (client, id, _) => client.ClearOutbox(id));
        }

        public static void An_interrupted_batch_producer_ends_normally()
        {
            Interrupt(
                (config, callback) => config.AddBatchProducer(World.Topic, 5, (messages, results) =>
                {
                    results[0] = SendResult.Sent;
                    callback(messages[0]);
                }),
                (client, id, _) => client.ClearOutbox(id));
        }

        public static void An_interrupted_archive_ends_normally()
        {
            Interrupt(
                (config, _) => config.AddProducer(World.Topic, message => SendResult.Sent),
                (client, id, callback) =>
                {
                    client.ClearOutbox(id);
                    Check.Equal(1L, client.Archive(callback).Archived);
                });
        }

        /// <summary>Garbage is collected while a thread of the library runs managed code without a pause.</summary>
        public static void Threads_of_the_library_can_be_suspended()
        {
            var stop = 0;
            using (var called = new ManualResetEventSlim())
            using (var collected = new ManualResetEventSlim())
            using (var world = new World(producer: _ =>
            {
                called.Set();
                while (Volatile.Read(ref stop) == 0)
                {
                }
                return SendResult.Sent;
            }))
            {
                world.Deposit();
                world.Client.StartSweeper();
                Wait.For(called, "the call of the producer");
                new Thread(() =>
                {
                    GC.Collect();
                    collected.Set();
                }) { IsBackground = true }.Start();
                Wait.For(collected, "the collection");
                Volatile.Write(ref stop, 1);
            }
        }

        private static void Interrupt(Action<PostboxConfig, Action<OutboxMessage>> configure, Action<PostboxClient, string, Action<OutboxMessage>> call)
        {
            using (var held = new ManualResetEventSlim())
            using (var release = new ManualResetEventSlim())
            {
                World world = null;
                Task reader = null;
                Exception failure = null;
                Action<OutboxMessage> callback = message =>
                {
                    reader = Task.Run(() => world.Client.DepositPosts(Held(message, held, release)));
                    Wait.For(held, "the use of the message");
                    Thread.CurrentThread.Interrupt();
                };
                using (world = new World(config => configure(config, callback)))
                {
                    var caller = new Thread(() =>
                    {
                        try
                        {
                            call(world.Client, world.Deposit(), callback);
                            Check.Throws<ThreadInterruptedException>(() => Thread.Sleep(Timeout.Infinite));
                        }
                        catch (Exception thrown)
                        {
                            failure = thrown;
                        }
                    });
                    caller.Start();
                    Wait.For(held, "the use of the message");
                    SpinWait.SpinUntil(() => (caller.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0, 60000);
                    release.Set();
                    Wait.For(caller);
                    reader.Wait();
                    Check.Equal(null, failure);
                }
            }
        }

        /// <summary>Yields the message, and then keeps it in use until the release is set.</summary>
        private static IEnumerable<OutboxMessage> Held(OutboxMessage message, ManualResetEventSlim held, ManualResetEventSlim release)
        {
            yield return message;
            held.Set();
            Wait.For(release, "the release of the message");
        }
    }
}
