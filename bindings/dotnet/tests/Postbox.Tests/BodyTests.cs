using System;
using System.Linq;
using System.Threading;

namespace Postbox.Tests
{
    /// <summary>Bodies as spans, which are in the memory of the library.</summary>
    public static class BodyTests
    {
        public static void A_body_is_written_from_any_memory()
        {
            Span<byte> memory = stackalloc byte[] { 1, 2, 0, 255 };
            using (var message = new OutboxMessage("t", memory.Slice(1)))
            {
                Check.Same(new byte[] { 2, 0, 255 }, message.GetBody());
                message.SetBody(memory.Slice(0, 2));
                memory.Clear();
                Check.Equal(2, message.BodyLength);
                Check.Same(new byte[] { 1, 2 }, message.GetBody());
                message.SetBody(ReadOnlySpan<byte>.Empty);
                Check.Equal(0, message.BodyLength);
                Check.Equal("", message.BodyText);
                Check.Equal(0, message.ReadBody(body => body.Length));
                Check.Equal(0, message.CopyBodyTo(Span<byte>.Empty));
            }
            using (var message = new OutboxMessage("t", default(byte[])))
                Check.Equal(0, message.GetBody().Length);
        }

        public static void A_body_is_copied_to_a_buffer_that_is_large_enough()
        {
            using (var message = new OutboxMessage("t", "hello"))
            {
                var buffer = new byte[7];
                Check.Equal(5, message.CopyBodyTo(buffer.AsSpan(1)));
                Check.Same(new byte[] { 0, 104, 101, 108, 108, 111, 0 }, buffer);
                Check.Throws<ArgumentException>(() => message.CopyBodyTo(new byte[4]));
            }
        }

        public static void A_body_is_read_without_a_copy()
        {
            using (var message = new OutboxMessage("t", new byte[1000000]))
            {
                var read = 0;
                BodyReader<int> sum = body => body[0] + body[body.Length - 1] + body.Length;
                message.ReadBody(sum);
                var before = GC.GetAllocatedBytesForCurrentThread();
                message.ReadBody(body => read = body.Length);
                Check.Equal(1000000, message.ReadBody(sum));
                Check.Equal(1000000, message.BodyLength);
                var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Check.Equal(1000000, read);
                Check.That(allocated < 2000, allocated + " bytes were allocated");
                Check.Throws<ArgumentNullException>(() => message.ReadBody(null));
                Check.Throws<ArgumentNullException>(() => message.ReadBody<int>(null));
            }
        }

        public static void A_message_is_not_changed_while_its_body_is_read()
        {
            using (var message = new OutboxMessage("t", "hello"))
            {
                message.ReadBody(body =>
                {
                    Check.Throws<InvalidOperationException>(() => message.SetBody(new byte[100000]));
                    Check.Throws<InvalidOperationException>(() => message.PartitionKey = "key");
                    Check.Equal("hello", message.BodyText);
                });
                message.SetBody(new byte[] { 104, 105 });
                Check.Equal("hi", message.BodyText);
                Check.Throws<NotSupportedException>(() => message.ReadBody(body => throw new NotSupportedException()));
                message.PartitionKey = "key";
            }
        }

        public static void A_body_stays_valid_while_it_is_read()
        {
            var message = new OutboxMessage("t", new string('x', 100000));
            message.ReadBody(body =>
            {
                message.Dispose();
                // If the memory was freed, these take it.
                for (var i = 0; i < 100; i++)
                    new OutboxMessage("t", new byte[100000]).Dispose();
                Check.That(body.ToArray().All(part => part == 'x'), "the memory was freed");
            });
            Check.Throws<ObjectDisposedException>(() => message.BodyLength.ToString());
        }

        public static void A_producer_does_not_end_while_another_thread_reads_the_body()
        {
            using (var reading = new ManualResetEventSlim())
            using (var release = new ManualResetEventSlim())
            {
                Thread reader = null;
                var hasRead = "";
                using (var world = new World(producer: message =>
                {
                    reader = new Thread(() => message.ReadBody(body =>
                    {
                        reading.Set();
                        Wait.For(release, "the release of the body");
                        hasRead = System.Text.Encoding.UTF8.GetString(body.ToArray());
                    }));
                    reader.Start();
                    Wait.For(reading, "the read of the body");
                    return SendResult.Sent;
                }))
                {
                    var clear = world.Client.ClearOutboxAsync(world.Deposit("the body"));
                    Wait.For(reading, "the read of the body");
                    Check.Equal(0L, world.Client.GetStats().Dispatched);
                    Check.That(!clear.IsCompleted, "the clear has ended");
                    release.Set();
                    Wait.For(clear);
                    Wait.For(reader);
                    Check.Equal("the body", hasRead);
                }
            }
        }
    }
}
