using System;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Postbox;
using Postbox.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection
{
    /// <summary>Adds clients of Postbox to the services of a host.</summary>
    /// <remarks>
    /// A client is a singleton, which is opened when it is first resolved, and at the latest before the hosted services start. A
    /// wrong option or a missing native library is therefore an exception at the start of the host. The client is closed after all
    /// hosted services have stopped, within the time that the host has for its shutdown, and disposed of with the container. It
    /// logs to the category "Postbox", or "Postbox.NAME" if it has a name, at the levels that are enabled when it is opened.
    /// <para>The container has <see cref="PostboxClient"/>, <see cref="IPostbox"/> and <see cref="IPostboxClients"/> then.</para>
    /// </remarks>
    public static class PostboxServiceCollectionExtensions
    {
        private const string Binding =
            "the binder of the configuration uses reflection: in a trimmed or native program, set the options in the delegate of another AddPostbox";

        /// <summary>Adds the default client, with default settings.</summary>
        /// <param name="services">The services.</param>
        /// <returns>The builder, which adds producers and configures the client further.</returns>
        public static IPostboxBuilder AddPostbox(this IServiceCollection services) => Add(services, Options.Options.DefaultName);

        /// <summary>
        /// Adds the default client: <c>services.AddPostbox(configuration.GetSection("Postbox"))</c>. If it was added before, this
        /// method only changes its options.
        /// </summary>
        /// <param name="services">The services.</param>
        /// <param name="section">
        /// The section whose keys are properties of <see cref="PostboxOptions"/>. An unknown key is an error at the start of the host.
        /// </param>
        /// <returns>The builder, which adds producers and configures the client further.</returns>
        [RequiresUnreferencedCode(Binding), RequiresDynamicCode(Binding)]
        public static IPostboxBuilder AddPostbox(this IServiceCollection services, IConfiguration section)
        {
            return services.AddPostbox(Options.Options.DefaultName, section);
        }

        /// <summary>Adds the default client. If it was added before, this method only changes its options.</summary>
        /// <param name="services">The services.</param>
        /// <param name="configure">Sets the options.</param>
        /// <returns>The builder, which adds producers and configures the client further.</returns>
        public static IPostboxBuilder AddPostbox(this IServiceCollection services, Action<PostboxOptions> configure)
        {
            return services.AddPostbox(Options.Options.DefaultName, configure);
        }

        /// <summary>
        /// Adds one of several clients, which <see cref="IPostboxClients.Get"/> returns. If it was added before, this method only
        /// changes its options.
        /// </summary>
        /// <param name="services">The services.</param>
        /// <param name="name">The name of the client. "" is the default client.</param>
        /// <param name="section">
        /// The section whose keys are properties of <see cref="PostboxOptions"/>. An unknown key is an error at the start of the host.
        /// </param>
        /// <returns>The builder, which adds producers and configures the client further.</returns>
        [RequiresUnreferencedCode(Binding), RequiresDynamicCode(Binding)]
        public static IPostboxBuilder AddPostbox(this IServiceCollection services, string name, IConfiguration section)
        {
            if (section == null)
                throw new ArgumentNullException(nameof(section));
            var builder = Add(services, name);
            services.Configure<PostboxOptions>(name, section);
            services.AddSingleton<IValidateOptions<PostboxOptions>>(new KnownOptions(name, section));
            return builder;
        }

        /// <summary>
        /// Adds one of several clients, which <see cref="IPostboxClients.Get"/> returns. If it was added before, this method only
        /// changes its options.
        /// </summary>
        /// <param name="services">The services.</param>
        /// <param name="name">The name of the client. "" is the default client.</param>
        /// <param name="configure">Sets the options.</param>
        /// <returns>The builder, which adds producers and configures the client further.</returns>
        public static IPostboxBuilder AddPostbox(this IServiceCollection services, string name, Action<PostboxOptions> configure)
        {
            if (configure == null)
                throw new ArgumentNullException(nameof(configure));
            var builder = Add(services, name);
            services.Configure(name, configure);
            return builder;
        }

        private static IPostboxBuilder Add(IServiceCollection services, string name)
        {
            if (services == null)
                throw new ArgumentNullException(nameof(services));
            if (name == null)
                throw new ArgumentNullException(nameof(name));
            if (!Has<ClientName>(services, known => known.Value == name))
            {
                if (!Has<ClientName>(services, known => true))
                    AddShared(services);
                services.AddSingleton(new ClientName(name));
            }
            return new PostboxBuilder(name, services);
        }

        /// <summary>Adds the services that all clients share.</summary>
        private static void AddShared(IServiceCollection services)
        {
            services.AddOptions();
            services.AddLogging();
            services.AddSingleton<PostboxClients>();
            services.AddSingleton<ClientsEnd>();
            services.AddSingleton<IPostboxClients>(provider => provider.GetRequiredService<PostboxClients>());
            services.TryAddSingleton(provider => provider.GetRequiredService<PostboxClients>().Get(Options.Options.DefaultName));
            services.TryAddSingleton<IPostbox>(provider => provider.GetRequiredService<PostboxClient>());
            services.AddSingleton<IValidateOptions<PostboxOptions>, ValidOptions>();
            // The first hosted service is started before all other ones, so that nothing runs if a client cannot be opened.
            services.Insert(0, ServiceDescriptor.Singleton<IHostedService, ClientsService>());
        }

        private static bool Has<T>(IServiceCollection services, Func<T, bool> predicate) where T : class
        {
            return services.Select(service => service.ImplementationInstance).OfType<T>().Any(predicate);
        }
    }
}
