// A program with nullable references enabled. run_tests.sh compiles it, and expects the warning of each line that names one,
// and no other warning.
using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Postbox;

internal static class Consumer
{
    internal static void Reads(IPostbox postbox, Item key)
    {
        Console.WriteLine(postbox.GetMessage("a").BodyText);                              // CS8602
        Console.WriteLine(postbox.GetMessage("a")?.BodyText);
        Console.WriteLine(postbox.GetItem("People", "{}").Length);                        // CS8602
        Console.WriteLine(postbox.GetItem("People", key).Count);                          // CS8602
        Console.WriteLine(postbox.ObtainLease("job", TimeSpan.FromMinutes(1)).IsHeld);    // CS8602
        Console.WriteLine(postbox.ListMessages(MessageState.Parked).Next.Length);         // CS8602
        Console.WriteLine(postbox.ListMessages(MessageState.Parked, cursor: null)[0].Topic.Length);
        Console.WriteLine(postbox.GetLocation().Length + postbox.GetStatsJson().Length + postbox.GetTableWarnings()[0].Length);
    }

    internal static async Task ReadsAsync(PostboxClient postbox, Item key)
    {
        Console.WriteLine((await postbox.GetMessageAsync("a")).BodyText);                 // CS8602
        Console.WriteLine((await postbox.GetItemAsync("People", "{}")).Length);           // CS8602
        Console.WriteLine((await postbox.GetItemAsync("People", key)).Count);             // CS8602
        using (var work = postbox.BeginUnitOfWork())
        {
            Console.WriteLine(work.GetItem("People", key).Count);                         // CS8602
            Console.WriteLine((await work.GetItemAsync("People", key)).Count);            // CS8602
            work.Put("People", key, null);
            work.Update("People", key, null);                                             // CS8625
        }
        var lease = await postbox.ObtainLeaseAsync("job", TimeSpan.FromMinutes(1));
        Console.WriteLine(lease.Resource);                                                // CS8602
    }

    internal static void Fields(OutboxMessage message)
    {
        Console.WriteLine(message.Id.Length + message.Topic.Length + message.BodyText.Length + message.Bag.Count);
        Console.WriteLine(message.PartitionKey.Length);                                   // CS8602
        Console.WriteLine(message.ContentType.Length);                                    // CS8602
        Console.WriteLine(message.CorrelationId.Length);                                  // CS8602
        Console.WriteLine(message.CausationId.Length);                                    // CS8602
        Console.WriteLine(message.LastError.Length);                                      // CS8602
        Console.WriteLine(message["reply_to"].Length);                                    // CS8602
        message.PartitionKey = null;
        message["reply_to"] = null;
        message.Topic = null;                                                             // CS8625
    }

    internal static void Results(Report report, SendResults results, PostboxException failure)
    {
        Console.WriteLine(report[0].Id.Length + report[0].Detail.Length);
        Console.WriteLine(report[0].Exception.Message);                                   // CS8602
        Console.WriteLine(results[0].Reason);                                             // CS8602
        results[0] = null;
        Console.WriteLine(failure.Reasons[0].Subject.Length + failure.Reasons[0].Code.Length + failure.Reasons[0].Message.Length);
        Console.WriteLine(failure.Reasons[0].Item.Length);                                // CS8602
        Console.WriteLine(failure.Reasons[0].StoredItem.Count);                           // CS8602
    }

    internal static void Lists(TopicCount topic, LeaseInfo lease, SweeperInfo sweeper)
    {
        Console.WriteLine(topic.Topic.Length + lease.Resource.Length + lease.Holder.Length + sweeper.Version.Length + sweeper.Topics[0].Length);
        Console.WriteLine(topic.LastError.Length);                                        // CS8602
        Console.WriteLine(lease.Topic.Length);                                            // CS8602
        Console.WriteLine(lease.Paused.Length);                                           // CS8602
        Console.WriteLine(sweeper.LastError.Length);                                      // CS8602
        Console.WriteLine(new Selection { Topic = null, Cursor = null }.Topic.Length);    // CS8602
    }

    internal static void Items(Item item)
    {
        item["missing"] = null;
        Console.WriteLine(item["Name"].ToString());                                       // CS8602
        Console.WriteLine(item.Get<string>("Name").Length);                               // CS8602
        Console.WriteLine(item.Get<int>("Age") + item.GetOrDefault("Age", 18));
        Console.WriteLine(item.GetOrDefault("Name", "nobody").Length);
        Console.WriteLine(item.GetOrDefault<string>("Name").Length);                      // CS8602
        if (item.TryGet<List<object?>>("Homes", out var homes))
            Console.WriteLine(homes.Count);
        Console.WriteLine(homes.Count);                                                   // CS8602
        Console.WriteLine(item.ToJson().Length + Item.FromJson("{}").Count);
    }

    internal static void Configuration(PostboxConfig config)
    {
        config["region"] = null;
        Console.WriteLine(config["region"].Length);
        config.Set("region", null).AddProducer(null, message => SendResult.Retry(null)).AddProducer("a", async (message, closing) =>
        {
            await Task.Yield();
            return SendResult.Sent;
        });
        config.AddProducer("a", default(IProducer));                                      // CS8625
        Console.WriteLine(SendResult.Sent.Reason.Length);
    }
}
