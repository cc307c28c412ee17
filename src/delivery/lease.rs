//! The lease of a sweeper: held while it sweeps, renewed in time, given back at the end.

use crate::engine::Engine;
use crate::model::error::{ErrorCode, Result};
use crate::model::stats::LeaseInfo;
use crate::outbox::lock_table::{Lock, LockItem};
use crate::sys::clock::Moment;
use crate::sys::simulation::{Mutation, mutated};
use std::time::Duration;

/// How far the clocks of two machines may be apart, as long as that is a small part of a lease.
const MOST_SKEW: Duration = Duration::from_secs(5);

/// The times of a lease.
#[derive(Clone, Copy)]
struct Terms {
    length: Duration,
    renew_after: Duration,
    skew: Duration,
}

impl Terms {
    fn of(engine: &Engine) -> Self {
        let length = engine.config.lease_duration;
        Self { length, renew_after: length / 3, skew: MOST_SKEW.min(length / 5) }
    }
}

/// What the lock table says to a sweeper.
pub(crate) enum Obtained<'a> {
    Held(Lease<'a>),
    HeldElsewhere,
    /// There is no lock table, or no permission for it: the sweeper runs without one.
    Unavailable(String),
}

/// A lease that is ours until it runs out by our own clock.
pub(crate) struct Lease<'a> {
    engine: &'a Engine,
    lock: Lock,
    renew_at: Moment,
    ends_at: Moment,
    lost: bool,
}

impl<'a> Lease<'a> {
    /// Asks for the lease on a resource, and makes the lock table if it is missing.
    pub(crate) fn obtain(engine: &'a Engine, resource: &str) -> Result<Obtained<'a>> {
        let lock = Lock {
            table: engine.config.lock_table_name.clone(),
            resource: resource.to_owned(),
            id: crate::sys::random::id(),
        };
        let Terms { length, renew_after, skew } = Terms::of(engine);
        // From before the request: ours never ends later than the table says.
        let asked_at = Moment::now();
        Ok(match Self::obtain_lock(engine, lock.clone())? {
            Ok(true) => Obtained::Held(Self {
                engine,
                lock,
                renew_at: asked_at + renew_after,
                ends_at: asked_at + (length - skew),
                lost: false,
            }),
            Ok(false) => Obtained::HeldElsewhere,
            Err(why) => Obtained::Unavailable(why),
        })
    }

    /// Takes or renews a lock for the length of a lease, and makes the lock table if it is
    /// missing: whether it is ours, or why there can be none.
    pub(crate) fn obtain_lock(engine: &Engine, lock: Lock) -> Result<Result<bool, String>> {
        let Terms { length, skew, .. } = Terms::of(engine);
        let ask = |lock: Lock| {
            engine.run("obtaining the lease", |outbox| async move { outbox.obtain_lock(lock, length, skew).await })
        };
        let mut answer = ask(lock.clone());
        if answer.as_ref().is_err_and(|error| error.code() == ErrorCode::TableNotFound) {
            let table = lock.table.clone();
            answer = engine
                .run("creating the lock table", |outbox| async move { outbox.create_lock_table(table).await })
                .and_then(|()| ask(lock));
        }
        match answer {
            Ok(obtained) => Ok(Ok(obtained)),
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::TableNotFound | ErrorCode::AccessDenied | ErrorCode::ServiceError
                ) =>
            {
                Ok(Err(error.message().to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the lease is ours still; renews it when it is time. Asked before every send: a
    /// lease that is lost, or could not be renewed before its end, stops the sweep at once.
    pub(crate) fn is_held(&mut self) -> bool {
        if mutated(Mutation::LeaseNotChecked) {
            return true;
        }
        if !self.lost && self.renew_at.is_past() {
            let now = Moment::now();
            let request = self.lock.clone();
            let Terms { length, renew_after, skew } = Terms::of(self.engine);
            match self
                .engine
                .run("renewing the lease", |outbox| async move { outbox.renew_lock(request, length).await })
            {
                Ok(true) => {
                    self.renew_at = now + renew_after;
                    self.ends_at = now + (length - skew);
                }
                Ok(false) => {
                    tracing::warn!(target: "postbox", resource = %self.lock.resource, "the lease was lost: this sweep stops");
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

    /// Whether the lease has not run out, by our own clocks.
    pub(crate) fn is_running(&mut self) -> bool {
        if !self.lost && self.ends_at.is_past() {
            tracing::warn!(target: "postbox", resource = %self.lock.resource, "the lease ran out before it was renewed: this sweep stops");
            // For good: what was not sent meanwhile must not be overtaken by what comes after it.
            self.lost = true;
        }
        !self.lost
    }
}

impl Drop for Lease<'_> {
    /// Gives the lease back, so that the next sweep of anyone need not wait for its end.
    fn drop(&mut self) {
        let request = self.lock.clone();
        if let Err(error) =
            self.engine.run("releasing the lease", |outbox| async move { outbox.release_lock(request).await })
        {
            tracing::debug!(target: "postbox", { resource = %self.lock.resource, error.message = error.message() }, "the lease was not released; it runs out by itself");
        }
    }
}

/// The leases of this outbox's sweepers and archivers.
pub(crate) fn lease_states(engine: &Engine) -> Result<Vec<LeaseInfo>> {
    let (table, prefix) = (engine.config.lock_table_name.clone(), engine.resource(""));
    let locks = match engine.run("finding the leases", |outbox| async move { outbox.locks(table, prefix).await }) {
        Err(error) if error.code() == ErrorCode::TableNotFound => Vec::new(),
        locks => locks?,
    };
    let state = |LockItem { lock, expires_at, .. }| LeaseInfo { resource: lock.resource, holder: lock.id, expires_at };
    let mut states: Vec<LeaseInfo> = locks.into_iter().map(state).collect();
    states.sort_by(|one, other| one.resource.cmp(&other.resource));
    Ok(states)
}
