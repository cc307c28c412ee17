//! Credentials that another program renews: the token of a web identity, the token of an SSO session, and the output of a
//! credential process. Each test runs in its own process, so that no test changes the environment of another.

use crate::support::amazon::{Amazon, Request};
use crate::support::processes::with_aws;
use crate::support::{file, wait_until};
use postbox::{ErrorCode, Message, MessageState, Postbox};
use std::collections::BTreeSet;
use std::time::Duration;

/// Opens a Postbox with credentials from `write("OLDKEY")`, rejects them as expired after `write("NEWKEY")`, and checks that
/// the next commit uses the new ones. `issuer` is the address from which the credentials come.
fn are_renewed(write: impl Fn(&str), issuer: Option<&str>) {
    write("OLDKEY");
    let amazon = Amazon::new();
    let postbox = Postbox::builder().http_client(amazon.clone()).open().unwrap();
    postbox.create_table().unwrap();
    write("NEWKEY");
    amazon.behaviour().rejected_key = "OLDKEY/";
    amazon.take();

    let mut work = postbox.unit_of_work();
    work.deposit_post(Message::new("t", "").with_id("id")).unwrap();
    work.commit().unwrap();
    assert!(postbox.get_message("id").unwrap().is_some());
    let (signed, unsigned): (Vec<Request>, Vec<Request>) =
        amazon.take().into_iter().partition(|request| !request.signature.is_empty());
    let keys: Vec<bool> = signed.iter().map(|request| request.signature.contains("NEWKEY/")).collect();
    assert_eq!(keys, [false, true, true], "one request is rejected: {signed:?}");
    let addresses: Vec<&str> = unsigned.iter().map(|request| request.address.as_str()).collect();
    match issuer {
        Some(issuer) => assert!(addresses.len() == 1 && addresses[0].starts_with(issuer), "{addresses:?}"),
        None => assert!(addresses.is_empty(), "{addresses:?}"),
    }
}

#[test]
fn a_renewed_web_identity_is_used_without_a_restart() {
    let token = file("web-identity", "");
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/sweeper"),
        ("AWS_REGION", "eu-west-1"),
    ];
    with_aws(&variables, || {
        are_renewed(|key| std::fs::write(&token, key).unwrap(), Some("https://sts.eu-west-1.amazonaws.com/"))
    });
}

#[test]
fn the_endpoint_of_sts_can_be_configured() {
    let token = file("web-identity-endpoint", "");
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/sweeper"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL_STS", "https://sts.example.com"),
    ];
    with_aws(&variables, || are_renewed(|key| std::fs::write(&token, key).unwrap(), Some("https://sts.example.com/")));
}

/// A home directory with a profile of an SSO session.
struct Home(String);

impl Home {
    fn new(name: &str) -> Self {
        let home = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(home.join(".aws/sso/cache")).unwrap();
        let session = "[sso-session corp]\nsso_region = eu-central-1\nsso_start_url = https://corp.awsapps.com/start\n";
        let role = "sso_session = corp\nsso_account_id = 123456789012\nsso_role_name = sweeper\n";
        let profile = format!("[default]\nregion = eu-west-1\n{role}{session}");
        std::fs::write(home.join(".aws/config"), profile).unwrap();
        Self(home.to_str().unwrap().to_owned())
    }

    /// Writes the token of the session, as `aws sso login` does.
    fn log_in(&self, token: &str, expires_at: &str) {
        // The name of the file is the SHA-1 hash of the name of the session.
        let path = format!("{}/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", self.0);
        std::fs::write(path, format!(r#"{{"accessToken": "{token}", "expiresAt": "{expires_at}"}}"#)).unwrap();
    }
}

const FAR: &str = "2999-01-01T00:00:00Z";

#[test]
fn a_renewed_sso_session_is_used_without_a_restart() {
    let home = Home::new("sso");
    with_aws(&[("HOME", &home.0)], || {
        are_renewed(
            |key| home.log_in(key, FAR),
            Some("https://portal.sso.eu-central-1.amazonaws.com/federation/credentials?"),
        );
    });
}

#[test]
fn the_endpoint_of_sso_can_be_configured() {
    let home = Home::new("sso-endpoint");
    with_aws(&[("HOME", &home.0), ("AWS_ENDPOINT_URL_SSO", "https://sso.example.com")], || {
        are_renewed(|key| home.log_in(key, FAR), Some("https://sso.example.com/federation/credentials?"));
    });
}

#[test]
fn an_expired_sso_session_is_an_error_until_the_next_login() {
    let home = Home::new("sso-expired");
    with_aws(&[("HOME", &home.0)], || {
        home.log_in("OLDKEY", "2020-01-01T00:00:00Z");
        let amazon = Amazon::new();
        let postbox = Postbox::builder().http_client(amazon.clone()).open().unwrap();
        let error = postbox.get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoAwsConfig, "{error}");
        let text = error.message();
        assert!(text.contains("profile: ") && text.contains("SSO") && text.contains("expired"), "{error}");
        home.log_in("NEWKEY", FAR);
        assert_eq!(postbox.get_message("id").unwrap_err().code(), ErrorCode::TableNotFound);
        assert!(amazon.take().last().unwrap().signature.contains("NEWKEY/"));
    });
}

#[test]
fn renewed_output_of_a_credential_process_is_used_without_a_restart() {
    let output = file("process-output", "");
    let config = format!("[default]\nregion = eu-west-1\ncredential_process = cat {output}\n");
    let variables = [("AWS_CONFIG_FILE", &*file("process-config", &config)), ("PATH", "/usr/bin:/bin")];
    with_aws(&variables, || {
        let write = |key: &str| {
            let keys = format!(r#"{{"Version": 1, "AccessKeyId": "{key}", "SecretAccessKey": "secret"}}"#);
            std::fs::write(&output, keys).unwrap();
        };
        are_renewed(write, None);
    });
}

/// The token expires in the middle of a sweep, for DynamoDB and SQS, and is renewed after the first failures.
#[test]
fn a_sweep_whose_credentials_expire_sends_the_rest_after_their_renewal() {
    let token = file("web-identity-sweep", "");
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/sweeper"),
        ("AWS_REGION", "eu-west-1"),
    ];
    with_aws(&variables, || {
        std::fs::write(&token, "OLDKEY").unwrap();
        let amazon = Amazon::new();
        let postbox = Postbox::builder()
            .route("*", "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
            .sweep_min_age(Duration::ZERO)
            .sweep_interval(Duration::from_millis(100))
            .breaker_cooldown(Duration::from_millis(500))
            .http_client(amazon.clone())
            .transport_http_client(amazon.clone())
            .open()
            .unwrap();
        postbox.create_table().unwrap();
        let bodies: BTreeSet<String> = (0..500).map(|number| format!("body {number}")).collect();
        let messages = bodies.iter().map(|body| Message::new("t", body.as_str()).with_partition_key(body));
        let ids = postbox.deposit_posts(&messages.collect::<Vec<_>>()).unwrap();
        (amazon.behaviour().rejected_key, amazon.behaviour().rejected_after) = ("OLDKEY/", 200);

        postbox.start_sweeper().unwrap();
        wait_until("marks fail", || postbox.stats().marks_fail);
        wait_until("the reason is shown", || {
            postbox
                .stats()
                .last_error
                .is_some_and(|error| error.contains("cannot be marked") && error.contains("expired"))
        });
        assert!((200..500).contains(&amazon.sent().len()), "{}", amazon.sent().len());
        std::fs::write(&token, "NEWKEY").unwrap();
        let is_dispatched = |id: &String| {
            postbox
                .get_message(id)
                .is_ok_and(|found| found.is_some_and(|found| found.state == MessageState::Dispatched))
        };
        wait_until("all messages are dispatched", || ids.iter().all(is_dispatched));
        assert_eq!(amazon.sent().into_iter().collect::<BTreeSet<_>>(), bodies);
        for id in &ids {
            assert_eq!(postbox.get_message(id).unwrap().unwrap().dispatch_attempts, 0, "no message is blamed");
        }
        assert_eq!(postbox.stats().parked, 0);
    });
}
