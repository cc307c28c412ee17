using System;
using System.Linq;

namespace Postbox.Tests
{
    public static class SelectionTests
    {
        private static void Deposit(World world, string topic, int minutes)
        {
            using (var message = new OutboxMessage(topic, "x") { CreatedAt = DateTimeOffset.UtcNow.AddMinutes(-minutes) })
                world.Client.DepositPost(message);
        }

        public static void Messages_are_selected_by_topic_and_age()
        {
            using (var world = new World())
            {
                for (var minutes = 0; minutes < 6; minutes++)
                    Deposit(world, minutes % 2 == 0 ? "even" : "odd", minutes);
                Check.Equal(6L, world.Client.CountMessages(MessageState.Outstanding));
                Check.Equal(0L, world.Client.CountMessages(MessageState.Dispatched, new Selection()));
                var selection = new Selection { OlderThan = TimeSpan.FromSeconds(90), YoungerThan = TimeSpan.FromSeconds(270) };
                Check.Equal(3L, world.Client.CountMessages(MessageState.Outstanding, selection));
                selection.WithoutTopics.Add("odd");
                selection.Limit = 1;
                Check.Equal(1L, world.Client.CountMessages(MessageState.Outstanding, selection));
                var found = 0;
                do
                {
                    using (var page = world.Client.SelectMessages(MessageState.Outstanding, selection))
                    {
                        Check.That(page.Count <= 1 && page.All(message => message.Topic == "even"), "another message was selected");
                        found += page.Count;
                        selection.Cursor = page.Next;
                    }
                }
                while (selection.Cursor != null);
                Check.Equal(2, found);
                using (var page = world.Client.SelectMessages(MessageState.Outstanding, new Selection { Topic = "odd" }))
                    Check.Equal(3, page.Count);
            }
        }

        public static void An_impossible_selection_is_rejected()
        {
            using (var world = new World())
            {
                Action<Selection> select = selection => world.Client.SelectMessages(MessageState.Parked, selection).Dispose();
                Check.Throws<ArgumentOutOfRangeException>(() => select(new Selection { Limit = 0 }));
                Check.Throws<ArgumentOutOfRangeException>(() => select(new Selection { OlderThan = TimeSpan.FromTicks(-1) }));
                Check.Throws<ArgumentException>(() => select(new Selection { WithoutTopics = { null } }));
                Check.Throws<ArgumentException>(() => select(new Selection { Topic = "a\0b" }));
                Check.Fails(PostboxErrorCode.InvalidArgument, () => select(new Selection { Topic = "" }));
                Check.Fails(PostboxErrorCode.InvalidArgument, () => select(new Selection { Cursor = "nonsense" }));
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.CountMessages((MessageState)8));
                var later = new Selection { OlderThan = TimeSpan.MaxValue, YoungerThan = TimeSpan.Zero };
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.CountMessages(MessageState.Parked, later));
                world.Client.Close();
                Check.Fails(PostboxErrorCode.Closed, () => select(null));
            }
        }

        public static void Topics_leases_and_sweepers_are_listed()
        {
            using (var world = new World())
            {
                var before = DateTimeOffset.UtcNow.AddMinutes(-1);
                world.Deposit();
                Deposit(world, "other", 0);
                Check.Equal(1L, world.Client.Sweep("other").Dispatched);
                Check.Equal(World.Topic, world.Client.GetTopicCounts().Single().Topic);
                var counts = world.Client.GetTopicCounts(true);
                Check.Same(new[] { World.Topic, "other" }, counts.Select(count => count.Topic));
                Check.Same(new[] { 1L, 0L }, counts.Select(count => count.Outstanding));
                Check.Same(new[] { 0L, 1L }, counts.Select(count => count.Dispatched));
                Check.That(counts[0].Oldest > before && counts[1].Oldest == null && counts[0].NextAttempt == null, "the times differ");
                Check.Equal(0L, counts.Sum(count => count.Parked + count.Waiting + count.Failing + count.InvalidTimes));
                Check.That(counts[0].LastError == null && counts[0].FailingSince == null, "nothing failed");
                Check.Equal(1L, world.Client.CountDispatchedBetween("other", before, before.AddMinutes(10)));
                Check.Equal(0L, world.Client.CountDispatchedBetween("other", before, before.AddSeconds(1)));

                var sweeper = world.Client.GetSweepers().Single();
                Check.Equal(PostboxLibrary.Version, sweeper.Version);
                Check.Same(new[] { "*" }, sweeper.Topics);
                Check.That(sweeper.Holder.Length > 0 && sweeper.LastSweep > before && sweeper.LastSuccess == sweeper.LastSweep, "it swept");
                Check.That(sweeper.LastError == null && sweeper.StoppedAt == null, "it did not fail");
                world.Client.EmbeddedExecute("PutItem",
                    "{\"TableName\":\"brighter_distributed_lock\",\"Item\":{\"ResourceId\":{\"S\":\"brighter_outbox_Archiver\"},"
                    + "\"LockId\":{\"S\":\"them\"},\"LeaseExpiry\":{\"N\":\"1700000000123\"}}}");
                var lease = world.Client.GetLeases().Single();
                Check.Equal("brighter_outbox_Archiver them", lease.Resource + " " + lease.Holder);
                Check.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1700000000123), lease.ExpiresAt);
                Check.That(lease.Topic == null && lease.Paused == null && !lease.IsIgnored, "it is a plain lease");
                Check.Contains("brighter_outbox", world.Client.GetLocation());
            }
        }

        public static void Operators_read_without_blocking()
        {
            using (var world = new World())
            {
                Deposit(world, "even", 0);
                var client = world.Client;
                using (var page = client.SelectMessagesAsync(MessageState.Outstanding, new Selection { Topic = "even" }).Result)
                    Check.Equal(1, page.Count);
                Check.Equal(1L, client.CountMessagesAsync(MessageState.Outstanding).Result);
                Check.Equal(1UL, (ulong)client.GetTopicCountsAsync().Result.Single().Outstanding);
                Check.Equal(0L, client.CountDispatchedBetweenAsync("even", DateTimeOffset.MinValue, DateTimeOffset.UtcNow).Result);
                Check.Equal(0, client.GetLeasesAsync().Result.Count);
                Check.Equal(0, client.GetSweepersAsync().Result.Count);
                using (var lease = client.ObtainLeaseAsync("report", TimeSpan.FromMinutes(1)).Result)
                {
                    Check.That(lease.RenewAsync().Result && lease.IsHeld, "the lease is not held");
                    Check.That(client.ObtainLeaseAsync("report", TimeSpan.FromMinutes(1)).Result == null, "the lease was obtained twice");
                    lease.ReleaseAsync().Wait();
                    Check.That(!lease.IsHeld, "the lease is held after its release");
                }
                Check.That(client.GetLocationAsync().Result.Contains(":memory:"), "the file is not named");
            }
        }
    }
}
