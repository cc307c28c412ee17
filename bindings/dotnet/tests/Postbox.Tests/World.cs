using System;
using System.Collections.Generic;
using System.Linq;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Postbox.Tests
{
    /// <summary>
    /// A client on its own embedded database, with a table People and a producer that remembers its messages.
    /// </summary>
    internal sealed class World : IDisposable
    {
        internal const string Topic = "greeting.made";

        internal const string PeopleTable =
            "{\"TableName\":\"People\",\"BillingMode\":\"PAY_PER_REQUEST\","
            + "\"AttributeDefinitions\":[{\"AttributeName\":\"Name\",\"AttributeType\":\"S\"}],"
            + "\"KeySchema\":[{\"AttributeName\":\"Name\",\"KeyType\":\"HASH\"}]}";

        private readonly List<string> sent = new List<string>();

        internal World(Action<PostboxConfig> more = null, Func<OutboxMessage, SendResult> producer = null, string path = ":memory:")
        {
            using (var config = Eager(path))
            {
                config.AddProducer(null, producer ?? Remember);
                more?.Invoke(config);
                Client = config.Open();
            }
            Client.EmbeddedExecute("CreateTable", PeopleTable);
        }

        internal PostboxClient Client { get; }

        /// <summary>The ids of the messages that were sent, in order.</summary>
        internal IReadOnlyList<string> Sent
        {
            get
            {
                lock (sent)
                    return sent.ToList();
            }
        }

        /// <summary>Settings with which sweeps send messages of any age, and retry failures without delay.</summary>
        internal static PostboxConfig Eager(string path)
        {
            return new PostboxConfig()
                .Set("embedded_path", path)
                .Set("sweep_min_age_ms", TimeSpan.Zero)
                .Set("archive_min_age_ms", TimeSpan.Zero)
                .Set("dispatch_retry_delay_ms", 0);
        }

        internal SendResult Remember(OutboxMessage message)
        {
            lock (sent)
                sent.Add(message.Id);
            return SendResult.Sent;
        }

        internal static string Person(string name) => Json(new JObject { ["Name"] = Text(name) });

        /// <summary>A string in DynamoDB JSON.</summary>
        internal static JObject Text(string text) => new JObject { ["S"] = text };

        internal static string Json(JObject json) => json.ToString(Formatting.None);

        internal string Deposit(string body = "hello")
        {
            using (var message = new OutboxMessage(Topic, body))
                return Client.DepositPost(message);
        }

        internal MessageState? StateOf(string id)
        {
            using (var message = Client.GetMessage(id))
                return message?.State;
        }

        public void Dispose() => Client.Dispose();
    }
}
