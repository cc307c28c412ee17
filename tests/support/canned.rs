//! An HTTP server whose responses are written by the test.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server on a free port of 127.0.0.1. Its threads end with the process of the test.
pub struct CannedServer {
    pub url: String,
    requests: Arc<AtomicUsize>,
}

impl CannedServer {
    /// Sends each request's operation (`Query`), or its path if it has none, and its body to the function, which returns the
    /// whole response.
    pub fn start(answer: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let (counter, answer) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (counter, answer) = (Arc::clone(&counter), Arc::clone(&answer));
                std::thread::spawn(move || serve(&client.unwrap(), &counter, &*answer));
            }
        });
        Self { url, requests }
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn serve(client: &TcpStream, counter: &AtomicUsize, answer: &dyn Fn(&str, &str) -> String) {
    let mut reader = BufReader::new(client);
    while let Some((operation, body)) = read_request(&mut reader) {
        counter.fetch_add(1, Ordering::SeqCst);
        let mut client = client;
        if client.write_all(answer(&operation, &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok()?;
    let mut operation = line.split(' ').nth(1)?.to_owned();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some((name, value)) if name.eq_ignore_ascii_case("x-amz-target") => {
                value.rsplit('.').next()?.clone_into(&mut operation);
            }
            None if line == "\r\n" => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((operation, String::from_utf8(body).ok()?))
}

/// Returns a response with this status line (`200 OK`), type and body.
pub fn response(status: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Returns a response of DynamoDB.
pub fn dynamodb(status: &str, json: &serde_json::Value) -> String {
    response(status, "application/x-amz-json-1.0", &json.to_string())
}
