using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// The calls of a <see cref="HeldLease"/>, for programs whose tests replace it with a mock. Later versions add members.
    /// </summary>
    public interface IHeldLease : IDisposable, IAsyncDisposable
    {
        /// <inheritdoc cref="HeldLease.Resource"/>
        string Resource { get; }

        /// <inheritdoc cref="HeldLease.IsHeld"/>
        bool IsHeld { get; }

        /// <inheritdoc cref="HeldLease.Renew()"/>
        bool Renew();

        /// <inheritdoc cref="HeldLease.Release()"/>
        void Release();

        /// <inheritdoc cref="HeldLease.RenewAsync(CancellationToken)"/>
        Task<bool> RenewAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="HeldLease.ReleaseAsync(CancellationToken)"/>
        Task ReleaseAsync(CancellationToken cancellation = default(CancellationToken));
    }
}
