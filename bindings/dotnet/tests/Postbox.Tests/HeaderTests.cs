using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Postbox.Tests
{
    /// <summary>
    /// Checks that the assembly uses all functions of include/postbox.h, and has all its values with the same numbers.
    /// </summary>
    public static class HeaderTests
    {
        private static readonly string HeaderPath = Environment.GetEnvironmentVariable("POSTBOX_HEADER");
        private static readonly string Header = File.ReadAllText(HeaderPath);

        // The assembly copies items to dictionaries, counts the failures of reports, and cancels calls with a CancellationToken
        // of .NET. The runtime runs no signal handlers that a call would have to interrupt.
        private static readonly string[] NotNeeded =
        {
            "postbox_cancel_token_is_canceled", "postbox_cancel_token_on_wait", "postbox_item_copy",
            "postbox_item_set_string", "postbox_item_remove", "postbox_item_get", "postbox_value_bool_or", "postbox_value_int64",
            "postbox_value_int64_or", "postbox_value_double", "postbox_value_double_or", "postbox_value_member",
            "postbox_report_failure_count",
        };

        public static void Every_function_is_used()
        {
            var declared = Regex.Matches(Header, @"^(?:POSTBOX_API )?[a-z][\w ]*[ *](postbox_\w+)\(", RegexOptions.Multiline).Cast<Match>().Select(match => match.Groups[1].Value);
            var sources = Directory.GetFiles(Path.Combine(Path.GetDirectoryName(HeaderPath), "..", "bindings", "dotnet", "Postbox"), "*.cs");
            var used = sources.SelectMany(path => Regex.Matches(File.ReadAllText(path), @"Native\.(postbox_\w+)").Cast<Match>().Select(match => match.Groups[1].Value));
            Check.Same(NotNeeded, declared.Except(used));
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

        public static void The_library_is_not_loaded_from_the_current_directory_of_Windows()
        {
            var assembly = typeof(PostboxClient).Assembly;
            var paths = (DefaultDllImportSearchPathsAttribute)Attribute.GetCustomAttribute(assembly, typeof(DefaultDllImportSearchPathsAttribute));
            Check.Equal(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories, paths.Paths);
            // A function must not have other paths.
            var native = assembly.GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
                .Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl)).ToList();
            Check.That(native.Count > 100, "only " + native.Count + " functions were found");
            Check.Same(new MethodInfo[0], native.Where(method => method.IsDefined(typeof(DefaultDllImportSearchPathsAttribute))));
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
