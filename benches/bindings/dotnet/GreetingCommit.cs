// The latency of a commit from .NET: an item with 10 attributes and a message of 100 bytes, on the embedded database in
// memory. Prints the median in microseconds.
using System;
using System.Diagnostics;
using System.Globalization;
using Postbox;

internal static class GreetingCommit
{
    private const int WarmUp = 500;
    private static readonly byte[] Body = new byte[100];
    private static readonly byte[] Photo = new byte[16];

    internal static void Run(int commits)
    {
        for (var i = 0; i < Body.Length; i++)
            Body[i] = (byte)'x';
        using (var postbox = Program.OpenInMemory())
        {
            Measure(postbox, WarmUp);
            Console.WriteLine(Measure(postbox, commits).ToString("F1", CultureInfo.InvariantCulture));
        }
    }

    private static double Measure(PostboxClient postbox, int commits)
    {
        var ticks = new long[commits];
        for (var i = 0; i < commits; i++)
        {
            var began = Stopwatch.GetTimestamp();
            Commit(postbox);
            ticks[i] = Stopwatch.GetTimestamp() - began;
        }
        Array.Sort(ticks);
        return ticks[commits / 2] * 1e6 / Stopwatch.Frequency;
    }

    private static void Commit(PostboxClient postbox)
    {
        using (var work = postbox.BeginUnitOfWork())
        using (var message = new OutboxMessage("greeting.made", Body))
        {
            work.Put("People", new Item
            {
                ["Name"] = "Ada",
                ["Email"] = "ada@example.com",
                ["City"] = "London",
                ["Greeting"] = "Hello, Countess",
                ["Greetings"] = 1,
                ["Age"] = 36,
                ["Adult"] = true,
                ["Friend"] = null,
                ["Photo"] = Photo,
                ["Languages"] = new[] { "English", "French" },
            });
            work.DepositPost(message);
            work.Commit();
        }
    }
}
