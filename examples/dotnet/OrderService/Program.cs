// A service that takes orders and announces them, in a .NET Generic Host.
//
//     dotnet run [--Postbox:EmbeddedPath FILE] [--Orders:Sent FILE]
//
// A real service would take its orders from requests, and its producer would send to a broker. Here, several writers make up
// orders, and the producer appends the ids of its messages to a file. Stop the service with Ctrl+C or SIGTERM, or kill it, and start it
// again: every order in the table Orders is announced at least once, and no other one is.
using System;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace OrderService
{
    /// <summary>The program.</summary>
    public static class Program
    {
        /// <summary>Runs the service until it is stopped.</summary>
        /// <param name="arguments">Settings that take precedence over those of appsettings.json.</param>
        public static Task Main(string[] arguments)
        {
            return Host.CreateDefaultBuilder(arguments)
                .ConfigureServices((context, services) =>
                {
                    services.Configure<OrderOptions>(context.Configuration.GetSection("Orders"));
                    services.AddPostbox(context.Configuration.GetSection("Postbox"))
                        .AddProducer<OrderEvents>("order.made")
                        .AddSweeper()
                        .AddHealthCheck(maxOldestAge: TimeSpan.FromMinutes(5));
                    services.AddSingleton<Orders>();
                    services.AddHostedService<Writers>();
                })
                .RunConsoleAsync();
        }
    }
}
