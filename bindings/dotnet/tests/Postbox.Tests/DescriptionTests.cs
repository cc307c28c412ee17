using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using Postbox.Brighter;

namespace Postbox.Tests
{
    /// <summary>The texts of objects, and the objects that the tests of a program create.</summary>
    public static class DescriptionTests
    {
        private static IEnumerable<Type> PublicClasses => new[] { typeof(PostboxClient), typeof(CommandProcessor) }
            .SelectMany(type => type.Assembly.GetExportedTypes())
            .Where(type => type.IsClass && !(type.IsAbstract && type.IsSealed) && !typeof(Delegate).IsAssignableFrom(type) && !typeof(Attribute).IsAssignableFrom(type));

        public static void Every_class_has_a_text_of_its_own()
        {
            Check.Same(new Type[0], PublicClasses.Where(type => type.GetMethod("ToString", Type.EmptyTypes).DeclaringType == typeof(object)));
        }

        public static void Every_result_and_every_exception_can_be_created()
        {
            // A mock replaces them, or the program has them from a call that it makes.
            var replaced = new[] { typeof(PostboxClient), typeof(UnitOfWork), typeof(HeldLease), typeof(SendResult) };
            Check.Same(new Type[0], PublicClasses.Except(replaced).Where(type => type.GetConstructors().Length == 0));
            foreach (var type in PublicClasses.Where(type => typeof(Exception).IsAssignableFrom(type)))
                foreach (var parameters in new[] { Type.EmptyTypes, new[] { typeof(string) }, new[] { typeof(string), typeof(Exception) } })
                    Check.That(type.GetConstructor(parameters) != null, type + " lacks a constructor with " + parameters.Length + " parameters");
        }

        public static void Exceptions_that_a_test_creates_are_like_those_of_the_library()
        {
            var reasons = new[] { new Reason(1, "Put People", "ConditionalCheckFailed", "the condition was not met", "{}", new Item()) };
            var inner = new InvalidOperationException();
            var failure = new PostboxException(PostboxErrorCode.Throttled, "throttled", true, reasons, inner);
            Check.Equal("Throttled True throttled Put People: ConditionalCheckFailed: the condition was not met", Shown(failure));
            Check.That(failure.InnerException == inner, "the inner exception is lost");
            Check.Equal("Internal False m ", Shown(new PostboxException("m")));
            Check.Equal("Unreachable True m ", Shown(new PostboxRetryableException("m", inner)));
            Check.Equal("OutcomeUnknown True m ", Shown(new PostboxRetryableException(PostboxErrorCode.OutcomeUnknown, "m")));
            Check.Equal("TransactionCanceled False m ", Shown(new PostboxTransactionCanceledException("m")));
            Check.Equal("TransactionCanceled True m ", Shown(new PostboxTransactionCanceledException("m", true)));
            Check.Equal("DuplicateMessage False m ", Shown(new DuplicateMessageException("m")));
            foreach (var type in PublicClasses.Where(type => typeof(PostboxException).IsAssignableFrom(type)))
                Check.That(((PostboxException)Activator.CreateInstance(type)).Message.Length > 10, type + " has no message");
        }

        private static string Shown(PostboxException failure) => failure.Code + " " + failure.IsRetryable + " " + failure.Message + " " + string.Join(", ", failure.Reasons);

        public static void Results_say_what_they_contain()
        {
            var time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
            Check.Equal("Sent", SendResult.Sent.ToString());
            Check.Equal("Retry: the broker is down", SendResult.Retry("the broker is down").ToString());
            var report = new Report(new[] { new MessageReport("a", Outcome.Dispatched), new MessageReport("b", Outcome.Failed, "the broker is down") });
            Check.Equal("2 messages, 1 failed", report.ToString());
            Check.Equal("b: Failed: the broker is down", report[1].ToString());
            Check.Equal("5 found, 3 dispatched, 0 already dispatched, 1 failed, 1 held back, lease Held", new SweepResult(5, 3, failed: 1, heldBack: 1).ToString());
            Check.Equal("3 outstanding, oldest 00:01:00", new OutstandingCount(3, TimeSpan.FromMinutes(1)).ToString());
            Check.Equal("2 archived, 1 failed, lease HeldElsewhere", new ArchiveResult(2, 1, LeaseStatus.HeldElsewhere).ToString());
            Check.Equal("1 deposited, 2 dispatched, 3 failed, 4 parked, 7 background failures, 8 open breakers", new PostboxStats(1, 2, 3, 4, 5, 6, 7, 8, 9).ToString());
            Check.Equal("orders: 3 outstanding, 1 failing, 20 dispatched, 2 parked", new TopicCount("orders", 3, time, 20, 2, failing: 1).ToString());
            Check.Equal("sweep: held by h-1, until 2026-01-02 03:04:05Z", new LeaseInfo("sweep", "h-1", time).ToString());
            Check.Equal("h-1: last sweep 2026-01-02 03:04:05Z, last error: no", new SweeperInfo("h-1", "0.1.0", new[] { "t" }, time, lastError: "no").ToString());
            Check.Equal("a: no body", new MalformedMessage("a", "no body").ToString());
            var results = new SendResults(3);
            results[1] = SendResult.Sent;
            Check.Equal("1 of 3 results", results.ToString());
            Check.Throws<ArgumentOutOfRangeException>(() => new SendResults(-1));
        }

        public static void Inputs_say_what_they_contain()
        {
            Check.Equal("all messages", new Selection().ToString());
            Check.Equal("topic t, without topics u, older than 00:01:00, limit 5", new Selection { Topic = "t", WithoutTopics = { "u" }, OlderThan = TimeSpan.FromMinutes(1), Limit = 5 }.ToString());
            Check.Equal("Item (Name, Secret)", new Item { ["Name"] = "Ada", ["Secret"] = "hidden" }.ToString());
            Check.Equal("SET a = :b IF c = :d", new ItemExpression { Update = "SET a = :b", Condition = "c = :d", Values = { [":b"] = "hidden" } }.ToString());
            using (var config = new PostboxConfig().Set("region", "eu-west-1").Set("access_key_id", "hidden").Set("secret_access_key", "hidden"))
                Check.Equal("PostboxConfig (table brighter_outbox, region eu-west-1)", config.ToString());
            var message = new OutboxMessage("t", "hidden") { Id = "a" };
            Check.Equal("a t (6 bytes)", message.ToString());
            message.Dispose();
            Check.Equal("OutboxMessage (disposed)", message.ToString());
        }

        public static void A_client_and_its_objects_say_what_they_are()
        {
            var world = new World();
            Check.Equal("PostboxClient (table brighter_outbox, embedded database :memory:)", world.Client.ToString());
            using (var work = world.Client.BeginUnitOfWork())
            {
                work.Put("People", new Item { ["Name"] = "Ada" });
                work.Put("People", World.Person("Grace"));
                work.DepositPost(new OutboxMessage("t", "x"));
                Check.Fails(PostboxErrorCode.DuplicateItem, () => work.Put("People", World.Person("Ada")));
                Check.Equal("UnitOfWork (3 actions)", work.ToString());
                work.Commit();
                work.Dispose();
                Check.Equal("UnitOfWork (disposed)", work.ToString());
            }
            world.Deposit();
            using (var page = world.Client.ListMessages(MessageState.Outstanding, World.Topic, 1))
                Check.Equal("1 message, more follow", page.ToString());
            using (var page = world.Client.GetMessages("nobody"))
                Check.Equal("0 messages, 1 missing", page.ToString());
            using (var brighter = new DynamoDbUnitOfWork(world.Client))
                Check.Equal("DynamoDbUnitOfWork (no transaction)", brighter.ToString());
            using (var lease = world.Client.ObtainLease("job", TimeSpan.FromMinutes(1)))
                Check.Equal("brighter_outbox_job (held)", lease.ToString());
            world.Dispose();
            Check.Equal("PostboxClient (disposed)", world.Client.ToString());
        }

        public static void A_page_that_a_test_creates_has_its_messages()
        {
            var message = new OutboxMessage("t", "x");
            var page = new MessagePage(new[] { message }, "cursor", new[] { new MalformedMessage("b", "no body") }, new[] { "c" });
            Check.Equal("1 message, 1 malformed, 1 missing, more follow", page.ToString());
            Check.Equal("cursor", page.Next);
            Check.Equal("x", page[0].BodyText);
            page.Dispose();
            Check.Throws<ObjectDisposedException>(() => message.GetBody());
        }

        public static void A_handler_is_tested_with_an_injected_error()
        {
            var postbox = DispatchProxy.Create<IPostbox, Failing>();
            Check.Equal("try again", Wait.For(Handle(postbox)));
        }

        private static async Task<string> Handle(IPostbox postbox)
        {
            try
            {
                using (var message = new OutboxMessage("t", "x"))
                    await postbox.DepositPostAsync(message);
                return "done";
            }
            catch (PostboxException failure) when (failure.IsRetryable)
            {
                return "try again";
            }
        }

        /// <summary>A Postbox whose calls fail.</summary>
        public class Failing : DispatchProxy
        {
            protected override object Invoke(MethodInfo method, object[] arguments)
            {
                return Task.FromException<string>(new PostboxRetryableException(PostboxErrorCode.Throttled, "throttled"));
            }
        }
    }
}
