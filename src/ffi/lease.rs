//! The status of the lease of a sweep or an archiver.

use crate::LeaseStatus;

/// The status of the lease of a sweep or an archiver.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_lease {
    /// The lease was held for the whole run.
    Held = 0,
    /// Another process holds the lease; nothing was done.
    HeldElsewhere = 1,
    /// The lease was lost during the run; the run stopped.
    Lost = 2,
    /// The run had no lease, because the lock table does not exist or access to it was denied.
    /// Others may have sent the same messages.
    Unavailable = 3,
}

impl postbox_lease {
    pub(crate) fn of(lease: &LeaseStatus) -> Self {
        match lease {
            LeaseStatus::Held => Self::Held,
            LeaseStatus::HeldElsewhere => Self::HeldElsewhere,
            LeaseStatus::Lost => Self::Lost,
            LeaseStatus::Unavailable(_) => Self::Unavailable,
        }
    }
}
