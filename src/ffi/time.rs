//! Times in ticks, as C passes them.

use crate::{Error, ErrorCode, Result, Ticks};
use std::time::SystemTime;

/// Reads a time that C passed in ticks.
pub(crate) fn time_of(ticks: i64, name: &str) -> Result<SystemTime> {
    Ticks::from_raw(ticks).map(Ticks::to_system_time).ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidArgument,
            format!(
                "argument \"{name}\": {ticks} is not a time within the years 1 to 9999, in intervals of 100 ns since the year 1"
            ),
        )
    })
}
