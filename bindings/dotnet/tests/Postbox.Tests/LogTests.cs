using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Postbox.Tests
{
    public static class LogTests
    {
        public static void A_log_receiver_that_uses_postbox_is_rejected()
        {
            var codes = new HashSet<PostboxErrorCode>();
            var depth = new ThreadLocal<int>();
            var deepest = 0;
            using (var world = new World(producer: _ => SendResult.Retry("the queue is full")))
            using (var work = world.Client.BeginUnitOfWork())
            using (var config = World.Eager(":memory:"))
            {
                var client = world.Client;
                var uses = new Action[] { () => world.Deposit(), () => client.ClearOutbox("id"), () => client.Sweep(), work.Commit, client.Close, () => config.Open() };
                PostboxLog.Set(PostboxLogLevel.Trace, (level, text) =>
                {
                    depth.Value++;
                    deepest = Math.Max(deepest, depth.Value);
                    foreach (var use in uses)
                        lock (codes)
                            codes.Add(CodeOf(use));
                    depth.Value--;
                });
                try
                {
                    client.ClearOutbox(new[] { world.Deposit() }, out _);
                    client.Sweep();
                }
                finally
                {
                    PostboxLog.Off();
                }
                Check.Same(new[] { PostboxErrorCode.ReentrantCall }, codes);
                Check.Equal(1, deepest);
                client.Sweep();
            }
        }

        public static void A_line_of_a_client_goes_to_its_own_receiver()
        {
            var first = new List<string>();
            var second = new List<string>();
            // Clients of other tests may log here too.
            var process = new ConcurrentQueue<string>();
            PostboxLog.Set(PostboxLogLevel.Warn, (level, text) => process.Enqueue(text));
            try
            {
                using (var one = Failing(first))
                using (var two = Failing(second))
                using (var other = new World(producer: _ => SendResult.Retry("no")))
                {
                    var ids = new[] { one, two, other }.Select(Fail).ToList();
                    Check.Same(new[] { true, false, false }, ids.Select(id => IsNamed(id, first)));
                    Check.Same(new[] { false, true, false }, ids.Select(id => IsNamed(id, second)));
                    Check.Same(new[] { false, false, true }, ids.Select(id => IsNamed(id, process)));
                }
            }
            finally
            {
                PostboxLog.Off();
            }
        }

        /// <summary>Clears a message that cannot be sent, which is a warning with its id.</summary>
        private static string Fail(World world)
        {
            var id = world.Deposit();
            world.Client.ClearOutbox(new[] { id }, out _);
            return id;
        }

        private static bool IsNamed(string id, IEnumerable<string> lines) => lines.Any(line => line.Contains(id));

        public static void A_receiver_is_collected_after_its_client_is_disposed_of()
        {
            var lines = UseAndDispose();
            for (var i = 0; i < 20 && lines.IsAlive; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            Check.That(!lines.IsAlive, "the receiver is kept");
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static WeakReference UseAndDispose()
        {
            var lines = new List<string>();
            using (var world = Failing(lines))
                world.Client.ClearOutbox(new[] { world.Deposit() }, out _);
            Check.Equal(1, lines.Count);
            return new WeakReference(lines);
        }

        /// <summary>A client whose producer fails, and whose warnings are added to the list.</summary>
        private static World Failing(List<string> lines)
        {
            return new World(config => config.SetLog(PostboxLogLevel.Warn, (level, text) => lines.Add(text)), _ => SendResult.Retry("no"));
        }

        private static PostboxErrorCode CodeOf(Action use)
        {
            try
            {
                use();
                return PostboxErrorCode.None;
            }
            catch (PostboxException failure)
            {
                return failure.Code;
            }
        }
    }
}
