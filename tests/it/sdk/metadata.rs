//! A metadata service that holds back its responses for a while, as an instance or a container that starts can find it. Each
//! test runs in its own process, so that no test changes the environment of another.

use crate::support::canned::{CannedServer, response};
use crate::support::http::HttpDatabase;
use crate::support::processes::with_aws;
use crate::support::{eager, wait_until};
use postbox::{MemoryProducer, Message, Postbox};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// Starts a metadata service of instances and containers that responds to no request until this file exists.
fn start(gate: PathBuf) -> CannedServer {
    CannedServer::start(move |path, _| {
        wait_until("the metadata service responds", || gate.exists());
        match path {
            "/latest/api/token" => {
                let ttl = "text/plain\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600";
                response("200 OK", ttl, "token")
            }
            ROLES => response("200 OK", "text/plain", "sweeper"),
            _ => response("200 OK", "application/json", &keys()),
        }
    })
}

fn keys() -> String {
    let keys = serde_json::json!({
        "Code": "Success", "AccessKeyId": "KEY", "SecretAccessKey": "secret", "Token": "token",
        "Expiration": "2999-01-01T00:00:00Z",
    });
    keys.to_string()
}

/// Checks that calls fail with an error that names this provider until the file exists, and that nothing is lost.
fn calls_succeed_after(gate: &Path, provider: &str) {
    let (database, producer) = (HttpDatabase::start(), MemoryProducer::new());
    let depositor = database.configure(Postbox::builder()).open().unwrap();
    depositor.create_table().unwrap();
    depositor.deposit_post(Message::new("t", "").with_id("before")).unwrap();

    let builder = eager(Postbox::builder().endpoint_url(database.url()).region("eu-central-1"));
    let builder = builder.operation_timeout(Duration::from_millis(500)).sweep_interval(Duration::from_millis(100));
    let postbox = builder.default_producer(producer.clone()).open().unwrap();
    postbox.start_sweeper().unwrap();
    let mut work = postbox.unit_of_work();
    work.deposit_post(Message::new("t", "").with_id("during")).unwrap();
    for error in [postbox.get_message("id").unwrap_err(), postbox.sweep().unwrap_err(), work.commit().unwrap_err()] {
        assert!(error.message().contains(provider), "{error}");
    }
    wait_until("the sweeper shows the provider", || {
        postbox.stats().last_error.is_some_and(|error| error.contains(provider))
    });
    assert!(producer.sent().is_empty());

    std::fs::write(gate, "").unwrap();
    wait_until("the commit succeeds", || work.commit().is_ok());
    let sent = || producer.sent().iter().map(|message| message.id().to_owned()).collect::<BTreeSet<_>>();
    wait_until("the sweeper sends the messages", || sent().len() == 2);
    assert_eq!(sent(), BTreeSet::from(["before".to_owned(), "during".to_owned()]));
}

/// Returns the path of a file that does not exist in this process yet.
fn gate(name: &str) -> PathBuf {
    let gate = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&gate);
    gate
}

#[test]
fn calls_succeed_as_soon_as_the_metadata_service_of_the_instance_responds() {
    let gate = gate("instance-metadata");
    let service = start(gate.clone());
    let variables =
        [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url.as_str())];
    with_aws(&variables, || calls_succeed_after(&gate, "instance metadata"));
}

#[test]
fn calls_succeed_as_soon_as_the_credentials_of_the_container_arrive() {
    let gate = gate("container-credentials");
    let service = start(gate.clone());
    let url = format!("{}/credentials", service.url);
    with_aws(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str())], || calls_succeed_after(&gate, "container"));
}
