using System;
using System.Collections.Generic;
using System.Linq;
using Postbox;

/// <summary>
/// Sends several messages in one call, and confirms many in one call, as brokers do. The broker of this program accepts two of three messages, since the producer is
/// asked to stop before the third, and confirms later that it has the first and lost the second. examples/c/batches.c is the same in C.
/// </summary>
internal static class Batches
{
    private static void Main()
    {
        using (var config = new PostboxConfig().Set("embedded_path", ":memory:").AddBatchProducer("order.placed", 10, Send))
        using (var postbox = config.Open())
        {
            var messages = new[] { "order-1", "order-2", "order-3" }.Select(id => new OutboxMessage("order.placed", "") { Id = id }).ToList();
            var ids = postbox.DepositPosts(messages);
            Report report;
            postbox.ClearOutbox(ids, out report);
            // A real program does this when the broker responds, on any thread.
            postbox.ConfirmMany(new Dictionary<string, SendResult> { { ids[0], SendResult.Sent }, { ids[1], SendResult.Retry("no leader") } });
            foreach (var id in ids)
                using (var message = postbox.GetMessage(id))
                    Console.WriteLine(id + " is " + message.State.ToString().ToLowerInvariant() + (message.LastError == null ? "" : ": " + message.LastError));
            messages.ForEach(message => message.Dispose());
        }
    }

    /// <summary>The producer. A real producer would pass the messages to a broker.</summary>
    private static void Send(IReadOnlyList<OutboxMessage> messages, SendResults results)
    {
        Console.WriteLine("The producer gets " + messages.Count + " messages in one call");
        for (var i = 0; i < messages.Count; i++)
        {
            if (messages[i].Id == "order-3")
                return; // asked to stop: the rest was not tried
            results[i] = SendResult.Accepted;
        }
    }
}
