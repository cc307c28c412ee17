//! The calls of producers in a sweep, and what happens to the messages of a call that does not return.

use crate::delivery::blame::{Blame, Circumstances, Rules};
use crate::delivery::pause::pause;
use crate::delivery::record::record;
use crate::engine::Engine;
use crate::model::fate::Fate;
use crate::model::ticks::Ticks;
use crate::outbox::attempts::Attempt;
use crate::outbox::change::Changed;
use crate::outbox::lock_table::{Lock, Why};
use crate::sys::clock;
use crate::sys::sync::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The wait of a message whose producer did not return.
pub(crate) const STUCK_WAIT: Duration = Duration::from_secs(300);

/// The calls of producers that a sweep has in progress.
#[derive(Default)]
pub(crate) struct Calls {
    begun: AtomicU64,
    in_progress: Mutex<Vec<ProducerCall>>,
}

/// The lane of a call: its topic, its lease if it has one, and its number of failures.
pub(crate) struct CalledFor {
    pub(crate) topic: String,
    pub(crate) lock: Option<Lock>,
    pub(crate) failures: u32,
}

/// A call of a producer, which is removed from its list when it returns.
#[derive(Clone)]
struct ProducerCall {
    number: u64,
    began: Instant,
    called_for: Arc<CalledFor>,
    messages: Vec<Called>,
    is_stuck: bool,
}

/// A message of a call.
#[derive(Clone)]
pub(crate) struct Called {
    pub(crate) id: String,
    pub(crate) fate: Fate,
    pub(crate) is_keyed: bool,
}

/// A call that did not return in time.
pub(crate) struct Stuck(ProducerCall);

impl Calls {
    /// Notes that a call begins. Returns the number of the call.
    pub(crate) fn begin(&self, called_for: Arc<CalledFor>, messages: Vec<Called>) -> u64 {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        self.lock().push(ProducerCall { number, began: clock::now(), called_for, messages, is_stuck: false });
        number
    }

    /// Notes that a call has returned. If the call was stuck, another thread has written a failed attempt to each
    /// message. In this case, returns the fates of the messages after that attempt. A fate consists of the attributes
    /// that decide when a message is sent next.
    pub(crate) fn end(&self, number: u64) -> Option<Vec<Fate>> {
        let mut calls = self.lock();
        let place = calls.iter().position(|call| call.number == number)?;
        let call = calls.swap_remove(place);
        call.is_stuck.then(|| call.messages.into_iter().map(|message| message.fate).collect())
    }

    /// Returns a call that has lasted for at least this time and was not returned before.
    pub(crate) fn next_stuck(&self, after: Duration) -> Option<Stuck> {
        let mut calls = self.lock();
        let call = calls.iter_mut().find(|call| !call.is_stuck && clock::since(call.began) >= after)?;
        call.is_stuck = true;
        Some(Stuck(call.clone()))
    }

    /// Returns the time until the earliest call has lasted for this time.
    pub(crate) fn next_look(&self, after: Duration) -> Duration {
        let calls = self.lock();
        let left =
            calls.iter().filter(|call| !call.is_stuck).map(|call| after.saturating_sub(clock::since(call.began)));
        left.min().unwrap_or(after)
    }

    /// Stores the fates of the messages of a stuck call, unless the call has returned in the meantime.
    fn store(&self, number: u64, fates: Vec<Fate>) {
        let mut calls = self.lock();
        if let Some(call) = calls.iter_mut().find(|call| call.number == number) {
            call.messages.iter_mut().zip(fates).for_each(|(message, fate)| message.fate = fate);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ProducerCall>> {
        self.in_progress.lock()
    }
}

impl Stuck {
    pub(crate) fn topic(&self) -> &str {
        &self.0.called_for.topic
    }

    /// Writes a failed attempt to each message, so that no process sends these messages soon, and pauses the lane, so
    /// that other processes send the other messages of the lane.
    pub(crate) fn leave(&self, engine: &Engine, calls: &Calls, after: Duration) {
        let Self(ProducerCall { number, called_for, messages, .. }) = self;
        let CalledFor { topic, lock, failures } = &**called_for;
        tracing::warn!(
            target: "postbox", { messaging.destination.name = %topic, messaging.batch.message_count = messages.len() },
            "a producer has not returned within half of lease_duration_ms: its messages wait for 5 minutes, and another thread sweeps the other topics"
        );
        let error = format!("the producer did not return within {} ms", after.as_millis());
        let now = Ticks::now();
        let attempts: Vec<_> = messages.iter().map(|message| attempt(engine, message, &error, now)).collect();
        let written = record(engine, &attempts);
        let fate = |((_, fate, attempt), written): (&(String, Fate, Attempt), &Option<Changed>)| match written {
            Some(Changed::Done) => attempt.applied_to(*fate),
            _ => *fate,
        };
        calls.store(*number, attempts.iter().zip(&written).map(fate).collect());
        if let Some(lock) = lock.clone() {
            let (length, count) = pause(engine.config.breaker_cooldown, *failures, false);
            let paused = engine.run("pausing a lane", |outbox| async move {
                outbox.pause_lock(lock, length, count, Why::Transport).await
            });
            if let Err(error) = paused {
                tracing::debug!(target: "postbox", { error.message = error.message() }, "a pause could not be written");
            }
        }
    }
}

/// Returns the failed attempt to write for a message of a stuck call. The attempt counts, because a message that stops
/// each sender must be parked in the end.
fn attempt(engine: &Engine, message: &Called, error: &str, now: Ticks) -> (String, Fate, Attempt) {
    let circumstances = Circumstances { in_trouble: false, has_evidence: true };
    let Called { id, fate, is_keyed } = message;
    let failed = (Blame::Unknown, error);
    let attempt =
        match Rules::of(&engine.config).attempt((fate, *is_keyed), failed, circumstances, (now, fastrand::f64())) {
            Attempt::Failed { next, first, counted, error } => {
                Attempt::Failed { next: next.max(now.plus(STUCK_WAIT)), first, counted, error }
            }
            parked => parked,
        };
    (id.clone(), *fate, attempt)
}
