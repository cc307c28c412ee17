using System;

namespace Postbox.Extensions.Hosting
{
    /// <summary>
    /// The clients of a host, by name. The container has this service as a singleton, and disposes of the clients. Any number of
    /// threads may use it.
    /// </summary>
    public interface IPostboxClients
    {
        /// <summary>
        /// Returns the client with this name, which is opened if it is not open yet. The container disposes of the client.
        /// </summary>
        /// <param name="name">
        /// The name that was passed to
        /// <see cref="Microsoft.Extensions.DependencyInjection.PostboxServiceCollectionExtensions"/>.
        /// The default client has the name "".
        /// </param>
        /// <returns>The client. Every call returns the same.</returns>
        /// <exception cref="ArgumentException">The host has no client with this name.</exception>
        /// <exception cref="InvalidOperationException">A service that the configuration of the client resolves needs the client.</exception>
        /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">
        /// An option is invalid. The text of the exception names the option and its setting.
        /// </exception>
        /// <exception cref="PostboxException">The client cannot be opened, for example because no region is known.</exception>
        /// <exception cref="DllNotFoundException">The native library was not found.</exception>
        /// <exception cref="ObjectDisposedException">The container was disposed of.</exception>
        IPostbox Get(string name);
    }
}
