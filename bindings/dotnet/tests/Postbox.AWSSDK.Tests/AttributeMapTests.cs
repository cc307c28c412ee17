using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;

namespace Postbox.Tests
{
    /// <summary>Items as maps of AttributeValue, and credentials of the AWS SDK.</summary>
    public static class AttributeMapTests
    {
        public static void Values_of_all_types_survive_both_ways()
        {
            var map = new Dictionary<string, AttributeValue>
            {
                ["Name"] = new AttributeValue("Ada"),
                ["Empty"] = new AttributeValue(""),
                ["Control"] = new AttributeValue("\0\u0001\"\\\u20ac\U0001F600"),
                ["Whole"] = new AttributeValue { N = "36" },
                ["Scale"] = new AttributeValue { N = "12.50" },
                ["Long"] = new AttributeValue { N = "12345678901234567890123456789012345678" },
                ["Exponent"] = new AttributeValue { N = "1E+100" },
                ["Bytes"] = new AttributeValue { B = Bytes(0, 255, 1) },
                ["NoBytes"] = new AttributeValue { B = Bytes() },
                ["True"] = new AttributeValue { BOOL = true },
                ["False"] = new AttributeValue { BOOL = false },
                ["Null"] = new AttributeValue { NULL = true },
                ["Map"] = new AttributeValue { M = new Dictionary<string, AttributeValue> { ["In"] = new AttributeValue { L = new List<AttributeValue> { new AttributeValue { NULL = true } } } } },
                ["EmptyMap"] = new AttributeValue { IsMSet = true },
                ["List"] = new AttributeValue { L = new List<AttributeValue> { new AttributeValue("a"), new AttributeValue { N = "1" }, new AttributeValue { IsLSet = true } } },
                ["EmptyList"] = new AttributeValue { IsLSet = true },
                ["Texts"] = new AttributeValue { SS = new List<string> { "b", "a" } },
                ["Numbers"] = new AttributeValue { NS = new List<string> { "2", "1.5" } },
                ["LongNumbers"] = new AttributeValue { NS = new List<string> { "2", "12345678901234567890123456789012345678" } },
                ["Binaries"] = new AttributeValue { BS = new List<MemoryStream> { Bytes(2), Bytes(1, 1) } },
            };
            var item = map.ToItem();
            Check.Equal(Item.FromJson(RequestJson.Item(map).ToString()).ToJson(), item.ToJson());
            var back = item.ToAttributeMap();
            Check.Equal(item.ToJson(), back.ToItem().ToJson());
            Check.Equal(Item.FromJson(RequestJson.Item(back).ToString()).ToJson(), item.ToJson());
            Check.Equal("12.50", back["Scale"].N);
            Check.Equal("12345678901234567890123456789012345678", back["Long"].N);
            Check.That(back["EmptyList"].IsLSet && back["EmptyMap"].IsMSet, "an empty collection is not set");
            Check.That(!back["Name"].IsLSet && !back["Name"].IsMSet && !back["Name"].IsBOOLSet, "a string has other types");

            Check.Equal(36, item.Get<int>("Whole"));
            Check.Equal(1E+100, item.Get<double>("Exponent"));
            Check.Equal(120, new Dictionary<string, AttributeValue> { ["N"] = new AttributeValue { N = "1.2E2" } }.ToItem().Get<int>("N"));
            Check.Equal(12.50m, item.Get<decimal>("Scale"));
            Check.Same(new byte[] { 0, 255, 1 }, item.Get<byte[]>("Bytes"));
            Check.Same(new[] { "a", "b" }, item.Get<HashSet<string>>("Texts").OrderBy(text => text));
            Check.Same(new[] { 1.5m, 2m }, item.Get<HashSet<decimal>>("Numbers").OrderBy(number => number));
        }

        public static void Items_with_all_clr_types_become_maps()
        {
            var item = new Item
            {
                ["Int"] = 1, ["Long"] = 2L, ["Byte"] = (byte)3, ["Decimal"] = 4.50m, ["Double"] = 0.5, ["Float"] = 0.25f, ["Number"] = new ItemNumber("1e3"),
                ["Array"] = new object[] { 1, "two", null }, ["Dictionary"] = new Dictionary<string, object> { ["a"] = new byte[] { 1 } },
                ["Set"] = new HashSet<int> { 7 },
            };
            var map = item.ToAttributeMap();
            Check.Same(new[] { "1", "2", "3", "4.50", "0.5", "0.25" }, new[] { "Int", "Long", "Byte", "Decimal", "Double", "Float" }.Select(name => map[name].N));
            Check.Equal("7", map["Set"].NS.Single());
            Check.Same(new byte[] { 1 }, map["Dictionary"].M["a"].B.ToArray());
            Check.Equal("two", map["Array"].L[1].S);
            Check.Equal("1000", map["Number"].N);
            Check.Equal(7, map.ToItem().Get<HashSet<decimal>>("Set").Single());
            Check.Throws<ArgumentNullException>(() => default(Item).ToAttributeMap());
            Check.Fails(PostboxErrorCode.InvalidArgument, () => new Item { ["Set"] = new HashSet<string>() }.ToAttributeMap());
        }

        public static void A_value_has_exactly_one_type()
        {
            Func<AttributeValue, string> error = value => Check.Throws<ArgumentException>(() => new Dictionary<string, AttributeValue>
            {
                ["Homes"] = new AttributeValue { L = new List<AttributeValue> { new AttributeValue { M = new Dictionary<string, AttributeValue> { ["City"] = value } } } },
            }.ToItem()).Message;
            Check.Contains("Homes[0].City has no value", error(new AttributeValue()));
            Check.Contains("Homes[0].City has no value", error(null));
            Check.Contains("Homes[0].City has no value, or an empty set", error(new AttributeValue { SS = new List<string>() }));
            Check.Contains("Homes[0].City has values of 2 types", error(new AttributeValue { S = "a", N = "1" }));
            Check.Throws<ArgumentNullException>(() => default(Dictionary<string, AttributeValue>).ToItem());
        }

        public static void A_stream_is_read_whole_wherever_its_position_is()
        {
            var stream = Bytes(1, 2, 3);
            stream.Position = 2;
            Check.Same(new byte[] { 1, 2, 3 }, new Dictionary<string, AttributeValue> { ["B"] = new AttributeValue { B = stream } }.ToItem().Get<byte[]>("B"));
        }

        public static void A_client_has_credentials_of_the_sdk()
        {
            using (var server = new Server())
            {
                server.Respond();
                foreach (var credentials in new AWSCredentials[] { new SessionAWSCredentials("AKID", "secret", "token"), new BasicAWSCredentials("AKIE", "secret") })
                    using (var client = server.Open(more: config => config.SetCredentials(credentials)))
                        client.GetMessage("x");
                Check.Same(new[] { "AKID", "AKIE" }, server.Keys);
                using (var config = new PostboxConfig())
                {
                    Check.Throws<ArgumentException>(() => config.SetCredentials(new AnonymousAWSCredentials()));
                    Check.Throws<ArgumentNullException>(() => config.SetCredentials(default(AWSCredentials)));
                }
            }
        }

        private static MemoryStream Bytes(params byte[] bytes) => new MemoryStream(bytes);
    }
}
