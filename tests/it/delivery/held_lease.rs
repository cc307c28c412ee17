//! Leases of the program's own.

use crate::support::fault::Fault;
use crate::support::{TestOutbox, eager, item, number, sdk, take_lease, text};
use postbox::{ErrorCode, HeldLease, LeaseStatus, Postbox};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LOCKS: &str = "brighter_distributed_lock";
const MINUTE: Duration = Duration::from_secs(60);

fn obtain(postbox: &Postbox, resource: &str) -> Option<HeldLease> {
    postbox.obtain_lease(resource, MINUTE).unwrap()
}

/// Returns the end of a lease in the lock table, or `None` if nobody holds it.
fn end_of(postbox: &Postbox, resource: &str) -> Option<Duration> {
    let key = item([("ResourceId", text(resource))]);
    let stored = postbox.get_item(LOCKS, key).unwrap()?;
    stored["LockId"].as_s().unwrap();
    Some(Duration::from_millis(stored["LeaseExpiry"].as_n().unwrap().parse().unwrap()))
}

#[test]
fn a_lease_has_one_holder_until_it_is_released() {
    let world = TestOutbox::configured(eager);
    let other = world.another();
    let lease = obtain(&world.postbox, "report").unwrap();
    assert_eq!(lease.resource(), "brighter_outbox_report");
    assert!(lease.is_held() && lease.renew().unwrap());
    assert!(obtain(&other, "report").is_none());
    assert!(obtain(&world.postbox, "report").is_none());
    assert!(obtain(&other, "another report").is_some());
    lease.release().unwrap();
    assert!(!lease.is_held() && !lease.renew().unwrap());
    assert_eq!(end_of(&world.postbox, "brighter_outbox_report"), None);
    let theirs = obtain(&other, "report").unwrap();
    // The released lease does not release the lease of the next holder.
    lease.release().unwrap();
    drop(lease);
    assert!(theirs.renew().unwrap());
    drop(theirs);
    assert!(obtain(&world.postbox, "report").is_some());
}

#[test]
fn a_renewal_extends_the_lease_and_reports_its_loss() {
    let world = TestOutbox::configured(eager);
    let lease = obtain(&world.postbox, "report").unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let end = end_of(&world.postbox, lease.resource()).unwrap();
    assert!(end > now + MINUTE / 2 && end <= now + MINUTE * 2, "{end:?}");
    sdk(&world.postbox, |client| {
        client
            .update_item()
            .table_name(LOCKS)
            .key("ResourceId", text("brighter_outbox_report"))
            .update_expression("SET LeaseExpiry = :past")
            .expression_attribute_values(":past", number(1))
            .send()
    });
    assert!(lease.renew().unwrap());
    assert!(end_of(&world.postbox, lease.resource()).unwrap() >= end);

    world.faults.always("UpdateItem", Fault::access_denied());
    assert_eq!(lease.renew().unwrap_err().code(), ErrorCode::AccessDenied);
    assert!(lease.is_held());
    world.faults.heal();
    take_lease(&world.postbox, "brighter_outbox_report", MINUTE);
    assert!(!lease.renew().unwrap() && !lease.is_held());
    world.faults.forget();
    assert!(!lease.renew().unwrap());
    drop(lease);
    assert_eq!(world.faults.requests().len(), 0);
    assert!(obtain(&world.postbox, "report").is_none(), "the other holder still has it");
}

#[test]
fn a_lease_of_brighter_is_respected_and_a_sweeper_waits_for_ours() {
    let world = TestOutbox::configured(eager);
    world.deposit(1);
    let lease = obtain(&world.postbox, "OutboxSweeper").unwrap();
    assert_eq!(world.postbox.sweep().unwrap().lease, LeaseStatus::HeldElsewhere);
    drop(lease);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    take_lease(&world.postbox, "brighter_outbox_report", MINUTE);
    assert!(obtain(&world.postbox, "report").is_none());
}

#[test]
fn an_obtained_lease_whose_response_was_lost_does_not_block_this_process() {
    let world = TestOutbox::configured(|builder| eager(builder).max_request_attempts(1));
    drop(obtain(&world.postbox, "report"));
    world.faults.always("UpdateItem", Fault::AnswerLost);
    world.postbox.obtain_lease("report", MINUTE).unwrap_err();
    world.faults.heal();
    assert!(end_of(&world.postbox, "brighter_outbox_report").is_some());
    assert!(obtain(&world.another(), "report").is_none());
    assert!(obtain(&world.postbox, "report").is_some());
}

#[test]
fn impossible_leases_are_rejected() {
    let world = TestOutbox::configured(eager);
    for (resource, length, problem) in [
        ("", MINUTE, "has 0 bytes"),
        (&"x".repeat(1025), MINUTE, "has 1025 bytes"),
        ("Sweeper_x", MINUTE, "reserved"),
        ("report", Duration::ZERO, "is 0 ms"),
        ("report", Duration::from_millis(999), "is 999 ms"),
        ("report", MINUTE * 61, "is 3660000 ms"),
        ("report", Duration::MAX, "1000 to 3600000 ms"),
    ] {
        let error = world.postbox.obtain_lease(resource, length).unwrap_err();
        assert!(error.code() == ErrorCode::InvalidArgument && error.message().contains(problem), "{error}");
    }
    let lease = obtain(&world.postbox, "report").unwrap();
    world.faults.always("UpdateItem", Fault::access_denied());
    let error = world.postbox.obtain_lease("another", MINUTE).unwrap_err();
    assert!(
        error.code() == ErrorCode::InvalidTable && error.message().contains("lock table cannot be used"),
        "{error}"
    );
    world.postbox.close().unwrap();
    assert_eq!(world.postbox.obtain_lease("report", MINUTE).unwrap_err().code(), ErrorCode::Closed);
    assert_eq!(lease.renew().unwrap_err().code(), ErrorCode::Closed);
    assert_eq!(lease.release().unwrap_err().code(), ErrorCode::Closed);
}
