using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Amazon.DynamoDBv2.Model;

namespace Postbox
{
    /// <summary>Writes the values of an item that was read as values of the AWS SDK.</summary>
    internal static class AttributeWriter
    {
        internal static Dictionary<string, AttributeValue> Members(Item item)
        {
            return item.ToDictionary(attribute => attribute.Key, attribute => Value(attribute.Value), StringComparer.Ordinal);
        }

        private static AttributeValue Value(object? value)
        {
            switch (value)
            {
                case null:
                    return new AttributeValue { NULL = true };
                case string text:
                    return new AttributeValue { S = text };
                case bool flag:
                    return new AttributeValue { BOOL = flag };
                case byte[] bytes:
                    return new AttributeValue { B = new MemoryStream(bytes) };
                case Item members:
                    return members.Count == 0 ? new AttributeValue { IsMSet = true } : new AttributeValue { M = Members(members) };
                case List<object> elements:
                    return elements.Count == 0 ? new AttributeValue { IsLSet = true } : new AttributeValue { L = elements.Select(Value).ToList() };
                case HashSet<string> texts:
                    return new AttributeValue { SS = texts.ToList() };
                case HashSet<byte[]> binaries:
                    return new AttributeValue { BS = binaries.Select(bytes => new MemoryStream(bytes)).ToList() };
                case HashSet<decimal> numbers:
                    return new AttributeValue { NS = numbers.Select(number => Digits(number)).ToList() };
                case HashSet<ItemNumber> numbers:
                    return new AttributeValue { NS = numbers.Select(Digits).ToList() };
                default:
                    return new AttributeValue { N = Digits(value) };
            }
        }

        private static string Digits(object number) => Convert.ToString(number, CultureInfo.InvariantCulture)!;
    }
}
