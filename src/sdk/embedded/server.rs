//! The embedded database as a DynamoDB endpoint over HTTP, for other programs on this machine.
//!
//! Credentials are not checked, so the server rejects the requests that a web page in a browser on this machine could make.

use super::EmbeddedDatabase;
use crate::model::error::{Error, ErrorCode, Result};
use crate::sys::random;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::time::Duration;

/// The time within which requests must end after a server was asked to stop.
const GRACE: Duration = Duration::from_secs(1);
/// The maximum size of a request of DynamoDB.
const MAX_REQUEST: usize = 16 << 20;

impl EmbeddedDatabase {
    /// Serves the database on this socket as a DynamoDB endpoint over HTTP. Blocks this thread until `shutdown` is
    /// ready. Running requests then have one second to end. Credentials are not checked: any program that can reach the
    /// socket can read and write everything.
    ///
    /// Web pages in a browser cannot use the endpoint. A request with an `Origin` header is rejected with status 403, and so
    /// is a request whose `Host` header is neither `localhost` nor a loopback address. If the socket is not bound to a
    /// loopback address, `Host` can be any IP address, but still no name other than `localhost`, because an attacker's name
    /// can be made to resolve to any address.
    ///
    /// Requires the `server` feature.
    ///
    /// # Errors
    /// [`ErrorCode::EmbeddedUnavailable`] if the socket cannot be used.
    pub fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorCode::EmbeddedUnavailable, format!("the socket cannot be served: {error}"))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        runtime.block_on(self.accept(listener, shutdown)).map_err(failed)
    }

    async fn accept(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let server = Server { database: self.clone(), hosts: Hosts::of(listener.local_addr()?) };
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopping = async move {
            shutdown.await;
            drop(stop);
        };
        // The server does not wait for a client that never finishes its request.
        let too_late = async {
            let _ = stopped.await;
            tokio::time::sleep(GRACE).await;
        };
        let router = Router::new().fallback(answer).with_state(server);
        tokio::select! {
            served = async { axum::serve(listener, router).with_graceful_shutdown(stopping).await } => served,
            () = too_late => Ok(()),
        }
    }
}

#[derive(Clone)]
struct Server {
    database: EmbeddedDatabase,
    hosts: Hosts,
}

/// The hosts that a request can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hosts {
    Loopback,
    /// Any address. The server may not know the address under which clients reach it.
    Addresses,
}

impl Hosts {
    fn of(listener: SocketAddr) -> Self {
        if listener.ip().is_loopback() { Self::Loopback } else { Self::Addresses }
    }

    /// Returns whether a request can have this `Host` header. A web page can change the address to which its own name
    /// resolves (DNS rebinding), but its requests still have this name in the header.
    fn contain(self, header: &str) -> bool {
        let Ok(authority) = header.parse::<Authority>() else { return false };
        let host = authority.host();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => address.is_loopback() || self == Self::Addresses,
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// Checks that no web page made the request. Browsers add `Origin` to each request of a page to another site that is not
/// a plain GET or HEAD. The error is the message of the response.
fn check_client(headers: &HeaderMap, hosts: Hosts) -> Result<(), &'static str> {
    if headers.contains_key(ORIGIN) {
        return Err("the request has an Origin header: web pages cannot use this endpoint");
    }
    let mut named = headers.get_all(HOST).iter();
    match (named.next().map(|host| host.to_str()), named.next()) {
        (Some(Ok(host)), None) if hosts.contain(host) => Ok(()),
        _ if hosts == Hosts::Addresses => {
            Err("the Host header is not an IP address: use one in the URL of the endpoint")
        }
        _ => Err("the Host header is not a loopback address: use http://127.0.0.1 or http://localhost as the endpoint"),
    }
}

async fn answer(State(server): State<Server>, request: Request) -> Response {
    let (Parts { method, uri, headers, .. }, body) = request.into_parts();
    if let Err(reason) = check_client(&headers, server.hosts) {
        return rejected(StatusCode::FORBIDDEN, "AccessDeniedException", reason);
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let Some(target) = target.filter(|_| method == Method::POST && uri.path() == "/") else {
        let reason = "an operation is a POST request to / with the header X-Amz-Target";
        return rejected(StatusCode::BAD_REQUEST, "UnknownOperationException", reason);
    };
    let Ok(body) = to_bytes(body, MAX_REQUEST).await else {
        let reason = "the body is incomplete or larger than 16 MiB";
        return rejected(StatusCode::PAYLOAD_TOO_LARGE, "SerializationException", reason);
    };
    let (status, json) = server.database.respond(target, &body);
    response(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), json)
}

/// Returns an error response in the form of DynamoDB.
fn rejected(status: StatusCode, code: &str, message: &str) -> Response {
    response(status, json!({"__type": format!("com.amazon.coral.service#{code}"), "message": message}).to_string())
}

/// Returns a response with the headers of DynamoDB. Clients show the id of the request in their errors.
fn response(status: StatusCode, json: String) -> Response {
    let id = (HeaderName::from_static("x-amzn-requestid"), random::id());
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0".into()), id], json).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_loopback_unless_the_socket_is_not() {
        let local = Hosts::of(([127, 0, 0, 1], 8000).into());
        let open = Hosts::of(([0, 0, 0, 0], 8000).into());
        for host in ["127.0.0.1", "127.9.9.9:8000", "localhost", "LOCALHOST:80", "[::1]", "[::1]:8000"] {
            assert!(local.contain(host) && open.contain(host), "{host}");
        }
        for host in ["192.168.0.7", "192.168.0.7:8000", "[fe80::1]:8000", "0.0.0.0:8000"] {
            assert!(!local.contain(host) && open.contain(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example:8000", "127.0.0.1.evil.example", "127.0.0.1@evil.example"]
        {
            assert!(!local.contain(host) && !open.contain(host), "{host}");
        }
    }
}
