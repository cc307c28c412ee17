//! Credentials and region from the AWS default chain. Each test runs in its own process, so that no test changes the
//! environment of another.

use crate::support::processes::in_prepared_process;
use crate::support::*;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use postbox::{Builder, DispatchOutcome, EmbeddedDatabase, ErrorCode, Message, Postbox};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// Runs `body` in another process, in which AWS is configured by these variables only.
fn with_environment(variables: &[(&str, &str)], body: impl FnOnce()) {
    let only_these = |command: &mut Command| {
        command
            .env_clear()
            .env("HOME", "/nowhere")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().copied());
    };
    in_prepared_process(only_these, body);
}

/// An embedded database in the place of Amazon's, which records the address and the signature of each request.
#[derive(Clone, Debug)]
struct Amazon(EmbeddedDatabase, Arc<Mutex<Vec<(String, String)>>>);

impl Amazon {
    fn new() -> Self {
        Self(EmbeddedDatabase::open(":memory:").unwrap(), Arc::default())
    }

    /// Returns the address and the signature of the only request.
    fn seen_by(builder: Builder) -> (String, String) {
        let amazon = Self::new();
        let requests = Arc::clone(&amazon.1);
        let postbox = builder.http_client(amazon).open().unwrap();
        let error = postbox.get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::TableNotFound, "{error}");
        let seen = requests.lock().unwrap().clone();
        assert_eq!(seen.len(), 1);
        seen[0].clone()
    }
}

impl HttpConnector for Amazon {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let signature = request.headers().get("authorization").unwrap_or_default().to_owned();
        self.1.lock().unwrap().push((request.uri().to_owned(), signature));
        self.0.call(request)
    }
}

impl HttpClient for Amazon {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[test]
fn missing_credentials_are_reported_by_every_call() {
    with_environment(&[], || {
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

#[test]
fn open_reports_a_missing_region() {
    with_environment(&[], || {
        let error = Postbox::builder().access_key_id("key").secret_access_key("secret").open().unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoAwsConfig);
        assert!(error.message().contains("AWS_REGION"), "{error}");
    });
}

#[test]
fn region_and_credentials_are_read_from_the_environment() {
    let variables = [("AWS_REGION", "eu-west-3"), ("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    with_environment(&variables, || {
        let (address, signature) = Amazon::seen_by(Postbox::builder());
        assert!(address.starts_with("https://dynamodb.eu-west-3.amazonaws.com"), "{address}");
        assert!(signature.contains("ENVKEY/") && signature.contains("/eu-west-3/dynamodb/"), "{signature}");
    });
}

#[test]
fn settings_take_precedence_over_the_environment() {
    let variables = [("AWS_REGION", "eu-west-3"), ("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    with_environment(&variables, || {
        let (address, signature) = Amazon::seen_by(
            Postbox::builder()
                .region("sa-east-1")
                .endpoint_url("http://elsewhere.example:8000")
                .access_key_id("SETKEY")
                .secret_access_key("secret"),
        );
        assert!(address.starts_with("http://elsewhere.example:8000"), "{address}");
        assert!(signature.contains("SETKEY/") && signature.contains("/sa-east-1/dynamodb/"), "{signature}");
    });
}

#[test]
fn region_and_credentials_are_read_from_a_profile() {
    let profiles = "[default]\nregion = us-west-1\naws_access_key_id = DEFAULTKEY\naws_secret_access_key = secret\n\
        [profile mine]\nregion = ap-south-1\naws_access_key_id = MYKEY\naws_secret_access_key = secret\n";
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("aws-config");
    std::fs::write(&path, profiles).unwrap();
    let variables = [("AWS_CONFIG_FILE", path.to_str().unwrap()), ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")];
    with_environment(&variables, || {
        let (address, signature) = Amazon::seen_by(Postbox::builder().profile("mine"));
        assert!(address.starts_with("https://dynamodb.ap-south-1.amazonaws.com"), "{address}");
        assert!(signature.contains("MYKEY/"), "{signature}");
        let (address, signature) = Amazon::seen_by(Postbox::builder());
        assert!(address.starts_with("https://dynamodb.us-west-1.amazonaws.com"), "{address}");
        assert!(signature.contains("DEFAULTKEY/"), "{signature}");
    });
}
