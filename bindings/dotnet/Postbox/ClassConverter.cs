using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Postbox
{
    /// <summary>Classes and structs, by their properties.</summary>
    [RequiresUnreferencedCode(Item.Reflection), RequiresDynamicCode(Item.Reflection)]
    internal sealed class ClassConverter : ItemConverter
    {
        private readonly Type type;
        private readonly KeyValuePair<string, PropertyInfo>[] properties;

        internal ClassConverter(Type type)
        {
            this.type = type;
            properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(IsStored)
                .Select(property => new KeyValuePair<string, PropertyInfo>(NameOf(property), property)).ToArray();
            if (properties.Length == 0)
                throw new NotSupportedException("the type " + type.FullName + " has no property with a public getter and setter, so an item cannot store it");
            var twice = properties.GroupBy(property => property.Key, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1);
            if (twice != null)
                throw new NotSupportedException("the type " + type.FullName + " has two properties for the attribute \"" + twice.Key + "\": change one of the names with [ItemAttribute], or add [ItemIgnore]");
        }

        protected override object? Write(object value, string path, int depth)
        {
            var item = new Item();
            foreach (var property in properties)
            {
                var written = Write(property.Value.PropertyType, Call(() => property.Value.GetValue(value, null)), Member(path, property.Key), depth + 1);
                if (written != null)
                    item.Add(property.Key, written);
            }
            return item;
        }

        protected override object Read(object value, string path)
        {
            var members = value as IDictionary<string, object?> ?? throw CannotRead(type, value, path);
            var read = Instance.Of(type);
            foreach (var property in properties)
            {
                if (!members.TryGetValue(property.Key, out var member))
                    continue;
                var converted = Read(property.Value.PropertyType, member, Member(path, property.Key));
                Call(() =>
                {
                    property.Value.SetValue(read, converted, null);
                    return null;
                });
            }
            return read;
        }

        private static bool IsStored(PropertyInfo property)
        {
            if (property.IsDefined(typeof(ItemIgnoreAttribute), true) || property.GetIndexParameters().Length > 0)
                return false;
            var isPublic = property.GetGetMethod() != null && property.GetSetMethod() != null;
            if (!isPublic && property.IsDefined(typeof(ItemAttribute), true))
                throw new NotSupportedException("the property " + property.DeclaringType?.FullName + "." + property.Name + " has an [ItemAttribute] and no public getter and setter: add them");
            return isPublic;
        }

        private static string NameOf(PropertyInfo property)
        {
            return property.GetCustomAttributes(typeof(ItemAttribute), true).Cast<ItemAttribute>().FirstOrDefault()?.Name ?? property.Name;
        }

        /// <summary>Calls a property. Throws its own exception, which reflection wraps in another one.</summary>
        private static object? Call(Func<object?> property)
        {
            try
            {
                return property();
            }
            catch (TargetInvocationException failure)
            {
                ExceptionDispatchInfo.Capture(failure.InnerException ?? failure).Throw();
                throw;
            }
        }
    }

    /// <summary>Creates objects of types that are known at run time.</summary>
    [RequiresUnreferencedCode(Item.Reflection), RequiresDynamicCode(Item.Reflection)]
    internal static class Instance
    {
        internal static object Of(Type type)
        {
            if (type.IsAbstract || !type.IsValueType && type.GetConstructor(Type.EmptyTypes) == null)
                throw NotSupported(type);
            return Activator.CreateInstance(type)!;
        }

        internal static NotSupportedException NotSupported(Type type)
        {
            return new NotSupportedException("an item cannot be read as " + type.FullName + ", which is abstract or has no public constructor without parameters: use another class, or [ItemIgnore]");
        }
    }
}
