using System;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Postbox.Extensions.Hosting
{
    /// <summary>Calls producers and archives of a client, each call with the services of a scope of its own.</summary>
    internal sealed class ClientScopes
    {
        private readonly IServiceScopeFactory scopes;
        private readonly ILogger logger;

        internal ClientScopes(IServiceProvider services, string name)
        {
            scopes = services.GetRequiredService<IServiceScopeFactory>();
            logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(ClientLog.CategoryOf(name));
        }

        /// <summary>Returns a service. The exception is the reason of the failed attempt if there is none.</summary>
        internal static T Resolve<T>(IServiceProvider services) where T : class
        {
            return services.GetService<T>()
                ?? throw new InvalidOperationException("the container has no " + typeof(T) + ", or its factory returned null: correct the registration of the service");
        }

        internal T Call<T>(Func<IServiceProvider, T> call)
        {
            var scope = Begin();
            try
            {
                return call(scope.ServiceProvider);
            }
            finally
            {
                End(scope).AsTask().GetAwaiter().GetResult();
            }
        }

        internal async ValueTask<T> CallAsync<T>(Func<IServiceProvider, ValueTask<T>> call)
        {
            var scope = Begin();
            try
            {
                return await call(scope.ServiceProvider).ConfigureAwait(false);
            }
            finally
            {
                await End(scope).ConfigureAwait(false);
            }
        }

        internal async ValueTask CallAsync(Func<IServiceProvider, ValueTask> call)
        {
            await CallAsync(async services =>
            {
                await call(services).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
        }

        /// <summary>
        /// Begins a scope. A container that is disposed of has none, which is no failure of the messages: they count as not tried.
        /// </summary>
        private IServiceScope Begin()
        {
            try
            {
                return scopes.CreateScope();
            }
            catch (ObjectDisposedException ended)
            {
                throw new OperationCanceledException("the container was disposed of before the call", ended);
            }
        }

        /// <summary>
        /// Disposes of the services of a scope. A failure is logged, since it does not change whether the message was sent.
        /// </summary>
        private async ValueTask End(IServiceScope scope)
        {
            try
            {
                if (scope is IAsyncDisposable disposable)
                    await disposable.DisposeAsync().ConfigureAwait(false);
                else
                    scope.Dispose();
            }
            catch (Exception failure)
            {
                logger.LogError(failure, "The services of a call to a producer or an archive could not be disposed of");
            }
        }
    }
}
