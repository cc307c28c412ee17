using System;
using System.Collections.Generic;
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
    public sealed class Item : Dictionary<string, object>
    {
        /// <summary>Creates an empty item.</summary>
        public Item() : base(StringComparer.Ordinal) { }

        /// <summary>Creates an item with these attributes.</summary>
        /// <param name="attributes">The attributes, which are copied.</param>
        public Item(IEnumerable<KeyValuePair<string, object>> attributes) : this()
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
            IntPtr item;
            Errors.Check(Native.postbox_item_from_json(Utf8.Required(json, nameof(json)), out item));
            return ItemReader.Take(item);
        }

        /// <summary>Returns the item as DynamoDB JSON, with the attributes sorted by name.</summary>
        /// <returns>The JSON.</returns>
        public string ToJson()
        {
            IntPtr json;
            using (var item = ItemWriter.Write(this, "item"))
                Errors.Check(Native.postbox_item_to_json(item, out json));
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
        public T Get<T>(string name)
        {
            object value;
            var exists = TryGetValue(name ?? throw new ArgumentNullException(nameof(name)), out value);
            if (value is T)
                return (T)value;
            var type = Nullable.GetUnderlyingType(typeof(T));
            if (value == null && (type != null || exists && !typeof(T).IsValueType))
                return default(T);
            if (!exists)
                throw new KeyNotFoundException("the item has no attribute \"" + name + "\"");
            var number = ItemNumber.TryConvert(value, type ?? typeof(T));
            if (number != null)
                return (T)number;
            throw new InvalidCastException("the attribute \"" + name + "\" is " + (value == null ? "null" : "of type " + value.GetType().Name) + " and cannot be read as " + typeof(T).Name);
        }
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
        public bool Equals(ItemNumber other) => other != null && other.Digits == Digits;

        /// <inheritdoc/>
        public override bool Equals(object obj) => Equals(obj as ItemNumber);

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
        internal static object TryConvert(object value, Type type)
        {
            var number = AsRead(value);
            if (number == null)
                return null;
            if (type == typeof(ItemNumber))
                return number as ItemNumber ?? new ItemNumber(Convert.ToString(number, CultureInfo.InvariantCulture));
            if (type == typeof(double) || type == typeof(float))
            {
                var real = double.Parse(Convert.ToString(number, CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
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
        private static object AsRead(object value)
        {
            if (value is decimal || value is ItemNumber)
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
    /// work.Update("People", key, new Expression { Update = "ADD Age :one", Values = { [":one"] = 1 } });
    /// </code></example>
    public sealed class Expression
    {
        /// <summary>The update expression, for an update only.</summary>
        public string Update { get; set; }

        /// <summary>The condition. If it is not met, the commit fails.</summary>
        public string Condition { get; set; }

        /// <summary>The names of attributes for placeholders that begin with "#".</summary>
        public IDictionary<string, string> Names { get; } = new Dictionary<string, string>();

        /// <summary>The values for placeholders that begin with ":".</summary>
        public Item Values { get; } = new Item();

        /// <summary>Whether the reason of a condition that was not met contains the item.</summary>
        public bool ReturnItem { get; set; }
    }
}
