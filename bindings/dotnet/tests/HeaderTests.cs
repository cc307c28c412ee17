using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Postbox.Tests
{
    /// <summary>
    /// Checks that the assembly has all functions and values of include/postbox.h, with the same numbers.
    /// </summary>
    public static class HeaderTests
    {
        private static readonly string Header = File.ReadAllText(Environment.GetEnvironmentVariable("POSTBOX_HEADER"));

        public static void Every_function_is_imported()
        {
            var declared = Regex.Matches(Header, @"^(?:POSTBOX_API )?[a-z][\w ]*[ *](postbox_\w+)\(", RegexOptions.Multiline).Cast<Match>().Select(match => match.Groups[1].Value);
            var imported = typeof(PostboxClient).Assembly.GetType("Postbox.Native")
                .GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly).Select(method => method.Name);
            Check.Same(declared.Distinct().OrderBy(name => name, StringComparer.Ordinal), imported.Distinct().OrderBy(name => name, StringComparer.Ordinal));
        }

        public static void Every_number_is_the_same()
        {
            Check.Same(Numbers("ERROR"), Numbers(typeof(PostboxErrorCode)));
            Check.Same(Numbers("OUTCOME"), Numbers(typeof(Outcome)));
            Check.Same(Numbers("SEND"), Numbers(typeof(SendOutcome)));
            Check.Same(Numbers("LOG"), Numbers(typeof(PostboxLogLevel)));
            Check.Same(Numbers("LEASE"), Numbers(typeof(LeaseStatus)));
            Check.Same(Numbers("STATE"), Numbers(typeof(MessageState)));
        }

        public static void The_version_is_the_same()
        {
            Check.Equal(Regex.Match(Header, "#define POSTBOX_VERSION \"(.*)\"").Groups[1].Value, PostboxLibrary.RequiredVersion);
            Check.Equal(PostboxLibrary.RequiredVersion, PostboxLibrary.Version);
        }

        private static IEnumerable<string> Numbers(string prefix)
        {
            var found = Regex.Matches(Header, "POSTBOX_" + prefix + @"_(\w+) = (\d+)").Cast<Match>()
                .Select(match => match.Groups[1].Value.Replace("_", "").ToLowerInvariant() + " " + match.Groups[2].Value).ToList();
            Check.That(found.Count > 0, "the header has no POSTBOX_" + prefix);
            return found;
        }

        private static IEnumerable<string> Numbers(Type type)
        {
            return Enum.GetValues(type).Cast<object>().Select(value => value.ToString().ToLowerInvariant() + " " + (int)value);
        }
    }
}
