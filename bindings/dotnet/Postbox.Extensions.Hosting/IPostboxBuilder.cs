using Microsoft.Extensions.DependencyInjection;

namespace Postbox.Extensions.Hosting
{
    /// <summary>
    /// Configures one client of a host. <see cref="PostboxServiceCollectionExtensions"/> creates builders, and
    /// <see cref="PostboxBuilderExtensions"/> has the methods. A builder belongs to one thread at a time.
    /// </summary>
    public interface IPostboxBuilder
    {
        /// <summary>The name of the client, which is "" unless the host has several.</summary>
        string Name { get; }

        /// <summary>The services of the host.</summary>
        IServiceCollection Services { get; }
    }

    internal sealed class PostboxBuilder : IPostboxBuilder
    {
        internal PostboxBuilder(string name, IServiceCollection services)
        {
            Name = name;
            Services = services;
        }

        public string Name { get; }

        public IServiceCollection Services { get; }
    }
}
