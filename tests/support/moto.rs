//! SNS and SQS in a separate process of moto, from the virtual environment of tools/venv.sh.

use aws_sdk_sqs::types::Message as Received;
use postbox::Builder;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use tokio::runtime::Runtime;

/// The account of moto.
pub const ACCOUNT: &str = "123456789012";

/// The regions of the tests. Each test has its own region, so that all tests can share one server.
const REGIONS: [&str; 17] = [
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
];

/// The topics and queues of one test.
pub struct Moto {
    /// The server, if it belongs to this test alone.
    server: Option<Child>,
    url: String,
    pub region: &'static str,
    runtime: Runtime,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
}

impl Moto {
    /// Uses the server that all tests share. The server ends with the process of the tests.
    pub fn start() -> Self {
        static SHARED: OnceLock<(Mutex<Child>, String)> = OnceLock::new();
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let (_, url) = SHARED.get_or_init(|| {
            let (server, url) = serve("0");
            (Mutex::new(server), url)
        });
        let region = REGIONS.get(NEXT.fetch_add(1, Ordering::Relaxed)).expect("a region for each test");
        Self::on(None, url.clone(), region)
    }

    /// Starts a server for this test alone, so that it can be stopped.
    pub fn alone() -> Self {
        let (server, url) = serve("0");
        Self::on(Some(server), url, REGIONS[0])
    }

    fn on(server: Option<Child>, url: String, region: &'static str) -> Self {
        let shared = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::from_static(region))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "test"),
            ))
            .endpoint_url(&url)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self {
            server,
            url,
            region,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            sns: aws_sdk_sns::Client::new(&shared),
            sqs: aws_sdk_sqs::Client::new(&shared),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Adds the settings of this server.
    pub fn configure(&self, builder: Builder) -> Builder {
        builder.transport_endpoint_url(&self.url).region(self.region).access_key_id("test").secret_access_key("test")
    }

    /// Ends the process and, with it, all topics, queues and messages.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            server.wait().unwrap();
        }
    }

    /// Starts the server again on the same port, without its data.
    pub fn restart(&mut self) {
        self.stop();
        let port = self.url.rsplit(':').next().unwrap();
        self.server = Some(serve(port).0);
    }

    /// Runs a request and fails the test if it fails.
    pub fn run<T, E: std::error::Error>(&self, request: impl Future<Output = Result<T, E>>) -> T {
        match self.runtime.block_on(request) {
            Ok(answer) => answer,
            Err(error) => panic!("{}", aws_sdk_sqs::error::DisplayErrorContext(error)),
        }
    }

    /// Creates a queue and returns its URL. A name that ends in `.fifo` creates a FIFO queue.
    pub fn create_queue(&self, name: &str) -> String {
        let mut request = self.sqs.create_queue().queue_name(name);
        if name.ends_with(".fifo") {
            request = request.attributes(aws_sdk_sqs::types::QueueAttributeName::FifoQueue, "true");
        }
        self.run(request.send()).queue_url.unwrap()
    }

    /// Creates a topic and returns its ARN. A name that ends in `.fifo` creates a FIFO topic.
    pub fn create_topic(&self, name: &str) -> String {
        let mut request = self.sns.create_topic().name(name);
        if name.ends_with(".fifo") {
            request = request.attributes("FifoTopic", "true");
        }
        self.run(request.send()).topic_arn.unwrap()
    }

    /// Creates a queue, subscribes it to the topic, and returns its URL.
    pub fn subscribe(&self, topic: &str, queue: &str, raw: bool) -> String {
        let url = self.create_queue(queue);
        let request = self
            .sns
            .subscribe()
            .topic_arn(topic)
            .protocol("sqs")
            .endpoint(self.queue_arn(queue))
            .attributes("RawMessageDelivery", raw.to_string());
        self.run(request.send());
        url
    }

    pub fn queue_arn(&self, queue: &str) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT}:{queue}", self.region)
    }

    /// Receives and deletes all messages of a queue, in the order of arrival.
    pub fn drain(&self, queue: &str) -> Vec<Received> {
        let mut all = Vec::new();
        loop {
            let request = self
                .sqs
                .receive_message()
                .queue_url(queue)
                .max_number_of_messages(10)
                .wait_time_seconds(0)
                .message_attribute_names("All")
                .message_system_attribute_names(aws_sdk_sqs::types::MessageSystemAttributeName::All);
            let found = self.run(request.send()).messages.unwrap_or_default();
            if found.is_empty() {
                return all;
            }
            for message in &found {
                let handle = message.receipt_handle().unwrap();
                self.run(self.sqs.delete_message().queue_url(queue).receipt_handle(handle).send());
            }
            all.extend(found);
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the attributes of a received message as text.
pub fn attributes(message: &Received) -> HashMap<String, String> {
    let attributes = message.message_attributes.clone().unwrap_or_default();
    attributes.into_iter().map(|(name, value)| (name, value.string_value.unwrap_or_default())).collect()
}

/// Returns the bodies of received messages.
pub fn bodies(messages: &[Received]) -> Vec<String> {
    messages.iter().map(|message| message.body().unwrap_or_default().to_owned()).collect()
}

/// Returns the virtual environment, which the first test that needs it creates.
fn venv() -> &'static str {
    static VENV: OnceLock<String> = OnceLock::new();
    VENV.get_or_init(|| {
        let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/venv.sh")).output().unwrap();
        assert!(made.status.success(), "tools/venv.sh: {}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    })
}

/// Starts a server on this port, 0 for a free one, and waits until it prints its URL.
fn serve(port: &str) -> (Child, String) {
    let mut server = Command::new(format!("{}/bin/python", venv()))
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws/serve.py"), port])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "moto starts and tells its URL: {url}");
    (server, url.trim().to_owned())
}
