//! Troubles of an account and of a network under a running process. In each of them, calls fail with an error that
//! contains the cause and the remedy. Nothing is lost, and all works again without a restart.

use crate::support::amazon::Amazon;
use crate::support::processes::{in_own_process, with_aws};
use crate::support::tls::{Certificate, TlsServer};
use crate::support::{file, wait_until};
use postbox::{ErrorCode, MemoryProducer, Message, Postbox};
use std::path::Path;
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
        &["KMS key", "kms:CreateGrant"],
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

/// Opens a Postbox on a TLS server, and returns it with the endpoint.
fn over_tls(server: &TlsServer) -> (Postbox, String) {
    let endpoint = format!("https://localhost:{}", server.address.port());
    let postbox = Postbox::builder().endpoint_url(&endpoint).region("eu-west-1").max_request_attempts(1);
    (postbox.access_key_id("key").secret_access_key("secret").open().unwrap(), endpoint)
}

#[test]
fn an_expired_certificate_is_an_error_until_it_is_renewed() {
    let bundle = file("expired-bundle.pem", "");
    with_aws(&[("AWS_CA_BUNDLE", &bundle)], || {
        let (expired, renewed) = (Certificate::expired("localhost"), Certificate::of("localhost"));
        std::fs::write(&bundle, format!("{}{}", expired.pem, renewed.pem)).unwrap();
        let server = TlsServer::with(&expired);
        let (postbox, endpoint) = over_tls(&server);
        let error = postbox.get_message("id").unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Unreachable, true), "{error}");
        for word in [&*endpoint, "certificate expired", "AWS_CA_BUNDLE"] {
            assert!(error.message().contains(word), "{error}");
        }
        server.renew(&renewed);
        assert!(postbox.get_message("id").unwrap().is_none());
    });
}

/// Checks that a call fails without this file of CA certificates, and succeeds after it was created.
fn trust_when_created(bundle: &Path) {
    let _ = std::fs::remove_file(bundle);
    let server = TlsServer::start("localhost");
    let (postbox, _) = over_tls(&server);
    let error = postbox.get_message("id").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoAwsConfig, "{error}");
    std::fs::write(bundle, &server.pem).unwrap();
    assert!(postbox.get_message("id").unwrap().is_none());
}

#[test]
fn a_missing_ca_bundle_is_used_as_soon_as_it_exists() {
    let bundle = Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing-bundle.pem");
    with_aws(&[("AWS_CA_BUNDLE", bundle.to_str().unwrap())], || trust_when_created(&bundle));
}

#[test]
fn missing_ca_certificates_of_the_machine_are_used_as_soon_as_they_exist() {
    let bundle = Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing-certificates.pem");
    let variables = [("SSL_CERT_FILE", bundle.to_str().unwrap()), ("SSL_CERT_DIR", "/nowhere")];
    with_aws(&variables, || trust_when_created(&bundle));
}

/// Checks that a call fails after the server has a certificate of another CA, and succeeds after this file was replaced.
fn trust_when_replaced(bundle: &str, [old, new]: [Certificate; 2]) {
    std::fs::write(bundle, &old.pem).unwrap();
    let server = TlsServer::with(&old);
    let (postbox, _) = over_tls(&server);
    assert!(postbox.get_message("id").unwrap().is_none());
    server.renew(&new);
    let error = postbox.get_message("id").unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Unreachable, true), "{error}");
    assert!(error.message().contains("AWS_CA_BUNDLE"), "{error}");
    std::fs::write(bundle, &new.pem).unwrap();
    wait_until("the new CA is trusted", || postbox.get_message("id").is_ok());
}

#[test]
fn a_replaced_ca_bundle_is_used_without_a_restart() {
    let bundle = file("replaced-bundle.pem", "");
    with_aws(&[("AWS_CA_BUNDLE", &bundle)], || {
        trust_when_replaced(&bundle, [Certificate::of("localhost"), Certificate::of("localhost")]);
        trust_when_replaced(&bundle, [Certificate::by("CA 1", "localhost"), Certificate::by("CA 2", "localhost")]);
    });
}

#[test]
fn replaced_ca_certificates_of_the_machine_are_used_without_a_restart() {
    let bundle = file("replaced-certificates.pem", "");
    with_aws(&[("SSL_CERT_FILE", &bundle), ("SSL_CERT_DIR", "/nowhere")], || {
        trust_when_replaced(&bundle, [Certificate::by("CA 1", "localhost"), Certificate::by("CA 2", "localhost")]);
    });
}

#[test]
fn a_ca_bundle_of_the_profile_is_trusted() {
    let bundle = file("profile-bundle.pem", "");
    let config = file("aws-ca-bundle", &format!("[default]\nca_bundle = {bundle}\n"));
    with_aws(&[("AWS_CONFIG_FILE", &config)], || {
        let server = TlsServer::start("localhost");
        std::fs::write(&bundle, &server.pem).unwrap();
        assert!(over_tls(&server).0.get_message("id").unwrap().is_none());
    });
}
