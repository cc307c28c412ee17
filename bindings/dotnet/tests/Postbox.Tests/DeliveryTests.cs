using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Newtonsoft.Json.Linq;

namespace Postbox.Tests
{
    public static class DeliveryTests
    {
        public static void The_sweeper_sends_uncleared_messages_until_it_is_stopped()
        {
            using (var sent = new CountdownEvent(3))
            using (var world = new World(
                config => config.Set("sweep_interval_ms", TimeSpan.FromMilliseconds(10)),
                message =>
                {
                    sent.Signal();
                    return SendResult.Sent;
                }))
            {
                var ids = new[] { world.Deposit(), world.Deposit() };
                world.Client.StartSweeper();
                Check.Fails(PostboxErrorCode.InvalidArgument, world.Client.StartSweeper);
                world.Deposit();
                Check.That(sent.Wait(TimeSpan.FromSeconds(60)), "the sweeper did not send all");
                world.Client.StopSweeper();
                world.Client.StopSweeper();
                foreach (var id in ids)
                    Check.Equal(MessageState.Dispatched, world.StateOf(id).Value);
                var last = world.Deposit();
                Check.Equal(MessageState.Outstanding, world.StateOf(last).Value);
                world.Client.StartSweeper();
            }
        }

        public static void The_sweeper_sends_messages_committed_by_another_client()
        {
            using (var sent = new ManualResetEventSlim())
            using (var world = new World(
                more: config => config.Set("sweep_interval_ms", 600000),
                producer: _ =>
                {
                    sent.Set();
                    return SendResult.Sent;
                }))
            {
                world.Client.StartSweeper();
                var id = world.Deposit();
                world.Client.NotifyCommitted(id, "nobody");
                Check.That(sent.Wait(TimeSpan.FromSeconds(60)), "the message was not sent");
                world.Client.StopSweeper();
                Check.Equal(MessageState.Dispatched, world.StateOf(id).Value);
            }
        }

        public static void A_sweep_reports_its_counts()
        {
            using (var world = new World())
            {
                var id = world.Deposit();
                Check.Equal(0L, world.Client.Sweep("another topic").Found);
                Check.Equal(1L, world.Client.CountOutstanding().Count);
                Check.Equal(1L, world.Client.CountOutstanding(World.Topic).Count);
                Check.Equal(0L, world.Client.CountOutstanding("another topic").Count);
                Check.Equal(TimeSpan.Zero, world.Client.CountOutstanding("another topic").OldestAge);

                var result = world.Client.Sweep();
                Check.Equal(1L, result.Found);
                Check.Equal(1L, result.Dispatched);
                Check.Equal(0L, result.AlreadyDispatched + result.Failed + result.HeldBack);
                Check.Equal(LeaseStatus.Held, result.Lease);
                Check.Same(new[] { id }, world.Sent);

                var stats = world.Client.GetStats();
                Check.Equal(1L, stats.Deposited);
                Check.Equal(1L, stats.Dispatched);
                Check.Equal(2L, stats.Sweeps);
                Check.Equal(0L, stats.Failed + stats.Parked + stats.DuplicatesAvoided + stats.BackgroundFailures + stats.OpenBreakers);
                Check.That(stats.Outstanding.HasValue, "what is outstanding was counted");
                Check.Contains("\"deposited\":1", world.Client.GetStatsJson().Replace(" ", ""));
            }
        }

        public static void Clearing_reports_the_outcome_of_each_message()
        {
            using (var world = new World())
            {
                var first = world.Deposit();
                var second = world.Deposit();
                world.Client.MarkDispatched(first);
                Report report;
                world.Client.ClearOutbox(new[] { "no such", first, second, second }, out report);
                Check.Equal(1, report.FailureCount);
                Check.Same(new[] { "no such", first, second }, report.Select(message => message.Id));
                Check.Same(new[] { Outcome.NotFound, Outcome.AlreadyDispatched, Outcome.Dispatched }, report.Select(message => message.Outcome));
                Check.Same(new[] { second }, world.Sent);
                world.Client.MarkDispatched(new[] { "no such" }, out report);
                Check.Equal(Outcome.NotFound, report.Single().Outcome);
                world.Client.ClearOutboxAsync(new[] { first }).GetAwaiter().GetResult();
                world.Client.ClearOutbox();
            }
        }

        public static void A_post_deposits_and_sends()
        {
            using (var world = new World())
            using (var message = new OutboxMessage(World.Topic, "x"))
            {
                Report report;
                Check.Equal(message.Id, world.Client.Post(message, out report));
                Check.Equal(Outcome.Dispatched, report.Single().Outcome);
                Check.Same(new[] { message.Id }, world.Sent);
            }
        }

        public static void A_bulk_deposit_stores_all_messages_or_reports_the_invalid_ones()
        {
            using (var world = new World())
            {
                var messages = Enumerable.Range(0, 60).Select(i => new OutboxMessage(World.Topic, "m" + i)).ToList();
                var ids = world.Client.DepositPosts(messages);
                Check.Same(messages.Select(message => message.Id), ids);
                Check.Equal(60L, world.Client.CountOutstanding().Count);
                messages[59].Topic = "";
                Check.Fails(PostboxErrorCode.InvalidMessage, () => world.Client.DepositPosts(messages));
                Check.Throws<ArgumentNullException>(() => world.Client.DepositPosts(new OutboxMessage[] { messages[0], null }));
                Check.Equal(0, world.Client.DepositPosts(new OutboxMessage[0]).Count);
                messages.ForEach(message => message.Dispose());
            }
        }

        public static void Lists_are_read_page_by_page()
        {
            using (var world = new World())
            {
                var deposited = Enumerable.Range(0, 25).Select(_ => world.Deposit()).ToList();
                var found = new List<string>();
                var pages = 0;
                string cursor = null;
                do
                {
                    using (var page = world.Client.ListMessages(MessageState.Outstanding, null, 10, cursor))
                    {
                        found.AddRange(page.Select(message => message.Id));
                        Check.Equal(page.Count, page.Count(message => message.State == MessageState.Outstanding && message.BodyText == "hello"));
                        Check.Equal(0, page.Malformed.Count);
                        cursor = page.Next;
                        pages++;
                    }
                } while (cursor != null);
                Check.Same(deposited.OrderBy(id => id), found.OrderBy(id => id));
                Check.That(pages > 1, "all came in one page");
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.ListMessages(MessageState.Outstanding, null, 10, "not a cursor"));
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.ListMessages((MessageState)7));
                Check.Throws<ArgumentOutOfRangeException>(() => world.Client.ListMessages(MessageState.Outstanding, limit: 0));
            }
        }

        public static void A_list_reports_malformed_messages()
        {
            using (var world = new World())
            {
                var id = world.Deposit();
                world.Client.EmbeddedExecute("UpdateItem", World.Json(new JObject
                {
                    ["TableName"] = "brighter_outbox",
                    ["Key"] = new JObject { ["MessageId"] = World.Text(id) },
                    ["UpdateExpression"] = "SET HeaderBag = :b",
                    ["ExpressionAttributeValues"] = new JObject { [":b"] = World.Text("{") },
                }));
                using (var page = world.Client.ListMessages(MessageState.Outstanding))
                {
                    Check.Equal(id, page.Malformed.Single().Id);
                    Check.Contains("HeaderBag", page.Malformed.Single().Reason);
                }
                Check.Contains("HeaderBag", Check.Fails(PostboxErrorCode.MalformedItem, () => world.Client.GetMessage(id)).Message);
            }
        }

        public static void Parked_messages_are_listed_and_released()
        {
            var result = SendResult.Reject("malformed");
            using (var world = new World(producer: _ => result))
            {
                var id = world.Deposit();
                world.Client.Sweep();
                using (var page = world.Client.ListMessages(MessageState.Parked, World.Topic))
                {
                    Check.Equal(id, page.Single().Id);
                    Check.Contains("malformed", page.Single().LastError);
                    Check.Throws<InvalidOperationException>(() => page[0].PartitionKey = "k");
                }
                result = SendResult.Sent;
                world.Client.Unpark(id);
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.Unpark(id));
                Check.Equal(1L, world.Client.Sweep().Dispatched);
            }
        }

        public static void Messages_are_replayed()
        {
            using (var world = new World())
            using (var message = new OutboxMessage(World.Topic, "x") { CausationId = "cause" })
            {
                var id = world.Client.Post(message);
                world.Client.Replay(id);
                Check.Equal(MessageState.Outstanding, world.StateOf(id).Value);
                world.Client.Sweep();
                Check.That(world.Client.VerifyTable(), "the table has the index Causation");
                Check.Equal(Outcome.Replayed, world.Client.ReplayCausation("cause").Single().Outcome);
                world.Client.Sweep();
                Check.Same(new[] { id, id, id }, world.Sent);
                Report report;
                world.Client.Replay(new[] { "no such" }, out report);
                Check.Equal(Outcome.NotFound, report.Single().Outcome);
            }
        }

        public static void An_archive_stores_messages_before_they_are_deleted()
        {
            using (var world = new World())
            {
                var kept = new List<string>();
                var id = world.Deposit();
                var refused = world.Deposit("not this one");
                world.Client.ClearOutbox(id, refused);
                var result = world.Client.Archive(message =>
                {
                    if (message.BodyText == "not this one")
                        throw new IOException("the disk is full");
                    kept.Add(message.Id);
                });
                Check.Same(new[] { id }, kept);
                Check.Equal(1L, result.Archived);
                Check.Equal(1L, result.Failed);
                Check.Equal(LeaseStatus.Held, result.Lease);
                Check.Equal(null, world.StateOf(id));
                Check.Equal(MessageState.Dispatched, world.StateOf(refused).Value);

                var file = Path.GetTempFileName();
                Check.Equal(1L, world.Client.ArchiveToFile(file).Archived);
                Check.Contains(refused, File.ReadAllText(file));
                File.Delete(file);
            }
        }

        public static void The_archiver_is_a_thread_that_is_started_and_stopped()
        {
            using (var archived = new ManualResetEventSlim())
            using (var world = new World())
            {
                world.Client.ClearOutbox(world.Deposit());
                world.Client.StartArchiver(_ => archived.Set());
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.StartArchiver(_ => { }));
                Wait.For(archived, "archiving");
                world.Client.StopArchiver();
                var file = Path.GetTempFileName();
                world.Client.StartArchiverToFile(file);
                world.Client.StopArchiver();
                File.Delete(file);
            }
        }

        public static void Log_messages_go_to_a_delegate_which_may_throw()
        {
            var texts = new List<string>();
            Action<PostboxLogLevel, string> receiver = (level, text) =>
            {
                lock (texts)
                    texts.Add(level + " " + text);
                throw new InvalidOperationException("lost");
            };
            PostboxLog.Set(PostboxLogLevel.Trace, receiver);
            try
            {
                using (var world = new World(producer: _ => SendResult.Retry("the queue is full")))
                {
                    world.Deposit();
                    world.Client.Sweep();
                }
                lock (texts)
                    Check.That(texts.Any(text => text.StartsWith("Warn ", StringComparison.Ordinal) && text.Contains("the queue is full")),
                        "no warning in: " + string.Join("\n", texts));
                Check.Fails(PostboxErrorCode.InvalidArgument, () => PostboxLog.Set((PostboxLogLevel)9, (level, text) => { }));
            }
            finally
            {
                PostboxLog.Off();
            }
        }

        public static void The_table_is_made_and_verified()
        {
            using (var world = new World())
            {
                world.Client.CreateTable();
                Check.That(world.Client.VerifyTable(), "the table that was made has the index Causation");
                foreach (var warning in world.Client.GetTableWarnings())
                    Check.That(warning.StartsWith("lock table: "), warning);
                world.Client.EmbeddedExecute("DeleteTable", "{\"TableName\":\"brighter_outbox\"}");
                Check.Fails(PostboxErrorCode.TableNotFound, () => world.Client.VerifyTable());
            }
        }

        public static void An_endpoint_that_nobody_serves_is_a_retryable_error()
        {
            using (var config = new PostboxConfig()
                .Set("endpoint_url", "http://127.0.0.1:1").Set("region", "eu-west-1").Set("access_key_id", "a").Set("secret_access_key", "b").Set("max_request_attempts", 1))
            using (var client = config.Open())
            {
                var failure = Check.Throws<PostboxRetryableException>(() => client.GetMessage("id"));
                Check.Equal(PostboxErrorCode.Unreachable, failure.Code);
                Check.That(failure.IsRetryable, "it may succeed later");
                Check.Equal("***", config["secret_access_key"]);
            }
        }
    }
}
