using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Threading;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace Postbox.Tests
{
    /// <summary>Messages in requests of the AWS SDK, and actions of the SDK in units of work.</summary>
    public static class AwsTransactionTests
    {
        public static void A_message_is_sent_after_a_transaction_of_the_sdk_and_only_once()
        {
            using (var world = new World())
            using (var message = Message("greeting-1"))
            {
                var request = Request(Person("Ada"), world.Client.ToTransactWriteItem(message));
                Dynamo.TransactWriteItems(world.Client, request);
                world.Client.ClearOutbox(message.Id);
                Check.Same(new[] { "greeting-1" }, world.Sent);
                Check.Equal("Ada", world.Client.GetItem("People", Key("Ada"))["Name"].S);

                var repeated = Throws(world, request);
                var error = world.Client.CancellationError(request.TransactItems, repeated);
                Check.That(error is DuplicateMessageException, "a repeated message is " + error.GetType());
                Check.Contains("greeting-1", error.Message);
                world.Client.ClearOutbox(message.Id);
                Check.Same(new[] { "greeting-1" }, world.Sent);
            }
        }

        public static void The_item_of_a_message_is_the_one_that_a_deposit_stores()
        {
            foreach (var body in new[] { Encoding.UTF8.GetBytes("{\"a\":\"\\\"}{[\\\\\"}\n\u0001 \u20ac\U0001F600"), new byte[] { 0, 255, 128, 1 }, new byte[0] })
                using (var world = new World())
                using (var message = new OutboxMessage("topic \"with\" {brackets}, and more", body) { Id = "one", PartitionKey = "k\\\"ey" })
                {
                    if (body.Contains((byte)255))
                        message.ContentType = "application/octet-stream";
                    message["bag.tenant"] = "a \"tenant\", {x}";
                    message["created_at"] = "2026-11-30T06:00:00.123Z";
                    var action = world.Client.ToTransactWriteItem(message);
                    world.Client.DepositPost(message);
                    var stored = world.Client.GetItem("brighter_outbox", new Item { ["MessageId"] = "one" });
                    Check.Equal(stored.ToJson(), action.Put.Item.ToItem().ToJson());
                    Check.Equal("brighter_outbox", action.Put.TableName);
                    Check.Equal("attribute_not_exists(MessageId)", action.Put.ConditionExpression);
                    using (var read = world.Client.GetMessage("one"))
                        Check.Same(body, read.GetBody());
                }
        }

        public static void Every_member_of_a_put_of_a_newer_library_is_in_the_action_or_an_error()
        {
            const string Put = "\"TableName\":\"t\",\"Item\":{\"MessageId\":{\"S\":\"one\"}},\"ConditionExpression\":\"#id <> :id\"";
            var put = ReturnsPut.Create("{\"Put\":{" + Put + ",\"ExpressionAttributeNames\":{\"#id\":\"Message\\\"Id\"},"
                + "\"ExpressionAttributeValues\":{\":id\":{\"N\":\"7\"}},\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}}").ToTransactWriteItem(null).Put;
            Check.Same(new[] { "t", "one", "#id <> :id" }, new[] { put.TableName, put.Item["MessageId"].S, put.ConditionExpression });
            Check.Equal("#id=Message\"Id", put.ExpressionAttributeNames.Single().Key + "=" + put.ExpressionAttributeNames.Single().Value);
            Check.Equal(":id=7", put.ExpressionAttributeValues.Single().Key + "=" + put.ExpressionAttributeValues.Single().Value.N);
            Check.Equal("ALL_OLD", put.ReturnValuesOnConditionCheckFailure.Value);
            foreach (var (json, member) in new[] { ("{\"Put\":{" + Put + ",\"Ttl\":{\"a\":[1]}}}", "Put.Ttl"), ("{\"Put\":{" + Put + "},\"Token\":\"a\"}", "Token") })
                Check.Contains("member " + member + ",", Check.Throws<NotSupportedException>(() => ReturnsPut.Create(json).ToTransactWriteItem(null)).Message);
        }

        public static void A_failed_condition_of_the_program_is_no_duplicate()
        {
            using (var world = new World())
            using (var message = Message("greeting-1"))
            {
                var person = Person("Ada");
                person.Put.ConditionExpression = "attribute_exists(Greetings)";
                var request = Request(world.Client.ToTransactWriteItem(message), person);
                var error = world.Client.CancellationError(request.TransactItems, Throws(world, request));
                Check.Equal(PostboxErrorCode.TransactionCanceled, error.Code);
                var reason = error.Reasons.Single();
                Check.Equal(1, reason.Index);
                Check.Equal("Put People", reason.Subject);
                Check.Equal("ConditionalCheckFailed", reason.Code);
                Check.That(world.Client.GetMessage("greeting-1") == null, "the message was stored");
            }
        }

        public static void Reasons_of_every_action_and_of_none_are_understood()
        {
            using (var world = new World())
            {
                var key = Key("Ada");
                var actions = new List<TransactWriteItem>
                {
                    new TransactWriteItem { Update = new Update { TableName = "A\"B", Key = key } },
                    new TransactWriteItem { Delete = new Delete { TableName = "Bees", Key = key } },
                    new TransactWriteItem { ConditionCheck = new ConditionCheck { TableName = "Cees", Key = key } },
                    new TransactWriteItem { Put = new Put { TableName = "brighter_outbox", Item = Key("no id") } },
                };
                var canceled = new TransactionCanceledException("canceled")
                {
                    CancellationReasons = new[] { "TransactionConflict", "ThrottlingError", "None", "ConditionalCheckFailed" }
                        .Select(code => new CancellationReason { Code = code, Message = code == "None" ? null : "because \"" + code + "\"" }).ToList(),
                };
                var error = world.Client.CancellationError(actions, canceled);
                Check.Same(
                    new[] { "0 Update A\"B TransactionConflict", "1 Delete Bees ThrottlingError", "3 Put brighter_outbox ConditionalCheckFailed" },
                    error.Reasons.Select(reason => reason.Index + " " + reason.Subject + " " + reason.Code));
                Check.Contains("because \"TransactionConflict\"", error.Reasons[0].Message);

                canceled.CancellationReasons = null;
                Check.Equal(PostboxErrorCode.TransactionCanceled, world.Client.CancellationError(actions, canceled).Code);
                Check.Throws<ArgumentNullException>(() => world.Client.CancellationError(null, canceled));
                Check.Throws<ArgumentNullException>(() => world.Client.CancellationError(actions, null));
            }
        }

        public static void A_unit_of_work_takes_all_actions_of_the_sdk_with_all_their_fields()
        {
            using (var world = new World())
            {
                foreach (var name in new[] { "updated", "deleted", "checked" })
                    world.Client.EmbeddedExecute("PutItem", "{\"TableName\":\"People\",\"Item\":{\"Name\":{\"S\":\"" + name + "\"},\"Age\":{\"N\":\"36\"}}}");
                using (var work = world.Client.BeginUnitOfWork())
                using (var message = Message("greeting-1"))
                {
                    work.Add(new TransactWriteItem
                    {
                        Put = new Put
                        {
                            TableName = "People", Item = Person("put").Put.Item, ConditionExpression = "attribute_not_exists(#n) AND :one = :one",
                            ExpressionAttributeNames = Names(("#n", "Name")), ExpressionAttributeValues = Number(":one", "1"),
                        },
                    });
                    work.Add(new TransactWriteItem
                    {
                        Update = new Update
                        {
                            TableName = "People", Key = Key("updated"), UpdateExpression = "ADD #a :one", ConditionExpression = "#a = :old",
                            ExpressionAttributeNames = Names(("#a", "Age")),
                            ExpressionAttributeValues = new Dictionary<string, AttributeValue>
                            {
                                [":one"] = new AttributeValue { N = "1" }, [":old"] = new AttributeValue { N = "36" },
                            },
                        },
                    });
                    work.Add(new TransactWriteItem
                    {
                        Delete = new Delete
                        {
                            TableName = "People", Key = Key("deleted"), ConditionExpression = "#a = :old",
                            ExpressionAttributeNames = Names(("#a", "Age")), ExpressionAttributeValues = Number(":old", "36"),
                        },
                    });
                    work.Add(new TransactWriteItem
                    {
                        ConditionCheck = new ConditionCheck
                        {
                            TableName = "People", Key = Key("checked"), ConditionExpression = "#a = :old",
                            ExpressionAttributeNames = Names(("#a", "Age")), ExpressionAttributeValues = Number(":old", "36"),
                        },
                    });
                    work.DepositPost(message);
                    work.Commit();
                }
                Check.Equal("put", world.Client.GetItem("People", Key("put"))["Name"].S);
                Check.Equal("37", world.Client.GetItem("People", Key("updated"))["Age"].N);
                Check.That(world.Client.GetItem("People", Key("deleted")) == null, "the item was not deleted");
                Check.Equal("36", Wait.For(world.Client.GetItemAsync("People", Key("checked"), CancellationToken.None))["Age"].N);
            }
        }

        public static void Each_action_with_a_failed_condition_returns_the_item_that_it_asks_for()
        {
            var failing = new Func<string, TransactWriteItem>[]
            {
                name => new TransactWriteItem { Put = new Put { TableName = "People", Item = Key(name), ConditionExpression = "Age = :no",
                    ExpressionAttributeValues = Number(":no", "1"), ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD } },
                name => new TransactWriteItem { Update = new Update { TableName = "People", Key = Key(name), UpdateExpression = "REMOVE Age",
                    ConditionExpression = "Age = :no", ExpressionAttributeValues = Number(":no", "1"),
                    ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD } },
                name => new TransactWriteItem { Delete = new Delete { TableName = "People", Key = Key(name), ConditionExpression = "Age = :no",
                    ExpressionAttributeValues = Number(":no", "1"), ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD } },
                name => new TransactWriteItem { ConditionCheck = new ConditionCheck { TableName = "People", Key = Key(name), ConditionExpression = "Age = :no",
                    ExpressionAttributeValues = Number(":no", "1"), ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD } },
                name => new TransactWriteItem { Delete = new Delete { TableName = "People", Key = Key(name), ConditionExpression = "Age = :no",
                    ExpressionAttributeValues = Number(":no", "1"), ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.NONE } },
            };
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                for (var i = 0; i < failing.Length; i++)
                {
                    world.Client.EmbeddedExecute("PutItem", "{\"TableName\":\"People\",\"Item\":{\"Name\":{\"S\":\"" + i + "\"},\"Age\":{\"N\":\"36\"}}}");
                    work.Add(failing[i](i.ToString()));
                }
                var failure = Check.Throws<PostboxTransactionCanceledException>(work.Commit);
                Check.Same(new[] { "36", "36", "36", "36", null }, failure.Reasons.Select(reason => reason.StoredItem?.ToAttributeMap()["Age"].N));
            }
        }

        public static void Invalid_actions_are_rejected_and_leave_the_unit_of_work_as_it_was()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                var person = Person("Ada");
                Check.Throws<ArgumentNullException>(() => work.Add(default(TransactWriteItem)));
                Check.Throws<ArgumentException>(() => work.Add(new TransactWriteItem()));
                Check.Throws<ArgumentException>(() => work.Add(new TransactWriteItem { Put = person.Put, Delete = new Delete { TableName = "People", Key = Key("Ada") } }));
                Check.Throws<ArgumentNullException>(() => work.Add(new TransactWriteItem { Put = new Put { Item = Key("Ada") } }));
                Check.Throws<ArgumentException>(() => work.Add(Put("Ada", "Age", new AttributeValue())));
                Check.That(Rejects(() => work.Add(new TransactWriteItem { Update = new Update { TableName = "People", Key = Key("Ada") } })), "an update of nothing was added");
                Check.That(Rejects(() => work.Add(Put("Ada", "Body", new AttributeValue(new string('x', 400 * 1024))))), "an item of 400 KB was added");
                work.Add(person);
                work.Commit();
                Check.Equal(1, world.Client.GetItem("People", Key("Ada")).Count);
            }
        }

        public static void A_unit_of_work_reads_items_of_the_sdk()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                Check.That(work.GetItem("People", Key("Ada")) == null, "there is an item");
                Check.That(Wait.For(world.Client.GetItemAsync("People", Key("Ada"))) == null, "there is an item");
                world.Client.EmbeddedExecute("PutItem", "{\"TableName\":\"People\",\"Item\":{\"Name\":{\"S\":\"Ada\"}}}");
                Check.Equal("Ada", work.GetItem("People", Key("Ada"))["Name"].S);
                Check.Equal("Ada", Wait.For(work.GetItemAsync("People", Key("Ada")))["Name"].S);
                Check.Throws<ArgumentNullException>(() => work.GetItem("People", default(Dictionary<string, AttributeValue>)));
            }
        }

        private static OutboxMessage Message(string id) => new OutboxMessage(World.Topic, "{\"name\":\"Ada\"}") { Id = id };

        private static TransactWriteItemsRequest Request(params TransactWriteItem[] actions) => new TransactWriteItemsRequest { TransactItems = actions.ToList() };

        private static TransactionCanceledException Throws(World world, TransactWriteItemsRequest request) =>
            Check.Throws<TransactionCanceledException>(() => Dynamo.TransactWriteItems(world.Client, request));

        private static Dictionary<string, AttributeValue> Key(string name) => new Dictionary<string, AttributeValue> { ["Name"] = new AttributeValue(name) };

        private static TransactWriteItem Person(string name) => new TransactWriteItem { Put = new Put { TableName = "People", Item = Key(name) } };

        private static TransactWriteItem Put(string name, string attribute, AttributeValue value)
        {
            var action = Person(name);
            action.Put.Item[attribute] = value;
            return action;
        }

        private static Dictionary<string, string> Names(params (string Placeholder, string Name)[] names) => names.ToDictionary(name => name.Placeholder, name => name.Name);

        private static Dictionary<string, AttributeValue> Number(string placeholder, string digits) =>
            new Dictionary<string, AttributeValue> { [placeholder] = new AttributeValue { N = digits } };

        private static bool Rejects(Action action)
        {
            try
            {
                action();
                return false;
            }
            catch (PostboxException)
            {
                return true;
            }
        }
    }

    /// <summary>A client of another version of the native library.</summary>
    public class ReturnsPut : DispatchProxy
    {
        private string json;

        internal static IPostbox Create(string json)
        {
            var client = Create<IPostbox, ReturnsPut>();
            ((ReturnsPut)(object)client).json = json;
            return client;
        }

        /// <inheritdoc/>
        protected override object Invoke(MethodInfo method, object[] arguments) =>
            method.Name == nameof(IPostbox.MessageToPut) ? json : throw new NotSupportedException(method.Name);
    }
}
