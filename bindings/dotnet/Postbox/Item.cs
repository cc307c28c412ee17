using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Linq;

namespace Postbox
{
    /// <summary>
    /// An item of a DynamoDB table, or the key of an item: values by the names of the attributes. <para> The CLR types and
    /// the types of DynamoDB: string (S), all integers, <see cref="decimal"/>, <see cref="double"/>, float and
    /// <see cref="ItemNumber"/> (N), byte[] (B), bool (BOOL), null (NULL), dictionaries with string keys (M), sets of
    /// strings, numbers or byte[] (SS, NS, BS), all other collections (L). </para> <para> Numbers are read as
    /// <see cref="decimal"/>, and as <see cref="ItemNumber"/> if a decimal cannot represent all digits. Maps are read as
    /// <see cref="Item"/>, lists as <see cref="List{T}"/> of object, and sets as <see cref="HashSet{T}"/>. </para>
    /// </summary>
    /// <example><code>
    /// work.Put("People", new Item { ["Name"] = "Ada", ["Age"] = 36, ["Languages"] = new[] { "English" } });
    /// var age = work.GetItem("People", new Item { ["Name"] = "Ada" }).Get&lt;int&gt;("Age");
    /// </code></example>
    public sealed class Item : Dictionary<string, object?>
    {
        /// <summary>Creates an empty item.</summary>
        public Item() : base(StringComparer.Ordinal) { }

        /// <summary>Creates an item with these attributes.</summary>
        /// <param name="attributes">The attributes, which are copied.</param>
        public Item(IEnumerable<KeyValuePair<string, object?>> attributes) : this()
        {
            foreach (var attribute in attributes ?? throw new ArgumentNullException(nameof(attributes)))
                Add(attribute.Key, attribute.Value);
        }

        /// <summary>Reads an item from DynamoDB JSON, as in the AWS CLI.</summary>
        /// <param name="json">The JSON: <c>{"Name": {"S": "Ada"}}</c>.</param>
        /// <returns>The item.</returns>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.InvalidJson"/>: the message names the place of the problem.
        /// </exception>
        public static Item FromJson(string json)
        {
            PostboxLibrary.Check();
            IntPtr item;
            Errors.Check(Native.postbox_item_from_json(Utf8.Required(json, nameof(json)), out item));
            return ItemReader.Take(item);
        }

        /// <summary>Returns the item as DynamoDB JSON, with the attributes sorted by name.</summary>
        /// <returns>The JSON.</returns>
        public string ToJson()
        {
            PostboxLibrary.Check();
            IntPtr json;
            using (var item = ItemWriter.Write(this, "item"))
                Errors.Check(Native.postbox_item_to_json(item.Pointer, out json));
            return Utf8.Take(json);
        }

        /// <summary>Returns an attribute as this type. Numbers are converted if their value is preserved.</summary>
        /// <typeparam name="T">
        /// A type that is listed for <see cref="Item"/>, or any numeric type for numbers. A nullable type also accepts a
        /// missing attribute and null.
        /// </typeparam>
        /// <param name="name">The name of the attribute.</param>
        /// <returns>The value.</returns>
        /// <exception cref="KeyNotFoundException">The item does not have the attribute.</exception>
        /// <exception cref="InvalidCastException">The attribute has another type, or the number does not fit.</exception>
        [return: MaybeNull]
        public T Get<T>(string name)
        {
            var exists = TryGetValue(name ?? throw new ArgumentNullException(nameof(name)), out var value);
            if (value == null && (Nullable.GetUnderlyingType(typeof(T)) != null || exists && !typeof(T).IsValueType))
                return default(T)!;
            return exists ? Converted<T>(name, value!) : throw new KeyNotFoundException("the item has no attribute \"" + name + "\"");
        }

        /// <summary>Returns an attribute as this type, if the item has the attribute and it is not null.</summary>
        /// <typeparam name="T">The type, as for <see cref="Get{T}"/>.</typeparam>
        /// <param name="name">The name of the attribute.</param>
        /// <param name="value">The value, or the default of the type.</param>
        /// <returns>False if the attribute is missing or null.</returns>
        /// <exception cref="InvalidCastException">The attribute has another type, or the number does not fit.</exception>
        public bool TryGet<T>(string name, [MaybeNullWhen(false)] out T value)
        {
            TryGetValue(name ?? throw new ArgumentNullException(nameof(name)), out var found);
            value = found == null ? default(T)! : Converted<T>(name, found);
            return found != null;
        }

        /// <summary>Returns an attribute as this type, or a default if the attribute is missing or null.</summary>
        /// <typeparam name="T">The type, as for <see cref="Get{T}"/>.</typeparam>
        /// <param name="name">The name of the attribute.</param>
        /// <param name="defaultValue">The default.</param>
        /// <returns>The value or the default.</returns>
        /// <exception cref="InvalidCastException">The attribute has another type, or the number does not fit.</exception>
        [return: MaybeNull, NotNullIfNotNull("defaultValue")]
        public T GetOrDefault<T>(string name, [AllowNull] T defaultValue = default(T)!)
        {
            return TryGet<T>(name, out var value) ? value : defaultValue;
        }

        /// <summary>Returns the names of the attributes, without their values: "Item (Name, Age)".</summary>
        /// <returns>The text. <see cref="ToJson"/> returns the values.</returns>
        public override string ToString() => "Item (" + string.Join(", ", Keys) + ")";

        private static T Converted<T>(string name, object value)
        {
            if (value is T)
                return (T)value;
            var number = ItemNumber.TryConvert(value, Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T));
            return number == null ? throw ItemConverter.CannotRead(typeof(T), value, "\"" + name + "\"") : (T)number;
        }

        internal const string Reflection = "From and To use the properties of a class, which trimming can remove: keep the class, for example with DynamicDependency, or set the attributes one by one";

        /// <summary>
        /// Returns an item with the properties of an object that have a public getter and setter. <para> Properties have the
        /// types that are listed for <see cref="Item"/>, their nullable types, enums, <see cref="Guid"/>,
        /// <see cref="DateTime"/> and <see cref="DateTimeOffset"/> (all S), arrays, lists, sets and dictionaries of these, and
        /// other classes with properties (M). <see cref="ItemAttribute"/> changes the name of an attribute, and
        /// <see cref="ItemIgnoreAttribute"/> excludes a property. Properties that are null and empty sets are omitted. </para>
        /// </summary>
        /// <typeparam name="T">The class, whose properties are used even if the object is of a derived class.</typeparam>
        /// <param name="value">The object.</param>
        /// <returns>The item.</returns>
        /// <exception cref="ArgumentException">The object is nested in more than 32 others, or contains itself.</exception>
        /// <exception cref="NotSupportedException">A property has a type that an item cannot store.</exception>
        /// <example><code>
        /// work.Put("People", Item.From(new Person { Name = "Ada", Age = 36 }));
        /// var person = work.GetItem("People", new Item { ["Name"] = "Ada" }).To&lt;Person&gt;();
        /// </code></example>
        [RequiresUnreferencedCode(Reflection), RequiresDynamicCode(Reflection)]
        public static Item From<T>(T value)
        {
            if (value == null)
                throw new ArgumentNullException(nameof(value));
            return ItemConverter.Write(typeof(T), value, "", 0) as Item
                ?? throw new NotSupportedException("an item cannot be created from " + typeof(T).FullName + ", which is not a class with properties");
        }

        /// <summary>
        /// Returns a new object with the attributes of the item, as <see cref="From{T}"/> stores them. Attributes without a
        /// property are ignored. A property without an attribute keeps the value that the constructor has set. Numbers are
        /// converted if their value is preserved.
        /// </summary>
        /// <typeparam name="T">A class with a public constructor without parameters.</typeparam>
        /// <returns>The object.</returns>
        /// <exception cref="InvalidCastException">
        /// An attribute has another type than its property, or is null and the property cannot be null. The message
        /// contains the path of the attribute: <c>Home.Lines[1]</c>.
        /// </exception>
        /// <exception cref="NotSupportedException">A property has a type that an item cannot store.</exception>
        [RequiresUnreferencedCode(Reflection), RequiresDynamicCode(Reflection)]
        public T To<T>() => (T)ItemConverter.Read(typeof(T), this, "")!;
    }

    /// <summary>A decimal number with all its digits, up to 38, as DynamoDB stores it.</summary>
    public sealed class ItemNumber : IEquatable<ItemNumber>
    {
        /// <summary>Creates a number from its digits.</summary>
        /// <param name="digits">The digits: "36", "-1.5", "1e20".</param>
        public ItemNumber(string digits)
        {
            Digits = digits ?? throw new ArgumentNullException(nameof(digits));
        }

        /// <summary>The digits of the number.</summary>
        public string Digits { get; }

        /// <summary>Returns the digits of the number.</summary>
        /// <returns>The digits.</returns>
        public override string ToString() => Digits;

        /// <summary>Returns whether two numbers have the same digits.</summary>
        /// <param name="other">The other number.</param>
        /// <returns>Whether the digits are equal.</returns>
        public bool Equals(ItemNumber? other) => other != null && other.Digits == Digits;

        /// <inheritdoc/>
        public override bool Equals(object? obj) => Equals(obj as ItemNumber);

        /// <inheritdoc/>
        public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Digits);

        /// <summary>Returns a decimal if it can represent all digits, and an <see cref="ItemNumber"/> otherwise.</summary>
        internal static object Read(string digits)
        {
            decimal value;
            // A decimal rounds further digits without an error.
            var exact = decimal.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
                && Canonical(digits) == Canonical(value.ToString(CultureInfo.InvariantCulture));
            return exact ? (object)value : new ItemNumber(digits);
        }

        /// <summary>Returns the significant digits of a number and the place of the last of them.</summary>
        private static string Canonical(string digits)
        {
            var parts = digits.Split('e', 'E');
            var exponent = parts.Length == 1 ? 0 : int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            var point = parts[0].IndexOf('.');
            var fraction = point < 0 ? 0 : parts[0].Length - point - 1;
            var all = new string(parts[0].Where(char.IsDigit).ToArray()).TrimStart('0');
            var significant = all.TrimEnd('0');
            return significant == "" ? "0" : significant + "e" + (exponent - fraction + all.Length - significant.Length);
        }

        /// <summary>Converts a number to a numeric type, or returns null if its value would change.</summary>
        internal static object? TryConvert(object? value, Type type)
        {
            var number = AsRead(value);
            if (number == null)
                return null;
            if (type == typeof(ItemNumber))
                return number as ItemNumber ?? new ItemNumber(Convert.ToString(number, CultureInfo.InvariantCulture)!);
            if (type == typeof(double) || type == typeof(float))
            {
                var real = double.Parse(Convert.ToString(number, CultureInfo.InvariantCulture)!, NumberStyles.Float, CultureInfo.InvariantCulture);
                return Convert.ChangeType(real, type, CultureInfo.InvariantCulture);
            }
            if (!(number is decimal) || type == typeof(decimal))
                return number as decimal?;
            if (!type.IsPrimitive || type == typeof(bool) || type == typeof(char))
                return null;
            try
            {
                var whole = Convert.ChangeType(number, type, CultureInfo.InvariantCulture);
                return Convert.ToDecimal(whole, CultureInfo.InvariantCulture) == (decimal)number ? whole : null;
            }
            catch (OverflowException)
            {
                return null;
            }
        }

        /// <summary>Returns a number that the program has set as if it had been read, and null for other values.</summary>
        private static object? AsRead(object? value)
        {
            if (value is ItemNumber exact)
                return Read(exact.Digits);
            if (value is decimal)
                return value;
            if (value is double || value is float)
                return Read(((IFormattable)value).ToString("R", CultureInfo.InvariantCulture));
            return ItemWriter.IsInteger(value) ? (object)Convert.ToDecimal(value, CultureInfo.InvariantCulture) : null;
        }
    }

    /// <summary>
    /// The expressions of an action: an update, a condition, and their placeholders.
    /// </summary>
    /// <example><code>
    /// work.Update("People", key, new ItemExpression { Update = "ADD Age :one", Values = { [":one"] = 1 } });
    /// </code></example>
    public sealed class ItemExpression
    {
        /// <summary>The update expression, for an update only.</summary>
        public string? Update { get; set; }

        /// <summary>The condition. If it is not met, the commit fails.</summary>
        public string? Condition { get; set; }

        /// <summary>The names of attributes for placeholders that begin with "#".</summary>
        public IDictionary<string, string> Names { get; } = new Dictionary<string, string>();

        /// <summary>The values for placeholders that begin with ":".</summary>
        public Item Values { get; } = new Item();

        /// <summary>Whether the reason of a condition that was not met contains the item.</summary>
        public bool ReturnItem { get; set; }

        /// <summary>Returns the update and the condition, without the values.</summary>
        /// <returns>The text.</returns>
        public override string ToString() => string.Join(" IF ", new[] { Update, Condition }.Where(part => !string.IsNullOrEmpty(part)));
    }
}
