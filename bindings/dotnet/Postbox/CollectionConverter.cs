using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;

namespace Postbox
{
    /// <summary>Arrays, lists and sets.</summary>
    [RequiresUnreferencedCode(Item.Reflection), RequiresDynamicCode(Item.Reflection)]
    internal sealed class CollectionConverter<TElement> : ItemConverter
    {
        private readonly Type type;
        private readonly bool isSet;

        public CollectionConverter(Type type)
        {
            this.type = type;
            isSet = ArgumentsOf(type, typeof(ISet<>)) != null;
        }

        /// <summary>Returns a list or a set. DynamoDB has no empty set, so that the result for it is null.</summary>
        protected override object? Write(object value, string path, int depth)
        {
            var elements = ((IEnumerable<TElement>)value)
                .Select((element, index) => Write(typeof(TElement), element, path + "[" + index + "]", depth + 1)).ToList();
            if (!isSet)
                return elements;
            return elements.Count == 0 ? null : ItemReader.SetOf(elements);
        }

        protected override object Read(object value, string path)
        {
            if (value is string || value is byte[] || value is IDictionary || !(value is IEnumerable))
                throw CannotRead(type, value, path);
            var elements = ((IEnumerable)value).Cast<object?>()
                .Select((element, index) => (TElement)Read(typeof(TElement), element, path + "[" + index + "]")!);
            if (type.IsArray)
                return elements.ToArray();
            if (type.IsAssignableFrom(typeof(List<TElement>)))
                return elements.ToList();
            if (type.IsInstanceOfType(value))
                return value;
            var collection = type.IsAssignableFrom(typeof(HashSet<TElement>))
                ? new HashSet<TElement>()
                : Instance.Of(type) as ICollection<TElement> ?? throw Instance.NotSupported(type);
            foreach (var element in elements)
                collection.Add(element);
            return collection;
        }
    }
}
