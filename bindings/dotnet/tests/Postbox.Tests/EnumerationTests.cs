using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    /// <summary>Enumerations that read stored messages page by page.</summary>
    public static class EnumerationTests
    {
        private static readonly Selection TwoPerPage = new Selection { Topic = World.Topic, Limit = 2 };

        public static void All_messages_are_enumerated_once()
        {
            using (var world = new World())
                Wait.For(EnumerateAll(world));
        }

        private static async Task EnumerateAll(World world)
        {
            var ids = Enumerable.Range(0, 5).Select(i => world.Deposit("body " + i)).ToList();
            var all = world.Client.EnumerateMessagesAsync(MessageState.Outstanding, TwoPerPage);
            // The second enumeration reads the messages again.
            for (var turn = 0; turn < 2; turn++)
            {
                var found = new List<string>();
                await foreach (var message in all)
                    found.Add(message.Id + " " + message.BodyText);
                Check.Same(ids.Select((id, i) => id + " body " + i).OrderBy(text => text), found.OrderBy(text => text));
            }
            await foreach (var message in world.Client.EnumerateMessagesAsync(MessageState.Parked))
                Check.That(false, message.Id + " is parked");
            await foreach (var message in world.Client.EnumerateMessagesAsync(MessageState.Outstanding, new Selection { WithoutTopics = { World.Topic } }))
                Check.That(false, message.Id + " has another topic");
        }

        public static void A_message_is_valid_until_the_next_one()
        {
            using (var world = new World())
                Wait.For(KeepMessages(world));
        }

        private static async Task KeepMessages(World world)
        {
            for (var i = 0; i < 3; i++)
                world.Deposit();
            var kept = new List<OutboxMessage>();
            await foreach (var message in world.Client.EnumerateMessagesAsync(MessageState.Outstanding, TwoPerPage))
            {
                Check.Equal("hello", message.BodyText);
                foreach (var earlier in kept)
                    Check.Throws<ObjectDisposedException>(() => earlier.BodyText.ToString());
                kept.Add(message);
            }
            Check.Equal(3, kept.Count);
            Check.Throws<ObjectDisposedException>(() => kept[2].BodyText.ToString());
            MessagePage left = null;
            await foreach (var page in world.Client.EnumeratePagesAsync(MessageState.Outstanding, TwoPerPage))
            {
                left = page;
                Check.Equal("hello", page[0].BodyText);
                break;
            }
            Check.Throws<ObjectDisposedException>(() => left[0].BodyText.ToString());
        }

        public static void A_page_is_read_when_it_is_needed()
        {
            using (var server = new Server())
            using (var client = server.Open())
            {
                var all = client.EnumerateMessagesAsync(MessageState.Outstanding, TwoPerPage);
                Check.Equal(0, server.Unexpected);
                var next = all.GetAsyncEnumerator().MoveNextAsync().AsTask();
                server.WaitFor(1);
                Check.That(!next.IsCompleted, "the enumeration did not wait");
                client.Dispose();
                Check.Fails(PostboxErrorCode.Closed, () => Wait.For(next));
            }
        }

        public static void A_token_ends_an_enumeration()
        {
            using (var server = new Server())
            using (var client = server.Open())
                foreach (var passed in new[] { true, false })
                    using (var source = new CancellationTokenSource())
                    {
                        var all = client.EnumerateMessagesAsync(MessageState.Outstanding, TwoPerPage, passed ? source.Token : default(CancellationToken));
                        var next = all.GetAsyncEnumerator(passed ? default(CancellationToken) : source.Token).MoveNextAsync().AsTask();
                        server.WaitFor(1);
                        source.Cancel();
                        Check.Throws<OperationCanceledException>(() => Wait.For(next));
                    }
        }

        public static void A_token_ends_an_enumeration_between_two_messages()
        {
            using (var world = new World())
                Wait.For(CancelAfterTheFirst(world));
        }

        private static async Task CancelAfterTheFirst(World world)
        {
            world.Deposit();
            world.Deposit();
            var found = 0;
            foreach (var passed in new[] { true, false })
                using (var source = new CancellationTokenSource())
                    try
                    {
                        var all = world.Client.EnumerateMessagesAsync(MessageState.Outstanding, TwoPerPage, passed ? source.Token : default(CancellationToken));
                        await foreach (var message in all.WithCancellation(passed ? default(CancellationToken) : source.Token))
                        {
                            found++;
                            source.Cancel();
                        }
                        Check.That(false, "the enumeration has continued");
                    }
                    catch (OperationCanceledException)
                    {
                    }
            Check.Equal(2, found);
        }

        public static void Invalid_enumerations_are_rejected()
        {
            using (var world = new World())
            {
                Check.Throws<ArgumentNullException>(() => ((IPostbox)null).EnumerateMessagesAsync(MessageState.Outstanding));
                var none = world.Client.EnumerateMessagesAsync(MessageState.Outstanding, new Selection { Limit = 0 });
                Check.Throws<ArgumentOutOfRangeException>(() => Wait.For(none.GetAsyncEnumerator().MoveNextAsync().AsTask()));
            }
        }
    }
}
