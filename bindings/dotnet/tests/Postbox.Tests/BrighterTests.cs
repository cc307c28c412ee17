using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Postbox.Brighter;

namespace Postbox.Tests
{
    public static class BrighterTests
    {
        private sealed class GreetingMade
        {
            internal string Text = "hello";
        }

        public static void A_commit_writes_and_clearing_sends()
        {
            using (var world = new World())
            using (var unitOfWork = new DynamoDbUnitOfWork(world.Client))
            {
                var processor = Processor(world);
                Check.That(!unitOfWork.HasOpenTransaction, "no transaction was asked for yet");
                unitOfWork.BeginOrGetTransaction().Put("People", World.Person("Ada"));
                var id = processor.DepositPost(new GreetingMade(), unitOfWork);
                Check.That(unitOfWork.HasOpenTransaction, "the transaction is open");
                unitOfWork.Commit();
                Check.That(!unitOfWork.HasOpenTransaction, "the transaction is over");
                processor.ClearOutbox(id);
                Check.Same(new[] { id }, world.Sent);
                Check.Equal(World.Person("Ada"), world.Client.GetItem("People", World.Person("Ada")));
                Check.Throws<InvalidOperationException>(unitOfWork.Commit);
            }
        }

        public static void A_rollback_writes_and_sends_nothing()
        {
            using (var world = new World())
            using (var unitOfWork = new DynamoDbUnitOfWork(world.Client))
            {
                var id = Processor(world).DepositPost(new GreetingMade(), unitOfWork);
                unitOfWork.Rollback();
                unitOfWork.Rollback();
                Check.Equal(null, world.StateOf(id));
                unitOfWork.BeginOrGetTransaction().Put("People", World.Person("Ada"));
                unitOfWork.Commit();
                Check.Equal(null, world.StateOf(id));
            }
        }

        public static void Requests_are_deposited_and_posted_outside_of_a_transaction()
        {
            using (var world = new World())
            {
                var processor = Processor(world);
                processor.ClearOutbox(processor.DepositPost(new GreetingMade()));
                processor.ClearOutbox(processor.DepositPosts(new[] { new GreetingMade(), new GreetingMade() }));
                processor.Post(new GreetingMade());
                Check.Equal(4, world.Sent.Count);
                Check.Contains("MapMessages<String>", Check.Throws<InvalidOperationException>(() => processor.Post("no mapper")).Message);
            }
        }

        public static void A_handler_awaits_every_call()
        {
            using (var world = new World())
                Wait.For(Handle(world));
        }

        private static async Task Handle(World world)
        {
            var processor = Processor(world);
            string id;
            await using (var unitOfWork = new DynamoDbUnitOfWork(world.Client))
            {
                unitOfWork.BeginOrGetTransaction().Put("People", World.Person("Ada"));
                id = processor.DepositPost(new GreetingMade(), unitOfWork);
                await unitOfWork.CommitAsync();
                Check.That(!unitOfWork.HasOpenTransaction, "the transaction is open");
                Check.Throws<InvalidOperationException>(() => Wait.For(unitOfWork.CommitAsync()));
                unitOfWork.BeginOrGetTransaction().Put("People", World.Person("Grace"));
            }
            Check.Equal(null, world.Client.GetItem("People", World.Person("Grace")));
            Check.Equal(1, (await processor.ClearOutboxAsync(id)).Count);
            var others = new List<string> { await processor.DepositPostAsync(new GreetingMade()) };
            others.AddRange(await processor.DepositPostsAsync(new[] { new GreetingMade(), new GreetingMade() }));
            Check.Equal(0, (await processor.ClearOutboxAsync(others)).FailureCount);
            Check.Equal(Outcome.Dispatched, (await processor.PostAsync(new GreetingMade())).Single().Outcome);
            Check.Equal(5, world.Sent.Count);
            Check.Throws<InvalidOperationException>(() => Wait.For(processor.DepositPostsAsync(new[] { "no mapper" })));
        }

        private static CommandProcessor Processor(World world)
        {
            return new CommandProcessor(world.Client).MapMessages<GreetingMade>(request => new OutboxMessage(World.Topic, request.Text));
        }
    }
}
