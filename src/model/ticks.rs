//! .NET ticks, in which the outbox table stores times. A time is the number of intervals of 100 ns since
//! 0001-01-01T00:00:00Z.

use crate::sys::{clock, simulation};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// The ticks of 1970-01-01T00:00:00Z.
const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;
const TICKS_PER_SECOND: i64 = 10_000_000;
/// The maximum time by which the latest result of [`Ticks::next`] may be ahead of the clock. A later result is ignored.
const MOST_AHEAD: i64 = TICKS_PER_SECOND;
/// The ticks of 9999-12-31T23:59:59.9999999Z, the latest time that .NET can represent.
const LAST: i64 = 3_155_378_975_999_999_999;

/// A point in time in .NET ticks, from year 1 to year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticks(i64);

impl Ticks {
    pub(crate) const FIRST: Self = Self(0);
    pub(crate) const SECOND: Self = Self(1);
    pub(crate) const LAST: Self = Self(LAST);

    pub(crate) fn now() -> Self {
        Self::from(clock::system_time())
    }

    /// Returns a time that is later than every earlier result, so that messages created one after another have an
    /// order. The result is the current time or slightly later. Earlier results that are far ahead of the clock are
    /// ignored, because the clock was wrong and has been corrected.
    pub(crate) fn next() -> Self {
        static LATEST: AtomicI64 = AtomicI64::new(0);
        let now = Self::now().0;
        if let Some(next) = simulation::next_tick(|latest| after(latest, now)) {
            return Self(next);
        }
        let previous =
            LATEST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |latest| Some(after(latest, now))).unwrap_or(now);
        Self(after(previous, now))
    }

    /// Returns the time with this number of ticks, or `None` outside the years 1 to 9999.
    pub(crate) fn from_raw(ticks: i64) -> Option<Self> {
        (0..=LAST).contains(&ticks).then_some(Self(ticks))
    }

    /// Returns a time in ticks, or `None` outside the years 1 to 9999.
    pub(crate) fn exactly(time: SystemTime) -> Option<Self> {
        i64::try_from(ticks_of(time)).ok().and_then(Self::from_raw)
    }

    pub(crate) fn raw(self) -> i64 {
        self.0
    }

    pub(crate) fn to_system_time(self) -> SystemTime {
        let since_epoch = self.0 - UNIX_EPOCH_TICKS;
        let seconds = Duration::from_secs(since_epoch.unsigned_abs() / TICKS_PER_SECOND as u64);
        let rest = Duration::from_nanos(since_epoch.unsigned_abs() % TICKS_PER_SECOND as u64 * 100);
        if since_epoch >= 0 { UNIX_EPOCH + seconds + rest } else { UNIX_EPOCH - seconds - rest }
    }

    /// Returns the time plus a duration, up to the end of the year 9999.
    pub(crate) fn plus(self, time: Duration) -> Self {
        let ticks = i64::try_from(time.as_nanos() / 100).unwrap_or(LAST);
        Self(self.0.saturating_add(ticks).min(LAST))
    }

    /// Returns the duration since an earlier time; zero if that time is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let ticks = u64::try_from(self.0 - earlier.0).unwrap_or(0);
        Duration::from_secs(ticks / TICKS_PER_SECOND as u64)
            + Duration::from_nanos(ticks % TICKS_PER_SECOND as u64 * 100)
    }

    /// Returns the seconds since 1970; 0 for earlier times.
    pub(crate) fn unix_seconds(self) -> u64 {
        u64::try_from((self.0 - UNIX_EPOCH_TICKS) / TICKS_PER_SECOND).unwrap_or(0)
    }

    /// Returns the time as `yyyy-MM-ddTHH:mm:ss.fffZ`, with the digits after the milliseconds cut off, as in .NET.
    pub(crate) fn to_text(self) -> String {
        let moment = OffsetDateTime::from(self.to_system_time());
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            moment.year(),
            u8::from(moment.month()),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            moment.millisecond()
        )
    }

    /// Returns the time as [`to_text`](Self::to_text) does, with all digits if it is not a whole millisecond.
    pub(crate) fn to_full_text(self) -> String {
        const TICKS_PER_MILLISECOND: i64 = TICKS_PER_SECOND / 1000;
        let mut text = self.to_text();
        let rest = self.0 % TICKS_PER_MILLISECOND;
        if rest > 0 {
            text.insert_str(text.len() - 1, &format!("{rest:04}"));
        }
        text
    }

    /// Reads `yyyy-MM-ddTHH:mm:ss`, with or without a fraction and with `Z` or an offset.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
        let ticks = moment.unix_timestamp_nanos().div_euclid(100) + i128::from(UNIX_EPOCH_TICKS);
        i64::try_from(ticks).ok().and_then(Self::from_raw)
    }
}

/// Returns the current time, or the tick after `latest` if that is later. A `latest` far ahead of `now` comes from a
/// clock that has been set back since, and is ignored.
fn after(latest: i64, now: i64) -> i64 {
    if latest > now.saturating_add(MOST_AHEAD) { now } else { now.max(latest + 1) }
}

impl From<SystemTime> for Ticks {
    fn from(time: SystemTime) -> Self {
        Self(ticks_of(time).clamp(0, i128::from(LAST)) as i64)
    }
}

/// Returns the ticks of a time, rounded down.
fn ticks_of(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i128::from(UNIX_EPOCH_TICKS) + (since.as_nanos() / 100) as i128,
        Err(before) => i128::from(UNIX_EPOCH_TICKS) - before.duration().as_nanos().div_ceil(100) as i128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29T12:34:56.789Z, as `DateTime.Ticks` returns it in .NET.
    const LEAP_DAY: i64 = 638_448_068_967_890_000;

    #[test]
    fn ticks_and_text_agree_with_dotnet() {
        let ticks = Ticks::from_raw(LEAP_DAY + 4567).unwrap();
        assert_eq!(ticks.to_text(), "2024-02-29T12:34:56.789Z");
        assert_eq!(ticks.to_full_text(), "2024-02-29T12:34:56.7894567Z");
        assert_eq!(Ticks::from_text("2024-02-29T12:34:56.7894567Z"), Some(ticks));
        assert_eq!(Ticks::from_raw(LEAP_DAY + 7).unwrap().to_full_text(), "2024-02-29T12:34:56.7890007Z");
        assert_eq!(Ticks::from_raw(LEAP_DAY).unwrap().to_full_text(), "2024-02-29T12:34:56.789Z");
        assert_eq!(Ticks::from_text("2024-02-29T12:34:56.789Z").unwrap().raw(), LEAP_DAY);
        assert_eq!(Ticks::from_text("2024-02-29T13:34:56.789+01:00").unwrap().raw(), LEAP_DAY);
        assert_eq!(Ticks::from(ticks.to_system_time()), ticks);
        assert_eq!(Ticks::from(UNIX_EPOCH).raw(), 621_355_968_000_000_000);
    }

    #[test]
    fn the_ends_of_time_are_kept() {
        for raw in [0, LAST] {
            let ticks = Ticks::from_raw(raw).unwrap();
            assert_eq!(Ticks::from(ticks.to_system_time()), ticks);
        }
        assert_eq!(Ticks::from_raw(0).unwrap().to_text(), "0001-01-01T00:00:00.000Z");
        assert_eq!(Ticks::from_raw(-1), None);
        assert_eq!(Ticks::from_raw(i64::MAX), None);
        let end = Ticks::LAST.to_system_time();
        assert_eq!(Ticks::exactly(end), Some(Ticks::LAST));
        assert_eq!(Ticks::exactly(end + Duration::from_nanos(100)), None);
        assert_eq!(Ticks::exactly(Ticks::FIRST.to_system_time() - Duration::from_nanos(1)), None);
    }

    #[test]
    fn a_clock_that_is_set_back_is_followed() {
        let now = LEAP_DAY;
        assert_eq!(after(now - 1, now), now);
        assert_eq!(after(now, now), now + 1);
        // A small correction of the system clock does not change the order.
        assert_eq!(after(now + MOST_AHEAD, now), now + MOST_AHEAD + 1);
        let a_day_ahead = now + 86_400 * TICKS_PER_SECOND;
        assert_eq!(after(a_day_ahead, now), now);
        assert_eq!(after(after(a_day_ahead, now), now), now + 1);
    }

    #[test]
    fn next_is_always_later() {
        let mut all: Vec<Ticks> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..1000).map(|_| Ticks::next()).collect::<Vec<_>>())).collect();
            threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
        });
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4000);
    }
}
