using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Postbox
{
    /// <summary>
    /// Writes CLR values to an item of the library. All names and texts are converted in one buffer, since an array for each would
    /// cost more than the call of the library.
    /// </summary>
    internal sealed class ItemWriter
    {
        // Does not keep the types of a plug-in loaded.
        private static readonly ConditionalWeakTable<Type, IsSet> SetTypes = new ConditionalWeakTable<Type, IsSet>();

        private readonly IntPtr item;
        private byte[] buffer = new byte[256];

        // The collection in which the current value is.
        private Collection? inside;

        private ItemWriter(IntPtr item)
        {
            this.item = item;
        }

        /// <summary>Returns a new item with these attributes.</summary>
        internal static OwnedItem Write(IEnumerable<KeyValuePair<string, object?>> attributes, string argument)
        {
            if (attributes == null)
                throw new ArgumentNullException(argument);
            var item = new OwnedItem(Native.postbox_item_new());
            try
            {
                var writer = new ItemWriter(item.Pointer);
                foreach (var attribute in attributes)
                    writer.Set(attribute.Key, attribute.Value);
                return item;
            }
            catch
            {
                item.Dispose();
                throw;
            }
        }

        internal static bool IsInteger(object? value)
        {
            return value is int || value is long || value is short || value is ushort || value is byte
                || value is sbyte || value is uint || value is ulong;
        }

        /// <summary>Sets an attribute, or appends to a list or a set if the name is null.</summary>
        private unsafe void Set(string? name, object? value)
        {
            var keyLength = name == null ? 0 : PutName(name);
            if (value is string text)
            {
                var length = PutText(keyLength, name, text);
                fixed (byte* start = buffer)
                    Errors.Check(Native.postbox_item_set_string_of_length(item, Key(name, start), start + keyLength, (UIntPtr)length));
            }
            else if (value is byte[] binary)
            {
                fixed (byte* start = buffer, bytes = binary)
                    Errors.Check(Native.postbox_item_set_binary(item, Key(name, start), bytes, (UIntPtr)binary.Length));
            }
            else if (TextOfNumber(value) is string digits)
            {
                PutText(keyLength, name, digits);
                fixed (byte* start = buffer)
                    Errors.Check(Native.postbox_item_set_number(item, Key(name, start), start + keyLength));
            }
            else
            {
                bool isSet;
                fixed (byte* start = buffer)
                    isSet = SetFixed(Key(name, start), value);
                if (!isSet)
                    SetCollection(name, value!);
            }
        }

        /// <summary>Sets a value of a fixed size. Returns false if it is a collection.</summary>
        private unsafe bool SetFixed(byte* key, object? value)
        {
            if (value == null)
                Errors.Check(Native.postbox_item_set_null(item, key));
            else if (value is int small)
                Errors.Check(Native.postbox_item_set_int64(item, key, small));
            else if (value is long number)
                Errors.Check(Native.postbox_item_set_int64(item, key, number));
            else if (value is bool flag)
                Errors.Check(Native.postbox_item_set_bool(item, key, (byte)(flag ? 1 : 0)));
            else if (value is double real)
                Errors.Check(Native.postbox_item_set_double(item, key, real));
            else
                return false;
            return true;
        }

        /// <summary>Returns the digits of a number that no other function takes without a loss. Otherwise null.</summary>
        private static string? TextOfNumber(object? value)
        {
            if (value is int || value is long)
                return null;
            // The shortest text of a float has fewer digits than that of the double of the same value.
            if (value is float single)
                return single.ToString("R", CultureInfo.InvariantCulture);
            return value is decimal || value is ItemNumber || IsInteger(value) ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;
        }

        private void SetCollection(string? name, object value)
        {
            if (value is IEnumerable<KeyValuePair<string, object?>> members)
            {
                Begin(name, ValueKind.Map);
                foreach (var member in members)
                    Set(member.Key, member.Value);
            }
            else if (value is IDictionary map)
            {
                var begun = Begin(name, ValueKind.Map);
                foreach (var entry in map)
                {
                    var member = (DictionaryEntry)entry!;
                    Set(member.Key as string ?? throw Unknown(member.Key, begun.Path), member.Value);
                }
            }
            else if (value is IEnumerable elements)
            {
                var begun = Begin(name, KindOf(elements));
                foreach (var element in elements)
                {
                    Set(null, element);
                    begun.Index++;
                }
            }
            else
                throw Unknown(value, PathOf(name));
            inside = inside!.Outer;
            Errors.Check(Native.postbox_item_end(item));
        }

        private unsafe Collection Begin(string? name, ValueKind kind)
        {
            fixed (byte* start = buffer)
                Errors.Check(Native.postbox_item_begin(item, Key(name, start), (int)kind));
            return inside = new Collection(inside, name);
        }

        private static unsafe byte* Key(string? name, byte* start) => name == null ? null : start;

        /// <summary>Writes a name to the start of the buffer, and returns its length with the NUL.</summary>
        private int PutName(string name)
        {
            Utf8.RejectNul(name, nameof(name));
            return Put(name, 0, null, nameof(name)) + 1;
        }

        /// <summary>Writes the text of an attribute to the buffer, with a NUL, and returns its length without the NUL.</summary>
        private int PutText(int at, string? name, string text) => Put(text, at, name, null);

        private int Put(string text, int at, string? name, string? argument)
        {
            try
            {
                var length = Utf8.Write(text, ref buffer, at);
                buffer[at + length] = 0;
                return length;
            }
            catch (EncoderFallbackException failure)
            {
                throw Utf8.Unpaired(failure, argument ?? PathOf(name));
            }
        }

        private static ValueKind KindOf(IEnumerable elements)
        {
            if (elements is Array || !SetTypes.GetValue(elements.GetType(), type => new IsSet(type)).Value)
                return ValueKind.List;
            var first = elements.Cast<object?>().FirstOrDefault();
            return first is byte[] ? ValueKind.BinarySet : first is string || first == null ? ValueKind.StringSet : ValueKind.NumberSet;
        }

        private string? PathOf(string? name) => inside == null ? name : inside.PathOf(name);

        private static ArgumentException Unknown(object value, string? path)
        {
            return new ArgumentException("the attribute " + path + " has a value of type " + value.GetType().Name + ", which DynamoDB cannot store: convert it to a string, a number, bytes or a collection of these");
        }

        /// <summary>A map, a list or a set that is being written. Its path is only formatted for an error.</summary>
        private sealed class Collection
        {
            private readonly string? name;

            internal Collection(Collection? outer, string? name)
            {
                Outer = outer;
                this.name = name;
            }

            internal Collection? Outer { get; }

            /// <summary>The index of the current element of a list or a set.</summary>
            internal int Index { get; set; }

            internal string? Path => Outer == null ? name : Outer.PathOf(name);

            internal string PathOf(string? member) => Path + (member == null ? "[" + Index + "]" : "." + member);
        }

        /// <summary>Whether a type is a set.</summary>
        private sealed class IsSet
        {
            [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "The type of an object that exists keeps the interfaces that the program uses.")]
            internal IsSet(Type type)
            {
                Value = type.GetInterfaces().Any(implemented => implemented.IsGenericType && implemented.GetGenericTypeDefinition() == typeof(ISet<>));
            }

            internal bool Value { get; }
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
            using (new OwnedItem(pointer))
                return Members(Native.postbox_item_value(pointer));
        }

        /// <summary>Copies an item that another handle owns. Returns null for NULL.</summary>
        internal static Item? CopyOptional(IntPtr borrowed)
        {
            return borrowed == IntPtr.Zero ? null : Members(Native.postbox_item_value(borrowed));
        }

        private static Item Members(IntPtr map)
        {
            var read = new Item();
            var count = (ulong)Native.postbox_value_count(map);
            for (var index = 0UL; index < count; index++)
                read[NameAt(map, index)] = Value(Native.postbox_value_at(map, (UIntPtr)index));
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

        private static string NameAt(IntPtr map, ulong index)
        {
            UIntPtr length;
            var start = Native.postbox_value_name_at(map, (UIntPtr)index, out length);
            return Utf8.Read(start, checked((int)length));
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
