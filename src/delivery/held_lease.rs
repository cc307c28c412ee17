//! A lease of the program's own in the lock table, in the format of Brighter's distributed lock.

use crate::delivery::lease::{Terms, new_lock, release_left_behind, use_lock_table};
use crate::engine::Engine;
use crate::model::error::{Error, ErrorCode, Result};
use crate::outbox::lock_table::{Lock, Taken, Taking};
#[cfg(feature = "capi")]
use crate::runtime::Cancel;
use crate::sys::clock::Moment;
use crate::sys::sync::Mutex;
use std::sync::Arc;
use std::time::Duration;

const SHORTEST: Duration = Duration::from_secs(1);
/// A lease that ends later is ignored, because a wrong clock may have written it.
const LONGEST: Duration = Duration::from_secs(3600);
const MAX_RESOURCE_BYTES: usize = 1024;

/// A lease that this program has obtained with [`Postbox::obtain_lease`](crate::Postbox::obtain_lease). Dropping it
/// releases the lease. If the process ends before, or if the Postbox is closed before, the lease ends by itself after
/// its length.
pub struct HeldLease {
    engine: Arc<Engine>,
    lock: Lock,
    length: Duration,
    /// The time until which no other process can hold the lease, or `None` if the lease was lost or released.
    ends_at: Mutex<Option<Moment>>,
}

impl HeldLease {
    /// Starts a call that renews or releases the lease, on a thread of its own. `done` is called once with the result, on
    /// the thread for completions. If an error is returned, `done` is not called.
    #[cfg(feature = "capi")]
    pub(crate) fn start_call<T: Send + 'static>(
        self: &Arc<Self>,
        what: &'static str,
        call: impl FnOnce(&Self) -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<Cancel> {
        let lease = Arc::clone(self);
        self.engine.runtime.start_call(what, move || call(&lease), done)
    }

    pub(crate) fn obtain(engine: &Arc<Engine>, resource: &str, length: Duration) -> Result<Option<Self>> {
        check(resource, length)?;
        let resource = engine.resource(resource);
        release_left_behind(engine, &resource)?;
        let lock = new_lock(engine, &resource);
        let skew = Terms::of_length(length).skew;
        let taking = Taking { length, skew, topic: None, holder: engine.holder.clone(), pause: None };
        let asked_at = Moment::now();
        let taken = use_lock_table(engine, || {
            let (request, taking) = (lock.clone(), taking.clone());
            engine.run("obtaining a lease", |outbox| async move { outbox.take_lock(request, taking).await })
        })
        .inspect_err(|_| engine.sweeping.leave_lease(&resource, lock.id.clone()))?;
        match taken {
            Err(why) => Err(Error::new(
                ErrorCode::InvalidTable,
                format!("lease {resource} cannot be obtained, because the lock table cannot be used: {why}"),
            )),
            Ok(Taken::Others) => Ok(None),
            Ok(Taken::Ours(_)) => {
                let ends_at = Mutex::new(Some(asked_at + (length - skew)));
                Ok(Some(Self { engine: Arc::clone(engine), lock, length, ends_at }))
            }
        }
    }

    /// Returns the name of the lease in the lock table: the group of the leases, `_` and the resource.
    pub fn resource(&self) -> &str {
        &self.lock.resource
    }

    /// Returns whether the lease is held for certain: it was neither lost nor released, and it has not expired, even by
    /// a clock that is 5 seconds ahead. Sends no request.
    pub fn is_held(&self) -> bool {
        self.ends_at.lock().is_some_and(|ends_at| !ends_at.is_past())
    }

    /// Extends the lease by its length from now, and returns whether it is still held. After `false`, another process may
    /// hold the lease, and this lease cannot be renewed again: stop the work that it protects, and obtain a new lease.
    /// Renew a lease after a third of its length, so that a failed request can be repeated in time.
    ///
    /// # Errors
    /// [Request errors](crate::Postbox). The lease is held until it expires, and can be renewed again.
    pub fn renew(&self) -> Result<bool> {
        if self.ends_at.lock().is_none() {
            return Ok(false);
        }
        let (request, length, asked_at) = (self.lock.clone(), self.length, Moment::now());
        let renewed =
            self.engine.run("renewing a lease", |outbox| async move { outbox.renew_lock(request, length).await })?;
        let mut ends_at = self.ends_at.lock();
        // Another thread may have released the lease in the meantime.
        *ends_at = ends_at.and(renewed).map(|_| asked_at + (length - Terms::of_length(length).skew));
        Ok(ends_at.is_some())
    }

    /// Releases the lease, so that another process can obtain it at once. Does nothing if the lease was lost or released.
    ///
    /// # Errors
    /// [Request errors](crate::Postbox). The lease then ends after its length, or when this process obtains a lease on the
    /// same resource.
    pub fn release(&self) -> Result<()> {
        if self.ends_at.lock().take().is_none() {
            return Ok(());
        }
        let request = self.lock.clone();
        let released = self.engine.run("releasing a lease", |outbox| async move { outbox.release_lock(request).await });
        released.inspect_err(|_| self.engine.sweeping.leave_lease(&self.lock.resource, self.lock.id.clone()))
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            tracing::debug!(target: "postbox", { resource = %self.lock.resource, error.message = error.message() }, "a lease was not released; it expires by itself");
        }
    }
}

impl std::fmt::Debug for HeldLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldLease")
            .field("resource", &self.lock.resource)
            .field("is_held", &self.is_held())
            .finish_non_exhaustive()
    }
}

fn check(resource: &str, length: Duration) -> Result<()> {
    let reject = |problem: String| Err(Error::new(ErrorCode::InvalidArgument, problem));
    if resource.is_empty() || resource.len() > MAX_RESOURCE_BYTES {
        let bytes = resource.len();
        return reject(format!("the resource of a lease has {bytes} bytes: it must have 1 to {MAX_RESOURCE_BYTES}"));
    }
    // These items show which processes sweep, and are not leases.
    if resource.starts_with("Sweeper_") {
        return reject(format!(
            "the resource of a lease is \"{resource}\": names that begin with Sweeper_ are reserved"
        ));
    }
    if !(SHORTEST..=LONGEST).contains(&length) {
        return reject(format!(
            "the length of lease {resource} is {} ms: it must be {} to {} ms",
            length.as_millis(),
            SHORTEST.as_millis(),
            LONGEST.as_millis()
        ));
    }
    Ok(())
}
