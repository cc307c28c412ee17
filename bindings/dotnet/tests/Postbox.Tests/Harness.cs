using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Postbox.Tests
{
    /// <summary>
    /// Runs the tests, which are the public methods of the static classes whose names end in "Tests". Arguments select
    /// the tests whose names contain one of them. The project has its own runner, since nothing else here needs NuGet.
    /// </summary>
    internal static partial class Harness
    {
        private static int Main(string[] arguments)
        {
            if (arguments.Length == 3 && arguments[0] == "--child")
            {
                var code = 1;
                RunChild(arguments[1], arguments[2], ref code);
                return code;
            }

            var failed = 0;
            var tests = Tests(arguments).ToList();
            foreach (var test in tests)
                failed += Passes(test) ? 0 : 1;
            Console.WriteLine((tests.Count - failed) + " passed, " + failed + " failed");
            return failed == 0 && tests.Count > 0 ? 0 : 1;
        }

        /// <summary>Runs a process that a test has started, in projects with such tests.</summary>
        static partial void RunChild(string what, string database, ref int code);

        private static IEnumerable<MethodInfo> Tests(string[] words)
        {
            return typeof(Harness).Assembly.GetTypes()
                .Where(type => type.Name.EndsWith("Tests", StringComparison.Ordinal))
                .OrderBy(type => type.Name, StringComparer.Ordinal)
                .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
                .Where(test => words.Length == 0 || words.Any(word => NameOf(test).Contains(word)));
        }

        private static bool Passes(MethodInfo test)
        {
            try
            {
                ((Action)Delegate.CreateDelegate(typeof(Action), test))();
                Console.WriteLine("ok     " + NameOf(test));
                return true;
            }
            catch (Exception failure)
            {
                Console.WriteLine("FAILED " + NameOf(test) + "\n" + failure);
                return false;
            }
        }

        private static string NameOf(MethodInfo test) => test.DeclaringType.Name + "." + test.Name;
    }
}
