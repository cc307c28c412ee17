//! `serve`, with the command and Amazon's SDK for Python as clients, and `watch`.

use crate::{Outbox, Run, aged, bare_command, interrupt};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process of `postbox serve` on a free port, which is interrupted when this is dropped.
pub struct Server {
    pub url: String,
    child: Child,
}

impl Server {
    pub fn start(outbox: &Outbox) -> Self {
        Self::start_on(outbox, "0")
    }

    fn start_on(outbox: &Outbox, port: &str) -> Self {
        let mut command = outbox.command(&["serve", "--port", port]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        Self { url: url.trim().to_owned(), child }
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Returns the command for this endpoint.
    pub fn command(&self, outbox: &Outbox, arguments: &[&str]) -> Command {
        let mut command = bare_command(&outbox.directory);
        let settings = [("POSTBOX_ENDPOINT_URL", self.url.as_str()), ("POSTBOX_REGION", "eu-central-1")];
        let credentials = [("AWS_ACCESS_KEY_ID", "any"), ("AWS_SECRET_ACCESS_KEY", "any")];
        command.envs(settings).envs(credentials).args(arguments);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        interrupt(&self.child);
        let code = self.child.wait().unwrap().code();
        if !std::thread::panicking() {
            assert_eq!(code, Some(0), "it ends when it is asked to");
        }
    }
}

#[test]
fn the_file_is_served_on_loopback_to_several_processes_at_once() {
    let outbox = Outbox::new("serve");
    let server = Server::start(&outbox);
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    let body = outbox.path("body");
    std::fs::write(&body, "Hello").unwrap();
    let deposits: Vec<Child> = (0..4)
        .map(|n| {
            let id = format!("id=m-{n}");
            let mut command = server.command(&outbox, &["deposit", "t", &body, "-H", &id]);
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut deposit in deposits {
        assert!(deposit.wait().unwrap().success());
    }
    let list = server.command(&outbox, &["list", "--output", "json"]).output().unwrap();
    assert_eq!(Run::from(list).json()["messages"].as_array().unwrap().len(), 4);
    let mode = std::fs::metadata(outbox.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else may read the file");
    outbox.run(&["serve", "--port", server.port()]).failed(2, &["cannot be used", "--port"]);
    drop(server);
    assert_eq!(outbox.counts(), [4, 0, 0], "the file has it all after the server has ended");
}

#[test]
fn serve_requires_a_file() {
    let outbox = Outbox::new("serve-what");
    let server = Server::start(&outbox);
    let run = server.command(&outbox, &["serve"]).output().unwrap();
    Run::from(run).failed(2, &["--embedded-db FILE"]);
}

#[test]
fn boto3_uses_the_served_database() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = Command::new(root.join("tools/venv.sh")).output().unwrap();
    assert!(venv.status.success(), "{}", String::from_utf8_lossy(&venv.stderr));
    let python = format!("{}/bin/python", String::from_utf8(venv.stdout).unwrap().trim());
    let outbox = Outbox::new("boto3");
    let server = Server::start(&outbox);
    server.command(&outbox, &["deposit", "t", "/dev/null", "-H", "id=from-postbox"]).output().unwrap();
    let mut client = Command::new(python);
    client.arg(root.join("tests/cli/client.py")).arg(&server.url);
    let run = Run::from(client.output().unwrap());
    assert_eq!(run.done(), "from-postbox\n");
    drop(server);
    let orders = outbox.json(&["show", "from-boto3"]);
    assert_eq!((&orders["topic"], &orders["body"]), (&"orders.placed".into(), &"an order".into()));
}

#[test]
fn an_unfinished_request_does_not_block_shutdown() {
    let outbox = Outbox::new("half-a-request");
    let server = Server::start(&outbox);
    let mut client = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nhost: ").unwrap();
    outbox.run(&["status"]).done();
    drop(server);
    assert_eq!(client.read(&mut [0]).unwrap_or(0), 0, "the connection is closed");
}

/// Sends a request as it is, and returns the response.
fn exchange(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(!response.to_ascii_lowercase().contains("access-control-"), "{response}");
    assert!(response.contains("\r\nx-amzn-requestid: "), "{response}");
    response
}

/// Returns the request of a client for this operation on the outbox table, with more headers.
fn request(method: &str, operation: &str, headers: &str) -> String {
    let body = r#"{"TableName": "brighter_outbox"}"#;
    let credentials = "AWS4-HMAC-SHA256 Credential=any/20260131/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=any";
    format!(
        "{method} / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.{operation}\r\nconnection: close\r\n\
         content-type: application/x-amz-json-1.0\r\nx-amz-date: 20260131T120000Z\r\nauthorization: {credentials}\r\n\
         content-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

#[test]
fn web_pages_cannot_use_the_served_database() {
    let outbox = Outbox::new("origin");
    let server = Server::start(&outbox);
    server.command(&outbox, &["deposit", "t", "/dev/null", "-H", "id=m-1"]).output().unwrap();
    let host = format!("host: {}\r\n", server.url.strip_prefix("http://").unwrap());
    for origin in ["http://evil.example", "http://127.0.0.1:1", "null"] {
        let headers = format!("{host}origin: {origin}\r\naccess-control-request-method: POST\r\n");
        for (method, operation) in [("POST", "Scan"), ("POST", "DeleteTable"), ("OPTIONS", "Scan"), ("GET", "Scan")] {
            let response = exchange(&server, &request(method, operation, &headers));
            let [status, reason] = ["HTTP/1.1 403 ", "the request has an Origin header"];
            assert!(response.starts_with(status) && response.contains(reason), "{method} {operation}: {response}");
            assert!(response.contains("#AccessDeniedException") && !response.contains("m-1"), "{response}");
        }
    }
    let preflight = exchange(&server, &request("OPTIONS", "Scan", &host));
    assert!(preflight.starts_with("HTTP/1.1 400 "), "{preflight}");
    let scan = exchange(&server, &request("POST", "Scan", &host));
    assert!(scan.starts_with("HTTP/1.1 200 ") && scan.contains("m-1"), "{scan}");
}

#[test]
fn requests_to_foreign_hosts_are_rejected() {
    let outbox = Outbox::new("host");
    let server = Server::start(&outbox);
    server.command(&outbox, &["deposit", "t", "/dev/null", "-H", "id=m-1"]).output().unwrap();
    let foreign = ["host: evil.example\r\n", "host: localhost.evil.example:8000\r\n", "host: 192.168.0.7\r\n"];
    for headers in foreign.into_iter().chain(["host: localhost\r\nhost: evil.example\r\n", "host:\r\n", ""]) {
        for operation in ["Scan", "DeleteTable"] {
            let response = exchange(&server, &request("POST", operation, headers));
            let [status, reason] = ["HTTP/1.1 403 ", "the Host header is not a loopback address"];
            assert!(response.starts_with(status) && response.contains(reason), "{headers}: {response}");
        }
    }
    for host in ["localhost", "localhost:8000", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:8000"] {
        let response = exchange(&server, &request("POST", "Scan", &format!("host: {host}\r\n")));
        assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("m-1"), "{host}: {response}");
    }
}

#[test]
fn watch_continues_when_the_database_returns() {
    let outbox = Outbox::new("watch-on");
    outbox.postbox().deposit_post(aged("old", 2)).unwrap();
    let server = Server::start(&outbox);
    let port = server.port().to_owned();
    let mut command = server.command(&outbox, &["watch", "--interval", "50ms", "--set", "max_request_attempts=1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut refreshes = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let location = format!("table brighter_outbox at {}, region eu-central-1", server.url);
    assert_eq!(errors.next().unwrap().unwrap(), location);
    assert!(refreshes.next().unwrap().unwrap().starts_with("outstanding 1"));
    drop(server);
    assert!(errors.next().unwrap().unwrap().contains("could not be reached"));
    let server = Server::start_on(&outbox, &port);
    outbox.postbox().deposit_post(aged("new", 1)).unwrap();
    assert!(refreshes.any(|refresh| refresh.unwrap().starts_with("outstanding 2")));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(server);
}

#[test]
fn watch_prints_a_line_per_refresh_in_a_pipe() {
    let outbox = Outbox::new("watch");
    outbox.postbox().deposit_post(aged("old", 2)).unwrap();
    let text = outbox.run(&["watch", "--count", "2", "--interval", "10ms"]).done();
    let numbers = "outstanding 1, oldest 2h 0m, in 0.0/s, out 0.0/s; ";
    let nobody = "the oldest outstanding message is 2h 0m old, and no process of Postbox has swept for a day: ";
    assert_eq!(text, format!("{numbers}{nobody}start a sweeper, or run `postbox sweep`\n").repeat(2));
}

#[test]
fn watch_shows_rates_until_interrupted() {
    let outbox = Outbox::new("watch-rates");
    outbox.postbox().deposit_post(aged("old", 2)).unwrap();
    let mut command = outbox.command(&["watch", "--interval", "200ms", "--output", "json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut refreshes = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap()["topics"][0].clone());
    assert_eq!(refreshes.next().unwrap()["in_per_second"], serde_json::Value::Null, "the first refresh has no rate");
    for n in 0..10 {
        outbox.postbox().deposit_post(aged(&format!("new-{n}"), 1)).unwrap();
    }
    outbox.run(&["clear", "old", "new-1", "new-2", "--to", "stdout", "--yes"]).done();
    let (mut came, mut went) = (false, false);
    // The loop ends when both rates have been above zero.
    while !(came && went) {
        let refresh = refreshes.next().unwrap();
        came |= refresh["in_per_second"].as_f64().is_some_and(|rate| rate > 0.0);
        went |= refresh["out_per_second"].as_f64().is_some_and(|rate| rate > 0.0);
    }
    interrupt(&child);
    refreshes.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
