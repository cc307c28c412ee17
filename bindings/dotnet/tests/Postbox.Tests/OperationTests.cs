using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    /// <summary>The asynchronous methods, which wait for DynamoDB without a thread.</summary>
    public static class OperationTests
    {
        public static void A_commit_and_a_clear_are_awaited()
        {
            using (var world = new World())
                Wait.For(CommitAndClear(world));
        }

        private static async Task CommitAndClear(World world)
        {
            string id;
            var key = new Item { ["Name"] = "Ada" };
            using (var work = world.Client.BeginAsyncUnitOfWork())
            using (var message = new OutboxMessage(World.Topic, "Hello"))
            {
                Check.That(await work.GetItemAsync("People", key) == null, "the item exists");
                work.Put("People", new Item { ["Name"] = "Ada", ["Greetings"] = 1 });
                id = work.DepositPost(message);
                await work.CommitAsync();
                Check.Equal(1, (await work.GetItemAsync("People", key)).Get<int>("Greetings"));
                Check.Contains("\"N\":\"1\"", await work.GetItemAsync("People", key.ToJson()));
            }
            Check.Equal(Outcome.Dispatched, (await world.Client.ClearOutboxAsync(new[] { id })).Single().Outcome);
            Check.Same(new[] { id }, world.Sent);
        }

        public static void Every_call_that_waits_for_the_database_has_an_asynchronous_form()
        {
            using (var world = new World())
                Wait.For(CallEverything(world.Client));
        }

        private static async Task CallEverything(PostboxClient client)
        {
            await client.CreateTableAsync();
            Check.That(await client.VerifyTableAsync(), "the table has no causation index");
            Check.Same(client.GetTableWarnings(), await client.GetTableWarningsAsync());

            var messages = new[] { new OutboxMessage("t", "1"), new OutboxMessage("t", "2"), new OutboxMessage("t", "3") { CausationId = "c" } };
            var ids = await client.DepositPostsAsync(messages);
            Check.Same(messages.Select(message => message.Id), ids);
            Check.Equal(messages[0].Id, await client.DepositPostAsync(messages[0]));
            Check.Equal(3L, (await client.CountOutstandingAsync("t")).Count);

            var nobody = new[] { "nobody" };
            Check.Same(new[] { Outcome.Dispatched, Outcome.Dispatched }, Outcomes(await client.MarkDispatchedAsync(ids.Take(2))));
            Check.Same(new[] { Outcome.AlreadyDispatched }, Outcomes(await client.MarkDispatchedAtAsync(ids.Take(1), DateTimeOffset.UtcNow)));
            Check.Same(new[] { Outcome.NotFound }, Outcomes(await client.MarkDispatchedAsync(nobody, false)));
            Check.Same(new[] { Outcome.NotFound }, Outcomes(await client.MarkDispatchedAtAsync(nobody, DateTimeOffset.UtcNow, false)));
            Check.Same(new[] { Outcome.NotFound }, Outcomes(await client.ReplayAsync(nobody, false)));
            Check.Fails(PostboxErrorCode.ClearIncomplete, () => Wait.For(client.MarkDispatchedAsync(nobody)));

            using (var page = await client.ListMessagesAsync(MessageState.Dispatched, "t", 10))
                Check.Same(ids.Take(2).OrderBy(id => id), page.Select(message => message.Id).OrderBy(id => id));
            Check.Same(new[] { Outcome.Replayed }, Outcomes(await client.ReplayAsync(ids.Take(1))));
            Check.Same(ids.Skip(2), (await client.ReplayCausationAsync("c")).Select(message => message.Id));
            Check.That(await client.DeleteMessageAsync(ids[1], MessageState.Dispatched), "it was not deleted");
            using (var page = await client.GetMessagesAsync(ids))
                Check.Same(new[] { ids[1] }, page.Missing);
            using (var message = await client.GetMessageAsync(ids[0]))
                Check.Equal("1", message.BodyText);
            Check.That(await client.GetMessageAsync("nobody") == null, "nobody has a message");
            Check.Fails(PostboxErrorCode.InvalidArgument, () => Wait.For(client.UnparkAsync(ids[0])));
            Check.That(await client.GetItemAsync("People", World.Person("Ada")) == null, "Ada exists");
            Check.That(await client.GetItemAsync("People", new Item { ["Name"] = "Ada" }) == null, "Ada exists");

            await client.ConfirmAsync(ids[0], SendResult.Sent);
            await client.ConfirmManyAsync(new Dictionary<string, SendResult> { { ids[2], SendResult.Sent } });
            Check.Equal(0L, (await client.CountOutstandingAsync()).Count);
            Check.Equal(Outcome.Dispatched, (await client.PostAsync(messages[1])).Single().Outcome);
            await client.StopSweeperAsync();
            await client.StopArchiverAsync();
            await client.CloseAsync();
            await client.CloseAsync(TimeSpan.Zero);
        }

        private static IEnumerable<Outcome> Outcomes(Report report) => report.Select(message => message.Outcome);

        public static void No_blocking_call_lacks_an_asynchronous_form()
        {
            // These methods send no request, or are for development, or start a thread.
            var others = new[]
            {
                "BeginUnitOfWork", "BeginAsyncUnitOfWork", "MessageToPut", "CancellationError", "EmbeddedExecute", "NotifyCommitted",
                "StartSweeper", "StartArchiver", "StartArchiverToFile", "SetCredentials", "GetStats", "GetStatsJson", "ToString",
            };
            foreach (var type in new[] { typeof(PostboxClient), typeof(IPostbox) })
            {
                var methods = type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Select(method => method.Name).Distinct().ToList();
                Check.Same(new string[0], methods.Where(name => !name.EndsWith("Async", StringComparison.Ordinal) && !methods.Contains(name + "Async")).Except(others));
                // The forms with params have another one with a token. The list of an enumeration receives its token.
                Check.Same(new string[0], type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
                    .Where(method => typeof(Task).IsAssignableFrom(method.ReturnType) && !TakesToken(method)).Select(method => method.ToString()));
            }
        }

        private static bool TakesToken(MethodInfo method)
        {
            var last = method.GetParameters().LastOrDefault();
            return last != null && (last.ParameterType == typeof(CancellationToken) || last.IsDefined(typeof(ParamArrayAttribute), false));
        }

        public static void A_token_ends_the_wait_for_the_end_of_a_client_which_continues()
        {
            using (var sends = new ManualResetEventSlim())
            using (var proceed = new ManualResetEventSlim())
            using (var canceled = new CancellationTokenSource())
            using (var world = new World(config => config.Set("sweep_interval_ms", 100), producer: _ =>
            {
                sends.Set();
                Wait.For(proceed, "the end of the wait");
                return SendResult.Sent;
            }))
            {
                world.Deposit();
                world.Client.StartSweeper();
                Wait.For(sends, "a sweep");
                var calls = new[] { world.Client.StopSweeperAsync(canceled.Token), world.Client.CloseAsync(canceled.Token), world.Client.CloseAsync(TimeSpan.FromMinutes(1), canceled.Token) };
                Check.That(!calls.Any(call => call.IsCompleted), "the producer runs");
                canceled.Cancel();
                foreach (var call in calls)
                    Check.Throws<OperationCanceledException>(() => Wait.For(call));
                // A token that is cancelled already does not keep the client from being closed.
                Check.Throws<OperationCanceledException>(() => Wait.For(world.Client.CloseAsync(canceled.Token)));
                Wait.UntilClosed(world.Client);
                proceed.Set();
            }
        }

        public static void Errors_are_exceptions_of_the_task()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            using (var message = new OutboxMessage("t", "x"))
            {
                world.Client.DepositPost(message);
                work.DepositPost(message);
                Check.Throws<DuplicateMessageException>(() => Wait.For(work.CommitAsync()));
                Check.Contains("Nobody", Check.Throws<PostboxException>(() => Wait.For(world.Client.GetItemAsync("Nobody", World.Person("Ada")))).Message);
                foreach (var invalid in new[]
                {
                    world.Client.GetMessageAsync(null), world.Client.DepositPostAsync(null), world.Client.DepositPostsAsync(null), world.Client.PostAsync(null),
                    world.Client.ClearOutboxAsync(null), world.Client.ClearOutboxAsync(new string[] { null }), world.Client.ReplayAsync(null),
                    world.Client.ConfirmAsync("a", null), world.Client.ConfirmManyAsync(null), world.Client.GetItemAsync("People", default(string)),
                    world.Client.GetItemAsync("People", default(Item)), work.GetItemAsync(null, World.Person("Ada")),
                })
                    Check.Throws<ArgumentNullException>(() => Wait.For(invalid));
                Check.Throws<ArgumentOutOfRangeException>(() => Wait.For(world.Client.ListMessagesAsync(MessageState.Parked, null, 0)));
                work.Dispose();
                Check.Throws<ObjectDisposedException>(() => Wait.For(work.CommitAsync()));
                Check.Throws<ObjectDisposedException>(() => Wait.For(work.GetItemAsync("People", World.Person("Ada"))));
                world.Client.Close();
                Check.Fails(PostboxErrorCode.Closed, () => Wait.For(world.Client.GetMessageAsync("a")));
                world.Client.Dispose();
                Check.Throws<ObjectDisposedException>(() => Wait.For(world.Client.GetMessageAsync("a")));
            }
        }

        public static void A_report_has_the_same_error_as_a_blocking_call()
        {
            using (var world = new World(producer: _ => SendResult.Retry("later")))
            {
                var ids = new[] { world.Deposit(), "nobody" };
                var blocking = Check.Fails(PostboxErrorCode.ClearIncomplete, () => world.Client.MarkDispatched("nobody"));
                var awaited = Check.Fails(PostboxErrorCode.ClearIncomplete, () => Wait.For(world.Client.MarkDispatchedAsync(new[] { "nobody" })));
                Check.Equal(blocking.Message, awaited.Message);
                Check.Equal(blocking.IsRetryable, awaited.IsRetryable);
                Check.Same(blocking.Reasons.Select(reason => reason.ToString()), awaited.Reasons.Select(reason => reason.ToString()));
                var failure = Check.Throws<PostboxRetryableException>(() => Wait.For(world.Client.ClearOutboxAsync(ids)));
                Check.Same(new[] { 0, 1 }, failure.Reasons.Select(reason => reason.Index));
                Check.Equal("Failed", failure.Reasons[0].Code);
                Check.Equal(2, Wait.For(world.Client.ClearOutboxAsync(ids, false)).FailureCount);
            }
        }

        public static void Two_hundred_commits_need_no_threads_of_the_pool()
        {
            using (var server = new Server())
            using (var client = server.Open())
                WithFourThreads(() =>
                {
                    var units = Enumerable.Range(0, 200).Select(_ => Deposited(client)).ToList();
                    var commits = units.ConvertAll(work => work.CommitAsync());
                    server.WaitFor(units.Count);
                    // All commits wait, and the pool serves others.
                    Wait.For(Task.Run(() => Check.That(!commits.Any(commit => commit.IsCompleted), "a commit did not wait")));
                    server.Respond();
                    Wait.For(Task.WhenAll(commits));
                    units.ForEach(work => work.Dispose());
                });
        }

        internal static void WithFourThreads(Action action)
        {
            int workers, ports;
            ThreadPool.GetMaxThreads(out workers, out ports);
            Check.That(ThreadPool.SetMaxThreads(Math.Max(4, Environment.ProcessorCount), ports), "the pool cannot be limited");
            try
            {
                action();
            }
            finally
            {
                ThreadPool.SetMaxThreads(workers, ports);
            }
        }

        public static void A_commit_that_is_cancelled_can_be_committed_again()
        {
            using (var server = new Server())
            using (var client = server.Open())
            using (var work = Deposited(client))
            using (var source = new CancellationTokenSource())
            {
                var commit = work.CommitAsync(source.Token);
                server.WaitFor(1);
                Check.Fails(PostboxErrorCode.ConcurrentUse, work.Commit);
                source.Cancel();
                Check.Equal(PostboxErrorCode.OutcomeUnknown, IsCanceled(commit, source.Token).Code);
                Check.Fails(PostboxErrorCode.OutcomeUnknown, work.Rollback);
                server.Respond();
                Wait.For(work.CommitAsync());
                Check.Fails(PostboxErrorCode.UnitOfWorkClosed, () => Wait.For(work.CommitAsync()));
            }
        }

        public static void A_token_that_is_cancelled_ends_a_read()
        {
            using (var server = new Server())
            using (var client = server.Open())
            using (var source = new CancellationTokenSource())
            {
                var read = client.GetMessageAsync("a", source.Token);
                server.WaitFor(1);
                source.Cancel();
                Check.Equal(PostboxErrorCode.Canceled, IsCanceled(read, source.Token).Code);
            }
        }

        public static void A_token_ends_every_wait()
        {
            // These call producers or archives, and end after their current request or call, or need no request here.
            var others = new[] { "SweepAsync", "ArchiveAsync", "ArchiveToFileAsync", "GetLocationAsync", "StopSweeperAsync", "StopArchiverAsync", "CloseAsync" };
            var methods = typeof(IPostbox).GetMethods()
                .Where(method => method.GetParameters().LastOrDefault()?.ParameterType == typeof(CancellationToken) && typeof(Task).IsAssignableFrom(method.ReturnType))
                .Where(method => !others.Contains(method.Name)).ToList();
            Check.That(methods.Count > 25, "only " + methods.Count + " methods take a token");
            using (var server = new Server())
            using (var client = server.Open())
                foreach (var method in methods)
                    using (var source = new CancellationTokenSource())
                    {
                        var task = (Task)method.Invoke(client, method.GetParameters().Select(parameter => ArgumentFor(parameter, source.Token)).ToArray());
                        server.WaitFor(1);
                        Check.That(!task.IsCompleted, method + " did not wait");
                        source.Cancel();
                        Check.That(IsCanceled(task, source.Token) != null, method + " has no error of the library");
                    }
        }

        private static object ArgumentFor(ParameterInfo parameter, CancellationToken token)
        {
            var type = parameter.ParameterType;
            if (type == typeof(CancellationToken))
                return token;
            if (parameter.HasDefaultValue)
                return parameter.DefaultValue;
            var result = new Dictionary<string, SendResult> { { "a", SendResult.Sent } };
            var all = new object[]
            {
                // An id and a key.
                World.Person("Ada"), new[] { "a" }, result, new OutboxMessage("t", "x"), new[] { new OutboxMessage("t", "x") }, SendResult.Sent,
                new Item { ["Name"] = "Ada" }, MessageState.Outstanding, DateTimeOffset.UtcNow, TimeSpan.FromMinutes(1), true,
            };
            return all.First(type.IsInstanceOfType);
        }

        public static void A_token_that_was_cancelled_before_sends_nothing()
        {
            using (var server = new Server())
            using (var client = server.Open())
            using (var work = Deposited(client))
            using (var message = new OutboxMessage("t", "x"))
            {
                var cancelled = new CancellationToken(true);
                foreach (var task in new[]
                {
                    work.CommitAsync(cancelled), work.GetItemAsync("People", World.Person("Ada"), cancelled), client.GetMessageAsync("a", cancelled),
                    client.DepositPostAsync(message, cancelled), client.PostAsync(message, cancelled), client.ClearOutboxAsync(new[] { "a" }, cancelled),
                    client.SweepAsync(null, cancelled), client.ArchiveAsync(_ => Task.CompletedTask, cancelled), client.ArchiveToFileAsync("/nowhere", cancelled),
                })
                    Check.Equal(null, IsCanceled(task, cancelled));
                server.Respond();
                Wait.For(work.CommitAsync());
                server.WaitFor(1);
                Check.Equal(0, server.Unexpected);
            }
        }

        public static void A_token_that_is_cancelled_afterwards_changes_nothing()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            using (var source = new CancellationTokenSource())
            {
                work.Put("People", World.Person("Ada"));
                var commit = work.CommitAsync(source.Token);
                Wait.For(commit);
                source.Cancel();
                Check.Equal(TaskStatus.RanToCompletion, commit.Status);
                Check.That(world.Client.GetItem("People", World.Person("Ada")) != null, "nothing was written");
            }
        }

        public static void Hundreds_of_awaits_end_when_the_client_is_closed()
        {
            using (var server = new Server())
            using (var client = server.Open())
            {
                var reads = Enumerable.Range(0, 300).Select(_ => client.GetMessageAsync("a")).ToList();
                server.WaitFor(1);
                Check.Fails(PostboxErrorCode.Timeout, () => client.Close(TimeSpan.Zero));
                client.Dispose();
                foreach (var read in reads)
                    Check.Fails(PostboxErrorCode.Closed, () => Wait.For(read));
            }
        }

        public static void Hundreds_of_awaits_end_when_the_client_is_disposed_of()
        {
            using (var server = new Server())
            {
                var client = server.Open("close_timeout_ms", "0");
                var units = Enumerable.Range(0, 200).Select(_ => Deposited(client)).ToList();
                var commits = units.ConvertAll(work => work.CommitAsync());
                var reads = Enumerable.Range(0, 200).Select(_ => client.GetMessageAsync("a")).ToList();
                server.WaitFor(1);
                units.ForEach(work => work.Dispose());
                Wait.For(client.DisposeAsync().AsTask());
                foreach (var read in reads)
                    Check.Fails(PostboxErrorCode.Closed, () => Wait.For(read));
                // Nobody knows whether the transactions that were sent took effect.
                foreach (var commit in commits)
                    Check.That(new[] { PostboxErrorCode.Closed, PostboxErrorCode.OutcomeUnknown }.Contains(CodeOf(commit)), "a commit ended with " + CodeOf(commit));
            }
        }

        private static PostboxErrorCode CodeOf(Task task)
        {
            try
            {
                Wait.For(task);
                return PostboxErrorCode.None;
            }
            catch (PostboxException failure)
            {
                return failure.Code;
            }
        }

        public static void A_unit_of_work_may_be_disposed_of_during_its_commit()
        {
            using (var server = new Server())
            using (var client = server.Open())
            {
                var work = Deposited(client);
                var commit = work.CommitAsync();
                server.WaitFor(1);
                work.Dispose();
                server.Respond();
                Wait.For(commit);
            }
        }

        public static void The_client_of_an_awaited_operation_is_not_collected()
        {
            using (var server = new Server())
            {
                Task<OutboxMessage> read = null;
                var thread = new Thread(() => read = server.Open().GetMessageAsync("a"));
                thread.Start();
                Wait.For(thread);
                server.WaitFor(1);
                Collect();
                server.Respond();
                Check.That(Wait.For(read) == null, "the message exists");
            }
        }

        public static void The_client_of_a_unit_of_work_is_not_collected()
        {
            using (var server = new Server())
            {
                UnitOfWork work = null;
                var thread = new Thread(() => work = Deposited(server.Open()));
                thread.Start();
                Wait.For(thread);
                Collect();
                server.Respond();
                Wait.For(work.CommitAsync());
            }
        }

        public static void An_asynchronous_unit_of_work_sends_no_request_before_its_commit()
        {
            using (var server = new Server())
            using (var client = server.Open())
            using (var work = client.BeginAsyncUnitOfWork())
            {
                work.Put("People", World.Person("Ada"));
                work.Put("People", World.Person("Grace"));
                server.Respond();
                Wait.For(work.CommitAsync());
                server.WaitFor(1);
                Check.Equal(0, server.Unexpected);
            }
        }

        public static void A_caller_with_a_context_that_waits_is_not_needed()
        {
            var before = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(new Silent());
            try
            {
                using (var world = new World())
                    Check.Equal(1, Wait.For(world.Client.PostAsync(new OutboxMessage("t", "x"))).Count);
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(before);
            }
        }

        public static void Exceptions_of_blocking_producers_reach_the_await_whole()
        {
            var thrown = new InvalidOperationException("the broker is down");
            using (var world = new World(producer: _ => throw thrown))
            {
                var id = world.Deposit();
                Check.That(Wait.For(world.Client.ClearOutboxAsync(new[] { id }, false)).Single().Exception == thrown, "the report has another exception");
                var failure = Check.Fails(PostboxErrorCode.ClearIncomplete, () => Wait.For(world.Client.ClearOutboxAsync(new[] { id })));
                Check.That(failure.InnerException == thrown, "the exception has another inner exception");
            }
        }

        private static UnitOfWork Deposited(PostboxClient client)
        {
            var work = client.BeginUnitOfWork();
            using (var message = new OutboxMessage("t", "x"))
                work.DepositPost(message);
            return work;
        }

        /// <summary>Checks that a task was cancelled by a token, and returns the error of the library.</summary>
        private static PostboxException IsCanceled(Task task, CancellationToken token)
        {
            OperationCanceledException canceled = null;
            try
            {
                Wait.For(task);
            }
            catch (OperationCanceledException failure)
            {
                canceled = failure;
            }
            Check.Equal(TaskStatus.Canceled, task.Status);
            Check.Equal(token, canceled.CancellationToken);
            return (PostboxException)canceled.InnerException;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Collect()
        {
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        /// <summary>A context that never runs what is posted to it, as that of a thread that waits.</summary>
        private sealed class Silent : SynchronizationContext
        {
            public override void Post(SendOrPostCallback callback, object state)
            {
            }
        }
    }
}
