//! A lease: held while its holder works, renewed in time, and at the end given back or turned into a pause.

use crate::engine::Engine;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::stats::LeaseInfo;
use crate::outbox::lock_table::{Lock, LockItem, Taken, Taking, Why};
use crate::sdk::failure::is_denied;
use crate::sys::clock::Moment;
use crate::sys::simulation::{Mutation, mutated};
use std::time::{Duration, SystemTime};

/// How far the clocks of two machines may be apart, as long as that is a small part of a lease.
const MOST_SKEW: Duration = Duration::from_secs(5);
/// How long Brighter's sweepers wait after ours, so that indexes show what was marked.
const REST: Duration = Duration::from_secs(2);

/// The times of a lease.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) length: Duration,
    pub(crate) skew: Duration,
}

impl Terms {
    pub(crate) fn of(engine: &Engine) -> Self {
        let length = engine.config.lease_duration;
        Self { length, skew: MOST_SKEW.min(length / 12) }
    }

    /// A lease is renewed when so much of it is over.
    fn renew_after(self) -> Duration {
        self.length / 3
    }

    /// With less than this left, nothing is begun under a lease.
    fn reserve(self) -> Duration {
        self.length / 2
    }
}

/// The answer of the lock table to a sweeper or an archiver.
pub(crate) enum Obtained<'a> {
    Held(Lease<'a>),
    /// Another holds it or has paused it.
    HeldElsewhere,
    /// The lock table cannot be used, and will not be able to be.
    Unusable(String),
}

/// A lease that is ours until it runs out by our own clock.
pub(crate) struct Lease<'a> {
    engine: &'a Engine,
    lock: Lock,
    renew_at: Moment,
    ends_at: Moment,
    lost: bool,
    /// The item that was there before it was taken.
    pub(crate) before: Option<Box<LockItem>>,
    /// Whether its holder before died without giving it back.
    pub(crate) was_abandoned: bool,
    /// What is written at its end, in place of giving it back.
    pause: Option<(Duration, u32, Why)>,
}

impl<'a> Lease<'a> {
    /// Asks for the lease on a resource, and makes the lock table if it is missing.
    pub(crate) fn obtain(engine: &'a Engine, resource: &str, topic: Option<&str>) -> Result<Obtained<'a>> {
        let lock = new_lock(engine, resource);
        let terms = Terms::of(engine);
        let taking = Taking {
            length: terms.length,
            skew: terms.skew,
            topic: topic.map(str::to_owned),
            holder: engine.holder.clone(),
            pause: None,
        };
        // From before the request: ours never ends later than the table says.
        let asked_at = Moment::now();
        let request = lock.clone();
        let taken = use_lock_table(engine, || {
            let (request, taking) = (request.clone(), taking.clone());
            engine.run("obtaining the lease", |outbox| async move { outbox.take_lock(request, taking).await })
        })?;
        let before = match taken {
            Err(why) => return Ok(Obtained::Unusable(why)),
            Ok(Taken::Others) => return Ok(Obtained::HeldElsewhere),
            Ok(Taken::Ours(before)) => before,
        };
        let was_abandoned = before.as_ref().is_some_and(|item| item.id.is_some() && item.why.is_none());
        Ok(Obtained::Held(Self {
            engine,
            lock,
            renew_at: asked_at + terms.renew_after(),
            ends_at: asked_at + (terms.length - terms.skew - terms.reserve().min(terms.length - terms.skew)),
            lost: false,
            before: before.map(Box::new),
            was_abandoned,
            pause: None,
        }))
    }

    /// Returns whether the lease is ours still, and for long enough to begin something; renews it when it is time.
    /// Asked before every send and between requests: a lease that is lost, or could not be renewed before its end,
    /// stops its holder at once.
    pub(crate) fn is_held(&mut self) -> bool {
        if mutated(Mutation::LeaseNotChecked) {
            return true;
        }
        if !self.lost && self.renew_at.is_past() {
            let now = Moment::now();
            let request = self.lock.clone();
            let terms = Terms::of(self.engine);
            let renewed = self
                .engine
                .run("renewing the lease", |outbox| async move { outbox.renew_lock(request, terms.length).await });
            match renewed {
                Ok(Some(_)) => {
                    self.renew_at = now + terms.renew_after();
                    self.ends_at = now + (terms.length - terms.skew - terms.reserve().min(terms.length - terms.skew));
                }
                Ok(None) => {
                    tracing::warn!(target: "postbox", resource = %self.lock.resource, "the lease was lost: its holder stops");
                    self.lost = true;
                }
                // It is ours until its end: tried again before the next send.
                Err(error) => {
                    tracing::warn!(target: "postbox", { resource = %self.lock.resource, error.message = error.message() }, "the lease could not be renewed");
                }
            }
        }
        self.is_running()
    }

    /// Returns whether the lease has not run out, by our own clocks.
    pub(crate) fn is_running(&mut self) -> bool {
        if !self.lost && self.ends_at.is_past() {
            tracing::warn!(target: "postbox", resource = %self.lock.resource, "the lease ran out before it was renewed: its holder stops");
            // For good: what was not sent meanwhile must not be overtaken by what comes after it.
            self.lost = true;
        }
        !self.lost
    }

    /// At its end, the lease is not given back but keeps everybody away for this time.
    pub(crate) fn pause_at_end(&mut self, pause: Duration, failures: u32, why: Why) {
        self.pause = Some((pause, failures, why));
    }

    /// At its end, Brighter's sweepers wait until indexes show what was marked.
    pub(crate) fn rest_at_end(&mut self) {
        self.pause_at_end(REST, 0, Why::Rest);
    }
}

impl Drop for Lease<'_> {
    /// Gives the lease back, so that the next one need not wait for its end, or writes the pause.
    fn drop(&mut self) {
        let request = self.lock.clone();
        let pause = self.pause.filter(|_| !self.lost);
        let ended = self.engine.run_to_end("giving the lease back", |outbox| async move {
            match pause {
                Some((pause, failures, why)) => outbox.pause_lock(request, pause, failures, why).await,
                None => outbox.release_lock(request).await,
            }
        });
        if let Err(error) = ended {
            tracing::debug!(target: "postbox", { resource = %self.lock.resource, error.message = error.message() }, "the lease was not given back; it runs out by itself");
        }
    }
}

fn new_lock(engine: &Engine, resource: &str) -> Lock {
    let id = if mutated(Mutation::OneLockId) { format!("{engine:p}") } else { crate::sys::random::id() };
    Lock { table: engine.config.lock_table_name.clone(), resource: resource.to_owned(), id }
}

/// Pauses a lane that nobody leases, unless somebody has paused it meanwhile.
pub(crate) fn pause_unleased(engine: &Engine, resource: &str, topic: &str, pause: (Duration, u32, Why)) -> Result<()> {
    let lock = new_lock(engine, resource);
    let (length, failures, why) = pause;
    let taking = Taking {
        length,
        skew: Duration::ZERO,
        topic: Some(topic.to_owned()),
        holder: engine.holder.clone(),
        pause: Some((failures, why)),
    };
    engine.run("pausing a lane", |outbox| async move { outbox.take_lock(lock, taking).await }).map(drop)
}

/// Deletes the item of a pause that is over.
pub(crate) fn forget_pause(engine: &Engine, item: &LockItem) {
    let Some(id) = item.id.clone() else {
        return;
    };
    let lock = Lock { table: engine.config.lock_table_name.clone(), resource: item.resource.clone(), id };
    if let Err(error) = engine.run("ending a pause", |outbox| async move { outbox.release_lock(lock).await }) {
        tracing::debug!(target: "postbox", { error.message = error.message() }, "a pause that is over was not deleted");
    }
}

/// Makes a request to the lock table, and the table if it is missing. A refusal is believed only when it is repeated:
/// then the reason is given, and the table cannot be used.
pub(crate) fn use_lock_table<T>(
    engine: &Engine,
    request: impl Fn() -> Result<T>,
) -> Result<std::result::Result<T, String>> {
    let is_missing = |error: &Error| error.code() == ErrorCode::TableNotFound;
    let mut answer = request();
    if answer.as_ref().is_err_and(is_missing) {
        let table = engine.config.lock_table_name.clone();
        let created =
            engine.run("creating the lock table", |outbox| async move { outbox.create_lock_table(table).await });
        answer = request();
        match created {
            // The reason that lasts is that the table may not be created.
            Err(error) if is_denied(&error) && answer.as_ref().is_err_and(is_missing) => answer = Err(error),
            Err(error) if !is_denied(&error) => return Err(error),
            _ => {}
        }
    } else if !mutated(Mutation::RefusalBelieved) && answer.as_ref().is_err_and(is_denied) {
        answer = request();
    }
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) if is_denied(&error) || is_missing(&error) || has_other_keys(&error) => {
            Ok(Err(error.message().to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Returns whether the table has other keys than a lock table.
fn has_other_keys(error: &Error) -> bool {
    error.code() == ErrorCode::ServiceError && error.message().contains("does not match the schema")
}

/// Returns the leases of this outbox's sweepers and archivers, and the pauses of its lanes.
pub(crate) fn lease_states(engine: &Engine) -> Result<Vec<LeaseInfo>> {
    let (table, prefix) = (engine.config.lock_table_name.clone(), engine.resource(""));
    let locks = match engine.run("finding the leases", |outbox| async move { outbox.locks(table, prefix).await }) {
        Err(error) if error.code() == ErrorCode::TableNotFound => Vec::new(),
        locks => locks?,
    };
    let rests = |item: &LockItem| item.why.as_deref() == Some(Why::Rest.name());
    let mut states: Vec<LeaseInfo> = locks
        .into_iter()
        .filter(|item| !rests(item))
        .map(|item| LeaseInfo {
            expires_at: item.expires_at().unwrap_or(SystemTime::UNIX_EPOCH),
            holder: item.holder.or(item.id).unwrap_or_default(),
            resource: item.resource,
            topic: item.topic,
            paused: item.why,
        })
        .collect();
    states.sort_by(|one, other| one.resource.cmp(&other.resource));
    Ok(states)
}
