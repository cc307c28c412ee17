using System;
using System.Collections.Generic;
using Amazon.DynamoDBv2.Model;

namespace Postbox
{
    /// <summary>Converts between items of Postbox and items of the AWS SDK for .NET.</summary>
    public static class AttributeMapExtensions
    {
        /// <summary>
        /// Returns an item, or the key of an item, of the AWS SDK as an <see cref="Item"/>. Binary values are copied, and the
        /// positions of their streams do not matter.
        /// </summary>
        /// <param name="attributes">
        /// The attributes by their names. Each value has exactly one type. Lists and maps may be empty; sets may not.
        /// </param>
        /// <returns>The item.</returns>
        /// <exception cref="ArgumentException">
        /// A value has no type or several types. The text contains the path of the attribute: <c>Homes[0].City</c>.
        /// </exception>
        public static Item ToItem(this IEnumerable<KeyValuePair<string, AttributeValue>> attributes)
        {
            if (attributes == null)
                throw new ArgumentNullException(nameof(attributes));
            return AttributeReader.Members(attributes, "");
        }

        /// <summary>
        /// Returns an item as the AWS SDK has it, for a request, or for <c>Document.FromAttributeMap</c> and
        /// <c>DynamoDBContext.FromDocument</c>.
        /// </summary>
        /// <param name="item">The item, which is copied.</param>
        /// <returns>The attributes by their names. Collections of types that a value does not have are as the SDK creates them.</returns>
        /// <exception cref="NotSupportedException">An attribute has a type that an item cannot store.</exception>
        /// <exception cref="PostboxException">The item is invalid: for example, it has an empty set.</exception>
        public static Dictionary<string, AttributeValue> ToAttributeMap(this Item item)
        {
            if (item == null)
                throw new ArgumentNullException(nameof(item));
            // An item can have values of many CLR types. The one that is read has those that reads return.
            return AttributeWriter.Members(Item.FromJson(item.ToJson()));
        }
    }
}
