using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    /// <summary>The interfaces, with which the tests of a program replace Postbox, and the client in memory.</summary>
    public static class InterfaceTests
    {
        private const BindingFlags OfTheType = BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly;

        public static void Every_call_is_in_the_interface()
        {
            // The database in memory, which a program uses in tests only.
            Check.Same(new[] { "String EmbeddedExecute(String, String)" }, Missing(typeof(PostboxClient), typeof(IPostbox)));
            Check.Same(new string[0], Missing(typeof(UnitOfWork), typeof(IUnitOfWork)));
            Check.Same(new string[0], Missing(typeof(HeldLease), typeof(IHeldLease)));
        }

        private static IEnumerable<string> Missing(Type type, Type contract)
        {
            var declared = contract.GetInterfaces().Concat(new[] { contract }).SelectMany(part => part.GetMethods()).Select(SignatureOf).ToList();
            return type.GetMethods(OfTheType).Where(method => method.GetBaseDefinition().DeclaringType == type).Select(SignatureOf).Except(declared);
        }

        /// <summary>A method with its types. The types of units of work and of leases are those of the interfaces.</summary>
        private static string SignatureOf(MethodInfo method)
        {
            var result = method.ReturnType.ToString().Replace("Postbox.IUnitOfWork", "Postbox.UnitOfWork").Replace("Postbox.IHeldLease", "Postbox.HeldLease");
            return result.Split('.').Last() + " " + method.Name + "(" + string.Join(", ", method.GetParameters().Select(parameter => parameter.ParameterType.ToString().Split('.').Last())) + ")";
        }

        public static void A_handler_runs_on_the_client_in_memory()
        {
            var sent = new List<string>();
            using (var config = PostboxConfig.InMemory().AddProducer("greeting.made", message =>
            {
                sent.Add(message.BodyText);
                return SendResult.Sent;
            }))
            using (var client = config.Open())
            using (var other = config.Open())
            {
                client.EmbeddedExecute("CreateTable", World.PeopleTable);
                Wait.For(Greet(client, "Ada"));
                Check.Same(new[] { "Ada was greeted" }, sent);
                // A sweep waits for no age.
                client.DepositPost(new OutboxMessage("greeting.made", "swept"));
                Check.Equal(1L, client.Sweep().Dispatched);
                // Every client has a database of its own.
                Check.Equal(0L, other.CountMessages(MessageState.Dispatched));
            }
        }

        public static void A_client_is_opened_in_one_statement()
        {
            using (var client = PostboxClient.Open(config => config.Set("embedded_path", ":memory:").AddProducer("t", message => SendResult.Sent)))
                Check.Equal(Outcome.Dispatched, Wait.For(client.PostAsync(new OutboxMessage("t", "x"))).Single().Outcome);
            PostboxConfig kept = null;
            Check.Fails(PostboxErrorCode.UnknownName, () => PostboxClient.Open(config =>
            {
                kept = config;
                config.Set("nothing", "x");
            }));
            Check.Throws<ObjectDisposedException>(() => kept.Open());
            Check.Throws<ArgumentNullException>(() => PostboxClient.Open(null));
        }

        /// <summary>A handler as a program has it, which only knows the interfaces.</summary>
        private static async Task Greet(IPostbox postbox, string name)
        {
            string id;
            await using (var work = postbox.BeginUnitOfWork())
            using (var message = new OutboxMessage("greeting.made", name + " was greeted"))
            {
                work.Put("People", new Item { ["Name"] = name, ["Greetings"] = 1 });
                id = work.DepositPost(message);
                await work.CommitAsync();
            }
            await postbox.ClearOutboxAsync(id);
        }

        public static void Ids_are_passed_as_arguments_or_as_a_list()
        {
            using (var world = new World())
                Wait.For(PassIds(world.Client, new List<string> { world.Deposit(), world.Deposit() }));
        }

        private static async Task PassIds(IPostbox postbox, List<string> ids)
        {
            postbox.ClearOutbox(ids);
            postbox.ClearOutbox(ids[0], ids[1]);
            postbox.Replay(ids);
            postbox.Replay(ids[0]);
            postbox.MarkDispatched(ids);
            postbox.MarkDispatched(ids[0]);
            postbox.MarkDispatchedAt(ids, DateTimeOffset.UtcNow);
            postbox.MarkDispatchedAt(DateTimeOffset.UtcNow, ids[0], ids[1]);
            postbox.NotifyCommitted(ids);
            postbox.NotifyCommitted(ids[0]);
            using (var page = postbox.GetMessages(ids))
            using (var same = postbox.GetMessages(ids[0], ids[1]))
                Check.Same(page.Select(message => message.Id), same.Select(message => message.Id));
            Check.Equal(2, (await postbox.ReplayAsync(ids)).Count);
            Check.Equal(2, (await postbox.ClearOutboxAsync(ids)).Count);
            Check.Equal(1, (await postbox.ReplayAsync(ids[0])).Count);
            Check.Equal(2, (await postbox.ClearOutboxAsync(ids[0], ids[1])).Count);
            Check.Equal(2, (await postbox.MarkDispatchedAsync(ids)).Count);
            Check.Equal(1, (await postbox.MarkDispatchedAsync(ids[0])).Count);
            Check.Equal(2, (await postbox.MarkDispatchedAtAsync(ids, DateTimeOffset.UtcNow)).Count);
            Check.Equal(1, (await postbox.MarkDispatchedAtAsync(DateTimeOffset.UtcNow, ids[0])).Count);
            using (var page = await postbox.GetMessagesAsync(ids))
            using (var same = await postbox.GetMessagesAsync(ids[0], ids[1]))
                Check.Equal(2, page.Count + same.Count - 2);
        }

        public static void An_asynchronous_disposal_waits_for_producers_without_a_thread_of_the_pool()
        {
            using (var called = new ManualResetEventSlim())
            using (var release = new ManualResetEventSlim())
            {
                var world = new World(config => config.Set("close_timeout_ms", TimeSpan.FromMinutes(10)), message =>
                {
                    called.Set();
                    Wait.For(release, "the release of the producer");
                    return SendResult.Sent;
                });
                var clear = world.Client.ClearOutboxAsync(world.Deposit());
                Wait.For(called, "the call of the producer");
                OperationTests.WithFourThreads(() =>
                {
                    var disposal = world.Client.DisposeAsync().AsTask();
                    Wait.UntilClosed(world.Client);
                    Wait.For(Task.Run(() => Check.That(!disposal.IsCompleted, "the disposal did not wait")));
                    release.Set();
                    Wait.For(disposal);
                });
                Check.Equal(Outcome.Dispatched, Wait.For(clear).Single().Outcome);
                Check.Throws<ObjectDisposedException>(() => world.Deposit());
                Check.That(world.Client.DisposeAsync().IsCompleted, "the second disposal waits");
            }
        }

        public static void A_producer_may_await_the_disposal_of_its_client()
        {
            using (var disposed = new ManualResetEventSlim())
            {
                World world = null;
                var waits = true;
                // If the client waited for its own producer, it would wait longer than the test.
                world = new World(config => config.Set("close_timeout_ms", TimeSpan.FromMinutes(10)), message =>
                {
                    waits = !world.Client.DisposeAsync().IsCompleted;
                    disposed.Set();
                    return SendResult.Sent;
                });
                world.Deposit();
                world.Client.StartSweeper();
                Wait.For(disposed, "the disposal");
                Check.That(!waits, "the disposal waits for its caller");
            }
        }

        public static void A_lease_is_released_by_an_asynchronous_disposal()
        {
            using (var world = new World())
                Wait.For(ObtainTwice(world.Client));
        }

        private static async Task ObtainTwice(IPostbox postbox)
        {
            var minute = TimeSpan.FromMinutes(1);
            await using (var lease = await postbox.ObtainLeaseAsync("report", minute))
                Check.That(await postbox.ObtainLeaseAsync("report", minute) == null, "the lease has two holders");
            var next = postbox.ObtainLease("report", minute);
            await next.DisposeAsync();
            await next.DisposeAsync();
            Check.That(!next.IsHeld, "the lease was disposed of");
            var last = await postbox.ObtainLeaseAsync("report", minute);
            postbox.Close();
            await last.DisposeAsync();
        }
    }
}
