//! The lease of a sweeper or an archiver. A process holds and renews the lease while it works. At the end, the process
//! releases the lease or turns it into a pause of the lane. A lane is a group of shards of a topic that one thread
//! sweeps as a unit.

use crate::engine::Engine;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::stats::LeaseInfo;
use crate::outbox::lock_table::{Lock, LockItem, Taken, Taking, Why, time_of, unix_milliseconds};
use crate::runtime::LAST_REQUESTS;
use crate::sdk::failure::is_denied;
use crate::sys::clock::Moment;
use crate::sys::simulation::{Mutation, mutated};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The maximum difference between the clocks of two machines. For a lease of less than a minute, a twelfth of its
/// length is used instead.
const MAX_SKEW: Duration = Duration::from_secs(5);
/// The time for which Brighter's sweepers wait after a sweep of Postbox. Within this time, the indexes usually show the
/// marks.
const REST: Duration = Duration::from_secs(2);

/// The times of a lease.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) length: Duration,
    pub(crate) skew: Duration,
}

impl Terms {
    pub(crate) fn of(engine: &Engine) -> Self {
        Self::of_length(engine.config.lease_duration)
    }

    pub(crate) fn of_length(length: Duration) -> Self {
        Self { length, skew: MAX_SKEW.min(length / 12) }
    }

    /// Returns the time after which a lease is renewed.
    fn renew_after(self) -> Duration {
        self.length / 3
    }

    /// Returns the time after which a drain of a lane ends, so that lanes with newer messages are drained too.
    pub(crate) fn turn(self) -> Duration {
        self.length / 6
    }

    /// Returns the time after which a call of a producer counts as stuck. A shorter call ends before the lease does.
    pub(crate) fn stuck_after(self) -> Duration {
        self.length / 2
    }

    /// Returns the time after the start of a lease within which its holder may begin another send or request. The
    /// second half of the lease is left for the end of that send or request.
    fn usable(self) -> Duration {
        (self.length - self.skew).saturating_sub(self.length / 2)
    }
}

/// The result of a request for a lease, for a sweeper or an archiver.
pub(crate) enum Obtained<'a> {
    Held(Lease<'a>),
    /// Another process holds the lease, or the lane is paused.
    HeldElsewhere,
    /// The lock table cannot be used, and a retry would not help. Contains the reason.
    Unusable(String),
}

/// A lease that this process holds. The process stops using the lease when the lease expires by its own clock.
pub(crate) struct Lease<'a> {
    engine: &'a Engine,
    pub(crate) lock: Lock,
    renew_at: Moment,
    ends_at: Moment,
    lost: bool,
    /// The item in the lock table before the lease was taken.
    pub(crate) before: Option<Box<LockItem>>,
    /// Whether the previous holder's lease expired without being released.
    pub(crate) was_abandoned: bool,
    /// The pause that is written at the end of the lease. If it is `None`, the lease is released.
    pause: Option<(Duration, u32, Why)>,
}

impl<'a> Lease<'a> {
    /// Requests the lease on a resource, and creates the lock table if it does not exist.
    pub(crate) fn obtain(engine: &'a Engine, resource: &str, topic: Option<&str>) -> Result<Obtained<'a>> {
        release_left_behind(engine, resource)?;
        let lock = new_lock(engine, resource);
        let terms = Terms::of(engine);
        let taking = Taking {
            length: terms.length,
            skew: terms.skew,
            topic: topic.map(str::to_owned),
            holder: engine.holder.clone(),
            pause: None,
        };
        // The length of the lease is measured from a time before the request, so that this process never uses the lease
        // for longer than the table says.
        let asked_at = Moment::now();
        let request = lock.clone();
        let taken = use_lock_table(engine, || {
            let (request, taking) = (request.clone(), taking.clone());
            engine.run("obtaining the lease", |outbox| async move { outbox.take_lock(request, taking).await })
        })
        .inspect_err(|_| engine.sweeping.leave_lease(resource, lock.id.clone()))?;
        let before = match taken {
            Err(why) => return Ok(Obtained::Unusable(why)),
            Ok(Taken::Others) => return Ok(Obtained::HeldElsewhere),
            Ok(Taken::Ours(before)) => before,
        };
        engine.sweeping.hold_lease(&lock);
        let was_abandoned = before.as_ref().is_some_and(|item| item.id.is_some() && item.why.is_none());
        Ok(Obtained::Held(Self {
            engine,
            lock,
            renew_at: asked_at + terms.renew_after(),
            ends_at: asked_at + terms.usable(),
            lost: false,
            before: before.map(Box::new),
            was_abandoned,
            pause: None,
        }))
    }

    /// Returns whether the lease is held for long enough to start another step. Renews the lease when a renewal is due.
    /// The holder calls this before every send and between requests, and stops if the lease is lost or could not be
    /// renewed in time.
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
                    self.ends_at = now + terms.usable();
                }
                Ok(None) => {
                    tracing::warn!(target: "postbox", resource = %self.lock.resource, "the lease was lost: its holder stops");
                    self.lost = true;
                }
                // The lease remains valid until it expires. The next call tries to renew it again.
                Err(error) => {
                    tracing::warn!(target: "postbox", { resource = %self.lock.resource, error.message = error.message() }, "the lease could not be renewed");
                }
            }
        }
        self.is_running()
    }

    /// Returns whether the lease is neither lost nor expired by the clock of this process.
    pub(crate) fn is_running(&mut self) -> bool {
        if !self.lost && self.ends_at.is_past() {
            tracing::warn!(target: "postbox", resource = %self.lock.resource, "the lease expired before it was renewed: its holder stops");
            // A later renewal does not make the lease valid again. After the lease expired, messages were skipped, and
            // later messages with the same keys could otherwise be sent before them.
            self.lost = true;
        }
        !self.lost
    }

    /// Requests a pause when the lease ends. No process can take the lease during the pause.
    pub(crate) fn pause_at_end(&mut self, pause: Duration, failures: u32, why: Why) {
        self.pause = Some((pause, failures, why));
    }

    /// Requests a short pause when the lease ends, so that Brighter's sweepers wait until the indexes show the marks.
    pub(crate) fn rest_at_end(&mut self) {
        self.pause_at_end(REST, 0, Why::Rest);
    }
}

impl Drop for Lease<'_> {
    /// Writes the pause, if there is one. Otherwise releases the lease, so that the next holder does not wait until it
    /// expires.
    fn drop(&mut self) {
        let request = self.lock.clone();
        self.engine.sweeping.let_go_of_lease(&request);
        let pause = self.pause.filter(|_| !self.lost);
        // The released id is remembered, because a delayed request of this process can still take the lease again.
        self.engine.sweeping.release_lease(&self.lock.resource, &self.lock.id, self.engine.config.lease_duration * 2);
        let ended = self.engine.run_to_end("releasing the lease", |outbox| async move {
            match pause {
                Some((pause, failures, why)) => outbox.pause_lock(request, pause, failures, why).await,
                None => outbox.release_lock(request).await,
            }
        });
        if let Err(error) = ended {
            tracing::debug!(target: "postbox", { resource = %self.lock.resource, error.message = error.message() }, "the lease was not released; it expires by itself");
            // A request that failed may have taken effect. The pause of a lane must then not be released.
            if pause.is_none_or(|(_, _, why)| why == Why::Rest) {
                self.engine.sweeping.leave_lease(&self.lock.resource, self.lock.id.clone());
            }
        }
    }
}

/// Releases the leases that this process no longer holds, but for which the lock table may still show this process as
/// the holder. Until such a lease expires, it prevents every process from taking the lease, including this one.
pub(super) fn release_left_behind(engine: &Engine, resource: &str) -> Result<()> {
    for id in engine.sweeping.left_leases(resource) {
        let lock = Lock { table: engine.config.lock_table_name.clone(), resource: resource.to_owned(), id };
        match engine.run("releasing the lease", |outbox| async move { outbox.release_lock(lock).await }) {
            Err(error) if !is_denied(&error) => return Err(error),
            _ => {}
        }
    }
    engine.sweeping.forget_left_leases(resource);
    Ok(())
}

/// Releases the leases whose holders do not return in time, when the Postbox is closed. Their threads are in callbacks of
/// the host program, and call no further producer or archive. Other processes can then continue with the messages.
pub(crate) fn give_back_leases(engine: &Engine) {
    let (outbox, held) = (Arc::clone(&engine.outbox), engine.sweeping.held_leases());
    let released = async move {
        for lock in held {
            if let Err(error) = outbox.release_lock(lock).await {
                tracing::debug!(target: "postbox", { error.message = error.message() }, "a lease was not released; it expires by itself");
            }
        }
    };
    if let Err(error) = engine.runtime.run_inside("releasing the leases", LAST_REQUESTS, Box::pin(released)) {
        tracing::debug!(target: "postbox", { error.message = error.message() }, "the leases were not released; they expire by themselves");
    }
}

pub(super) fn new_lock(engine: &Engine, resource: &str) -> Lock {
    let id = if mutated(Mutation::OneLockId) { format!("{engine:p}") } else { crate::sys::random::id() };
    Lock { table: engine.config.lock_table_name.clone(), resource: resource.to_owned(), id }
}

/// Pauses a lane that no process has leased, unless another process has paused the lane in the meantime.
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

/// Makes a request to the lock table, and creates the table if it does not exist. If a permission is missing, the
/// request is repeated once. If the second request fails too, returns the reason for which the table cannot be used.
pub(crate) fn use_lock_table<T>(
    engine: &Engine,
    request: impl Fn() -> Result<T>,
) -> Result<std::result::Result<T, String>> {
    let is_missing = |error: &Error| error.code() == ErrorCode::TableNotFound;
    let mut response = request();
    if response.as_ref().is_err_and(is_missing) {
        let created = create_lock_table(engine);
        response = request();
        // The table does not exist because it could not be created, which is the reason to report.
        if let Err(error) = created
            && response.as_ref().is_err_and(is_missing)
        {
            if !is_denied(&error) {
                return Err(error);
            }
            response = Err(error);
        }
    } else if !mutated(Mutation::RefusalBelieved) && response.as_ref().is_err_and(is_denied) {
        response = request();
    }
    match response {
        Ok(response) => Ok(Ok(response)),
        Err(error) if is_denied(&error) || is_missing(&error) || has_other_keys(&error) => {
            Ok(Err(error.message().to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Creates the lock table and waits until it is active. DynamoDB can take longer than the operation timeout for this, and
/// treats the table as missing until then.
fn create_lock_table(engine: &Engine) -> Result<()> {
    let table = engine.config.lock_table_name.clone();
    let creating =
        format!("; lock table {table} may still be in the state CREATING, and is used as soon as it is active");
    let created = engine.run("creating the lock table", |outbox| async move { outbox.create_lock_table(table).await });
    created.map_err(|error| if error.code() == ErrorCode::Timeout { error.with_text(&creating) } else { error })
}

/// Returns whether the key of the table differs from the key of a lock table.
fn has_other_keys(error: &Error) -> bool {
    let texts = ["does not match the schema", "required keys was not given a value"];
    error.code() == ErrorCode::ServiceError && texts.iter().any(|text| error.message().contains(text))
}

/// Reads the items of the lock table whose resource has this prefix.
pub(crate) fn lock_table(engine: &Engine, prefix: &str) -> Result<Vec<Item>> {
    let (table, prefix) = (engine.config.lock_table_name.clone(), prefix.to_owned());
    engine.run("reading the lock table", |outbox| async move { outbox.lock_table(table, prefix).await })
}

/// Returns the leases of this outbox's sweepers and archivers, and the pauses of its lanes.
pub(crate) fn lease_states(engine: &Engine) -> Result<Vec<LeaseInfo>> {
    let items = lock_table(engine, &engine.resource(""))?;
    let rests = |item: &LockItem| item.why.as_deref() == Some(Why::Rest.name());
    let mut states: Vec<LeaseInfo> = items
        .iter()
        .filter_map(LockItem::read)
        .filter(|item| item.id.is_some() && !rests(item))
        .map(|item| LeaseInfo {
            is_ignored: item.ends_too_late(unix_milliseconds()),
            expires_at: item.expiry.map_or(SystemTime::UNIX_EPOCH, time_of),
            holder: item.holder.or(item.id).unwrap_or_default(),
            resource: item.resource,
            topic: item.topic,
            paused: item.why,
        })
        .collect();
    states.sort_by(|one, other| one.resource.cmp(&other.resource));
    Ok(states)
}
