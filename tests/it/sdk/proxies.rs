//! Proxies and CA certificates from the environment. Each test runs in its own process, whose environment names servers
//! of the test's process.

use crate::support::file;
use crate::support::http::HttpDatabase;
use crate::support::processes::in_prepared_process;
use crate::support::tls::TlsServer;
use postbox::{Builder, ErrorCode, Postbox};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// An HTTP proxy on 127.0.0.1 that reaches one server only, whatever the name in the request, and records the heads of
/// the requests. It can reject the first request. Its threads end with the process of the test.
struct ForwardProxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl ForwardProxy {
    fn start(to: SocketAddr) -> Self {
        Self::rejecting(to, None)
    }

    /// Starts a proxy that rejects the first request with this status.
    fn rejecting(to: SocketAddr, status: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        std::thread::spawn(move || {
            for (number, client) in listener.incoming().enumerate() {
                let seen = Arc::clone(&seen);
                let status = status.filter(|_| number == 0);
                std::thread::spawn(move || forward(client.unwrap(), to, status, &seen));
            }
        });
        Self { address, heads }
    }

    /// Returns the URL of the proxy with a user and a password.
    fn url(&self) -> String {
        format!("http://ada:hush@{}", self.address)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn forward(mut client: TcpStream, to: SocketAddr, status: Option<&str>, seen: &Mutex<Vec<String>>) {
    let mut head = String::new();
    let mut reader = BufReader::new(client.try_clone().unwrap());
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    seen.lock().unwrap().push(head.to_lowercase());
    if let Some(status) = status {
        write!(client, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        return;
    }
    let mut server = TcpStream::connect(to).unwrap();
    if head.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    } else {
        server.write_all(head.as_bytes()).unwrap();
    }
    server.write_all(reader.buffer()).unwrap();
    let (mut from, mut back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let to_server = std::thread::spawn(move || copy(&mut from, &mut server));
    copy(&mut back, &mut client);
    to_server.join().unwrap();
}

/// Copies bytes until one of the connections ends.
fn copy(from: &mut TcpStream, to: &mut TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Removes all variables but these.
fn set(command: &mut Command, variables: &[(&str, &str)]) {
    command.env_clear().env("HOME", "/nowhere").env("AWS_EC2_METADATA_DISABLED", "true");
    command.envs(variables.iter().copied());
}

fn to(endpoint: &str) -> Builder {
    let builder = Postbox::builder().endpoint_url(endpoint).region("eu-central-1").max_request_attempts(1);
    builder.access_key_id("test").secret_access_key("test")
}

#[test]
fn an_https_endpoint_is_reached_through_a_proxy_with_authentication_and_a_private_authority() {
    let mut started = None;
    let prepare = |command: &mut Command| {
        let server = TlsServer::start("dynamodb.example");
        let proxy = ForwardProxy::start(server.address);
        let bundle = file("proxy-bundle.pem", &format!("# The authority of the company\n{}", server.pem));
        set(command, &[("HTTPS_PROXY", &proxy.url()), ("AWS_CA_BUNDLE", &bundle)]);
        started = Some((server, proxy));
    };
    in_prepared_process(prepare, || {
        let postbox = to("https://dynamodb.example").open().unwrap();
        assert!(postbox.get_message("id").unwrap().is_none());
    });
    if let Some((_, proxy)) = started {
        let heads = proxy.heads();
        assert!(heads.len() == 1 && heads[0].starts_with("connect dynamodb.example:443 "), "{heads:?}");
        assert!(heads[0].contains("proxy-authorization: basic "), "{heads:?}");
    }
}

#[test]
fn an_http_endpoint_is_reached_through_a_proxy_unless_it_is_an_exception() {
    let mut started = None;
    let prepare = |command: &mut Command| {
        let database = HttpDatabase::start();
        let proxy = ForwardProxy::start(database.url().trim_start_matches("http://").parse().unwrap());
        let direct = database.url();
        let variables = [("http_proxy", proxy.url()), ("NO_PROXY", ".direct.example".into()), ("DIRECT", direct)];
        set(command, &variables.each_ref().map(|(name, value)| (*name, value.as_str())));
        started = Some((database, proxy));
    };
    in_prepared_process(prepare, || {
        let error = to("http://dynamodb.example:8000").open().unwrap().get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::TableNotFound, "{error}");
        let error = to(&std::env::var("DIRECT").unwrap()).open().unwrap().get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::TableNotFound, "{error}");
        let error = to("http://host.direct.example:8000").open().unwrap().get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unreachable, "{error}");
        assert!(error.message().contains("http://host.direct.example:8000"), "{error}");
        assert!(!error.message().contains("proxy"), "{error}");
    });
    if let Some((_, proxy)) = started {
        let heads = proxy.heads();
        assert!(heads.len() == 1 && heads[0].starts_with("post http://dynamodb.example:8000/ "), "{heads:?}");
        assert!(heads[0].contains("proxy-authorization: basic "), "{heads:?}");
    }
}

/// Starts a proxy that rejects the first request with this status, in front of a server that the process trusts.
fn start_rejecting(command: &mut Command, status: &'static str) -> (TlsServer, ForwardProxy) {
    let server = TlsServer::start("dynamodb.example");
    let proxy = ForwardProxy::rejecting(server.address, Some(status));
    let bundle = file(&format!("{}.pem", &status[..3]), &server.pem);
    set(command, &[("https_proxy", &proxy.url()), ("AWS_CA_BUNDLE", &bundle)]);
    (server, proxy)
}

/// Checks that the error of the first request names the proxy and not its password, and that the second request succeeds.
fn pass_at_the_second_time(host: &str) {
    let postbox = to(host).open().unwrap();
    let error = postbox.get_message("id").unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Unreachable, true), "{error}");
    let message = error.message();
    assert!(message.contains(&format!("{host} through the proxy http://127.0.0.1:")), "{error}");
    assert!(message.contains("(https_proxy)") && !format!("{error:?}").contains("hush"), "{error}");
    assert!(postbox.get_message("id").unwrap().is_none());
}

#[test]
fn a_proxy_that_forbids_a_request_is_named_and_used_again() {
    let mut started = None;
    let prepare = |command: &mut Command| started = Some(start_rejecting(command, "403 Forbidden"));
    in_prepared_process(prepare, || pass_at_the_second_time("https://dynamodb.example"));
}

#[test]
fn a_proxy_that_rejects_the_password_is_named_and_used_again() {
    let mut started = None;
    let prepare = |command: &mut Command| {
        started = Some(start_rejecting(command, "407 Proxy Authentication Required"));
    };
    in_prepared_process(prepare, || pass_at_the_second_time("https://dynamodb.example"));
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error_that_names_the_variable() {
    let prepare = |command: &mut Command| set(command, &[("HTTPS_PROXY", "socks5://ada:hush@proxy.example:1080")]);
    in_prepared_process(prepare, || {
        let error = to("https://dynamodb.example").open().unwrap().get_message("id").unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::NoAwsConfig, false), "{error}");
        assert!(error.message().contains("HTTPS_PROXY") && !error.message().contains("hush"), "{error}");
    });
}

/// Slim container images have no CA certificates. Only endpoints with TLS need them.
#[test]
fn missing_ca_certificates_are_an_error_of_https_endpoints_only() {
    let empty = file("empty.pem", "# no certificate\n");
    for (variable, value, named) in [
        ("SSL_CERT_FILE", "/nowhere", "ca-certificates"),
        ("SSL_CERT_FILE", empty.as_str(), "ca-certificates"),
        ("AWS_CA_BUNDLE", "/nowhere/bundle.pem", "/nowhere/bundle.pem, which AWS_CA_BUNDLE names"),
        ("AWS_CA_BUNDLE", empty.as_str(), "AWS_CA_BUNDLE names, has no CA certificates"),
    ] {
        let prepare = |command: &mut Command| {
            set(command, &[(variable, value), ("SSL_CERT_DIR", "/nowhere"), ("NAMED", named)]);
        };
        in_prepared_process(prepare, || {
            let embedded = Postbox::builder().embedded_path(":memory:").open().unwrap();
            assert!(embedded.get_message("id").unwrap().is_none());
            let database = HttpDatabase::start();
            let error = to(&database.url()).open().unwrap().get_message("id").unwrap_err();
            assert_eq!(error.code(), ErrorCode::TableNotFound, "{error}");
            let error = to("https://127.0.0.1:1").open().unwrap().get_message("id").unwrap_err();
            assert_eq!((error.code(), error.is_retryable()), (ErrorCode::NoAwsConfig, false), "{error}");
            assert!(error.message().contains(&std::env::var("NAMED").unwrap()), "{error}");
        });
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_an_error_about_certificates() {
    let mut started = None;
    let prepare = |command: &mut Command| {
        let server = TlsServer::start("localhost");
        let endpoint = format!("https://localhost:{}", server.address.port());
        let other = TlsServer::start("other.example");
        let bundle = file("other-bundle.pem", &other.pem);
        set(command, &[("ENDPOINT", &endpoint), ("AWS_CA_BUNDLE", &bundle)]);
        started = Some((server, other));
    };
    in_prepared_process(prepare, || {
        let endpoint = std::env::var("ENDPOINT").unwrap();
        let error = to(&endpoint).open().unwrap().get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unreachable, "{error}");
        let message = error.message();
        assert!(message.contains(&endpoint) && message.contains("AWS_CA_BUNDLE"), "{error}");
    });
}
