//! The status of the lease of a sweep or an archiver.

use crate::LeaseStatus;

/// Whether a sweep or an archiver held its lease.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_lease {
    /// The lease was held for the whole run.
    Held = 0,
    /// Another sweeper or archiver holds the lease. This run did nothing.
    HeldElsewhere = 1,
    /// The lease was lost during the run, and the run stopped.
    Lost = 2,
    /// The lock table could not be used, for example because access to it was denied. In this case,
    /// a sweep sends nothing unless "sweep_without_lease" is set. An archiver runs in any case, without
    /// the lease.
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
