using System;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Postbox.Tests
{
    /// <summary>Hosts in processes of their own.</summary>
    internal static class Child
    {
        /// <summary>Starts a process, and returns its exit code and what it has written to the standard error.</summary>
        internal static (int Code, string Errors) Run(string what, Action<ProcessStartInfo> change)
        {
            using (var process = Start(what, "none", start =>
            {
                start.RedirectStandardError = true;
                change(start);
            }))
            {
                var errors = process.StandardError.ReadToEnd();
                Check.That(process.WaitForExit(60000), "the process did not end");
                return (process.ExitCode, errors);
            }
        }

        /// <summary>Starts a process. The script that runs the tests sets the command in POSTBOX_TEST_HOST.</summary>
        internal static Process Start(string what, string database, Action<ProcessStartInfo> change)
        {
            var host = Environment.GetEnvironmentVariable("POSTBOX_TEST_HOST").Split(new[] { ' ' }, 2);
            var program = "\"" + typeof(Child).Assembly.Location + "\" --child " + what + " \"" + database + "\"";
            var start = new ProcessStartInfo(host[0], (host.Length > 1 ? host[1] + " " : "") + program);
            change(start);
            return Process.Start(start);
        }

        internal static int Begin(string what, string database)
        {
            switch (what)
            {
                case "missing-library": return StartWithoutLibrary();
                case "order-service": return OrderServiceTests.Serve(database);
                default: throw new ArgumentException(what);
            }
        }

        private static int StartWithoutLibrary()
        {
            try
            {
                Host.CreateDefaultBuilder().ConfigureServices(services => services.AddPostbox(TestHost.Eager).AddSweeper()).Build().Run();
                return 0;
            }
            catch (DllNotFoundException failure)
            {
                Console.Error.WriteLine(failure.Message);
                return 3;
            }
        }
    }

    internal static partial class Harness
    {
        static partial void RunChild(string what, string database, ref int code) => code = Child.Begin(what, database);
    }
}
