//! A commit retries failures that are safe to retry, always with the same token, and reports when its outcome is unknown.

use crate::support::fault::{Fault, Gate};
use crate::support::*;
use postbox::{ErrorCode, Message, UnitOfWork};
use std::net::TcpListener;
use std::time::Duration;

const COMMIT: &str = "TransactWriteItems";

/// Returns a unit of work with a person and a message.
fn work(world: &TestOutbox) -> UnitOfWork {
    let mut work = world.postbox.unit_of_work();
    work.update(visit()).unwrap();
    work.deposit_post(Message::new("t", "Ada came").with_id("visit")).unwrap();
    work
}

/// Returns an update that counts a visit of Ada.
fn visit() -> aws_sdk_dynamodb::types::Update {
    aws_sdk_dynamodb::types::Update::builder()
        .table_name(PEOPLE)
        .set_key(Some(person("Ada")))
        .update_expression("ADD Visits :one")
        .expression_attribute_values(":one", number(1))
        .build()
        .unwrap()
}

/// Checks that the work took effect once. A second time would show in the counter.
fn assert_written_once(world: &TestOutbox) {
    assert_eq!(world.person("Ada").expect("the person is there")["Visits"], number(1));
    assert!(world.postbox.get_message("visit").unwrap().is_some());
}

fn assert_nothing_written(world: &TestOutbox) {
    assert!(world.person("Ada").is_none());
    assert!(world.postbox.get_message("visit").unwrap().is_none());
}

fn assert_one_token(world: &TestOutbox, requests: usize) {
    let bodies = world.faults.bodies(COMMIT);
    assert_eq!(bodies.len(), requests);
    assert!(bodies.iter().all(|body| body["ClientRequestToken"].as_str().is_some_and(|token| !token.is_empty())));
    assert!(bodies.iter().all(|body| body == &bodies[0]), "every attempt is the same request with the same token");
}

on_both_backends!(
    transient_failures_are_retried_with_the_same_token,
    a_lost_response_is_retried_and_takes_effect_once,
    a_later_commit_resolves_an_unknown_outcome,
    a_later_commit_applies_a_lost_request,
    a_cancellation_does_not_settle_an_earlier_attempt_that_may_arrive,
);

/// The first attempt of a commit is delayed, and the second is cancelled. The first one arrives later, when its
/// condition is met.
fn a_cancellation_does_not_settle_an_earlier_attempt_that_may_arrive(backend: Backend) {
    let world = TestOutbox::with(backend, |builder| {
        builder.max_request_attempts(2).attempt_timeout(Duration::from_millis(500))
    });
    let (from, arrived) = (Gate::new(), Gate::new());
    world.faults.next(COMMIT, Fault::Late { from: from.clone(), arrived: arrived.clone() });
    let mut work = world.postbox.unit_of_work();
    let condition = aws_sdk_dynamodb::types::ConditionCheck::builder()
        .table_name(PEOPLE)
        .set_key(Some(person("Bob")))
        .condition_expression("attribute_exists(#name)")
        .expression_attribute_names("#name", "Name");
    work.condition_check(condition.build().unwrap()).unwrap();
    work.update(visit()).unwrap();

    let error = work.commit().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OutcomeUnknown, true), "{error}");
    assert_eq!(error.reasons()[0].code, "ConditionalCheckFailed", "the error has the last response too");
    assert_eq!(work.put(PEOPLE, person("Zoe")).unwrap_err().code(), ErrorCode::UnitOfWorkClosed);
    // Even if a later commit is cancelled, the outcome of the first attempt remains unknown.
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert!(world.person("Ada").is_none());

    sdk(&world.postbox, |client| async move {
        client.put_item().table_name(PEOPLE).set_item(Some(person("Bob"))).send().await
    });
    from.open();
    world.postbox.block_on(move |_| async move { arrived.pass().await }).unwrap();
    work.commit().unwrap();
    assert_one_token(&world, 4);
    assert_eq!(world.person("Ada").expect("it was written")["Visits"], number(1));
}

#[test]
fn a_transaction_that_is_still_in_progress_at_the_end_has_an_unknown_outcome() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(2));
    world.faults.next_times(2, COMMIT, Fault::in_progress());
    let mut work = work(&world);
    let error = work.commit().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OutcomeUnknown, true), "{error}");
    assert_eq!(work.put(PEOPLE, person("Bob")).unwrap_err().code(), ErrorCode::UnitOfWorkClosed);
    work.commit().unwrap();
    assert_one_token(&world, 3);
    assert_written_once(&world);
}

fn transient_failures_are_retried_with_the_same_token(backend: Backend) {
    let world = TestOutbox::on(backend);
    let passing = [Fault::throttle(), Fault::conflict(), Fault::in_progress(), Fault::server_error()];
    for fault in passing.clone() {
        world.faults.next(COMMIT, fault);
    }
    work(&world).commit().unwrap();
    assert_one_token(&world, passing.len() + 1);
    assert_written_once(&world);
}

fn a_lost_response_is_retried_and_takes_effect_once(backend: Backend) {
    let world = TestOutbox::on(backend);
    world.faults.next(COMMIT, Fault::AnswerLost);
    world.faults.next(COMMIT, Fault::RequestLost);
    work(&world).commit().unwrap();
    assert_one_token(&world, 3);
    assert_written_once(&world);
    world.clear(&["visit"]);
    assert_eq!(world.sent(), ["Ada came"]);
}

fn a_later_commit_resolves_an_unknown_outcome(backend: Backend) {
    let world = TestOutbox::with(backend, |builder| builder.max_request_attempts(3));
    world.faults.always(COMMIT, Fault::AnswerLost);
    let mut work = work(&world);
    let error = work.commit().unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    assert!(error.is_retryable());
    assert!(error.message().contains("commit again"), "{error}");

    // Meanwhile the unit can neither be changed nor rolled back.
    assert_eq!(work.put(PEOPLE, person("Bob")).unwrap_err().code(), ErrorCode::UnitOfWorkClosed);
    assert_eq!(work.deposit_post(Message::new("t", "")).unwrap_err().code(), ErrorCode::UnitOfWorkClosed);
    assert_eq!(work.rollback().unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::OutcomeUnknown);

    world.faults.heal();
    work.commit().unwrap();
    assert_one_token(&world, 3 + 3 + 1);
    assert_written_once(&world);
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::UnitOfWorkClosed);
    world.clear(&["visit"]);
    assert_eq!(world.sent(), ["Ada came"]);
}

fn a_later_commit_applies_a_lost_request(backend: Backend) {
    let world = TestOutbox::with(backend, |builder| builder.max_request_attempts(2));
    world.faults.next_times(2, COMMIT, Fault::RequestLost);
    let mut work = work(&world);
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert_nothing_written(&world);
    work.commit().unwrap();
    assert_one_token(&world, 3);
    assert_written_once(&world);
}

#[test]
fn dropping_a_unit_in_doubt_sends_nothing() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(1));
    world.faults.next(COMMIT, Fault::AnswerLost);
    let mut work = work(&world);
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::OutcomeUnknown);
    drop(work);
    assert_eq!(world.faults.count(COMMIT), 1);
    assert_eq!(world.another().clear_outbox(&["visit"]).unwrap().failures().count(), 0, "it took effect and is sent");
}

#[test]
fn an_error_after_a_lost_response_leaves_the_outcome_unknown() {
    for refusal in [Fault::access_denied(), Fault::expired_token(), Fault::throttle(), Fault::conflict()] {
        let world = TestOutbox::configured(|builder| builder.max_request_attempts(2));
        world.faults.next(COMMIT, Fault::AnswerLost);
        world.faults.next(COMMIT, refusal.clone());
        let mut work = work(&world);
        let error = work.commit().unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{refusal:?} does not settle the attempt before it");
        assert!(error.is_retryable());
        // The same holds when the unit is committed again.
        world.faults.next_times(2, COMMIT, refusal);
        assert_eq!(work.commit().unwrap_err().code(), ErrorCode::OutcomeUnknown);
        world.faults.heal();
        work.commit().unwrap();
        assert_written_once(&world);
    }
}

#[test]
fn a_5xx_response_leaves_the_outcome_unknown() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(2));
    world.faults.next_times(2, COMMIT, Fault::server_error());
    let mut work = work(&world);
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::OutcomeUnknown);
    work.commit().unwrap();
    assert_written_once(&world);
}

#[test]
fn a_duplicate_of_its_own_message_settles_a_lost_response() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(2));
    world.postbox.deposit_post(Message::new("t", "before").with_id("visit")).unwrap();
    world.faults.next(COMMIT, Fault::RequestLost);
    let mut work = work(&world);
    let error = work.commit().unwrap_err();
    assert_eq!(error.code(), ErrorCode::DuplicateMessage, "{error}");
    assert!(world.person("Ada").is_none());
    work.rollback().unwrap();
}

#[test]
fn a_cancellation_with_a_permanent_reason_is_not_retried() {
    let world = TestOutbox::new();
    world.faults.next(COMMIT, Fault::Cancel(&["TransactionConflict", "ConditionalCheckFailed"]));
    let error = work(&world).commit().unwrap_err();
    assert_eq!(error.code(), ErrorCode::DuplicateMessage, "the second action is the message");
    let codes: Vec<_> = error.reasons().iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["TransactionConflict", "ConditionalCheckFailed"]);
    assert_eq!(world.faults.count(COMMIT), 1);
}

#[test]
fn persistent_throttling_is_retryable_and_leaves_the_unit_open() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(3));
    world.faults.next_times(3, COMMIT, Fault::throttle());
    let mut work = work(&world);
    let error = work.commit().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Throttled, true));
    assert_eq!(world.faults.count(COMMIT), 3);
    assert_nothing_written(&world);
    work.put(PEOPLE, person("Bob")).unwrap();
    work.commit().unwrap();
    assert_written_once(&world);
}

#[test]
fn a_persistent_conflict_is_retryable_and_leaves_the_unit_open() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(2));
    world.faults.next_times(2, COMMIT, Fault::conflict());
    let mut work = work(&world);
    let error = work.commit().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::TransactionCanceled, true));
    assert_eq!(error.reasons().len(), 2);
    assert_nothing_written(&world);
    work.commit().unwrap();
    assert_written_once(&world);
}

#[test]
fn a_permanent_error_is_not_retried() {
    let world = TestOutbox::new();
    world.faults.next(COMMIT, Fault::access_denied());
    let mut work = work(&world);
    let error = work.commit().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::AccessDenied, false));
    assert_eq!(world.faults.count(COMMIT), 1);
    work.rollback().unwrap();
}

#[test]
fn a_refused_connection_is_definite_and_leaves_the_unit_open() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(2));
    world.faults.next_times(2, COMMIT, Fault::ConnectionRefused);
    let mut work = work(&world);
    let error = work.commit().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Unreachable, true));
    work.put(PEOPLE, person("Bob")).unwrap();
    work.commit().unwrap();
    assert_written_once(&world);
}

#[test]
fn a_closed_port_is_unreachable_and_leaves_the_unit_open() {
    // The port was free a moment ago, and the system does not assign it again so soon.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let postbox = postbox::Postbox::builder()
        .endpoint_url(&url)
        .region("eu-central-1")
        .access_key_id("test")
        .secret_access_key("test")
        .open()
        .unwrap();
    let mut work = postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let error = work.commit().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Unreachable, true), "{error}");
    assert!(error.message().contains("endpoint_url"), "{error}");
    work.deposit_post(Message::new("t", "")).unwrap();
    work.rollback().unwrap();
    for code in [
        postbox.deposit_post(Message::new("t", "")).unwrap_err().code(),
        postbox.get_message("id").unwrap_err().code(),
        postbox.verify_table().unwrap_err().code(),
    ] {
        assert_eq!(code, ErrorCode::Unreachable);
    }
}

#[test]
fn a_hanging_commit_times_out_with_an_unknown_outcome() {
    let world = TestOutbox::configured(|builder| builder.operation_timeout(Duration::from_millis(200)));
    for (fault, done) in [(Fault::Hang, false), (Fault::HangAfter, true)] {
        world.faults.next(COMMIT, fault);
        let mut work = world.postbox.unit_of_work();
        let name = if done { "Ada" } else { "Bob" };
        work.put(PEOPLE, person(name)).unwrap();
        let error = work.commit().unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OutcomeUnknown, true));
        assert!(error.message().contains("operation_timeout_ms"), "{error}");
        assert_eq!(world.person(name).is_some(), done);
        assert_eq!(work.rollback().unwrap_err().code(), ErrorCode::OutcomeUnknown);
        work.commit().unwrap();
        assert!(world.person(name).is_some());
    }
}

#[test]
fn a_hanging_attempt_is_retried_with_the_same_token() {
    let world = TestOutbox::configured(|builder| builder.attempt_timeout(Duration::from_millis(50)));
    world.faults.next(COMMIT, Fault::HangAfter);
    work(&world).commit().unwrap();
    assert_one_token(&world, 2);
    assert_written_once(&world);
}
