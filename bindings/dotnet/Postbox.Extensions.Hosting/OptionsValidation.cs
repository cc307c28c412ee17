using System;
using System.Linq;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Postbox.Extensions.Hosting
{
    /// <summary>Checks the values of the options of every client, before the client is opened.</summary>
    internal sealed class ValidOptions : IValidateOptions<PostboxOptions>
    {
        public ValidateOptionsResult Validate(string? name, PostboxOptions options)
        {
            var problems = options.Validate();
            return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(Of(name) + string.Join("; ", problems));
        }

        /// <summary>Returns the part of an error text that names the client, if it has a name.</summary>
        internal static string Of(string? name) => string.IsNullOrEmpty(name) ? "" : "client \"" + name + "\": ";
    }

    /// <summary>Checks that a section has only keys that are options. The binder ignores other keys, such as misspelled ones.</summary>
    internal sealed class KnownOptions : IValidateOptions<PostboxOptions>
    {
        private static readonly string[] Known = typeof(PostboxOptions).GetProperties().Select(property => property.Name).ToArray();

        private readonly string client;
        private readonly IConfiguration section;

        internal KnownOptions(string client, IConfiguration section)
        {
            this.client = client;
            this.section = section;
        }

        public ValidateOptionsResult Validate(string? name, PostboxOptions options)
        {
            if (name != client)
                return ValidateOptionsResult.Skip;
            var unknown = section.GetChildren().Where(child => !Known.Contains(child.Key, StringComparer.OrdinalIgnoreCase)).Select(child => child.Path).ToList();
            return unknown.Count == 0
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail(
                    ValidOptions.Of(name) + "unknown options: " + string.Join(", ", unknown) + ": correct the names to those of the properties of PostboxOptions");
        }
    }
}
