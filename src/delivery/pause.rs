//! The length of a pause of a lane, during which no process sends the messages of the lane.

use std::time::Duration;

/// Returns the length of the pause of a lane after a drain that failed, and the new number of consecutive failures of
/// the lane. `has_progress` is true if the drain sent a message and the sent messages can be marked.
pub(crate) fn pause(cooldown: Duration, failures: u32, has_progress: bool) -> (Duration, u32) {
    let shortest = cooldown / 6;
    if has_progress {
        return (shortest, 1);
    }
    (shortest.saturating_mul(1 << failures.min(10)).min(cooldown * 4), failures.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_with_each_drain_without_progress() {
        let cooldown = Duration::from_secs(30);
        let pauses = (0..8).map(|failures| pause(cooldown, failures, false).0.as_secs());
        assert_eq!(pauses.collect::<Vec<_>>(), [5, 10, 20, 40, 80, 120, 120, 120]);
        assert_eq!(pause(cooldown, 3, false).1, 4);
        assert_eq!(pause(cooldown, 3, true), (Duration::from_secs(5), 1));
    }
}
