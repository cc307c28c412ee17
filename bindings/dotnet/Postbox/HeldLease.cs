using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// A lease that the program has obtained with <see cref="PostboxClient.ObtainLease"/>. Disposing of it releases the
    /// lease. If the process ends before, or if the client is closed before, the lease ends by itself after its length. Any
    /// number of threads may use a lease.
    /// </summary>
    public sealed class HeldLease : IHeldLease
    {
        private readonly HeldLeaseHandle handle;

        internal HeldLease(HeldLeaseHandle handle)
        {
            this.handle = handle;
            using (handle.Using())
                Resource = Utf8.Read(Native.postbox_held_lease_resource(handle));
        }

        /// <summary>The name of the lease in the lock table: the group of the leases, _ and the resource.</summary>
        public string Resource { get; }

        /// <summary>
        /// Whether the lease is held for certain: it was neither lost nor released, and it has not expired, even by a clock
        /// that is 5 seconds ahead. Sends no request.
        /// </summary>
        public bool IsHeld => !handle.IsDisposed && Native.postbox_held_lease_is_held(handle);

        /// <summary>
        /// Extends the lease by its length from now. Renew a lease after a third of its length, so that a failed request can
        /// be repeated in time.
        /// </summary>
        /// <returns>
        /// Whether the lease is still held. If it is not, another process may hold it, and this lease cannot be renewed again:
        /// stop the work that it protects, and obtain a new lease.
        /// </returns>
        /// <exception cref="PostboxException">The request failed. The lease can be renewed again until it expires.</exception>
        public bool Renew()
        {
            byte isHeld;
            Errors.Check(Native.postbox_held_lease_renew(Handle, out isHeld));
            return isHeld != 0;
        }

        /// <summary>
        /// Releases the lease, so that another process can obtain it at once. Does nothing if the lease was lost or released.
        /// </summary>
        /// <exception cref="PostboxException">The request failed. The lease ends after its length.</exception>
        public void Release() => Errors.Check(Native.postbox_held_lease_release(Handle));

        /// <summary>Extends the lease as <see cref="Renew"/> does.</summary>
        /// <param name="cancellation">Ends the wait. The lease may be extended nevertheless.</param>
        /// <returns>The task, whose result is whether the lease is still held.</returns>
        public Task<bool> RenewAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_held_lease_renew_async(Handle, Completion.Done, started.Data, out started.Operation),
                Native.postbox_result_flag, cancellation);
        }

        /// <summary>Releases the lease as <see cref="Release"/> does.</summary>
        /// <param name="cancellation">Ends the wait. The lease may be released nevertheless.</param>
        /// <returns>The task.</returns>
        public Task ReleaseAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_held_lease_release_async(Handle, Completion.Done, started.Data, out started.Operation),
                Completion.Nothing, cancellation);
        }

        /// <summary>Returns the name of the lease, and whether it is held.</summary>
        /// <returns>The text.</returns>
        public override string ToString() => Resource + (IsHeld ? " (held)" : " (not held)");

        /// <summary>Releases and frees the lease, and does not report a failure. Disposing twice is harmless.</summary>
        public void Dispose() => handle.Dispose();

        /// <summary>
        /// Releases and frees the lease as <see cref="Dispose"/> does. No thread of the pool waits for DynamoDB.
        /// </summary>
        /// <returns>The task, which does not fail.</returns>
        public async ValueTask DisposeAsync()
        {
            if (handle.IsDisposed)
                return;
            try
            {
                await ReleaseAsync().ConfigureAwait(false);
                Dispose();
            }
            catch (Exception failure) when (failure is PostboxException || failure is ObjectDisposedException)
            {
                // This tries to release the lease once more, which blocks.
                await OwnThread.Run(Dispose).ConfigureAwait(false);
            }
        }

        private HeldLeaseHandle Handle
        {
            get
            {
                Callbacks.RejectLogReceiver();
                if (handle.IsDisposed)
                    throw new ObjectDisposedException(nameof(HeldLease));
                return handle;
            }
        }
    }

    public sealed partial class PostboxClient
    {
        /// <summary>
        /// Obtains a lease on a resource of the program's own, such as a job that only one process may run at a time. The lease
        /// is in the lock table, in the format of Brighter's distributed lock on DynamoDB. A program of Brighter that uses the
        /// same table, and the setting "lease_group" as its group, therefore sees the lease, and the other way round. If the
        /// lock table does not exist, it is created.
        /// </summary>
        /// <param name="resource">
        /// The resource. "OutboxSweeper" and "Archiver" are those of the sweepers and archivers, which wait while the program
        /// holds them.
        /// </param>
        /// <param name="length">
        /// The time after which the lease ends unless it is renewed: 1 second to 1 hour, rounded down to whole milliseconds.
        /// </param>
        /// <returns>
        /// The lease, to be disposed of. Null if another holder has it, in this process or in another one.
        /// </returns>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.InvalidArgument"/>: the resource is empty, too long or begins with "Sweeper_", or the
        /// length is out of range. <see cref="PostboxErrorCode.InvalidTable"/>: the lock table cannot be used.
        /// </exception>
        /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
        public HeldLease? ObtainLease(string resource, TimeSpan length)
        {
            IntPtr lease;
            Errors.Check(Native.postbox_obtain_lease(Handle, Utf8.Required(resource, nameof(resource)), Milliseconds(length), out lease));
            return Held(lease);
        }

        /// <summary>Obtains a lease as <see cref="ObtainLease"/> does.</summary>
        /// <param name="resource">The resource.</param>
        /// <param name="length">The time after which the lease ends unless it is renewed.</param>
        /// <param name="cancellation">Ends the wait. A lease that is obtained nevertheless is released.</param>
        /// <returns>The task, whose result is the lease, to be disposed of, or null if another holder has it.</returns>
        public Task<HeldLease?> ObtainLeaseAsync(string resource, TimeSpan length, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_obtain_lease_async(
                    Handle, Utf8.Required(resource, nameof(resource)), Milliseconds(length), Completion.Done, started.Data, out started.Operation),
                result => Held(Native.postbox_result_take_lease(result)), cancellation);
        }

        IHeldLease? IPostbox.ObtainLease(string resource, TimeSpan length) => ObtainLease(resource, length);

        async Task<IHeldLease?> IPostbox.ObtainLeaseAsync(string resource, TimeSpan length, CancellationToken cancellation)
        {
            return await ObtainLeaseAsync(resource, length, cancellation).ConfigureAwait(false);
        }

        private static ulong Milliseconds(TimeSpan length)
        {
            if (length < TimeSpan.Zero)
                throw new ArgumentOutOfRangeException(nameof(length), length, "the length of a lease is negative");
            return (ulong)(length.Ticks / TimeSpan.TicksPerMillisecond);
        }

        private HeldLease? Held(IntPtr lease) => lease == IntPtr.Zero ? null : new HeldLease(new HeldLeaseHandle(lease, handle));
    }
}
