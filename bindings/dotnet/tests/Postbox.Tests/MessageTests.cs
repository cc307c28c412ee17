using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox.Tests
{
    public static class MessageTests
    {
        public static void The_creation_time_keeps_all_its_digits()
        {
            using (var world = new World())
            using (var message = new OutboxMessage(World.Topic, "x"))
            {
                var exact = new DateTimeOffset(638355968001234567, TimeSpan.Zero);
                Check.That(message.CreatedAt > exact, "a new message has the current time");
                foreach (var time in new[] { DateTimeOffset.MinValue, DateTimeOffset.MaxValue, exact.ToOffset(TimeSpan.FromHours(-3)) })
                {
                    message.CreatedAt = time;
                    Check.Equal(time.UtcTicks, message.CreatedAt.Ticks);
                }
                Check.Equal("2023-11-14T22:13:20.1234567Z", message["created_at"]);
                world.Client.DepositPost(message);
                using (var stored = world.Client.GetMessage(message.Id))
                    Check.Equal(exact, stored.CreatedAt);
                using (var page = world.Client.GetMessages(new[] { message.Id }))
                {
                    Check.Equal(exact, page[0].CreatedAt);
                    Check.Throws<InvalidOperationException>(() => page[0].CreatedAt = exact);
                    Check.Throws<InvalidOperationException>(() => page[0].Bag = new Item());
                }
            }
        }

        public static void The_bag_has_values_of_any_JSON_type()
        {
            const string Digits = "1234567890.1234567890123456789012345678";
            using (var world = new World())
            using (var message = new OutboxMessage(World.Topic, "x"))
            {
                Check.Equal(0, message.Bag.Count);
                message.Bag = new Item
                {
                    ["precise"] = new ItemNumber(Digits),
                    ["price"] = 1.10m,
                    ["list"] = new object[] { true, null, "text" },
                    ["map"] = new Dictionary<string, object> { ["inner"] = 5 },
                };
                world.Client.DepositPost(message);
                using (var stored = world.Client.GetMessage(message.Id))
                {
                    var bag = stored.Bag;
                    Check.Same(new[] { "list", "map", "precise", "price" }, bag.Keys.OrderBy(name => name, StringComparer.Ordinal));
                    Check.Equal(Digits, bag.Get<ItemNumber>("precise").Digits);
                    Check.Equal("1.10", bag.Get<ItemNumber>("price").Digits);
                    Check.Same(new object[] { true, null, "text" }, bag.Get<List<object>>("list"));
                    Check.Equal(5, bag.Get<Item>("map").Get<int>("inner"));
                    Check.Equal(Digits, stored["bag.precise"]);
                }
                message["bag"] = "{\"far\":1e400}";
                Check.Equal("1e400", message.Bag.Get<ItemNumber>("far").Digits);
                Check.Fails(PostboxErrorCode.InvalidMessage, () => message.Bag = new Item { ["bytes"] = new byte[1] });
                Check.Fails(PostboxErrorCode.InvalidArgument, () => message.Bag = new Item { ["real"] = double.NaN });
                Check.Throws<ArgumentNullException>(() => message.Bag = null);
                Check.Equal("{\"far\":1e400}", message["bag"]);
                message.Bag = new Item();
                Check.Equal("{}", message["bag"]);
            }
        }
    }
}
