using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Postbox.Tests
{
    /// <summary>Items from objects of classes, and back.</summary>
    public static class ItemClassTests
    {
        private enum Level
        {
            Low,
            High,
        }

        private struct Point
        {
            public int X { get; set; }

            public int Y { get; set; }
        }

        private class Named
        {
            [ItemAttribute("Name")]
            public string Title { get; set; }
        }

        private sealed class Address
        {
            public string City { get; set; }

            public IReadOnlyList<string> Lines { get; set; }
        }

        private sealed class Person : Named
        {
            public int Age { get; set; }

            public int? Children { get; set; }

            public decimal Exact { get; set; }

            public ItemNumber Long { get; set; }

            public double Height { get; set; }

            public bool Adult { get; set; }

            public byte[] Photo { get; set; }

            public Level Level { get; set; }

            public Level? Former { get; set; }

            public Guid Id { get; set; }

            public DateTime Born { get; set; }

            public DateTimeOffset Seen { get; set; }

            public Address Home { get; set; }

            public List<Address> Others { get; set; }

            public Point[] Path { get; set; }

            public Dictionary<string, Point> Places { get; set; }

            public HashSet<string> Tags { get; set; } = new HashSet<string>();

            public ISet<int> Lucky { get; set; }

            public SortedSet<Level> Levels { get; set; }

            public HashSet<byte[]> Keys { get; set; }

            public int?[] Gaps { get; set; }

            public object Anything { get; set; }

            public string Initial { get; set; } = "kept";

            [ItemIgnore]
            public string Secret { get; set; } = "secret";

            public string Computed => "computed";

            public int this[int index] => index;
        }

        private static Person Ada() => new Person
        {
            Title = "Ada \0",
            Age = 36,
            Exact = 0.1000000000000000055511151231m,
            Long = new ItemNumber("12345678901234567890123456789012345678"),
            Height = 1.7,
            Adult = true,
            Photo = new byte[] { 0, 255 },
            Level = Level.High,
            Id = new Guid("00112233-4455-6677-8899-aabbccddeeff"),
            Born = new DateTime(1815, 12, 10, 1, 2, 3, DateTimeKind.Utc).AddTicks(1),
            Seen = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)),
            Home = new Address { City = "London", Lines = new[] { "1", "2" } },
            Others = new List<Address> { new Address { City = "Paris" }, null },
            Path = new[] { new Point { X = 1, Y = 2 } },
            Places = new Dictionary<string, Point> { ["pub"] = new Point { X = 3 } },
            Tags = new HashSet<string> { "a", "b" },
            Lucky = new HashSet<int> { 7, 13 },
            Levels = new SortedSet<Level> { Level.High },
            Keys = new HashSet<byte[]> { new byte[] { 1 } },
            Gaps = new int?[] { 1, null },
            Anything = new[] { 1, 2 },
            Initial = null,
        };

        public static void An_object_is_written_and_read()
        {
            // Directly, and as it is stored.
            foreach (var item in new[] { Item.From(Ada()), Item.FromJson(Item.From(Ada()).ToJson()) })
            {
                var read = item.To<Person>();
                Check.Equal("Ada \0", read.Title);
                Check.Equal(36, read.Age);
                Check.Equal(null, read.Children);
                Check.Equal(0.1000000000000000055511151231m, read.Exact);
                Check.Equal("12345678901234567890123456789012345678", read.Long.Digits);
                Check.Equal(1.7, read.Height);
                Check.That(read.Adult, "Adult");
                Check.Same(new byte[] { 0, 255 }, read.Photo);
                Check.Equal(Level.High, read.Level);
                Check.Equal(null, read.Former);
                Check.Equal(Ada().Id, read.Id);
                Check.Equal(Ada().Born, read.Born);
                Check.Equal(DateTimeKind.Utc, read.Born.Kind);
                Check.Equal(Ada().Seen, read.Seen);
                Check.Equal(TimeSpan.FromHours(2), read.Seen.Offset);
                Check.Equal("London", read.Home.City);
                Check.Same(new[] { "1", "2" }, read.Home.Lines);
                Check.Equal("Paris", read.Others[0].City);
                Check.Equal(null, read.Others[1]);
                Check.Equal(2, read.Path[0].Y);
                Check.Equal(3, read.Places["pub"].X);
                Check.Same(new[] { "a", "b" }, read.Tags.OrderBy(tag => tag, StringComparer.Ordinal));
                Check.Same(new[] { 7, 13 }, read.Lucky.OrderBy(number => number));
                Check.Same(new[] { Level.High }, read.Levels);
                Check.That(read.Keys.Contains(new byte[] { 1 }), "a set of bytes is searched by content");
                Check.Same(new int?[] { 1, null }, read.Gaps);
                Check.Equal(2, ((List<object>)read.Anything).Count);
                Check.Equal("kept", read.Initial);
                Check.Equal("secret", read.Secret);
            }
        }

        public static void An_item_has_the_attributes_of_the_properties()
        {
            var item = Item.From(Ada());
            Check.Equal("Ada \0", item.Get<string>("Name"));
            Check.Equal("High", item.Get<string>("Level"));
            Check.Equal("1815-12-10T01:02:03.0000001Z", item.Get<string>("Born"));
            Check.Same(new[] { 7m, 13m }, item.Get<HashSet<decimal>>("Lucky").OrderBy(number => number));
            foreach (var omitted in new[] { "Title", "Children", "Former", "Initial", "Secret", "Computed", "Item" })
                Check.That(!item.ContainsKey(omitted), omitted);
            Check.That(!Item.From(new Person { Tags = new HashSet<string>() }).ContainsKey("Tags"), "an empty set is omitted");
            item["Unknown"] = 1;
            item["Home"] = null;
            Check.Equal(null, item.To<Person>().Home);
            Check.Equal(1, Item.From(new Dictionary<string, int> { ["a"] = 1 }).Get<int>("a"));
            Check.Equal(1, new Item { ["a"] = 1 }.To<IDictionary<string, int>>()["a"]);
        }

        public static void A_unit_of_work_writes_and_reads_objects()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                work.Put("People", Item.From(Ada()));
                work.Commit();
                var key = new Item { ["Name"] = "Ada \0" };
                Check.Equal("London", world.Client.GetItem("People", key).To<Person>().Home.City);
            }
        }

        public static void A_value_that_does_not_fit_is_an_error_with_its_path()
        {
            Action<string, Item> fails = (text, item) => Check.Contains(text, Check.Throws<InvalidCastException>(() => item.To<Person>()).Message);
            fails("the attribute Name is of type Decimal and cannot be read as String", new Item { ["Name"] = 1m });
            fails("the attribute Age is of type Decimal and cannot be read as Int32", new Item { ["Age"] = 0.5m });
            fails("the attribute Age is null and cannot be read as Int32", new Item { ["Age"] = null });
            fails("the attribute Children is of type String and cannot be read as Int32", new Item { ["Children"] = "2" });
            fails("the attribute Level cannot be read as Level", new Item { ["Level"] = "Middle" });
            fails("the attribute Level is of type Decimal", new Item { ["Level"] = 1m });
            fails("the attribute Born cannot be read as DateTime", new Item { ["Born"] = "yesterday" });
            fails("the attribute Id cannot be read as Guid", new Item { ["Id"] = "1" });
            fails("the attribute Home is of type String and cannot be read as Address", new Item { ["Home"] = "London" });
            fails("the attribute Home.Lines[1] is of type Int32", new Item { ["Home"] = new Item { ["Lines"] = new object[] { "1", 2 } } });
            fails("the attribute Others[0].City is of type Boolean", new Item { ["Others"] = new object[] { new Item { ["City"] = true } } });
            fails("the attribute Places.pub.X is of type String", new Item { ["Places"] = new Item { ["pub"] = new Item { ["X"] = "1" } } });
            fails("the attribute Lucky[0] is of type String", new Item { ["Lucky"] = new HashSet<string> { "a" } });
            fails("the attribute Path is of type String", new Item { ["Path"] = "a" });
            fails("the attribute Gaps is of type Item", new Item { ["Gaps"] = new Item() });

            var wrong = Ada();
            wrong.Home.Lines = new[] { "a", "\ud800" };
            Check.Contains("Home.Lines[1]", Check.Throws<ArgumentException>(() => Item.From(wrong).ToJson()).ParamName);
            wrong.Home.Lines = null;
            wrong.Anything = new object[] { new Version(1, 2) };
            Check.Contains("the attribute Anything[0]: the type System.Version has no property", Check.Throws<NotSupportedException>(() => Item.From(wrong)).Message);
            wrong.Anything = double.NaN;
            Check.Contains("Anything is not a decimal number", Check.Throws<PostboxException>(() => Item.From(wrong).ToJson()).Message);
            Check.Throws<ArgumentNullException>(() => Item.From<Person>(null));
        }

        private sealed class Node
        {
            public Node Next { get; set; }

            public int Depth { get; set; }
        }

        public static void An_object_that_contains_itself_is_rejected()
        {
            Func<int, Node> chain = null;
            chain = depth => new Node { Depth = depth, Next = depth == 0 ? null : chain(depth - 1) };
            Item.From(chain(32)).ToJson();
            Check.Contains("Next.Next", Check.Throws<ArgumentException>(() => Item.From(chain(33))).Message);
            var circle = new Node();
            circle.Next = circle;
            Check.Contains("is nested in 32 lists and maps", Check.Throws<ArgumentException>(() => Item.From(circle)).Message);
        }

        private sealed class Twice
        {
            public int One { get; set; }

            [ItemAttribute("One")]
            public int Two { get; set; }
        }

        private sealed class ReadOnly
        {
            [ItemAttribute("One")]
            public int One => 1;
        }

        private sealed class WithArgument
        {
            public WithArgument(int one)
            {
                One = one;
            }

            public int One { get; set; }
        }

        private sealed class Throwing
        {
            public int One
            {
                get { return 1; }
                set { throw new FormatException("not " + value); }
            }

            public IEnumerable<int> Many { get; set; }
        }

        private sealed class Abstract
        {
            public System.Collections.ObjectModel.ReadOnlyCollection<int> Numbers { get; set; }
        }

        public static void A_class_that_cannot_be_stored_is_rejected()
        {
            Action<string, Action> fails = (text, call) => Check.Contains(text, Check.Throws<NotSupportedException>(call).Message);
            fails("two properties for the attribute \"One\"", () => Item.From(new Twice()));
            fails("ReadOnly.One has an [ItemAttribute]", () => Item.From(new ReadOnly()));
            fails("no public constructor without parameters", () => new Item { ["One"] = 1 }.To<WithArgument>());
            Check.Equal(2, Item.From(new WithArgument(2)).Get<int>("One"));
            fails("ReadOnlyCollection", () => new Item { ["Numbers"] = new[] { 1 } }.To<Abstract>());
            fails("not a class with properties", () => Item.From("Ada"));
            fails("not a class with properties", () => Item.From(new object()));
            fails("has no property", () => Item.From(TimeSpan.Zero));
            Check.Equal("not 2", Check.Throws<FormatException>(() => new Item { ["One"] = 2 }.To<Throwing>()).Message);
            Check.Same(new[] { 1, 2 }, new Item { ["Many"] = new[] { 1m, 2m } }.To<Throwing>().Many);
        }

        public static void The_trimmer_is_told_about_reflection()
        {
            var converter = typeof(Item).Assembly.GetType("Postbox.ItemConverter", true);
            var converters = typeof(Item).Assembly.GetTypes().Where(converter.IsAssignableFrom).Where(type => !type.Name.Contains("<>")).ToList();
            Check.That(converters.Count > 4, "not all converters were found");
            foreach (var member in new MemberInfo[] { typeof(Item).GetMethod("From"), typeof(Item).GetMethod("To") }.Concat(converters))
                Check.Same(
                    new[] { "RequiresDynamicCodeAttribute", "RequiresUnreferencedCodeAttribute" },
                    member.GetCustomAttributes(false).Select(attribute => attribute.GetType().Name)
                        .Where(attribute => attribute.StartsWith("Requires", StringComparison.Ordinal)).OrderBy(attribute => attribute, StringComparer.Ordinal));
        }
    }
}
