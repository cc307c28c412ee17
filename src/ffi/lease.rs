//! Whether a background task had its lease.

use crate::LeaseStatus;

/// Whether a sweep or an archiver had its lease.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_lease {
    /// It had, to the end.
    Held = 0,
    /// Another one has it: nothing was done.
    HeldElsewhere = 1,
    /// It had, and lost it: it stopped at once.
    Lost = 2,
    /// It ran without one: there is no lock table, or no permission for it.
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
