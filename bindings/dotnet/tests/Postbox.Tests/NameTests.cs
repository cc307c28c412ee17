using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;

namespace Postbox.Tests
{
    /// <summary>
    /// The names of public types. A handler has directives for the namespaces of Postbox and of the AWS SDK, so that a name that both
    /// have does not compile there. The tests of each assembly link this file.
    /// </summary>
    public static class NameTests
    {
        public static void No_public_type_has_the_name_of_a_type_of_the_aws_sdk()
        {
            var names = NamesOfTheSdk().ToList();
            foreach (var known in new[] { "Amazon.DynamoDBv2.Model.Put", "Amazon.DynamoDBv2.DocumentModel.Expression", "Amazon.SQS.Model.Message" })
                Check.That(names.Contains(known), "the list lacks " + known);
            var types = PublicTypes().ToList();
            Check.That(types.Contains(typeof(PostboxClient)), "the test lacks the types of Postbox");
            Check.Same(
                new string[0],
                from type in types
                join name in names on type.Name.Split('`')[0] equals name.Substring(name.LastIndexOf('.') + 1)
                select type.FullName + " and " + name);
        }

        /// <summary>The public types of the assemblies of Postbox beside this program.</summary>
        internal static IEnumerable<Type> PublicTypes()
        {
            var tests = typeof(NameTests).Assembly;
            return Directory.GetFiles(AppContext.BaseDirectory, "Postbox*.dll")
                .Where(file => file != tests.Location)
                .SelectMany(file => Assembly.Load(AssemblyName.GetAssemblyName(file)).GetExportedTypes());
        }

        /// <summary>The full names of the types in tests/aws_type_names.txt.</summary>
        private static IEnumerable<string> NamesOfTheSdk()
        {
            using (var names = new StreamReader(typeof(NameTests).Assembly.GetManifestResourceStream("aws_type_names.txt")))
            {
                var space = "";
                foreach (var line in names.ReadToEnd().Split('\n').Where(line => line != "" && line[0] != '#'))
                    if (line[0] == '[')
                        space = line.Trim('[', ']');
                    else
                        yield return space + "." + line;
            }
        }
    }
}
