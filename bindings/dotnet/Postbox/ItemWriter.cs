using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;

namespace Postbox
{
    /// <summary>Writes CLR values to an item of the library.</summary>
    internal sealed class ItemWriter
    {
        private readonly ItemHandle item;

        private ItemWriter(ItemHandle item)
        {
            this.item = item;
        }

        /// <summary>Returns a new item with these attributes.</summary>
        internal static ItemHandle Write(IEnumerable<KeyValuePair<string, object?>> attributes, string argument)
        {
            if (attributes == null)
                throw new ArgumentNullException(argument);
            var item = new ItemHandle(Native.postbox_item_new());
            try
            {
                var writer = new ItemWriter(item);
                foreach (var attribute in attributes)
                    writer.Set(attribute.Key, attribute.Value, attribute.Key);
                return item;
            }
            catch
            {
                item.Dispose();
                throw;
            }
        }

        /// <summary>Sets an attribute, or appends to a list or a set if the name is null.</summary>
        private void Set(string? name, object? value, string path)
        {
            var key = Utf8.Optional(name, "name");
            if (value is string text)
            {
                var bytes = Utf8.Body(text, path);
                Errors.Check(Native.postbox_item_set_string_of_length(item, key, bytes, (UIntPtr)bytes.Length));
            }
            else if (value == null)
                Errors.Check(Native.postbox_item_set_null(item, key));
            else if (value is bool flag)
                Errors.Check(Native.postbox_item_set_bool(item, key, flag));
            else if (value is byte[] binary)
                Errors.Check(Native.postbox_item_set_binary(item, key, in MemoryMarshal.GetReference((ReadOnlySpan<byte>)binary), (UIntPtr)binary.Length));
            else if (value is int || value is long)
                Errors.Check(Native.postbox_item_set_int64(item, key, Convert.ToInt64(value, CultureInfo.InvariantCulture)));
            else if (value is double real)
                Errors.Check(Native.postbox_item_set_double(item, key, real));
            else if (value is float single)
                // The shortest text of a float has fewer digits than that of the double of the same value.
                SetNumber(key, single.ToString("R", CultureInfo.InvariantCulture), path);
            else if (value is decimal || value is ItemNumber || IsInteger(value))
                SetNumber(key, Convert.ToString(value, CultureInfo.InvariantCulture)!, path);
            else
                SetCollection(key, value, path);
        }

        internal static bool IsInteger(object? value)
        {
            return value is int || value is long || value is short || value is ushort || value is byte
                || value is sbyte || value is uint || value is ulong;
        }

        private void SetNumber(byte[]? key, string digits, string path)
        {
            Errors.Check(Native.postbox_item_set_number(item, key, Utf8.Required(digits, path)));
        }

        private void SetCollection(byte[]? key, object value, string path)
        {
            if (value is IEnumerable<KeyValuePair<string, object?>> members)
            {
                Begin(key, ValueKind.Map);
                foreach (var member in members)
                    Set(member.Key, member.Value, path + "." + member.Key);
            }
            else if (value is IDictionary map)
            {
                Begin(key, ValueKind.Map);
                foreach (var entry in map)
                {
                    var member = (DictionaryEntry)entry!;
                    Set(member.Key as string ?? throw Unknown(member.Key, path), member.Value, path + "." + member.Key);
                }
            }
            else if (value is IEnumerable elements)
            {
                Begin(key, IsSet(value.GetType()) ? SetOf(elements) : ValueKind.List);
                var index = 0;
                foreach (var element in elements)
                    Set(null, element, path + "[" + index++ + "]");
            }
            else
                throw Unknown(value, path);
            Errors.Check(Native.postbox_item_end(item));
        }

        private void Begin(byte[]? key, ValueKind kind) => Errors.Check(Native.postbox_item_begin(item, key, (int)kind));

        private static bool IsSet(Type type)
        {
            return type.GetInterfaces().Any(implemented => implemented.IsGenericType && implemented.GetGenericTypeDefinition() == typeof(ISet<>));
        }

        private static ValueKind SetOf(IEnumerable elements)
        {
            var first = elements.Cast<object?>().FirstOrDefault();
            return first is byte[] ? ValueKind.BinarySet : first is string || first == null ? ValueKind.StringSet : ValueKind.NumberSet;
        }

        private static ArgumentException Unknown(object value, string path)
        {
            return new ArgumentException("the attribute " + path + " has a value of type " + value.GetType().Name + ", which DynamoDB cannot store: convert it to a string, a number, bytes or a collection of these");
        }
    }

    /// <summary>Reads CLR values from an item of the library.</summary>
    internal static class ItemReader
    {
        /// <summary>Copies an item, which is not NULL, and frees it.</summary>
        internal static Item Take(IntPtr pointer)
        {
            return TakeOptional(pointer) ?? throw new InvalidOperationException("the native library returned NULL instead of an item");
        }

        /// <summary>Copies an item and frees it. Returns null for NULL.</summary>
        internal static Item? TakeOptional(IntPtr pointer)
        {
            if (pointer == IntPtr.Zero)
                return null;
            using (var item = new ItemHandle(pointer))
                return Members(Native.postbox_item_value(item));
        }

        /// <summary>Copies an item that another handle owns. Returns null for NULL.</summary>
        internal static Item? CopyOptional(IntPtr borrowed)
        {
            if (borrowed == IntPtr.Zero)
                return null;
            var item = new ItemHandle(borrowed);
            try
            {
                return Members(Native.postbox_item_value(item));
            }
            finally
            {
                item.SetHandleAsInvalid();
            }
        }

        private static Item Members(IntPtr map)
        {
            var read = new Item();
            var count = (ulong)Native.postbox_value_count(map);
            for (var index = 0UL; index < count; index++)
                read[Utf8.Read(Native.postbox_value_name_at(map, (UIntPtr)index))] = Value(Native.postbox_value_at(map, (UIntPtr)index));
            return read;
        }

        private static object? Value(IntPtr value)
        {
            switch ((ValueKind)Native.postbox_value_kind(value))
            {
                case ValueKind.String:
                    return Text(value);
                case ValueKind.Number:
                    return ItemNumber.Read(Text(value));
                case ValueKind.Binary:
                    return Binary(value);
                case ValueKind.Bool:
                    return Native.postbox_value_bool(value);
                case ValueKind.Map:
                    return Members(value);
                case ValueKind.List:
                    return Elements(value).ToList();
                case ValueKind.StringSet:
                case ValueKind.NumberSet:
                case ValueKind.BinarySet:
                    return SetOf(Elements(value).ToList());
                default:
                    return null;
            }
        }

        /// <summary>Returns a set with the type of its elements. Values of different types remain objects.</summary>
        internal static object SetOf(List<object?> elements)
        {
            if (elements.All(element => element is string))
                return new HashSet<string>(elements.Cast<string>(), StringComparer.Ordinal);
            if (elements.All(element => element is byte[]))
                return new HashSet<byte[]>(elements.Cast<byte[]>(), new ByContent());
            var decimals = elements.Select(element => ItemNumber.TryConvert(element, typeof(decimal))).OfType<decimal>().ToList();
            if (decimals.Count == elements.Count)
                return new HashSet<decimal>(decimals);
            var numbers = elements.Select(element => ItemNumber.TryConvert(element, typeof(ItemNumber))).OfType<ItemNumber>().ToList();
            return numbers.Count == elements.Count ? (object)new HashSet<ItemNumber>(numbers) : new HashSet<object?>(elements);
        }

        private static IEnumerable<object?> Elements(IntPtr value)
        {
            var count = (ulong)Native.postbox_value_count(value);
            for (var index = 0UL; index < count; index++)
                yield return Value(Native.postbox_value_at(value, (UIntPtr)index));
        }

        private static string Text(IntPtr value)
        {
            UIntPtr length;
            var start = Native.postbox_value_string(value, out length);
            return Utf8.Read(start, checked((int)length));
        }

        private static byte[] Binary(IntPtr value)
        {
            UIntPtr length;
            var start = Native.postbox_value_binary(value, out length);
            var bytes = new byte[checked((int)length)];
            if (bytes.Length > 0)
                Marshal.Copy(start, bytes, 0, bytes.Length);
            return bytes;
        }

        /// <summary>Compares arrays by their bytes.</summary>
        private sealed class ByContent : IEqualityComparer<byte[]>
        {
            public bool Equals(byte[]? one, byte[]? other) => one == other || one != null && other != null && one.SequenceEqual(other);

            public int GetHashCode(byte[] bytes) => bytes.Aggregate(bytes.Length, (hash, part) => unchecked(hash * 31 + part));
        }
    }
}
