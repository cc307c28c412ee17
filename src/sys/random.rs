//! Unique ids.

use crate::sys::simulation;
use uuid::{Builder, Uuid};

/// Returns a random UUID.
pub(crate) fn id() -> String {
    simulation::random_bytes()
        .map_or_else(Uuid::new_v4, |bytes| Builder::from_random_bytes(bytes).into_uuid())
        .to_string()
}
