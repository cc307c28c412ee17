// The cost of asynchronous commits from .NET, beside blocking ones: a small item and a message of 100 bytes.
//
// First, 200 callers at the same time and a server that responds after 200 ms, from tasks, from 200 threads, and from tasks that also
// clear their message, whose asynchronous producer waits for 20 ms: the time until all are done, the longest time for which another
// work item waited for the thread pool, and the processor time of the process per commit. Then the throughput of 200 callers on the
// embedded database in memory. Then one commit after another: the time, the processor time and the allocated bytes of a commit.
//
// "a task alone" shows what .NET itself needs for an await: a task that another thread completes after as much work as a commit.
using System;
using System.Collections.Concurrent;
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
            try
            {
                AtTheSameTime("http://127.0.0.1:" + server.StandardOutput.ReadLine());
            }
            finally
            {
                server.Kill();
            }
        using (var postbox = Program.OpenInMemory())
        {
            Throughput(postbox, commits);
            OneAfterAnother(postbox, commits);
        }
    }

    private static void AtTheSameTime(string endpoint)
    {
        using (var config = new PostboxConfig().Set("endpoint_url", endpoint).Set("region", "eu-west-1")
            .Set("access_key_id", "a").Set("secret_access_key", "b").AddProducer("greeting.made", SendAsync))
        using (var postbox = config.Open())
            AtTheSameTime(postbox);
    }

    private static void AtTheSameTime(PostboxClient postbox)
    {
        var lanes = new (string Name, Func<Task> Start)[]
        {
            ("tasks", () => CommitAsync(postbox)),
            ("threads", () => OnAThread(() => Commit(postbox))),
            ("tasks that clear", () => CommitAndClearAsync(postbox)),
        };
        foreach (var lane in lanes)
        {
            // The first round also opens the connections.
            var results = Enumerable.Range(0, Rounds).Select(_ => MeasureAll(lane.Start)).Skip(1).ToList();
            Console.WriteLine(
                "{0} {1,-16} {2,6:F0} ms, another work item waited at most {3,5:F1} ms, processor {4,6:F1} us", Callers, lane.Name,
                Median(results.Select(result => result.Took)), Median(results.Select(result => result.Longest)), Median(results.Select(result => result.Processor)));
        }
    }

    private static (double Took, double Longest, double Processor) MeasureAll(Func<Task> start)
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
        return (took, longest, (ProcessorTime() - processor) / Callers);
    }

    private static void Throughput(PostboxClient postbox, int commits)
    {
        var each = Math.Max(commits / Callers / 4, 1);
        Func<Task> task = () => Task.Run(() => CommitAllAsync(postbox, each));
        Func<Task> thread = () => OnAThread(() => CommitAll(postbox, each));
        Func<Func<Task>, double> rate = start =>
        {
            var clock = Stopwatch.StartNew();
            Task.WaitAll(Enumerable.Range(0, Callers).Select(_ => start()).ToArray());
            return Callers * each / clock.Elapsed.TotalSeconds;
        };
        var rates = Enumerable.Range(0, Rounds).Select(_ => (Tasks: rate(task), Threads: rate(thread))).Skip(1).ToList();
        Console.WriteLine(
            "{0} callers: {1:F0} commits a second from tasks, {2:F0} from threads, ratio {3:F2}", Callers, Median(rates.Select(pair => pair.Tasks)),
            Median(rates.Select(pair => pair.Threads)), Median(rates.Select(pair => pair.Tasks / pair.Threads)));
    }

    private static void OneAfterAnother(PostboxClient postbox, int commits)
    {
        using (var other = new OtherThread())
        {
            var lanes = new (string Name, Action<int> Run, List<Figures> Rounds)[]
            {
                ("blocking", count => CommitAll(postbox, count), new List<Figures>()),
                ("awaited", count => CommitAllAsync(postbox, count).Wait(), new List<Figures>()),
                ("a task alone", count => other.AwaitAll(count).Wait(), new List<Figures>()),
            };
            foreach (var lane in lanes)
                lane.Run(500);
            for (var round = 0; round < Rounds; round++)
                foreach (var lane in lanes)
                {
                    lane.Rounds.Add(Measure(lane.Run, commits / Rounds));
                    // The other thread works as long as a blocking commit.
                    other.Work = TimeSpan.FromMilliseconds(lanes[0].Rounds[round].Took / 1000);
                }
            foreach (var lane in lanes)
                Console.WriteLine(
                    "{0,-12} {1,8:F1} us, processor {2,8:F1} us, {3,6:F0} bytes", lane.Name, Median(lane.Rounds.Select(figures => figures.Took)),
                    Median(lane.Rounds.Select(figures => figures.Processor)), Median(lane.Rounds.Select(figures => figures.Bytes)));
        }
    }

    /// <summary>The time, the processor time and the allocated bytes of a commit.</summary>
    private struct Figures
    {
        internal double Took, Processor, Bytes;
    }

    private static Figures Measure(Action<int> commit, int count)
    {
        var bytes = GC.GetTotalAllocatedBytes(true);
        var processor = ProcessorTime();
        var clock = Stopwatch.StartNew();
        commit(count);
        return new Figures
        {
            Took = clock.Elapsed.TotalMilliseconds * 1000 / count,
            Processor = (ProcessorTime() - processor) / count,
            Bytes = (double)(GC.GetTotalAllocatedBytes(true) - bytes) / count,
        };
    }

    /// <summary>Returns the processor time of this process in microseconds.</summary>
    private static double ProcessorTime()
    {
        using (var process = Process.GetCurrentProcess())
            return process.TotalProcessorTime.TotalMilliseconds * 1000;
    }

    private static double Median(IEnumerable<double> figures) => figures.OrderBy(figure => figure).ElementAt(figures.Count() / 2);

    private static Task OnAThread(Action action) => Task.Factory.StartNew(action, TaskCreationOptions.LongRunning);

    private static async ValueTask<SendResult> SendAsync(OutboxMessage message, CancellationToken closing)
    {
        await Task.Delay(20).ConfigureAwait(false);
        return SendResult.Sent;
    }

    private static async Task CommitAndClearAsync(PostboxClient postbox)
    {
        string id;
        using (var work = postbox.BeginAsyncUnitOfWork())
        {
            id = Add(work);
            await work.CommitAsync().ConfigureAwait(false);
        }
        await postbox.ClearOutboxAsync(new[] { id }).ConfigureAwait(false);
    }

    private static void CommitAll(PostboxClient postbox, int count)
    {
        for (var i = 0; i < count; i++)
            Commit(postbox);
    }

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

    private static string Add(UnitOfWork work)
    {
        using (var message = new OutboxMessage("greeting.made", Body))
        {
            work.Put("People", "{\"Name\":{\"S\":\"Ada\"},\"Greetings\":{\"N\":\"1\"}}");
            return work.DepositPost(message);
        }
    }
}

/// <summary>A thread that completes tasks after some work.</summary>
internal sealed class OtherThread : IDisposable
{
    private readonly BlockingCollection<TaskCompletionSource<bool>> started = new BlockingCollection<TaskCompletionSource<bool>>();
    private readonly Thread thread;

    internal OtherThread()
    {
        thread = new Thread(() =>
        {
            foreach (var one in started.GetConsumingEnumerable())
            {
                var clock = Stopwatch.StartNew();
                while (clock.Elapsed < Work)
                {
                }
                one.SetResult(true);
            }
        });
        thread.Start();
    }

    internal TimeSpan Work { get; set; }

    internal async Task AwaitAll(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var one = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            started.Add(one);
            await one.Task.ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        started.CompleteAdding();
        thread.Join();
        started.Dispose();
    }
}
