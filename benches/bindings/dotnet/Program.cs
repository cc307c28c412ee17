// The benchmarks of .NET. Build them with tools/dotnet_sdk.sh, or with Microsoft's SDK, for release, and run them with the library on
// the path of the loader:
//
//     dotnet Benchmarks.dll greeting [COMMITS]     see GreetingCommit.cs
//     dotnet Benchmarks.dll async [COMMITS]        see AsyncCommits.cs
//     dotnet Benchmarks.dll bare [COMMITS]         see BarePInvoke.cs
using System;
using System.Globalization;
using Postbox;

internal static class Program
{
    /// <summary>Opens a client on the embedded database in memory, with the table People.</summary>
    internal static PostboxClient OpenInMemory()
    {
        using (var config = new PostboxConfig().Set("embedded_path", ":memory:"))
        {
            var postbox = config.Open();
            postbox.EmbeddedExecute("CreateTable",
                "{\"TableName\":\"People\",\"BillingMode\":\"PAY_PER_REQUEST\","
                + "\"AttributeDefinitions\":[{\"AttributeName\":\"Name\",\"AttributeType\":\"S\"}],"
                + "\"KeySchema\":[{\"AttributeName\":\"Name\",\"KeyType\":\"HASH\"}]}");
            return postbox;
        }
    }

    private static int Main(string[] arguments)
    {
        var commits = arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : 5000;
        switch (arguments.Length == 0 ? "" : arguments[0])
        {
            case "greeting":
                GreetingCommit.Run(commits);
                return 0;
            case "async":
                AsyncCommits.Run(commits);
                return 0;
            case "bare":
                BarePInvoke.Run(commits);
                return 0;
            case SlowServer.Name:
                return SlowServer.Run(commits);
            default:
                Console.Error.WriteLine("usage: Benchmarks greeting|async|bare [COMMITS]");
                return 2;
        }
    }
}
