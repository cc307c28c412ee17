// The binding's own part of a commit and a clear: one message with a body of 100 bytes is committed and cleared through the binding,
// and through declarations of the C functions without handles, checks and results. Both use the embedded database in memory, in
// turns. Prints the medians of the times and of the allocated bytes, and the ratio of the times.
using System;
using System.Diagnostics;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using Postbox;

internal static class BarePInvoke
{
    private const int Rounds = 15;
    private static readonly byte[] Body = Enumerable.Repeat((byte)'x', 100).ToArray();

    internal static void Run(int commits)
    {
        using (var config = new PostboxConfig().Set("embedded_path", ":memory:").AddProducer("greeting.made", _ => SendResult.Sent))
        using (var postbox = config.Open())
        using (var bare = new Bare())
        {
            Action binding = () => ThroughTheBinding(postbox);
            var rounds = Enumerable.Range(0, Rounds + 1).Select(_ =>
                (Binding: Measure(binding, commits / Rounds), Bare: Measure(bare.CommitAndClear, commits / Rounds))).Skip(1).ToList();
            Print("binding", rounds.Select(round => round.Binding).ToArray());
            Print("bare P/Invoke", rounds.Select(round => round.Bare).ToArray());
            Console.WriteLine("ratio {0:F3}", Median(rounds.Select(round => round.Binding.Took / round.Bare.Took).ToArray()));
        }
    }

    private static void ThroughTheBinding(PostboxClient postbox)
    {
        string id;
        using (var work = postbox.BeginUnitOfWork())
        using (var message = new OutboxMessage("greeting.made", Body))
        {
            id = work.DepositPost(message);
            work.Commit();
        }
        postbox.ClearOutbox(id);
    }

    private static (double Took, double Bytes) Measure(Action commitAndClear, int count)
    {
        var times = new double[count];
        var bytes = GC.GetTotalAllocatedBytes(true);
        for (var i = 0; i < count; i++)
        {
            var began = Stopwatch.GetTimestamp();
            commitAndClear();
            times[i] = (Stopwatch.GetTimestamp() - began) * 1e6 / Stopwatch.Frequency;
        }
        return (Median(times), (double)(GC.GetTotalAllocatedBytes(true) - bytes) / count);
    }

    private static void Print(string name, (double Took, double Bytes)[] rounds) => Console.WriteLine(
        "{0,-14} {1,8:F1} us, {2,6:F0} bytes", name, Median(rounds.Select(round => round.Took).ToArray()), Median(rounds.Select(round => round.Bytes).ToArray()));

    private static double Median(double[] figures) => figures.OrderBy(figure => figure).ElementAt(figures.Length / 2);

    /// <summary>A client without the binding.</summary>
    private sealed class Bare : IDisposable
    {
        private static readonly byte[] Topic = Encoding.ASCII.GetBytes("greeting.made\0");

        private readonly SendCallback send = (data, message, reason, size) => 0;
        private readonly IntPtr client;

        internal Bare()
        {
            var config = postbox_config_new();
            Check(postbox_config_set(config, Encoding.ASCII.GetBytes("embedded_path\0"), Encoding.ASCII.GetBytes(":memory:\0")));
            Check(postbox_config_add_producer(config, Topic, send, IntPtr.Zero, IntPtr.Zero));
            Check(postbox_open(config, out client));
            postbox_config_free(config);
        }

        internal void CommitAndClear()
        {
            var work = postbox_unit_of_work_begin(client);
            Check(postbox_message_new(Topic, Body, (UIntPtr)Body.Length, out var message));
            Check(postbox_unit_of_work_deposit_post(work, message));
            Check(postbox_unit_of_work_commit(work));
            var id = postbox_message_id(message);
            Check(postbox_clear_outbox(client, ref id, (UIntPtr)1, IntPtr.Zero, IntPtr.Zero));
            postbox_message_free(message);
            postbox_unit_of_work_free(work);
        }

        public void Dispose() => postbox_free(client);

        private static void Check(IntPtr error)
        {
            if (error != IntPtr.Zero)
                throw new InvalidOperationException(Marshal.PtrToStringUTF8(postbox_error_message(error)));
        }

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate int SendCallback(IntPtr data, IntPtr message, IntPtr reason, UIntPtr size);

        [DllImport("postbox")] private static extern IntPtr postbox_config_new();
        [DllImport("postbox")] private static extern IntPtr postbox_config_set(IntPtr config, byte[] name, byte[] value);
        [DllImport("postbox")] private static extern IntPtr postbox_config_add_producer(IntPtr config, byte[] topic, SendCallback send, IntPtr data, IntPtr release);
        [DllImport("postbox")] private static extern void postbox_config_free(IntPtr config);
        [DllImport("postbox")] private static extern IntPtr postbox_open(IntPtr config, out IntPtr client);
        [DllImport("postbox")] private static extern IntPtr postbox_unit_of_work_begin(IntPtr client);
        [DllImport("postbox")] private static extern IntPtr postbox_message_new(byte[] topic, byte[] body, UIntPtr length, out IntPtr message);
        [DllImport("postbox")] private static extern IntPtr postbox_message_id(IntPtr message);
        [DllImport("postbox")] private static extern IntPtr postbox_unit_of_work_deposit_post(IntPtr work, IntPtr message);
        [DllImport("postbox")] private static extern IntPtr postbox_unit_of_work_commit(IntPtr work);
        [DllImport("postbox")] private static extern IntPtr postbox_clear_outbox(IntPtr client, ref IntPtr ids, UIntPtr count, IntPtr cancel, IntPtr report);
        [DllImport("postbox")] private static extern void postbox_message_free(IntPtr message);
        [DllImport("postbox")] private static extern void postbox_unit_of_work_free(IntPtr work);
        [DllImport("postbox")] private static extern void postbox_free(IntPtr client);
        [DllImport("postbox")] private static extern IntPtr postbox_error_message(IntPtr error);
    }
}
