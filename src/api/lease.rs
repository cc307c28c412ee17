//! Leases of the program's own.

use crate::api::postbox::Postbox;
use crate::delivery::held_lease::HeldLease;
use crate::model::error::Result;
use std::time::Duration;

impl Postbox {
    /// Obtains a lease on a resource of the program's own, such as a job that only one process may run at a time. Returns
    /// `None` if another holder has the lease, in this process or in another one. The lease is in the lock table, in the
    /// format of Brighter's distributed lock on DynamoDB. A program of Brighter that uses the same table, and the setting
    /// `lease_group` as its group, therefore sees the lease, and the other way round. If the lock table does not exist, it
    /// is created.
    ///
    /// The lease ends after `length`, which is 1 second to 1 hour, unless [`renew`](HeldLease::renew) extends it. The
    /// resources `OutboxSweeper` and `Archiver` are those of the sweepers and archivers, which wait while the program
    /// holds them.
    ///
    /// ```
    /// use postbox::Postbox;
    /// use std::time::Duration;
    ///
    /// # fn main() -> postbox::Result<()> {
    /// # let postbox = Postbox::builder().embedded_path(":memory:").open()?;
    /// if let Some(lease) = postbox.obtain_lease("nightly-report", Duration::from_secs(60))? {
    ///     // Do a part of the work, and stop if the lease was lost.
    ///     assert!(lease.renew()?);
    ///     lease.release()?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) for an empty or long resource, or a length out of
    /// range; [`ErrorCode::InvalidTable`](crate::ErrorCode::InvalidTable) if the lock table cannot be used; and
    /// [request errors](Postbox).
    pub fn obtain_lease(&self, resource: &str, length: Duration) -> Result<Option<HeldLease>> {
        HeldLease::obtain(&self.engine, resource, length)
    }
}
