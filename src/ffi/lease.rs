//! Whether a background task had its lease.

use crate::SweepLease;

/// Whether a sweep or an archiver had its lease.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_lease {
    /// It had, to the end.
    Held = 0,
    /// Another one has it: nothing was done.
    HeldByAnother = 1,
    /// It had, and lost it: it stopped at once.
    Lost = 2,
    /// It ran without one: there is no lock table, or no permission for it.
    Alone = 3,
}

impl postbox_lease {
    pub(crate) fn of(lease: &SweepLease) -> Self {
        match lease {
            SweepLease::Held => Self::Held,
            SweepLease::HeldByAnother => Self::HeldByAnother,
            SweepLease::Lost => Self::Lost,
            SweepLease::Alone(_) => Self::Alone,
        }
    }
}
