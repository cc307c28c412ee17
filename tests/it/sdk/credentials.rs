//! Credentials of the default chain: their providers, their renewal, and signatures that AWS rejects. Each test runs in its
//! own process, so that no test changes the environment of another.

use crate::support::amazon::{Amazon, Request};
use crate::support::processes::with_aws;
use crate::support::*;
use postbox::{DispatchOutcome, ErrorCode, Message, Postbox};
use std::time::Duration;

#[test]
fn missing_credentials_are_reported_by_every_call() {
    with_aws(&[], || {
        // No server listens on this port, since no request is sent without credentials.
        let postbox = Postbox::builder().endpoint_url("http://127.0.0.1:9").region("eu-central-1").open().unwrap();
        let mut work = postbox.unit_of_work();
        work.deposit_post(Message::new("t", "")).unwrap();
        let errors = [
            postbox.get_message("id").unwrap_err(),
            postbox.deposit_post(Message::new("t", "")).unwrap_err(),
            postbox.verify_table().unwrap_err(),
            work.commit().unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.code(), error.is_retryable()), (ErrorCode::NoAwsConfig, false), "{error}");
            assert!(error.message().contains("AWS_ACCESS_KEY_ID"), "{error}");
        }
        work.rollback().unwrap();
        let report = postbox.clear_outbox(&["id"]).unwrap();
        assert_eq!(outcomes(&report), [DispatchOutcome::ReadFailed]);
        assert!(report.entries()[0].detail.contains("credentials"), "{report:?}");
        let error = postbox.deposit_posts(&messages(2)).unwrap_err();
        assert_eq!(error.reasons()[0].code, "NoAwsConfig", "{error}");
    });
}

/// A file of credentials that another program has replaced is read again when AWS rejects the old ones.
#[test]
fn replaced_credentials_are_used_without_a_restart() {
    let keys = |key: &str| format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n");
    let path = file("aws-replaced", &keys("OLDKEY"));
    let variables = [("AWS_SHARED_CREDENTIALS_FILE", path.as_str()), ("AWS_REGION", "eu-west-1")];
    with_aws(&variables, || {
        let open = || {
            let amazon = Amazon::new();
            let postbox = Postbox::builder().http_client(amazon.clone()).open().unwrap();
            postbox.create_table().unwrap();
            (postbox, amazon)
        };
        let clients = [open(), open()];
        file("aws-replaced", &keys("NEWKEY"));
        for (_, amazon) in &clients {
            amazon.behaviour().rejected_key = "OLDKEY/";
            amazon.take();
        }
        let [(reader, read), (writer, written)] = &clients;
        assert!(reader.get_message("id").unwrap().is_none());
        let mut work = writer.unit_of_work();
        work.deposit_post(Message::new("t", "")).unwrap();
        work.commit().unwrap();
        for amazon in [read, written] {
            let seen: Vec<String> = amazon.take().into_iter().map(|request| request.signature).collect();
            assert!(seen.len() == 2 && seen[0].contains("OLDKEY/") && seen[1].contains("NEWKEY/"), "{seen:?}");
        }

        // Credentials that stay wrong are an error, and are loaded at a limited rate.
        read.behaviour().rejected_key = "NEWKEY/";
        for _ in 0..10 {
            assert_eq!(reader.get_message("id").unwrap_err().code(), ErrorCode::AccessDenied);
        }
        assert!(read.take().len() <= 20);
    });
}

/// The program replaces credentials while the Postbox is open. A request that AWS rejects for the old ones is repeated.
#[test]
fn credentials_can_be_set_while_a_postbox_is_open() {
    with_aws(&[("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "CHAINKEY"), ("AWS_SECRET_ACCESS_KEY", "s")], || {
        let settings = |key: &'static str| Postbox::builder().access_key_id(key).secret_access_key("s");
        for (builder, old) in [(Postbox::builder(), "CHAINKEY/"), (settings("SETKEY"), "SETKEY/")] {
            let amazon = Amazon::new();
            let postbox = builder.http_client(amazon.clone()).open().unwrap();
            postbox.create_table().unwrap();
            assert!(amazon.take().iter().all(|request| request.signature.contains(old)));

            for (key, secret, token) in
                [("", "s", None), ("k", "", None), ("", "", None), (&"k".repeat(256), "s", None)]
            {
                let error = postbox.set_credentials(key, secret, token).unwrap_err();
                assert_eq!(error.code(), ErrorCode::InvalidSetting, "{error}");
                assert!(error.message().contains("access_key"), "{error}");
            }
            assert!(postbox.get_message("id").unwrap().is_none());
            assert!(amazon.take()[0].signature.contains(old), "an error changes nothing");

            postbox.set_credentials("NEWKEY", "s", Some("token")).unwrap();
            assert!(postbox.get_message("id").unwrap().is_none());
            let seen = amazon.take();
            assert!(seen.len() == 1 && seen[0].signature.contains("NEWKEY/"), "{seen:?}");
            assert!(seen[0].signature.contains("x-amz-security-token"), "{seen:?}");

            amazon.behaviour().rejected_key = "NEWKEY/";
            assert_eq!(postbox.get_message("id").unwrap_err().code(), ErrorCode::AccessDenied);
            assert_eq!(amazon.take().len(), 1, "the same credentials are not tried again");
            postbox.set_credentials("NEXTKEY", "s", None).unwrap();
            assert!(postbox.get_message("id").unwrap().is_none());

            postbox.close().unwrap();
            assert_eq!(postbox.set_credentials("k", "s", None).unwrap_err().code(), ErrorCode::Closed);
        }
    });
}

/// Opens a Postbox whose only requests to AWS are those of its producer.
fn that_sends_to_sqs() -> (Postbox, Amazon) {
    let amazon = Amazon::new();
    let postbox = Postbox::builder()
        .embedded_path(":memory:")
        .route("*", "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
        .transport_http_client(amazon.clone())
        .open();
    (postbox.unwrap(), amazon)
}

/// The credentials of a producer are those that the program has set.
#[test]
fn a_producer_uses_the_credentials_that_were_set() {
    with_aws(&[("AWS_REGION", "eu-west-1")], || {
        let (postbox, amazon) = that_sends_to_sqs();
        postbox.set_credentials("NEWKEY", "s", None).unwrap();
        postbox.deposit_post(Message::new("t", "x").with_id("id")).unwrap();
        assert_eq!(outcomes(&postbox.clear_outbox(&["id"]).unwrap()), [DispatchOutcome::Dispatched]);
        let seen = amazon.take();
        assert!(seen.len() == 1 && seen[0].signature.contains("NEWKEY/"), "{seen:?}");
    });
}

/// A provider that takes longer than an attempt is not started again by each attempt.
#[test]
fn a_slow_provider_of_credentials_is_started_once() {
    let started = file("aws-slow-started", "");
    let script = format!(
        "#!/bin/sh\necho x >> {started}\nsleep 1\necho '{{\"Version\": 1, \"AccessKeyId\": \"SLOWKEY\", \"SecretAccessKey\": \"secret\"}}'\n"
    );
    let program = file("aws-slow-program", &script);
    let path = file("aws-slow", &format!("[default]\nregion = eu-west-1\ncredential_process = /bin/sh {program}\n"));
    with_aws(&[("AWS_CONFIG_FILE", path.as_str()), ("PATH", "/usr/bin:/bin")], || {
        std::fs::write(&started, "").unwrap();
        let amazon = Amazon::new();
        let postbox = Postbox::builder()
            .attempt_timeout(Duration::from_millis(300))
            .max_request_attempts(20)
            .http_client(amazon.clone())
            .open()
            .unwrap();
        assert_eq!(postbox.get_message("id").unwrap_err().code(), ErrorCode::TableNotFound);
        assert!(amazon.take()[0].signature.contains("SLOWKEY/"));
        assert_eq!(std::fs::read_to_string(&started).unwrap(), "x\n");
    });
}

#[test]
fn an_error_contains_the_provider_of_credentials_and_its_message() {
    let path = file(
        "aws-failing",
        "[default]\nregion = eu-west-1\ncredential_process = /bin/sh -c 'echo no badge >&2; exit 1'\n",
    );
    with_aws(&[("AWS_CONFIG_FILE", path.as_str()), ("PATH", "/usr/bin:/bin")], || {
        let postbox = Postbox::builder().http_client(Amazon::new()).open().unwrap();
        let error = postbox.get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoAwsConfig, "{error}");
        assert!(error.message().contains("profile: ") && error.message().contains("no badge"), "{error}");
    });
}

/// The clock of AWS is ahead of this machine, so that AWS rejects the first request, whatever it is.
#[test]
fn a_clock_that_is_off_is_corrected_by_the_first_request() {
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-west-1")];
    with_aws(&keys, || {
        let amazon = Amazon::new();
        let postbox = Postbox::builder().http_client(amazon.clone()).open().unwrap();
        postbox.create_table().unwrap();
        amazon.behaviour().ahead = Duration::from_secs(600);
        amazon.take();
        let mut work = postbox.unit_of_work();
        work.deposit_post(Message::new("t", "").with_id("first")).unwrap();
        work.commit().unwrap();
        assert_eq!(amazon.take().len(), 2);
        for _ in 0..7 {
            assert!(postbox.get_message("first").unwrap().is_some());
        }
        assert_eq!(amazon.take().len(), 7, "later requests have the right time at once");
    });
}

#[test]
fn a_profile_of_aws_login_is_rejected_by_name() {
    let path = file("aws-login", "[default]\nregion = us-west-1\nlogin_session = arn:aws:iam::123456789012:user/ada\n");
    with_aws(&[("AWS_CONFIG_FILE", path.as_str())], || {
        let error = Postbox::builder().open().unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoAwsConfig, "{error}");
        assert!(error.message().contains("aws login") && error.message().contains("\"default\""), "{error}");
        let Request { signature, .. } =
            Amazon::asked_by(Postbox::builder().access_key_id("SETKEY").secret_access_key("secret"));
        assert!(signature.contains("SETKEY/"), "{signature}");
    });
}

/// The credentials of a producer are renewed as well.
#[test]
fn a_producer_uses_replaced_credentials_without_a_restart() {
    let keys = |key: &str| format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n");
    let path = file("aws-replaced-sqs", &keys("OLDKEY"));
    with_aws(&[("AWS_SHARED_CREDENTIALS_FILE", path.as_str()), ("AWS_REGION", "eu-west-1")], || {
        let (postbox, amazon) = that_sends_to_sqs();
        for (id, expected) in [("before", &["OLDKEY/"][..]), ("after", &["OLDKEY/", "NEWKEY/"])] {
            postbox.deposit_post(Message::new("t", "x").with_id(id)).unwrap();
            let report = postbox.clear_outbox(&[id]).unwrap();
            assert_eq!(outcomes(&report), [DispatchOutcome::Dispatched], "{report:?}");
            let requests = amazon.take();
            assert_eq!(requests.len(), expected.len(), "{requests:?}");
            for (request, key) in requests.iter().zip(expected) {
                assert!(request.signature.contains(key), "{request:?}");
            }
            file("aws-replaced-sqs", &keys("NEWKEY"));
            amazon.behaviour().rejected_key = "OLDKEY/";
        }
    });
}

/// The address of the metadata service responds neither with credentials nor with an error.
#[test]
fn a_metadata_service_without_a_response_is_named() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint.as_str()),
        ("AWS_REGION", "eu-west-1"),
    ];
    with_aws(&variables, || {
        // No server listens on this port, since no request is sent without credentials.
        let postbox = Postbox::builder().endpoint_url("http://127.0.0.1:9").operation_timeout(Duration::from_secs(60));
        let postbox = postbox.attempt_timeout(Duration::from_secs(60)).open().unwrap();
        let error = postbox.get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoAwsConfig, "{error}");
        assert!(error.message().contains("instance metadata: "), "{error}");
    });
}
