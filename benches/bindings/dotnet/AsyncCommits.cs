// The cost of asynchronous commits from .NET, beside blocking ones: a small item and a message of 100 bytes.
//
// First, 200 commits at the same time to a server that responds after 200 ms, from tasks and from 200 threads: the time until all
// commits are done, the longest time for which another work item waited for the thread pool, and the processor time of the process
// per commit. Then one commit after another on the embedded database in memory: the time, the processor time and the allocated bytes
// of a commit. A wait costs no processor time, but each change to another thread does.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Postbox;

internal static class AsyncCommits
{
    private const int Callers = 200;
    private const int Delay = 200;
    private const int Rounds = 7;
    private static readonly byte[] Body = Encoding.ASCII.GetBytes(new string('x', 100));

    internal static void Run(int commits)
    {
        using (var server = SlowServer.Start(Delay))
        {
            var port = server.StandardOutput.ReadLine();
            using (var config = new PostboxConfig().Set("endpoint_url", "http://127.0.0.1:" + port).Set("region", "eu-west-1")
                .Set("access_key_id", "a").Set("secret_access_key", "b"))
            using (var postbox = config.Open())
                AtTheSameTime(postbox);
            server.Kill();
        }
        using (var config = new PostboxConfig().Set("embedded_path", ":memory:"))
        using (var postbox = config.Open())
        {
            postbox.EmbeddedExecute("CreateTable",
                "{\"TableName\":\"People\",\"BillingMode\":\"PAY_PER_REQUEST\","
                + "\"AttributeDefinitions\":[{\"AttributeName\":\"Name\",\"AttributeType\":\"S\"}],"
                + "\"KeySchema\":[{\"AttributeName\":\"Name\",\"KeyType\":\"HASH\"}]}");
            OneAfterAnother(postbox, commits);
        }
    }

    private static void AtTheSameTime(PostboxClient postbox)
    {
        Func<Task> start = () => CommitAsync(postbox);
        Func<Task> startOnAThread = () => Task.Factory.StartNew(() => Commit(postbox), TaskCreationOptions.LongRunning);
        foreach (var lane in new[] { Tuple.Create("tasks", start), Tuple.Create("threads", startOnAThread) })
        {
            // The first round also opens the connections.
            var results = Enumerable.Range(0, Rounds).Select(_ => MeasureAll(lane.Item2)).Skip(1).ToList();
            Console.WriteLine(
                "{0} from {1,-8} {2,6:F0} ms, another work item waited at most {3,5:F1} ms, processor {4,6:F1} us", Callers, lane.Item1,
                Median(results.Select(result => result.Item1)), Median(results.Select(result => result.Item2)), Median(results.Select(result => result.Item3)));
        }
    }

    private static Tuple<double, double, double> MeasureAll(Func<Task> start)
    {
        var isDone = false;
        var longest = 0.0;
        var other = new Thread(() =>
        {
            while (!Volatile.Read(ref isDone))
            {
                var waited = Stopwatch.StartNew();
                Task.Run(() => { }).Wait();
                longest = Math.Max(longest, waited.Elapsed.TotalMilliseconds);
                Thread.Sleep(1);
            }
        });
        other.Start();
        var processor = ProcessorTime();
        var clock = Stopwatch.StartNew();
        Task.WaitAll(Enumerable.Range(0, Callers).Select(_ => start()).ToArray());
        var took = clock.Elapsed.TotalMilliseconds;
        Volatile.Write(ref isDone, true);
        other.Join();
        return Tuple.Create(took, longest, (ProcessorTime() - processor) / Callers);
    }

    private static void OneAfterAnother(PostboxClient postbox, int commits)
    {
        Action<int> blocking = count =>
        {
            for (var i = 0; i < count; i++)
                Commit(postbox);
        };
        Action<int> awaited = count => CommitAllAsync(postbox, count).Wait();
        var lanes = new[] { Tuple.Create("blocking", blocking, new List<double[]>()), Tuple.Create("awaited", awaited, new List<double[]>()) };
        foreach (var lane in lanes)
            lane.Item2(500);
        for (var round = 0; round < Rounds; round++)
            foreach (var lane in lanes)
                lane.Item3.Add(Measure(lane.Item2, commits / Rounds));
        foreach (var lane in lanes)
            Console.WriteLine(
                "{0,-8} {1,8:F1} us, processor {2,8:F1} us, {3,6:F0} bytes", lane.Item1, Median(lane.Item3.Select(figures => figures[0])),
                Median(lane.Item3.Select(figures => figures[1])), Median(lane.Item3.Select(figures => figures[2])));
    }

    /// <summary>Returns the time, the processor time and the allocated bytes of a commit.</summary>
    private static double[] Measure(Action<int> commit, int count)
    {
        var bytes = Allocated();
        var processor = ProcessorTime();
        var clock = Stopwatch.StartNew();
        commit(count);
        var took = clock.Elapsed.TotalMilliseconds * 1000;
        return new[] { took / count, (ProcessorTime() - processor) / count, (Allocated() - bytes) / count };
    }

    /// <summary>Returns the processor time of this process in microseconds.</summary>
    private static double ProcessorTime()
    {
        using (var process = Process.GetCurrentProcess())
            return process.TotalProcessorTime.TotalMilliseconds * 1000;
    }

    private static double Allocated() => GC.GetTotalAllocatedBytes(true);

    private static double Median(IEnumerable<double> figures) => figures.OrderBy(figure => figure).ElementAt(figures.Count() / 2);

    private static async Task CommitAllAsync(PostboxClient postbox, int count)
    {
        for (var i = 0; i < count; i++)
            await CommitAsync(postbox).ConfigureAwait(false);
    }

    private static async Task CommitAsync(PostboxClient postbox)
    {
        using (var work = postbox.BeginAsyncUnitOfWork())
        {
            Add(work);
            await work.CommitAsync().ConfigureAwait(false);
        }
    }

    private static void Commit(PostboxClient postbox)
    {
        using (var work = postbox.BeginUnitOfWork())
        {
            Add(work);
            work.Commit();
        }
    }

    private static void Add(UnitOfWork work)
    {
        using (var message = new OutboxMessage("greeting.made", Body))
        {
            work.Put("People", "{\"Name\":{\"S\":\"Ada\"},\"Greetings\":{\"N\":\"1\"}}");
            work.DepositPost(message);
        }
    }
}
