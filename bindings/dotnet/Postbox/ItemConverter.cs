using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Linq;

namespace Postbox
{
    /// <summary>
    /// Converts values of one CLR type to values that an <see cref="Item"/> contains, and back. The converter of each type is
    /// created once.
    /// </summary>
    [RequiresUnreferencedCode(Item.Reflection), RequiresDynamicCode(Item.Reflection)]
    internal abstract class ItemConverter
    {
        /// <summary>The number of lists and maps that DynamoDB stores inside each other.</summary>
        private const int MaxNesting = 32;

        private static readonly ConcurrentDictionary<Type, ItemConverter> Converters = new ConcurrentDictionary<Type, ItemConverter>();

        private static readonly Type[] PlainTypes =
        {
            typeof(string), typeof(bool), typeof(byte[]), typeof(Item), typeof(ItemNumber), typeof(decimal), typeof(double), typeof(float),
            typeof(int), typeof(long), typeof(short), typeof(byte), typeof(uint), typeof(ulong), typeof(ushort), typeof(sbyte),
        };

        /// <summary>Returns a value of a declared type as an item contains it, and null for null.</summary>
        internal static object? Write(Type type, object? value, string path, int depth)
        {
            if (value == null)
                return null;
            var converter = Of(type == typeof(object) ? value.GetType() : type, path);
            if (converter.IsNested && depth > MaxNesting)
                throw new ArgumentException("the attribute " + path + " is nested in " + MaxNesting + " lists and maps, the maximum of DynamoDB: the object may contain itself");
            return converter.Write(value, path, depth);
        }

        /// <summary>Returns a value of an item as this type.</summary>
        internal static object? Read(Type type, object? value, string path)
        {
            if (value != null)
                return Of(type, path).Read(value, path);
            if (type.IsValueType && Nullable.GetUnderlyingType(type) == null)
                throw CannotRead(type, null, path);
            return null;
        }

        internal static InvalidCastException CannotRead(Type type, object? value, string path)
        {
            var found = value == null ? "null" : "of type " + value.GetType().Name;
            return new InvalidCastException((path == "" ? "the item" : "the attribute " + path) + " is " + found + " and cannot be read as " + (Nullable.GetUnderlyingType(type) ?? type).Name);
        }

        internal static string Member(string path, string name) => path == "" ? name : path + "." + name;

        /// <summary>Whether the values contain other values.</summary>
        protected virtual bool IsNested => true;

        protected abstract object? Write(object value, string path, int depth);

        protected abstract object Read(object value, string path);

        private static ItemConverter Of(Type type, string path)
        {
            try
            {
                return Converters.GetOrAdd(type, Create);
            }
            catch (NotSupportedException failure) when (path != "")
            {
                throw new NotSupportedException("the attribute " + path + ": " + failure.Message, failure);
            }
        }

        private static ItemConverter Create(Type type)
        {
            var underlying = Nullable.GetUnderlyingType(type);
            if (underlying != null)
                return Create(underlying);
            if (type == typeof(object) || PlainTypes.Contains(type))
                return new PlainConverter(type);
            var text = TextConverter.TryCreate(type);
            if (text != null)
                return text;
            var arguments = ArgumentsOf(type, typeof(IDictionary<,>)) ?? ArgumentsOf(type, typeof(IReadOnlyDictionary<,>));
            if (arguments != null && arguments[0] == typeof(string))
                return Generic(typeof(MapConverter<>), arguments[1], type);
            arguments = ArgumentsOf(type, typeof(IEnumerable<>));
            return arguments == null ? new ClassConverter(type) : Generic(typeof(CollectionConverter<>), arguments[0], type);
        }

        private static ItemConverter Generic(Type converter, Type element, Type type)
        {
            return (ItemConverter)Activator.CreateInstance(converter.MakeGenericType(element), type)!;
        }

        /// <summary>Returns the type arguments with which a type is or implements an interface, or null.</summary>
        internal static Type[]? ArgumentsOf(Type type, Type generic)
        {
            return new[] { type }.Concat(type.GetInterfaces())
                .FirstOrDefault(candidate => candidate.IsGenericType && candidate.GetGenericTypeDefinition() == generic)
                ?.GetGenericArguments();
        }

        /// <summary>Strings, numbers and the other values that an item contains as they are.</summary>
        [RequiresUnreferencedCode(Item.Reflection), RequiresDynamicCode(Item.Reflection)]
        private sealed class PlainConverter : ItemConverter
        {
            private readonly Type type;

            internal PlainConverter(Type type)
            {
                this.type = type;
            }

            protected override bool IsNested => false;

            protected override object? Write(object value, string path, int depth) => value;

            protected override object Read(object value, string path)
            {
                return type.IsInstanceOfType(value) ? value : ItemNumber.TryConvert(value, type) ?? throw CannotRead(type, value, path);
            }
        }

        /// <summary>Values that are stored as text.</summary>
        [RequiresUnreferencedCode(Item.Reflection), RequiresDynamicCode(Item.Reflection)]
        private sealed class TextConverter : ItemConverter
        {
            private readonly Type type;
            private readonly Func<object, string?> write;
            private readonly Func<string, object> read;

            private TextConverter(Type type, Func<object, string?> write, Func<string, object> read)
            {
                this.type = type;
                this.write = write;
                this.read = read;
            }

            internal static TextConverter? TryCreate(Type type)
            {
                var invariant = CultureInfo.InvariantCulture;
                if (type.IsEnum)
                    return new TextConverter(type, value => value.ToString(), text => Enum.Parse(type, text));
                if (type == typeof(Guid))
                    return new TextConverter(type, value => value.ToString(), text => Guid.Parse(text));
                if (type == typeof(DateTime))
                    return new TextConverter(type, value => ((DateTime)value).ToString("O", invariant), text => DateTime.ParseExact(text, "O", invariant, DateTimeStyles.RoundtripKind));
                if (type == typeof(DateTimeOffset))
                    return new TextConverter(type, value => ((DateTimeOffset)value).ToString("O", invariant), text => DateTimeOffset.ParseExact(text, "O", invariant));
                return null;
            }

            protected override bool IsNested => false;

            protected override object? Write(object value, string path, int depth) => write(value);

            protected override object Read(object value, string path)
            {
                try
                {
                    return read(value as string ?? throw CannotRead(type, value, path));
                }
                catch (Exception failure) when (failure is FormatException || failure is ArgumentException || failure is OverflowException)
                {
                    throw new InvalidCastException("the attribute " + path + " cannot be read as " + type.Name + ": " + failure.Message, failure);
                }
            }
        }

        /// <summary>Dictionaries with string keys.</summary>
        [RequiresUnreferencedCode(Item.Reflection), RequiresDynamicCode(Item.Reflection)]
        private sealed class MapConverter<TValue> : ItemConverter
        {
            private readonly Type type;

            public MapConverter(Type type)
            {
                this.type = type;
            }

            protected override object? Write(object value, string path, int depth)
            {
                var item = new Item();
                foreach (var member in (IEnumerable<KeyValuePair<string, TValue>>)value)
                    item.Add(member.Key, Write(typeof(TValue), member.Value, Member(path, member.Key), depth + 1));
                return item;
            }

            protected override object Read(object value, string path)
            {
                var members = value as IDictionary<string, object?> ?? throw CannotRead(type, value, path);
                var read = type.IsAssignableFrom(typeof(Dictionary<string, TValue>))
                    ? new Dictionary<string, TValue>(StringComparer.Ordinal)
                    : Instance.Of(type) as IDictionary<string, TValue> ?? throw Instance.NotSupported(type);
                foreach (var member in members)
                    read.Add(member.Key, (TValue)Read(typeof(TValue), member.Value, Member(path, member.Key))!);
                return read;
            }
        }
    }
}
