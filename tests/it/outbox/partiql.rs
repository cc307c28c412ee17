//! Servers and permissions without PartiQL, for which single requests are made.

use crate::support::fault::Fault;
use crate::support::processes::in_own_process;
use crate::support::trace_recorder::TraceRecorder;
use crate::support::*;
use postbox::MessageState;
use serde_json::json;

const BATCH: &str = "BatchExecuteStatement";

/// Returns the responses of servers without PartiQL: of DynamoDB itself without the permission, and of other servers.
fn refusals() -> Vec<Fault> {
    let refuse = |status, code, message| Fault::Refuse { status, code, message };
    vec![
        refuse(400, "AccessDeniedException", "not authorized to perform: dynamodb:PartiQLInsert"),
        refuse(400, "UnknownOperationException", "Unknown operation"),
        refuse(400, "ValidationException", "Unsupported operation: BatchExecuteStatement"),
        refuse(500, "AssertionError", ""),
        refuse(501, "NotImplemented", "not implemented"),
        Fault::Answer { status: 500, body: json!({ "oops": 1 }) },
        Fault::Xml { status: 500, body: "<html>Internal Server Error</html>".into() },
        // The statements may have taken effect before the server failed.
        Fault::AnswerAfter { status: 500, body: json!({}) },
    ]
}

/// Deposits and clears messages with single requests.
fn check_single_requests(world: &TestOutbox, refusal: &Fault) {
    let ids = world.deposit(3);
    world.clear(&ids);
    assert_eq!(world.sent(), numbers(0..3), "{refusal:?}");
    for id in &ids {
        assert_eq!(world.postbox.get_message(id).unwrap().unwrap().state, MessageState::Dispatched, "{refusal:?}");
    }
}

#[test]
fn single_requests_replace_partiql_if_the_server_lacks_it() {
    for refusal in refusals() {
        let world = TestOutbox::new();
        world.faults.when({
            let refusal = refusal.clone();
            move |request| (request.operation == BATCH).then(|| refusal.clone())
        });
        check_single_requests(&world, &refusal);
        world.faults.forget();
        world.clear(&world.deposit(2));
        assert_eq!(world.faults.count(BATCH), 0, "{refusal:?} is remembered");
    }
}

#[test]
fn marks_fall_back_if_only_their_statements_fail() {
    for refusal in refusals() {
        let world = TestOutbox::new();
        let ids = world.deposit(3);
        world.faults.when({
            let refusal = refusal.clone();
            move |request| (request.operation == BATCH).then(|| refusal.clone())
        });
        world.clear(&ids);
        for id in &ids {
            assert_eq!(world.postbox.get_message(id).unwrap().unwrap().state, MessageState::Dispatched, "{refusal:?}");
        }
    }
}

#[test]
fn an_internal_error_of_dynamodb_is_transient() {
    let world = TestOutbox::new();
    world.faults.next_times(2, BATCH, Fault::server_error());
    let ids = world.deposit(3);
    world.clear(&ids);
    assert_eq!(world.faults.count("PutItem") + world.faults.count("UpdateItem"), 0, "{:?}", world.faults.operations());
}

#[test]
fn failures_with_another_cause_do_not_disable_partiql() {
    let kms = "KMS key access denied error: User is not authorized to perform: kms:Decrypt";
    for failure in [
        Fault::expired_token(),
        Fault::Refuse { status: 400, code: "AccessDeniedException", message: kms },
        Fault::Refuse { status: 400, code: "ValidationException", message: "Item size has exceeded the maximum" },
        Fault::Answer { status: 503, body: json!({}) },
    ] {
        let world = TestOutbox::configured(|builder| builder.max_request_attempts(1));
        world.faults.next(BATCH, failure.clone());
        world.postbox.deposit_posts(&messages(2)).unwrap_err();
        assert_eq!(world.faults.count("PutItem"), 0, "{failure:?}");
        world.deposit(2);
        assert_eq!(world.faults.count("PutItem"), 0, "{failure:?}");
    }
}

#[test]
fn the_lack_of_partiql_is_logged_once() {
    in_own_process(|| {
        let recorder = TraceRecorder::install();
        let world = TestOutbox::new();
        world.faults.always(BATCH, refusals().swap_remove(1));
        for _ in 0..3 {
            world.clear(&world.deposit(2));
        }
        let lines = recorder.lines_of_postbox().into_iter().filter(|line| line.contains("PartiQL")).collect::<Vec<_>>();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("UnknownOperationException"), "{lines:?}");
    });
}
