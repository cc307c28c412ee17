//! Credentials and region from the AWS default chain. Each test runs in its own process, so that no test changes the
//! environment of another.

use crate::support::processes::in_prepared_process;
use crate::support::*;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use postbox::{Builder, DispatchOutcome, EmbeddedDatabase, ErrorCode, Message, Postbox};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

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
struct Amazon(EmbeddedDatabase, Arc<Mutex<Vec<(String, String)>>>, Arc<Mutex<Behaviour>>);

/// The differences between the service and the database.
#[derive(Debug, Default)]
struct Behaviour {
    /// Whether each request fails with an internal error.
    fails: bool,
    /// Requests with this key are rejected, unless it is empty.
    rejected_key: &'static str,
    /// The time by which the clock of the service is ahead.
    ahead: Duration,
}

impl Behaviour {
    /// Returns the response to a request that does not reach the database.
    fn refuse(&self, signature: &str, signed_at: &str) -> Option<(u16, &'static str)> {
        if self.fails {
            return Some((500, r#"{"__type":"InternalServerError"}"#));
        }
        if !self.rejected_key.is_empty() && signature.contains(self.rejected_key) {
            return Some((400, r#"{"__type":"ExpiredTokenException","message":"The security token is expired"}"#));
        }
        let signed_at = DateTime::from_str(&iso(signed_at), Format::DateTime).unwrap();
        let late = self.now().duration_since(signed_at.try_into().unwrap()).unwrap_or_default();
        let refusal = r#"{"__type":"InvalidSignatureException","message":"Signature expired: it is too old"}"#;
        (late > Duration::from_secs(300)).then_some((400, refusal))
    }

    fn now(&self) -> SystemTime {
        SystemTime::now() + self.ahead
    }
}

/// Converts the time in a signature, such as `20261128T101500Z`.
fn iso(time: &str) -> String {
    let part = |from: usize, to: usize| &time[from..to];
    format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(9, 11), part(11, 13), part(13, 15))
}

impl Amazon {
    fn new() -> Self {
        Self(EmbeddedDatabase::open(":memory:").unwrap(), Arc::default(), Arc::default())
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
        self.1.lock().unwrap().push((request.uri().to_owned(), signature.clone()));
        let behaviour = self.2.lock().unwrap();
        let refusal = behaviour.refuse(&signature, request.headers().get("x-amz-date").unwrap_or_default());
        let date = DateTime::from(behaviour.now()).fmt(Format::HttpDate).unwrap();
        let date = date.split('.').next().unwrap().trim_end_matches(" GMT").to_owned() + " GMT";
        let response = match refusal {
            Some((status, body)) => {
                HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))))
            }
            None => self.0.call(request),
        };
        HttpConnectorFuture::new(async move {
            let mut response = response.await?;
            response.headers_mut().insert("date", date);
            response.headers_mut().insert("x-amzn-requestid", "1");
            Ok(response)
        })
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

/// The profile `mine` and the default profile, with a key each.
const TWO_PROFILES: &str = "[default]\nregion = us-west-1\naws_access_key_id = DEFAULTKEY\naws_secret_access_key = secret\n\
    [profile mine]\nregion = ap-south-1\naws_access_key_id = MYKEY\naws_secret_access_key = secret\n";

/// Writes a file in the directory of the tests.
fn file(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_profile_of_the_settings_takes_precedence_over_keys_in_the_environment() {
    let path = file("aws-two-profiles", TWO_PROFILES);
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_PROFILE", "mine")];
    let variables = [&keys[..], &[("AWS_CONFIG_FILE", path.as_str())]].concat();
    with_environment(&variables, || {
        let (address, signature) = Amazon::seen_by(Postbox::builder().profile("mine"));
        assert!(address.starts_with("https://dynamodb.ap-south-1."), "{address}");
        assert!(signature.contains("MYKEY/"), "{signature}");
        // As in the AWS CLI, AWS_PROFILE does not have this effect.
        let (address, signature) = Amazon::seen_by(Postbox::builder());
        assert!(address.starts_with("https://dynamodb.ap-south-1."), "{address}");
        assert!(signature.contains("ENVKEY/"), "{signature}");
    });
}

#[test]
fn a_profile_that_does_not_exist_is_an_error() {
    let path = file("aws-no-such-profile", TWO_PROFILES);
    let variables = [("AWS_CONFIG_FILE", path.as_str()), ("AWS_PROFILE", "mein"), ("AWS_ACCESS_KEY_ID", "ENVKEY")];
    with_environment(&variables, || {
        for (builder, origin) in [
            (Postbox::builder().region("eu-west-1"), "AWS_PROFILE"),
            (Postbox::builder().region("eu-west-1").profile("mein"), "the setting profile"),
        ] {
            let error = builder.open().unwrap_err();
            assert_eq!(error.code(), ErrorCode::NoAwsConfig, "{error}");
            assert!(error.message().contains("\"mein\"") && error.message().contains(origin), "{error}");
        }
    });
}

#[test]
fn a_profile_of_aws_login_is_rejected_by_name() {
    let path = file("aws-login", "[default]\nregion = us-west-1\nlogin_session = arn:aws:iam::123456789012:user/ada\n");
    with_environment(&[("AWS_CONFIG_FILE", path.as_str())], || {
        let error = Postbox::builder().open().unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoAwsConfig, "{error}");
        assert!(error.message().contains("aws login") && error.message().contains("\"default\""), "{error}");
        let (_, signature) = Amazon::seen_by(Postbox::builder().access_key_id("SETKEY").secret_access_key("secret"));
        assert!(signature.contains("SETKEY/"), "{signature}");
    });
}

#[test]
fn the_number_of_attempts_is_read_from_the_setting_the_environment_and_the_profile_in_this_order() {
    let path = file("aws-attempts", &TWO_PROFILES.replace("[default]\n", "[default]\nmax_attempts = 3\n"));
    let attempts = |builder: Builder| {
        let amazon = Amazon::new();
        amazon.2.lock().unwrap().fails = true;
        let postbox = builder.http_client(amazon.clone()).open().unwrap();
        assert_eq!(postbox.get_message("id").unwrap_err().code(), ErrorCode::Unreachable);
        amazon.1.lock().unwrap().len()
    };
    let files = ("AWS_CONFIG_FILE", path.as_str());
    with_environment(&[files, ("AWS_MAX_ATTEMPTS", "2")], || {
        assert_eq!(attempts(Postbox::builder()), 2);
        assert_eq!(attempts(Postbox::builder().max_request_attempts(4)), 4);
    });
}

#[test]
fn the_number_of_attempts_is_read_from_the_profile() {
    let path = file("aws-attempts-2", &TWO_PROFILES.replace("[default]\n", "[default]\nmax_attempts = 3\n"));
    with_environment(&[("AWS_CONFIG_FILE", path.as_str())], || {
        for (builder, expected) in [(Postbox::builder(), 3), (Postbox::builder().profile("mine"), 5)] {
            let amazon = Amazon::new();
            amazon.2.lock().unwrap().fails = true;
            let postbox = builder.http_client(amazon.clone()).open().unwrap();
            postbox.get_message("id").unwrap_err();
            assert_eq!(amazon.1.lock().unwrap().len(), expected);
        }
    });
}

#[test]
fn invalid_values_of_the_environment_are_rejected_by_name() {
    for (name, value, others) in [
        ("AWS_MAX_ATTEMPTS", "many", "1 or more"),
        ("AWS_RETRY_MODE", "fast", "adaptive"),
        ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "off", "disabled"),
        ("AWS_REGION", "eu west 1", "eu-central-1"),
    ] {
        with_environment(&[("NAME", name), ("OTHERS", others), (name, value)], || {
            let error = Postbox::builder().open().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidSetting, "{error}");
            for expected in ["NAME", "OTHERS"].map(|name| std::env::var(name).unwrap()) {
                assert!(error.message().contains(&expected), "{error}");
            }
        });
    }
}

#[test]
fn variables_of_the_sdk_determine_the_endpoint() {
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "us-east-1")];
    let account = [("AWS_ACCOUNT_ID", "123456789012")];
    for (more, host) in [
        (&[("AWS_USE_FIPS_ENDPOINT", "true")][..], "dynamodb-fips.us-east-1.amazonaws.com"),
        (&[("AWS_USE_DUALSTACK_ENDPOINT", "true")], "dynamodb.us-east-1.api.aws"),
        (&account, "123456789012.ddb.us-east-1.amazonaws.com"),
        (&[account[0], ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")], "dynamodb.us-east-1.amazonaws.com"),
        (&[("AWS_ENDPOINT_URL", "http://any.example")], "any.example"),
        (
            &[("AWS_ENDPOINT_URL", "http://any.example"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")],
            "dynamodb.us-east-1.amazonaws.com",
        ),
    ] {
        with_environment(&[&keys[..], more, &[("EXPECTED", host)]].concat(), || {
            let (address, _) = Amazon::seen_by(Postbox::builder());
            let host = std::env::var("EXPECTED").unwrap();
            assert_eq!(address.split('/').nth(2).unwrap(), host);
        });
    }
}

#[test]
fn an_endpoint_of_one_service_in_the_environment_needs_no_region() {
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let variables = [&keys[..], &[("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb.example:8000")]].concat();
    with_environment(&variables, || {
        let (address, _) = Amazon::seen_by(Postbox::builder());
        assert!(address.starts_with("http://dynamodb.example:8000"), "{address}");
    });
}

/// A file of credentials that another program has replaced is read again when AWS rejects the old ones.
#[test]
fn replaced_credentials_are_used_without_a_restart() {
    let keys = |key: &str| format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n");
    let path = file("aws-replaced", &keys("OLDKEY"));
    let variables = [("AWS_SHARED_CREDENTIALS_FILE", path.as_str()), ("AWS_REGION", "eu-west-1")];
    with_environment(&variables, || {
        let open = || {
            let amazon = Amazon::new();
            let postbox = Postbox::builder().http_client(amazon.clone()).open().unwrap();
            postbox.create_table().unwrap();
            (postbox, amazon)
        };
        let clients = [open(), open()];
        file("aws-replaced", &keys("NEWKEY"));
        for (_, amazon) in &clients {
            amazon.2.lock().unwrap().rejected_key = "OLDKEY/";
            amazon.1.lock().unwrap().clear();
        }
        let [(reader, read), (writer, written)] = &clients;
        assert!(reader.get_message("id").unwrap().is_none());
        let mut work = writer.unit_of_work();
        work.deposit_post(Message::new("t", "")).unwrap();
        work.commit().unwrap();
        for seen in [&read.1, &written.1] {
            let seen: Vec<String> = seen.lock().unwrap().drain(..).map(|(_, signature)| signature).collect();
            assert!(seen.len() == 2 && seen[0].contains("OLDKEY/") && seen[1].contains("NEWKEY/"), "{seen:?}");
        }

        // Credentials that stay wrong are an error, and are loaded at a limited rate.
        read.2.lock().unwrap().rejected_key = "NEWKEY/";
        for _ in 0..10 {
            assert_eq!(reader.get_message("id").unwrap_err().code(), ErrorCode::AccessDenied);
        }
        assert!(read.1.lock().unwrap().len() <= 20);
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
    with_environment(&[("AWS_CONFIG_FILE", path.as_str()), ("PATH", "/usr/bin:/bin")], || {
        std::fs::write(&started, "").unwrap();
        let amazon = Amazon::new();
        let postbox = Postbox::builder()
            .attempt_timeout(Duration::from_millis(300))
            .max_request_attempts(20)
            .http_client(amazon.clone())
            .open()
            .unwrap();
        assert_eq!(postbox.get_message("id").unwrap_err().code(), ErrorCode::TableNotFound);
        assert!(amazon.1.lock().unwrap()[0].1.contains("SLOWKEY/"));
        assert_eq!(std::fs::read_to_string(&started).unwrap(), "x\n");
    });
}

#[test]
fn an_error_contains_the_provider_of_credentials_and_its_message() {
    let path = file(
        "aws-failing",
        "[default]\nregion = eu-west-1\ncredential_process = /bin/sh -c 'echo no badge >&2; exit 1'\n",
    );
    with_environment(&[("AWS_CONFIG_FILE", path.as_str()), ("PATH", "/usr/bin:/bin")], || {
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
    with_environment(&keys, || {
        let amazon = Amazon::new();
        let postbox = Postbox::builder().http_client(amazon.clone()).open().unwrap();
        postbox.create_table().unwrap();
        amazon.2.lock().unwrap().ahead = Duration::from_secs(600);
        amazon.1.lock().unwrap().clear();
        let mut work = postbox.unit_of_work();
        work.deposit_post(Message::new("t", "").with_id("first")).unwrap();
        work.commit().unwrap();
        assert_eq!(amazon.1.lock().unwrap().len(), 2);
        for _ in 0..7 {
            assert!(postbox.get_message("first").unwrap().is_some());
        }
        assert_eq!(amazon.1.lock().unwrap().len(), 9, "later requests have the right time at once");
    });
}
