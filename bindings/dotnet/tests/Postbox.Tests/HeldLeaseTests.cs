using System;

namespace Postbox.Tests
{
    public static class HeldLeaseTests
    {
        private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

        public static void A_lease_is_obtained_renewed_and_released()
        {
            using (var world = new World())
            {
                var lease = world.Client.ObtainLease("report", Minute);
                Check.Equal("brighter_outbox_report", lease.Resource);
                Check.That(lease.IsHeld && lease.Renew(), "the lease is held");
                Check.That(world.Client.ObtainLease("report", Minute) == null, "the lease has two holders");
                lease.Dispose();
                lease.Dispose();
                Check.That(!lease.IsHeld, "the lease was disposed of");
                Check.Throws<ObjectDisposedException>(() => lease.Renew());
                Check.Throws<ObjectDisposedException>(lease.Release);
                using (var again = world.Client.ObtainLease("report", Minute))
                {
                    again.Release();
                    again.Release();
                    Check.That(!again.IsHeld && !again.Renew(), "the lease was released");
                    using (var third = world.Client.ObtainLease("report", Minute))
                        Check.That(third.IsHeld, "the lease was free");
                }
            }
        }

        public static void A_lost_lease_is_reported()
        {
            using (var world = new World())
            using (var lease = world.Client.ObtainLease("report", Minute))
            {
                world.Client.EmbeddedExecute("PutItem",
                    "{\"TableName\":\"brighter_distributed_lock\",\"Item\":{\"ResourceId\":{\"S\":\"brighter_outbox_report\"},"
                    + "\"LockId\":{\"S\":\"them\"},\"LeaseExpiry\":{\"N\":\"99999999999999\"}}}");
                Check.That(!lease.Renew() && !lease.IsHeld, "the lease was lost");
            }
        }

        public static void An_impossible_lease_is_rejected()
        {
            using (var world = new World())
            {
                Check.Throws<ArgumentNullException>(() => world.Client.ObtainLease(null, Minute));
                Check.Throws<ArgumentOutOfRangeException>(() => world.Client.ObtainLease("x", -Minute));
                foreach (var length in new[] { TimeSpan.Zero, TimeSpan.FromTicks(9999000), TimeSpan.MaxValue })
                    Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.ObtainLease("x", length));
                Check.Fails(PostboxErrorCode.InvalidArgument, () => world.Client.ObtainLease("", Minute));
                var lease = world.Client.ObtainLease("x", Minute);
                world.Client.Close();
                Check.Fails(PostboxErrorCode.Closed, () => world.Client.ObtainLease("y", Minute));
                Check.Fails(PostboxErrorCode.Closed, () => lease.Renew());
                lease.Dispose();
            }
        }
    }
}
