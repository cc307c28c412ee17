using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox.Tests
{
    /// <summary>Items as dictionaries of CLR values.</summary>
    public static class ItemTests
    {
        private static Item EveryType() => new Item
        {
            ["Name"] = "Ada \0 \u00e9",
            ["Age"] = 36,
            ["Exact"] = 0.1000000000000000055511151231m,
            ["Long"] = new ItemNumber("12345678901234567890123456789012345678"),
            ["Adult"] = true,
            ["Friend"] = null,
            ["Photo"] = new byte[] { 0, 255 },
            ["Home"] = new Dictionary<string, object> { ["City"] = "London", ["Lines"] = new object[] { "1", 2, new Item() } },
            ["Tags"] = new HashSet<string> { "a", "b" },
            ["Lucky"] = new SortedSet<decimal> { 7, 13.5m },
            ["Photos"] = new HashSet<byte[]> { new byte[] { 1 } },
        };

        public static void Names_of_any_length_are_written()
        {
            // The names and the values are converted in one buffer, which grows.
            for (var length = 1; length < 1100; length++)
            {
                var name = new string('n', length);
                foreach (var value in new object[] { 79228162514264337593543950335m, "text", 7, new byte[] { 1 }, new List<object> { 1.5m, "x" } })
                    Check.Equal(new Item { ["a"] = value }.ToJson().Length + length - 1, new Item { [name] = value }.ToJson().Length);
            }
        }

        public static void Names_that_were_stored_can_contain_NUL()
        {
            var read = Item.FromJson("{\"a\\u0000b\":{\"S\":\"x\"},\"a\":{\"M\":{\"\\u0000\":{\"S\":\"y\"}}}}");
            Check.Same(new[] { "a", "a\0b" }, read.Keys.OrderBy(name => name, StringComparer.Ordinal));
            Check.Equal("x", read.Get<string>("a\0b"));
            Check.Equal("y", read.Get<Item>("a").Get<string>("\0"));
            Check.Contains("NUL", Check.Throws<ArgumentException>(() => read.ToJson()).Message);
        }

        public static void Every_type_is_written_and_read()
        {
            var read = Item.FromJson(EveryType().ToJson());
            Check.Equal("Ada \0 \u00e9", read.Get<string>("Name"));
            Check.Equal(36, read.Get<int>("Age"));
            Check.Equal((byte?)36, read.Get<byte?>("Age"));
            Check.Equal(36.0, read.Get<double>("Age"));
            Check.Equal(0.1000000000000000055511151231m, read.Get<decimal>("Exact"));
            Check.Equal("12345678901234567890123456789012345678", read.Get<ItemNumber>("Long").Digits);
            Check.Equal(1.2345678901234568E+37, read.Get<double>("Long"));
            Check.Equal(true, read.Get<bool>("Adult"));
            Check.Equal(null, read.Get<string>("Friend"));
            Check.Equal(null, read.Get<int?>("Missing"));
            Check.Same(new byte[] { 0, 255 }, read.Get<byte[]>("Photo"));
            var lines = read.Get<Item>("Home").Get<List<object>>("Lines");
            Check.Equal(2m, lines[1]);
            Check.Equal(0, ((Item)lines[2]).Count);
            Check.Same(new[] { "a", "b" }, read.Get<HashSet<string>>("Tags").OrderBy(tag => tag, StringComparer.Ordinal));
            Check.Same(new[] { 7m, 13.5m }, read.Get<HashSet<decimal>>("Lucky").OrderBy(number => number));
            Check.That(read.Get<HashSet<byte[]>>("Photos").Contains(new byte[] { 1 }), "a set of bytes is searched by content");
            Check.Equal(EveryType().ToJson(), read.ToJson());
        }

        public static void A_number_that_a_decimal_would_round_keeps_its_digits()
        {
            foreach (var digits in new[] { "1e-29", "1.00000000000000000000000000005", "79228162514264337593543950336", "1E125", "0.00000000000000000000000000001" })
                Check.Equal(digits, Item.FromJson("{\"n\":{\"N\":\"" + digits + "\"}}").Get<ItemNumber>("n").Digits);
            foreach (var digits in new[] { "0", "-1.5", "1e3", "79228162514264337593543950335" })
                Check.That(Item.FromJson("{\"n\":{\"N\":\"" + digits + "\"}}")["n"] is decimal, digits);
        }

        public static void Get_converts_numbers_that_were_set_as_those_that_were_read()
        {
            var written = new Item { ["Age"] = 36, ["Height"] = 1.5, ["Weight"] = 60.5f, ["Far"] = 1e30, ["Mass"] = (byte)7 };
            foreach (var item in new[] { written, Item.FromJson(written.ToJson()) })
            {
                Check.Equal(36L, item.Get<long>("Age"));
                Check.Equal((ushort?)36, item.Get<ushort?>("Age"));
                Check.Equal(36m, item.Get<decimal>("Age"));
                Check.Equal("36", item.Get<ItemNumber>("Age").Digits);
                Check.Equal(1200, new Item { ["N"] = new ItemNumber("1.2E3") }.Get<int>("N"));
                Check.Equal(1.5m, item.Get<decimal>("Height"));
                Check.Equal(1.5f, item.Get<float>("Height"));
                Check.Equal(60.5, item.Get<double>("Weight"));
                Check.Equal(7, item.Get<int>("Mass"));
                Check.Equal(1e30, item.Get<double>("Far"));
                Check.Throws<InvalidCastException>(() => item.Get<decimal>("Far"));
                Check.Throws<InvalidCastException>(() => item.Get<int>("Height"));
                Check.Throws<InvalidCastException>(() => item.Get<bool>("Age"));
                Check.Throws<InvalidCastException>(() => item.Get<string>("Age"));
            }
        }

        public static void A_missing_attribute_has_a_default()
        {
            var item = new Item { ["Name"] = "Ada", ["Age"] = 300m, ["Friend"] = null };
            int age;
            string name;
            Check.That(item.TryGet("Age", out age) && age == 300, "the attribute is found");
            Check.That(item.TryGet("Name", out name) && name == "Ada", "the attribute is found");
            Check.That(!item.TryGet("Greetings", out age) && age == 0, "a missing attribute");
            Check.That(!item.TryGet("Friend", out name) && name == null, "an attribute that is null");
            Check.Equal(300, item.GetOrDefault("Age", 1));
            Check.Equal(1, item.GetOrDefault("Greetings", 1));
            Check.Equal(0, item.GetOrDefault<int>("Greetings"));
            Check.Equal("Bob", item.GetOrDefault("Friend", "Bob"));
            Check.Equal((long?)300, item.GetOrDefault<long?>("Age"));
            Check.Contains("\"Name\"", Check.Throws<InvalidCastException>(() => item.TryGet("Name", out age)).Message);
            Check.Contains("\"Age\" is of type Decimal and cannot be read as Byte", Check.Throws<InvalidCastException>(() => item.GetOrDefault<byte?>("Age")).Message);
            Check.Throws<ArgumentNullException>(() => item.GetOrDefault<int>(null));
        }

        public static void A_value_of_another_type_is_an_error_with_the_name()
        {
            var item = new Item { ["Name"] = "Ada", ["Age"] = 300m, ["Half"] = 0.5m, ["None"] = null };
            Check.Contains("\"Name\"", Check.Throws<InvalidCastException>(() => item.Get<int>("Name")).Message);
            Check.Contains("\"Age\"", Check.Throws<InvalidCastException>(() => item.Get<byte>("Age")).Message);
            Check.Throws<InvalidCastException>(() => item.Get<int>("Half"));
            Check.Throws<InvalidCastException>(() => item.Get<int>("None"));
            Check.Contains("\"Missing\"", Check.Throws<KeyNotFoundException>(() => item.Get<int>("Missing")).Message);

            Check.Contains("a.b[1] has a value of type Version", Check.Throws<ArgumentException>(() => Json("a", new Item { ["b"] = new object[] { 1, new Version() } })).Message);
            Check.Contains("a is not a decimal number", Check.Throws<PostboxException>(() => Json("a", double.NaN)).Message);
            Check.Contains("39 digits", Check.Throws<PostboxException>(() => Json("a", new ItemNumber(new string('9', 39)))).Message);
            Check.Contains("numbers only", Check.Throws<PostboxException>(() => Json("a", new HashSet<object> { 1, "b" })).Message);
            Check.Contains("empty set", Check.Throws<PostboxException>(() => Json("a", new HashSet<string>())).Message);
            Check.Contains("surrogate", Check.Throws<ArgumentException>(() => Json("a", "\ud800")).Message);
            Check.Equal(PostboxErrorCode.InvalidJson, Check.Throws<PostboxException>(() => Item.FromJson("{")).Code);
            Check.Throws<ArgumentNullException>(() => Item.FromJson(null));
        }

        private static void Json(string name, object value) => new Item { [name] = value }.ToJson();

        public static void A_unit_of_work_writes_and_reads_items()
        {
            var key = new Item { ["Name"] = "Ada" };
            var isNew = new ItemExpression { Condition = "attribute_not_exists(#n)", Names = { ["#n"] = "Name" }, ReturnItem = true };
            using (var world = new World())
            {
                using (var work = world.Client.BeginUnitOfWork())
                {
                    work.Put("People", new Item { ["Name"] = "Ada", ["Age"] = 36 }, isNew);
                    work.Commit();
                }
                using (var work = world.Client.BeginUnitOfWork())
                {
                    Check.Equal(36, work.GetItem("People", key).Get<int>("Age"));
                    work.Update("People", key, new ItemExpression { Update = "ADD Age :one", Values = { [":one"] = 1 } });
                    work.ConditionCheck("People", new Item { ["Name"] = "Bob" }, isNew);
                    work.Delete("People", new Item { ["Name"] = "Eve" });
                    work.Commit();
                }
                Check.Equal(37, world.Client.GetItem("People", key).Get<int>("Age"));
                Check.Equal(null, world.Client.GetItem("People", new Item { ["Name"] = "Eve" }));
                using (var work = world.Client.BeginUnitOfWork())
                {
                    work.Put("People", new Item { ["Name"] = "Ada" }, isNew);
                    var failure = Check.Throws<PostboxTransactionCanceledException>(work.Commit);
                    Check.Equal(37, Item.FromJson(failure.Reasons[0].Item).Get<int>("Age"));
                    Check.Equal(37, failure.Reasons[0].StoredItem.Get<int>("Age"));
                    isNew.ReturnItem = false;
                    using (var again = world.Client.BeginUnitOfWork())
                    {
                        again.Put("People", new Item { ["Name"] = "Ada" }, isNew);
                        Check.Equal(null, Check.Throws<PostboxTransactionCanceledException>(again.Commit).Reasons[0].StoredItem);
                    }
                    Check.Throws<PostboxException>(() => work.Update("People", key, null));
                    Check.Throws<ArgumentNullException>(() => work.Put("People", (Item)null));
                }
            }
        }
    }
}
