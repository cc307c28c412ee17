using System;
using System.IO;
using System.Linq;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Postbox.Tests
{
    /// <summary>The names of public types, compared with those of Microsoft's extensions, which the same programs use.</summary>
    public static class ExtensionNameTests
    {
        public static void No_public_type_has_the_name_of_a_type_of_an_extension()
        {
            var extensions = Directory.GetFiles(Path.GetDirectoryName(typeof(IConfiguration).Assembly.Location), "Microsoft.Extensions.*.dll")
                .SelectMany(file => Assembly.Load(AssemblyName.GetAssemblyName(file)).GetExportedTypes()).ToLookup(type => type.Name);
            Check.That(extensions.Contains("ILogger") && extensions.Contains("IHostedService") && extensions.Contains("HealthCheckResult"), "the test lacks types");
            Check.Same(
                new string[0],
                NameTests.PublicTypes().SelectMany(type => extensions[type.Name].Select(other => type.FullName + " and " + other.FullName)));
        }
    }
}
