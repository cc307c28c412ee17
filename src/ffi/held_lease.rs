//! Leases of the program's own.

use crate::HeldLease;
use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::panic::infallible;
use crate::ffi::text::{c_string, text};
use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

/// A lease that the program has obtained with postbox_obtain_lease. Any number of threads may use it.
///
/// ```c
/// postbox_held_lease *lease = NULL;
/// if ((err = postbox_obtain_lease(client, "nightly-report", 60000, &lease)))
///     return fail(err);
/// for (bool held = lease != NULL; held && do_some_work();)
///     if ((err = postbox_held_lease_renew(lease, &held)))
///         break;
/// postbox_held_lease_free(lease);
/// ```
pub struct postbox_held_lease {
    pub(crate) lease: Arc<HeldLease>,
    resource: CString,
}

impl postbox_held_lease {
    pub(crate) fn of(lease: HeldLease) -> Self {
        Self { resource: c_string(lease.resource()), lease: Arc::new(lease) }
    }
}

impl Handle for postbox_held_lease {
    const NAME: &'static str = "lease";
}

/// Obtains a lease on a resource of the program's own, such as a job that only one process may run at a
/// time. The lease is written to `lease`, or NULL if another holder has it, in this process or in another
/// one. The caller frees the lease with postbox_held_lease_free.
///
/// The lease is in the lock table, in the format of Brighter's distributed lock on DynamoDB. A program of
/// Brighter that uses the same table, and the setting "lease_group" as its group, therefore sees the lease,
/// and the other way round. If the lock table does not exist, it is created. The lease ends after
/// `length_ms`, which is 1,000 to 3,600,000, unless postbox_held_lease_renew extends it. The resources
/// "OutboxSweeper" and "Archiver" are those of the sweepers and archivers, which wait while the program
/// holds them.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for a resource that is empty, longer than 1,024 bytes or begins
/// with "Sweeper_", or for a length out of range; POSTBOX_ERROR_INVALID_TABLE if the lock table cannot be
/// used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_obtain_lease(
    client: *mut postbox_client,
    resource: *const c_char,
    length_ms: u64,
    lease: *mut *mut postbox_held_lease,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, resource) = unsafe { (postbox_client::borrow(client)?, text(resource, "resource")?) };
        check_out(lease, "lease")?;
        let obtained = postbox.get().obtain_lease(resource, Duration::from_millis(length_ms))?;
        let handle = obtained.map_or(ptr::null_mut(), |lease| postbox_held_lease::of(lease).into_raw());
        // SAFETY: checked above.
        unsafe { write_out(lease, "lease", handle) }
    })
}

/// Extends a lease by its length from now, and writes to `is_held` whether it is still held. If it is not,
/// another process may hold it, and this lease cannot be renewed again: stop the work that it protects, and
/// obtain a new lease. Renew a lease after a third of its length, so that a failed request can be repeated
/// in time. After an error, the lease is held until it expires, and can be renewed again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_held_lease_renew(
    lease: *mut postbox_held_lease,
    is_held: *mut bool,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let lease = &unsafe { postbox_held_lease::borrow(lease) }?.lease;
        check_out(is_held, "is_held")?;
        let renewed = lease.renew()?;
        // SAFETY: checked above.
        unsafe { write_out(is_held, "is_held", renewed) }
    })
}

/// Returns whether a lease is held for certain: it was neither lost nor released, and it has not expired,
/// even by a clock that is 5 seconds ahead. This function sends no request. Returns false for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_held_lease_is_held(lease: *const postbox_held_lease) -> bool {
    // SAFETY: the header requires NULL or a living lease.
    infallible(false, || unsafe { postbox_held_lease::borrow(lease) }.is_ok_and(|lease| lease.lease.is_held()))
}

/// Returns the name of a lease in the lock table, which begins with the group of the leases, or "" for NULL.
/// The string is valid until the lease is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_held_lease_resource(lease: *const postbox_held_lease) -> *const c_char {
    infallible(c"".as_ptr(), || {
        // SAFETY: the header requires NULL or a living lease.
        unsafe { postbox_held_lease::borrow(lease) }.map_or(c"".as_ptr(), |lease| lease.resource.as_ptr())
    })
}

/// Releases a lease, so that another process can obtain it at once. Does nothing if the lease was lost or
/// released. After an error, the lease ends after its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_held_lease_release(lease: *mut postbox_held_lease) -> *mut postbox_error {
    // SAFETY: the header requires a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_held_lease::borrow(lease) }?.lease.release())
}

/// Frees a lease. Does nothing for NULL. If the lease is held, this function releases it, which sends a
/// request, and does not report a failure. If the client was closed before, the lease ends after its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_held_lease_free(lease: *mut postbox_held_lease) {
    // SAFETY: the header requires NULL or a lease that was not freed.
    infallible((), || unsafe { postbox_held_lease::free(lease) });
}
