//! The outcomes of the messages of one topic, in a clear or in a drain. A drain is the part of a sweep in which one
//! thread sends the messages of one lane. At its end, the failures are written to the items of their messages.

use crate::delivery::acceptance::{Accepted, store_acceptances};
use crate::delivery::blame::{Blame, Circumstances, Rules, target_refuses};
use crate::delivery::record::record;
use crate::engine::Engine;
use crate::engine::counters::Counters;
use crate::engine::evidence::is_evidence;
use crate::model::fate::Fate;
use crate::model::ticks::Ticks;
use crate::outbox::attempts::Attempt;
use crate::outbox::change::Changed;
use crate::outbox::state::fate;
use std::time::Duration;

/// The time within which a dispatched message shows that the transport of its topic works. It is used only if this
/// process made no first attempts in the topic.
const DELIVERED_WITHIN: Duration = Duration::from_secs(600);

/// An attempt that failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) id: String,
    pub(crate) fate: Fate,
    pub(crate) is_keyed: bool,
    pub(crate) blame: Blame,
    pub(crate) error: String,
}

impl Failure {
    /// Returns the failure with the delivery attributes that the message has now. Returns `None` unless the failure was
    /// not written because another thread had stored the acceptance of the message.
    fn after_acceptance(self, written: Changed) -> Option<Self> {
        let Changed::Refused(Some(item)) = written else {
            return None;
        };
        let fate = fate(&item);
        let is_newly_accepted = self.fate.accepted.is_none() && fate.accepted.is_some();
        is_newly_accepted.then_some(Self { fate, ..self })
    }
}

/// The outcomes of the messages of a topic.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    failures: Vec<Failure>,
    pub(crate) accepted: Vec<Accepted>,
    /// The error text with which the target rejects every message.
    refusal: Option<String>,
}

/// The ids of messages that were tried and failed, each with the end of the wait that was written to its item.
pub(crate) type Waits = Vec<(String, Ticks)>;

impl Tally {
    /// Notes a failure. If three or more messages are rejected with the same reason and no message is sent, these
    /// rejections are blamed on the target. Returns the ids of the messages whose rejections are now blamed on the
    /// target.
    pub(crate) fn fail(&mut self, failure: Failure) -> Vec<String> {
        let (words, is_rejected) = (failure.error.clone(), failure.blame == Blame::Message);
        self.failures.push(failure);
        if !is_rejected {
            return Vec::new();
        }
        let rejected = self.failures.iter().filter(|failure| failure.blame == Blame::Message);
        if target_refuses(rejected.map(|failure| failure.error.as_str()), self.sent, &words) {
            self.refusal = Some(words);
        }
        let Some(refusal) = self.refusal.as_ref().filter(|_| self.sent == 0) else {
            return Vec::new();
        };
        let mut excused = Vec::new();
        for failure in &mut self.failures {
            if failure.blame == Blame::Message && failure.error == *refusal {
                failure.blame = Blame::Target;
                excused.push(failure.id.clone());
            }
        }
        excused
    }

    /// Parks the rejected messages of a clear. The other failures of the clear are left to the sweepers.
    pub(crate) fn park_rejected(&mut self, engine: &Engine) {
        self.failures.retain(|failure| failure.blame == Blame::Message);
        self.write(engine, Circumstances::default());
    }

    /// Writes the failed and accepted attempts of a drain of this topic to the items of their messages, and clears the
    /// tally. Returns the waits of the messages that failed.
    pub(crate) fn settle(&mut self, engine: &Engine, topic: &str, in_trouble: bool) -> Waits {
        let circumstances = self.circumstances(engine, topic, in_trouble);
        let (_, waits) = self.write(engine, circumstances);
        store_acceptances(engine, std::mem::take(&mut self.accepted), circumstances);
        *self = Self::default();
        waits
    }

    /// Writes the failures that confirmations reported for accepted messages of this topic. Another thread of this
    /// process may have stored the acceptance of a message since the message was read. The table then rejects the first
    /// write of the failure, and the failure is written a second time.
    pub(crate) fn settle_confirmed(&mut self, engine: &Engine, topic: &str) {
        Counters::add(&engine.counters.failed, self.failures.len() as u64);
        let circumstances = self.circumstances(engine, topic, false);
        (self.failures, _) = self.write(engine, circumstances);
        self.write(engine, circumstances);
    }

    fn circumstances(&self, engine: &Engine, topic: &str, in_trouble: bool) -> Circumstances {
        let undecided = !self.accepted.is_empty() || self.failures.iter().any(|failure| failure.blame.is_undecided());
        let has_evidence = undecided && has_evidence(engine, topic);
        Circumstances { in_trouble, has_evidence }
    }

    /// Writes the failures and forgets them. Returns the failures that were not written because the acceptance of their
    /// message had been stored, and the waits that were written.
    fn write(&mut self, engine: &Engine, circumstances: Circumstances) -> (Vec<Failure>, Waits) {
        let (rules, now) = (Rules::of(&engine.config), Ticks::now());
        let failures = std::mem::take(&mut self.failures);
        let attempts: Vec<(String, Fate, Attempt)> = failures
            .iter()
            .map(|Failure { id, fate, is_keyed, blame, error }| {
                let attempt = rules.attempt((fate, *is_keyed), (*blame, error), circumstances, (now, fastrand::f64()));
                (id.clone(), *fate, attempt)
            })
            .collect();
        let written = record(engine, &attempts);
        let mut waits = Waits::default();
        let sent =
            failures.iter().zip(&attempts).zip(&written).filter(|((failure, _), _)| failure.blame != Blame::Item);
        for ((failure, (_, _, attempt)), written) in sent {
            if let (Attempt::Failed { next, .. }, Some(Changed::Done)) = (attempt, written) {
                waits.push((failure.id.clone(), *next));
            }
        }
        let refused = failures.into_iter().zip(written);
        (refused.filter_map(|(failure, written)| failure.after_acceptance(written?)).collect(), waits)
    }
}

/// Returns whether there is evidence that the transport of the topic works. The evidence is taken from the first
/// attempts of this process or, if there were none, from the newest dispatched messages of any process.
fn has_evidence(engine: &Engine, topic: &str) -> bool {
    if let Some(verdict) = engine.evidence.verdict(topic) {
        return verdict;
    }
    let since = Ticks::from(Ticks::now().to_system_time() - DELIVERED_WITHIN);
    let topic = topic.to_owned();
    let newest =
        engine.run("looking for evidence", |outbox| async move { outbox.newest_delivered(topic, since).await });
    match newest {
        Ok(newest) => {
            let at_first_try = newest.iter().filter(|first_try| **first_try).count() as u64;
            is_evidence(at_first_try, newest.len() as u64 - at_first_try)
        }
        Err(error) => {
            tracing::debug!(target: "postbox", { error.message = error.message() }, "the index of dispatched messages could not be read");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(id: &str, error: &str) -> Failure {
        let (id, error) = (id.to_owned(), error.to_owned());
        Failure { id, fate: Fate::default(), is_keyed: false, blame: Blame::Message, error }
    }

    #[test]
    fn three_rejections_in_the_same_words_are_the_targets_fault_unless_something_is_sent() {
        let mut tally = Tally::default();
        assert!(tally.fail(rejected("a", "no")).is_empty());
        assert!(tally.fail(rejected("b", "too large")).is_empty());
        assert!(tally.fail(rejected("c", "no")).is_empty());
        assert_eq!(tally.fail(rejected("d", "no")), ["a", "c", "d"]);
        assert_eq!(tally.fail(rejected("e", "no")), ["e"]);
        assert!(tally.fail(rejected("f", "too large")).is_empty());
        let mut tally = Tally { sent: 1, ..Tally::default() };
        assert!(["a", "b", "c", "d"].iter().all(|id| tally.fail(rejected(id, "no")).is_empty()));
    }
}
