using System;
using System.Linq;
using System.Threading;
using Newtonsoft.Json.Linq;

namespace Postbox.Tests
{
    public static class UnitOfWorkTests
    {
        public static void A_commit_writes_the_data_and_the_message_and_clearing_sends_it()
        {
            using (var world = new World())
            {
                string id;
                using (var work = world.Client.BeginUnitOfWork())
                {
                    Check.Equal(null, work.GetItem("People", World.Person("Ada")));
                    work.Put("People", "{\"Name\":{\"S\":\"Ada\"},\"Greeting\":{\"S\":\"Здравствуй \ud83d\ude00\"}}");
                    using (var message = new OutboxMessage(World.Topic, "{\"n\":1}") { PartitionKey = "Ada" })
                        id = work.DepositPost(message);
                    Check.Equal(null, world.StateOf(id));
                    work.Commit();
                }
                Check.Contains("Здравствуй \ud83d\ude00", world.Client.GetItem("People", World.Person("Ada")));
                Check.Equal(MessageState.Outstanding, world.StateOf(id).Value);

                world.Client.ClearOutbox(id);
                Check.Same(new[] { id }, world.Sent);
                Check.Equal(MessageState.Dispatched, world.StateOf(id).Value);
            }
        }

        public static void A_rollback_writes_and_sends_nothing()
        {
            using (var world = new World())
            {
                string id;
                using (var work = world.Client.BeginUnitOfWork())
                {
                    id = AddGreeting(work);
                    work.Rollback();
                    Check.Fails(PostboxErrorCode.UnitOfWorkClosed, work.Commit);
                }
                NothingHappened(world, id);
            }
        }

        public static void Disposing_without_a_commit_writes_and_sends_nothing()
        {
            using (var world = new World())
            {
                string id;
                using (var work = world.Client.BeginUnitOfWork())
                    id = AddGreeting(work);
                NothingHappened(world, id);
            }
        }

        public static void A_cancelled_transaction_says_why_action_by_action()
        {
            using (var world = new World())
            {
                using (var work = world.Client.BeginUnitOfWork())
                {
                    work.Put("People", "{\"Name\":{\"S\":\"Ada\"},\"Age\":{\"N\":\"36\"}}");
                    work.Commit();
                }
                using (var work = world.Client.BeginUnitOfWork())
                {
                    work.Put("People", World.Person("Bob"));
                    work.Add("{\"Put\":{\"TableName\":\"People\",\"Item\":" + World.Person("Ada")
                        + ",\"ConditionExpression\":\"attribute_not_exists(#n)\",\"ExpressionAttributeNames\":{\"#n\":\"Name\"},"
                        + "\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}}");
                    var failure = Check.Throws<PostboxTransactionCanceledException>(work.Commit);
                    Check.Equal(PostboxErrorCode.TransactionCanceled, failure.Code);
                    Check.That(!failure.IsRetryable, "a condition that does not hold is not retryable");
                    var reason = failure.Reasons.Single();
                    Check.Equal(1, reason.Index);
                    Check.Equal("Put People", reason.Subject);
                    Check.Equal("ConditionalCheckFailed", reason.Code);
                    Check.Contains("\"36\"", reason.Item);
                    Check.Contains("ConditionalCheckFailed", reason.ToString());
                }
                Check.Equal(null, world.Client.GetItem("People", World.Person("Bob")));
            }
        }

        public static void A_message_id_that_is_there_already_is_a_duplicate()
        {
            using (var world = new World())
            using (var message = new OutboxMessage(World.Topic, "x") { Id = "command-1" })
            {
                world.Client.DepositPost(message);
                using (var work = world.Client.BeginUnitOfWork())
                {
                    work.Put("People", World.Person("Ada"));
                    work.DepositPost(message);
                    var failure = Check.Throws<DuplicateMessageException>(work.Commit);
                    Check.Equal(PostboxErrorCode.DuplicateMessage, failure.Code);
                    Check.Contains("command-1", failure.Message);
                    Check.That(failure is PostboxTransactionCanceledException, "it is caught as a cancelled transaction too");
                }
                Check.Equal(null, world.Client.GetItem("People", World.Person("Ada")));
                world.Client.DepositPost(message);
                Check.Equal(1L, world.Client.GetStats().Deposited);
            }
        }

        public static void A_message_is_put_by_another_client()
        {
            using (var world = new World())
            using (var message = new OutboxMessage(World.Topic, "hello"))
            using (var large = new OutboxMessage(World.Topic, new string('x', 500000)))
            {
                var person = "{\"Put\":{\"TableName\":\"People\",\"Item\":" + World.Person("Ada") + "}}";
                var actions = "[" + person + "," + world.Client.MessageToPut(message) + "]";
                Check.Equal(null, world.Client.GetMessage(message.Id));
                world.Client.EmbeddedExecute("TransactWriteItems", "{\"TransactItems\":" + actions + "}");
                Check.That(world.Client.GetItem("People", World.Person("Ada")) != null, "the data is there");
                using (var stored = world.Client.GetMessage(message.Id))
                    Check.Equal("hello", stored.BodyText);

                var duplicate = world.Client.CancellationError(actions, "[{\"Code\":\"None\"},{\"Code\":\"ConditionalCheckFailed\"}]");
                Check.That(duplicate is DuplicateMessageException, duplicate.GetType().Name);
                Check.Equal(1, duplicate.Reasons[0].Index);
                var other = world.Client.CancellationError(actions, "[{\"Code\":\"ConditionalCheckFailed\"},{\"Code\":\"None\"}]");
                Check.Equal(PostboxErrorCode.TransactionCanceled, other.Code);
                Check.Equal(PostboxErrorCode.InvalidJson, world.Client.CancellationError("{", "[]").Code);
                Check.Throws<ArgumentNullException>(() => world.Client.CancellationError(null, "[]"));
                var failure = Check.Throws<PostboxException>(() => world.Client.MessageToPut(large));
                Check.Equal(PostboxErrorCode.ItemTooLarge, failure.Code);
            }
        }

        public static void An_action_over_a_limit_is_rejected_and_the_unit_is_unchanged()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                for (var i = 0; i < 99; i++)
                    work.Delete("People", World.Person("n" + i));
                Check.Contains("409600", Check.Fails(PostboxErrorCode.ItemTooLarge, () => work.Put("People", Large("Ada", 410))).Message);
                Check.Fails(PostboxErrorCode.DuplicateItem, () => work.Put("People", World.Person("n7")));
                work.Put("People", World.Person("Ada"));
                Check.Contains("100", Check.Fails(PostboxErrorCode.TooManyActions, () => work.Put("People", World.Person("Bob"))).Message);
                work.Commit();
                Check.Equal(World.Person("Ada"), world.Client.GetItem("People", World.Person("Ada")));
                Check.Equal(null, world.Client.GetItem("People", World.Person("Bob")));
            }
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                for (var i = 0; i < 10; i++)
                    work.Put("People", Large("n" + i, 390));
                Check.Contains("4194304", Check.Fails(PostboxErrorCode.TransactionTooLarge, () => work.Put("People", Large("one more", 390))).Message);
            }
        }

        public static void Every_kind_of_action_takes_effect()
        {
            using (var world = new World())
            {
                using (var work = world.Client.BeginUnitOfWork())
                {
                    work.Put("People", World.Person("Ada"));
                    work.Put("People", World.Person("Bob"));
                    work.Put("People", World.Person("Eve"));
                    work.Commit();
                }
                using (var work = world.Client.BeginUnitOfWork())
                {
                    work.Update("{\"TableName\":\"People\",\"Key\":" + World.Person("Ada")
                        + ",\"UpdateExpression\":\"SET Age = :a\",\"ExpressionAttributeValues\":{\":a\":{\"N\":\"36\"}}}");
                    work.Delete("People", World.Person("Bob"));
                    work.ConditionCheck("{\"TableName\":\"People\",\"Key\":" + World.Person("Eve") + ",\"ConditionExpression\":\"attribute_not_exists(Age)\"}");
                    work.CommitAsync().GetAwaiter().GetResult();
                }
                Check.Contains("\"36\"", world.Client.GetItem("People", World.Person("Ada")));
                Check.Equal(null, world.Client.GetItem("People", World.Person("Bob")));
            }
        }

        public static void Malformed_json_is_an_error_that_says_where()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                Check.Fails(PostboxErrorCode.InvalidJson, () => work.Put("People", "{\"Name\":"));
                work.Put("People", World.Person("Ada"));
                work.Commit();
            }
        }

        private static string AddGreeting(UnitOfWork work)
        {
            work.Put("People", World.Person("Ada"));
            using (var message = new OutboxMessage(World.Topic, "hello"))
                return work.DepositPost(message);
        }

        private static void NothingHappened(World world, string id)
        {
            Check.Equal(null, world.Client.GetItem("People", World.Person("Ada")));
            Check.Equal(null, world.StateOf(id));
            Check.Equal(0L, world.Client.Sweep().Found);
            Check.Equal(0, world.Sent.Count);
        }

        private static string Large(string name, int kilobytes)
        {
            return World.Json(new JObject { ["Name"] = World.Text(name), ["Text"] = World.Text(new string('x', kilobytes * 1024)) });
        }
    }
}
