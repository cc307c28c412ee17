using System;
using System.Collections.Generic;
using System.Linq;
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
