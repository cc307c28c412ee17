//! The messages that this process is sending now, so that it does not send one twice at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What this process does with a message now, by id.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<HashMap<String, Sending>>);

enum Sending {
    /// Its producer has it.
    Started,
    /// Its producer has it, and what became of it was told already: a transport may confirm
    /// before the producer has said that it accepted.
    StartedAndSettled,
    /// Its producer accepted it, and it waits for the confirmation until then.
    Accepted(Instant),
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
        let mut ids = self.lock();
        match ids.get(id) {
            Some(Sending::Accepted(until)) if *until <= Instant::now() => {}
            Some(_) => return None,
            None => {}
        }
        ids.insert(id.to_owned(), Sending::Started);
        Some(Claim { in_flight: self, id: id.to_owned(), kept: false })
    }

    /// The message was confirmed, or its sender gave it up: it may be sent again.
    pub(crate) fn settle(&self, id: &str) {
        let mut ids = self.lock();
        match ids.get_mut(id) {
            Some(Sending::Accepted(_)) => drop(ids.remove(id)),
            Some(started) => *started = Sending::StartedAndSettled,
            None => {}
        }
        if ids.len() > 1024 {
            let now = Instant::now();
            ids.retain(|_, sending| !matches!(sending, Sending::Accepted(until) if *until <= now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Sending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim<'_> {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Keeps the message claimed until it is settled, for so long at most; not if it was settled already.
    pub(crate) fn keep(mut self, time: Duration) {
        let mut ids = self.in_flight.lock();
        let settled = matches!(ids.get(&self.id), Some(Sending::StartedAndSettled));
        if let Some(until) = Instant::now().checked_add(time).filter(|_| !settled) {
            ids.insert(self.id.clone(), Sending::Accepted(until));
            self.kept = true;
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.in_flight.lock().remove(&self.id);
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
    fn what_is_settled_before_it_is_accepted_is_not_kept() {
        let in_flight = InFlight::default();
        let claim = in_flight.claim("a").unwrap();
        in_flight.settle("a");
        assert!(in_flight.claim("a").is_none(), "its producer still has it");
        claim.keep(Duration::from_secs(3600));
        assert!(in_flight.claim("a").is_some());
    }
}
