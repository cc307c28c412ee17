using System;

namespace Postbox.Tests
{
    public static class TextTests
    {
        private const string HalfPair = "a\ud83d";

        public static void Null_is_an_argument_exception_that_names_it()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            using (var config = new PostboxConfig())
            {
                Check.Equal("topic", Check.Throws<ArgumentNullException>(() => new OutboxMessage(null, "x")).ParamName);
                Check.Equal("body", Check.Throws<ArgumentNullException>(() => new OutboxMessage("t", (string)null)).ParamName);
                Check.Equal("table", Check.Throws<ArgumentNullException>(() => work.Put(null, "{}")).ParamName);
                Check.Equal("item", Check.Throws<ArgumentNullException>(() => work.Put("People", null)).ParamName);
                Check.Equal("message", Check.Throws<ArgumentNullException>(() => work.DepositPost(null)).ParamName);
                Check.Equal("message", Check.Throws<ArgumentNullException>(() => world.Client.DepositPost(null)).ParamName);
                Check.Equal("messages", Check.Throws<ArgumentNullException>(() => world.Client.DepositPosts(null)).ParamName);
                Check.Equal("ids", Check.Throws<ArgumentNullException>(() => world.Client.ClearOutbox((string[])null)).ParamName);
                Check.Equal("ids", Check.Throws<ArgumentNullException>(() => world.Client.ClearOutbox("a", null)).ParamName);
                Check.Equal("id", Check.Throws<ArgumentNullException>(() => world.Client.GetMessage(null)).ParamName);
                Check.Equal("archive", Check.Throws<ArgumentNullException>(() => world.Client.Archive((Action<OutboxMessage>)null)).ParamName);
                Check.Equal("name", Check.Throws<ArgumentNullException>(() => config.Set(null, "x")).ParamName);
                Check.Equal("send", Check.Throws<ArgumentNullException>(() => config.AddProducer("t", (Func<OutboxMessage, SendResult>)null)).ParamName);
                Check.Equal("receiver", Check.Throws<ArgumentNullException>(() => PostboxLog.Set(PostboxLogLevel.Info, (Action<PostboxLogLevel, string>)null)).ParamName);
            }
        }

        public static void A_string_with_nul_is_rejected_and_not_truncated()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                var failure = Check.Throws<ArgumentException>(() => work.Put("People", "{\"Name\":{\"S\":\"A\0da\"}}"));
                Check.Equal("item", failure.ParamName);
                Check.Contains("NUL", failure.Message);
                Check.Throws<ArgumentException>(() => new OutboxMessage("t\0", "x"));
                Check.Throws<ArgumentException>(() => world.Client.ClearOutbox("a", "b\0"));
                work.Commit();
            }
        }

        public static void Half_a_surrogate_pair_is_rejected_and_not_replaced()
        {
            using (var world = new World())
            using (var message = new OutboxMessage("t", "x"))
            {
                var failure = Check.Throws<ArgumentException>(() => message.Id = HalfPair);
                Check.Contains("surrogate", failure.Message);
                Check.Contains("index 1", failure.Message);
                Check.Throws<ArgumentException>(() => new OutboxMessage("t", HalfPair));
                Check.Throws<ArgumentException>(() => new OutboxMessage(HalfPair, "x"));
                Check.Throws<ArgumentException>(() => world.Client.GetItem("People", HalfPair));
                Check.Throws<ArgumentException>(() => world.Client.GetMessage("\ude00b"));
                world.Client.DepositPost(message);
            }
        }

        public static void Bodies_of_any_bytes_arrive_as_they_are()
        {
            using (var world = new World())
            {
                foreach (var body in new[] { new byte[0], new byte[] { 0 }, new byte[] { 0xff, 0, 0xfe }, new byte[100000] })
                    using (var message = new OutboxMessage("t", body))
                    {
                        message["content_type"] = "application/octet-stream";
                        Check.Same(body, message.GetBody());
                        var id = world.Client.DepositPost(message);
                        using (var stored = world.Client.GetMessage(id))
                            Check.Same(body, stored.GetBody());
                    }
                using (var message = new OutboxMessage("t", "a\0ж"))
                    Check.Equal("a\0ж", message.BodyText);
            }
        }

        public static void Header_fields_go_by_name()
        {
            var made = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(1));
            using (var world = new World())
            using (var message = new OutboxMessage("t", "x") { PartitionKey = "4\u20ac", CorrelationId = "c", CausationId = "k", CreatedAt = made })
            {
                Check.Equal("application/json; charset=utf-8", message.ContentType);
                message.ContentType = "text/plain";
                message["bag.colour"] = "blue";
                message["reply_to"] = "me";
                message["reply_to"] = null;
                world.Client.DepositPost(message);
                using (var stored = world.Client.GetMessage(message.Id))
                {
                    Check.Equal("t", stored.Topic);
                    Check.Equal("4\u20ac", stored.PartitionKey);
                    Check.Equal("c", stored.CorrelationId);
                    Check.Equal("text/plain", stored.ContentType);
                    Check.Equal("k", stored.CausationId);
                    Check.Equal(made, stored.CreatedAt);
                    Check.Equal("blue", stored["bag.colour"]);
                    Check.Equal(null, stored["reply_to"]);
                    Check.Equal(null, stored.DispatchedAt);
                    Check.Equal(0, stored.DispatchAttempts);
                    Check.Equal(null, stored.LastError);
                }
                message.Topic = "u";
                message.SetBody(new byte[] { 1 });
                Check.Equal("u", message.Topic);
                Check.Same(new byte[] { 1 }, message.GetBody());
                Check.Contains("partition_key", Check.Fails(PostboxErrorCode.UnknownName, () => message["partition_kye"] = "1").Message);
            }
        }

        public static void Settings_go_by_name()
        {
            using (var config = new PostboxConfig())
            {
                Check.Equal("brighter_outbox", config["table_name"]);
                config.Set("table_name", "orders").Set("sweep_batch", 7).Set("operation_timeout_ms", TimeSpan.FromSeconds(2.5))
                    .Set("dispatched_ttl_seconds", TimeSpan.FromDays(1)).Set("region", "eu-west-1").Set("region", null);
                Check.Equal("orders", config["table_name"]);
                Check.Equal("7", config["sweep_batch"]);
                Check.Equal("2500", config["operation_timeout_ms"]);
                Check.Equal("86400", config["dispatched_ttl_seconds"]);
                Check.Equal("", config["region"]);
                Check.Contains("table_name", Check.Fails(PostboxErrorCode.UnknownName, () => config.Set("tabel_name", "x")).Message);
                Check.Fails(PostboxErrorCode.InvalidSetting, () => config.Set("number_of_shards", 21));
                Check.Contains("sweep_batch", Check.Throws<ArgumentException>(() => config.Set("sweep_batch", TimeSpan.Zero)).Message);
            }
        }
    }
}
