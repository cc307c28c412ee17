//! The messages that this process is sending now, so that it does not send one twice at once.

use crate::sys::clock::now;
use crate::sys::sync::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Ids that are being cleared, or wait for the confirmation of a producer.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<HashMap<String, Holder>>);

/// Why a message is not to be sent by anybody else of this process.
enum Holder {
    /// It is being sent. Its confirmation may come before its producer has returned.
    Sending { settled: bool },
    /// Its producer accepted it, and its confirmation is waited for until then.
    Accepted { until: Instant },
}

/// The right to send a message, as long as it lives.
pub(crate) struct Claim<'a> {
    in_flight: &'a InFlight,
    id: String,
    kept: bool,
}

impl InFlight {
    /// The right to send the message, unless somebody in this process has it.
    pub(crate) fn claim(&self, id: &str) -> Option<Claim<'_>> {
        let mut ids = self.0.lock();
        match ids.get(id) {
            Some(Holder::Accepted { until }) if *until <= now() => {}
            Some(_) => return None,
            None => {}
        }
        ids.insert(id.to_owned(), Holder::Sending { settled: false });
        Some(Claim { in_flight: self, id: id.to_owned(), kept: false })
    }

    /// The message was confirmed, or its sender gave it up: it may be sent again, once whoever is
    /// sending it now is through.
    pub(crate) fn settle(&self, id: &str) {
        let mut ids = self.0.lock();
        match ids.get_mut(id) {
            Some(Holder::Sending { settled }) => *settled = true,
            Some(Holder::Accepted { .. }) => {
                ids.remove(id);
            }
            None => {}
        }
        if ids.len() > 1024 {
            let now = now();
            ids.retain(|_, holder| !matches!(holder, Holder::Accepted { until } if *until <= now));
        }
    }
}

impl Claim<'_> {
    /// Keeps the message claimed until it is settled, which it may be already, and for so long at most.
    pub(crate) fn keep(mut self, time: Duration) {
        let mut ids = self.in_flight.0.lock();
        if let Some(holder @ Holder::Sending { settled: false }) = ids.get_mut(&self.id) {
            *holder = Holder::Accepted { until: now() + time };
            self.kept = true;
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.in_flight.0.lock().remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_claimed_by_one_at_a_time() {
        let in_flight = InFlight::default();
        let claim = in_flight.claim("a").unwrap();
        assert!(in_flight.claim("a").is_none());
        in_flight.settle("a");
        assert!(in_flight.claim("a").is_none(), "settling does not take a claim from its holder");
        drop(claim);
        assert!(in_flight.claim("a").is_some());
    }

    #[test]
    fn an_accepted_message_stays_claimed_until_settled_or_too_late() {
        let in_flight = InFlight::default();
        in_flight.claim("a").unwrap().keep(Duration::from_secs(3600));
        assert!(in_flight.claim("a").is_none());
        in_flight.settle("a");
        assert!(in_flight.claim("a").is_some());
        in_flight.claim("b").unwrap().keep(Duration::ZERO);
        assert!(in_flight.claim("b").is_some());
    }

    #[test]
    fn a_message_settled_before_it_is_kept_is_free() {
        let in_flight = InFlight::default();
        let claim = in_flight.claim("a").unwrap();
        in_flight.settle("a");
        assert!(in_flight.claim("a").is_none(), "it is still being sent");
        claim.keep(Duration::from_secs(3600));
        let claim = in_flight.claim("a").expect("it does not wait for what has come");
        claim.keep(Duration::from_secs(3600));
        assert!(in_flight.claim("a").is_none(), "the next one does wait");
    }
}
