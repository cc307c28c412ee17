using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Amazon.DynamoDBv2.Model;

namespace Postbox
{
    /// <summary>Reads values of the AWS SDK as the values that an <see cref="Item"/> has.</summary>
    internal static class AttributeReader
    {
        internal static Item Members(IEnumerable<KeyValuePair<string, AttributeValue>> attributes, string path)
        {
            var item = new Item();
            foreach (var attribute in attributes)
                item[attribute.Key] = Value(attribute.Value, path == "" ? attribute.Key : path + "." + attribute.Key);
            return item;
        }

        private static object? Value(AttributeValue? value, string path)
        {
            var values = value == null ? new List<object?>() : Values(value, path).ToList();
            if (values.Count == 1)
                return values[0];
            throw new ArgumentException(
                "the attribute " + path + (values.Count == 0 ? " has no value, or an empty set" : " has values of " + values.Count + " types"), "attributes");
        }

        /// <summary>
        /// Returns the value for each type that is set. A null of version 4 of the SDK and an empty collection of version 3
        /// are not set.
        /// </summary>
        private static IEnumerable<object?> Values(AttributeValue value, string path)
        {
            if (value.S != null)
                yield return value.S;
            if (value.N != null)
                yield return Number(value.N);
            if (value.B != null)
                yield return value.B.ToArray();
            if (value.IsBOOLSet)
                yield return (bool?)value.BOOL == true;
            if ((bool?)value.NULL == true)
                yield return null;
            if (value.IsMSet)
                yield return Members(value.M, path);
            if (value.IsLSet)
                yield return value.L.Select((element, index) => Value(element, path + "[" + index + "]")).ToList();
            if (value.SS?.Count > 0)
                yield return new HashSet<string>(value.SS, StringComparer.Ordinal);
            if (value.NS?.Count > 0)
                yield return Numbers(value.NS);
            if (value.BS?.Count > 0)
                yield return new HashSet<byte[]>(value.BS.Select(stream => stream.ToArray()));
        }

        /// <summary>Returns a decimal if it has the same digits, as reads of Postbox do.</summary>
        private static object Number(string digits)
        {
            return decimal.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                && value.ToString(CultureInfo.InvariantCulture) == digits
                ? (object)value
                : new ItemNumber(digits);
        }

        private static object Numbers(List<string> all)
        {
            var numbers = all.Select(Number).ToList();
            return numbers.All(number => number is decimal)
                ? (object)new HashSet<decimal>(numbers.Cast<decimal>())
                : new HashSet<ItemNumber>(all.Select(digits => new ItemNumber(digits)));
        }
    }
}
