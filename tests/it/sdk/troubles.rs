//! Troubles of an account and of a network under a running process. In each of them, calls fail with an error that
//! contains the cause and the remedy. Nothing is lost, and all works again without a restart.

use crate::support::amazon::Amazon;
use crate::support::processes::in_own_process;
use crate::support::tls::TlsServer;
use postbox::{ErrorCode, MemoryProducer, Message, Postbox};
use std::time::Duration;

fn open(amazon: &Amazon, producer: &MemoryProducer) -> Postbox {
    let builder = Postbox::builder().region("eu-west-1").access_key_id("key").secret_access_key("secret");
    let builder = builder.max_request_attempts(1).sweep_min_age(Duration::ZERO).http_client(amazon.clone());
    let postbox = builder.default_producer(producer.clone()).open().unwrap();
    postbox.create_table().unwrap();
    postbox
}

/// A trouble: its name, the response to every request, and the expected error.
type Trouble = (&'static str, (u16, &'static str), ErrorCode, &'static [&'static str]);

const TROUBLES: [Trouble; 6] = [
    (
        "the table was deleted, or is being created or restored",
        (400, r#"{"__type":"ResourceNotFoundException","message":"Requested resource not found"}"#),
        ErrorCode::TableNotFound,
        &["brighter_outbox", "region", "create it"],
    ),
    (
        "the key of the table is disabled",
        (400, r#"{"__type":"AccessDeniedException","message":"KMS key access denied error: the key is disabled"}"#),
        ErrorCode::AccessDenied,
        &["KMS key"],
    ),
    (
        "the credentials were revoked",
        (400, r#"{"__type":"UnrecognizedClientException","message":"The security token is invalid"}"#),
        ErrorCode::AccessDenied,
        &["UnrecognizedClientException", "Renew or correct the AWS credentials"],
    ),
    (
        "the clock of the machine is wrong, and cannot be corrected",
        (400, r#"{"__type":"InvalidSignatureException","message":"Signature expired: 2026 is now earlier than 2027"}"#),
        ErrorCode::AccessDenied,
        &["Signature expired", "Correct the clock of this machine"],
    ),
    (
        "the account exceeds its limit",
        (400, r#"{"__type":"RequestLimitExceeded","message":"Throughput exceeds the current limit of the account"}"#),
        ErrorCode::Throttled,
        &["limit of the account"],
    ),
    (
        "the service is down",
        (503, r#"{"__type":"ServiceUnavailableException","message":"Service is not available"}"#),
        ErrorCode::Unreachable,
        &["Service is not available"],
    ),
];

#[test]
fn each_trouble_of_the_account_is_explained_and_passes_without_a_restart() {
    in_own_process(|| TROUBLES.iter().for_each(pass_through));
}

fn pass_through((name, response, code, words): &Trouble) {
    let (amazon, producer) = (Amazon::new(), MemoryProducer::new());
    let postbox = open(&amazon, &producer);
    postbox.deposit_post(Message::new("t", "").with_id("before")).unwrap();
    let mut work = postbox.unit_of_work();
    work.deposit_post(Message::new("t", "").with_id("during")).unwrap();
    amazon.behaviour().response = Some(*response);

    let mut errors = vec![postbox.get_message("id").unwrap_err(), postbox.sweep().unwrap_err()];
    let commit = work.commit().unwrap_err();
    // After a response of 5xx, the commit may have taken effect.
    if response.0 >= 500 {
        assert_eq!(commit.code(), ErrorCode::OutcomeUnknown, "{name}: {commit}");
    } else {
        errors.push(commit);
    }
    for error in errors {
        assert_eq!(error.code(), *code, "{name}: {error}");
        assert!(words.iter().all(|word| error.message().contains(*word)), "{name}: {error}");
    }
    assert!(producer.sent().is_empty(), "{name}");

    amazon.behaviour().response = None;
    work.commit().unwrap();
    assert_eq!(postbox.sweep().unwrap().dispatched, 2, "{name}");
    let mut sent: Vec<String> = producer.sent().iter().map(|message| message.id().to_owned()).collect();
    sent.sort();
    assert_eq!(sent, ["before", "during"], "{name}");
}

#[test]
fn an_expired_certificate_is_an_error_about_certificates() {
    in_own_process(|| {
        let server = TlsServer::expired("localhost");
        let endpoint = format!("https://localhost:{}", server.address.port());
        let postbox = Postbox::builder().endpoint_url(&endpoint).region("eu-west-1").max_request_attempts(1);
        let postbox = postbox.access_key_id("key").secret_access_key("secret").open().unwrap();
        let error = postbox.get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unreachable, "{error}");
        let message = error.message();
        assert!(message.contains(&endpoint) && message.contains("AWS_CA_BUNDLE"), "{error}");
    });
}
