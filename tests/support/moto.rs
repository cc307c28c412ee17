//! SNS and SQS in a process of their own: `moto_server`, from the virtual environment of tools/venv.sh.

use aws_sdk_sqs::types::Message as Received;
use postbox::Builder;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tokio::runtime::Runtime;

/// The account that moto has.
pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "eu-central-1";

/// A server on 127.0.0.1, stopped when dropped; what it holds ends with it.
pub struct Moto {
    server: Option<Child>,
    port: u16,
    runtime: Runtime,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
}

impl Moto {
    /// Starts a server without topics and queues on a free port.
    pub fn start() -> Self {
        let (server, port) = serve(0);
        let shared = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::from_static(REGION))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "test"),
            ))
            .endpoint_url(format!("http://127.0.0.1:{port}"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self {
            server: Some(server),
            port,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            sns: aws_sdk_sns::Client::new(&shared),
            sqs: aws_sdk_sqs::Client::new(&shared),
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The settings by which a Postbox finds this server.
    pub fn configure(&self, builder: Builder) -> Builder {
        builder.transport_endpoint_url(self.url()).region(REGION).access_key_id("test").secret_access_key("test")
    }

    /// Ends the process and, with it, all topics, queues and messages.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            server.wait().unwrap();
        }
    }

    /// Starts it again on the same port, with nothing in it.
    pub fn restart(&mut self) {
        self.stop();
        self.server = Some(serve(self.port).0);
    }

    /// Runs a request of the test's own, and fails the test if it fails.
    pub fn run<T, E: std::error::Error>(&self, request: impl Future<Output = Result<T, E>>) -> T {
        match self.runtime.block_on(request) {
            Ok(answer) => answer,
            Err(error) => panic!("{}", aws_sdk_sqs::error::DisplayErrorContext(error)),
        }
    }

    /// Makes a queue, FIFO if its name says so, and gives its URL.
    pub fn create_queue(&self, name: &str) -> String {
        let mut request = self.sqs.create_queue().queue_name(name);
        if name.ends_with(".fifo") {
            request = request.attributes(aws_sdk_sqs::types::QueueAttributeName::FifoQueue, "true");
        }
        self.run(request.send()).queue_url.unwrap()
    }

    /// Makes a topic, FIFO if its name says so, and gives its ARN.
    pub fn create_topic(&self, name: &str) -> String {
        let mut request = self.sns.create_topic().name(name);
        if name.ends_with(".fifo") {
            request = request.attributes("FifoTopic", "true");
        }
        self.run(request.send()).topic_arn.unwrap()
    }

    /// Subscribes a queue of this name, which it makes, to the topic; gives the queue's URL.
    pub fn subscribe(&self, topic: &str, queue: &str, raw: bool) -> String {
        let url = self.create_queue(queue);
        let request = self
            .sns
            .subscribe()
            .topic_arn(topic)
            .protocol("sqs")
            .endpoint(queue_arn(queue))
            .attributes("RawMessageDelivery", raw.to_string());
        self.run(request.send());
        url
    }

    /// Takes all messages out of a queue, in the order in which it gives them.
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

/// The ARN of a queue.
pub fn queue_arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

/// The attributes of a received message, as text.
pub fn attributes(message: &Received) -> HashMap<String, String> {
    let attributes = message.message_attributes.clone().unwrap_or_default();
    attributes.into_iter().map(|(name, value)| (name, value.string_value.unwrap_or_default())).collect()
}

/// The bodies of received messages.
pub fn bodies(messages: &[Received]) -> Vec<String> {
    messages.iter().map(|message| message.body().unwrap_or_default().to_owned()).collect()
}

/// The virtual environment, made by the first test that needs it.
fn venv() -> &'static str {
    static VENV: OnceLock<String> = OnceLock::new();
    VENV.get_or_init(|| {
        let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/venv.sh")).output().unwrap();
        assert!(made.status.success(), "tools/venv.sh: {}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    })
}

/// Starts a server on this port, or a free one, and waits until it listens.
fn serve(port: u16) -> (Child, u16) {
    let mut server = Command::new(format!("{}/bin/moto_server", venv()))
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .env("PYTHONUNBUFFERED", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It tells its address once it listens. Its pipe is read to the end, so that it never fills.
    let (sender, told) = std::sync::mpsc::channel();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    std::thread::spawn(move || {
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, rest)) = line.split_once("Running on http://127.0.0.1:") {
                let port = rest.chars().take_while(char::is_ascii_digit).collect::<String>();
                let _ = sender.send(port.parse::<u16>().unwrap());
            }
        }
    });
    let port = told.recv_timeout(super::PATIENCE).expect("moto_server starts");
    (server, port)
}
