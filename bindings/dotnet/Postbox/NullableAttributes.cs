#if NETSTANDARD2_0
namespace System.Diagnostics.CodeAnalysis
{
    // The compiler finds these attributes by their names. .NET Standard 2.0 does not have them.

    /// <summary>Null is allowed as an input even if the type does not allow it.</summary>
    [AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
    internal sealed class AllowNullAttribute : Attribute
    {
    }

    /// <summary>An output may be null even if the type does not allow it.</summary>
    [AttributeUsage(AttributeTargets.ReturnValue)]
    internal sealed class MaybeNullAttribute : Attribute
    {
    }

    /// <summary>An output may be null if the method returns this value.</summary>
    [AttributeUsage(AttributeTargets.Parameter)]
    internal sealed class MaybeNullWhenAttribute : Attribute
    {
        internal MaybeNullWhenAttribute(bool returnValue)
        {
            ReturnValue = returnValue;
        }

        /// <summary>The value.</summary>
        public bool ReturnValue { get; }
    }

    /// <summary>An output is not null if this parameter is not null.</summary>
    [AttributeUsage(AttributeTargets.ReturnValue)]
    internal sealed class NotNullIfNotNullAttribute : Attribute
    {
        internal NotNullIfNotNullAttribute(string parameterName)
        {
            ParameterName = parameterName;
        }

        /// <summary>The name of the parameter.</summary>
        public string ParameterName { get; }
    }
}
#endif
