using System;
using System.Linq;

namespace Postbox.Tests
{
    public static class ByIdTests
    {
        public static void Many_messages_are_read_in_one_call()
        {
            using (var world = new World())
            {
                var ids = Enumerable.Range(0, 120).Select(_ => world.Deposit()).ToList();
                world.Client.EmbeddedExecute("PutItem", "{\"TableName\":\"brighter_outbox\",\"Item\":{\"MessageId\":{\"S\":\"odd\"}}}");
                ids.Reverse();
                using (var page = world.Client.GetMessages(ids.Concat(new[] { "nobody", "odd", ids[0] })))
                {
                    Check.Same(ids, page.Select(message => message.Id));
                    Check.Same(new[] { "nobody" }, page.Missing);
                    Check.Equal("odd", page.Malformed.Single().Id);
                }
                using (var page = world.Client.GetMessages(new string[0]))
                    Check.Equal(0, page.Count);
                Check.Throws<ArgumentNullException>(() => world.Client.GetMessages(null));
                Check.Throws<ArgumentNullException>(() => world.Client.GetMessages(new string[] { null }));
                world.Client.Close();
                Check.Fails(PostboxErrorCode.Closed, () => world.Client.GetMessages(ids));
            }
        }

        public static void Messages_are_marked_with_a_given_time()
        {
            using (var world = new World())
            {
                var id = world.Deposit();
                var time = new DateTimeOffset(638355968001234567, TimeSpan.Zero).ToOffset(TimeSpan.FromHours(2));
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.MarkDispatchedAt(new[] { id }, DateTimeOffset.MinValue));
                Report report;
                world.Client.MarkDispatchedAt(new[] { id, "nobody" }, time, out report);
                Check.Same(new[] { Outcome.Dispatched, Outcome.NotFound }, report.Select(message => message.Outcome));
                var item = world.Client.GetItem("brighter_outbox", new Item { ["MessageId"] = id });
                Check.Equal(638355968001234567L, item.Get<long>("DeliveryTime"));
                Check.Fails(PostboxErrorCode.ClearIncomplete, () => world.Client.MarkDispatchedAt(new[] { "nobody" }, time));
                Check.Throws<ArgumentNullException>(() => world.Client.MarkDispatchedAt(null, time));
            }
        }

        public static void A_message_is_deleted_in_the_given_state_only()
        {
            using (var world = new World())
            {
                var id = world.Deposit();
                Check.That(!world.Client.DeleteMessage(id, MessageState.Parked), "it is outstanding");
                Check.Equal(MessageState.Outstanding, world.StateOf(id).Value);
                Check.That(world.Client.DeleteMessage(id, MessageState.Outstanding), "it was not deleted");
                Check.That(!world.Client.DeleteMessage(id, MessageState.Outstanding), "it was deleted twice");
                Check.That(world.StateOf(id) == null, "it is still there");
                Check.Throws<ArgumentNullException>(() => world.Client.DeleteMessage(null, MessageState.Parked));
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.DeleteMessage(id, (MessageState)9));
            }
        }
    }
}
