using System;

namespace Postbox
{
    /// <summary>
    /// Sets the name of the attribute in which <see cref="Item.From{T}"/> and <see cref="Item.To{T}"/> store a property.
    /// Without it, the attribute has the name of the property.
    /// </summary>
    [AttributeUsage(AttributeTargets.Property)]
    public sealed class ItemAttribute : Attribute
    {
        /// <summary>Sets the name of the attribute.</summary>
        /// <param name="name">The name of the attribute in the item.</param>
        public ItemAttribute(string name)
        {
            Name = name ?? throw new ArgumentNullException(nameof(name));
        }

        /// <summary>The name of the attribute in the item.</summary>
        public string Name { get; }
    }

    /// <summary>Excludes a property from <see cref="Item.From{T}"/> and <see cref="Item.To{T}"/>.</summary>
    [AttributeUsage(AttributeTargets.Property)]
    public sealed class ItemIgnoreAttribute : Attribute
    {
    }
}

#if NETSTANDARD
namespace System.Diagnostics.CodeAnalysis
{
    /// <summary>
    /// Makes the trimmer of .NET 5 and later warn about calls of a method. The trimmer finds the attribute by its name, since
    /// .NET Standard 2.0 does not have it.
    /// </summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class RequiresUnreferencedCodeAttribute : Attribute
    {
        internal RequiresUnreferencedCodeAttribute(string message)
        {
            Message = message;
        }

        /// <summary>The text of the warning.</summary>
        public string Message { get; }
    }

    /// <summary>Makes the compiler of native programs warn about calls of a method, in the same way.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class RequiresDynamicCodeAttribute : Attribute
    {
        internal RequiresDynamicCodeAttribute(string message)
        {
            Message = message;
        }

        /// <summary>The text of the warning.</summary>
        public string Message { get; }
    }
}
#endif
