//! Responses of HTTP servers that are not DynamoDB: proxies, login pages, redirects.

use crate::support::canned::{CannedServer, dynamodb, response};
use crate::support::http::configure;
use postbox::{ErrorCode, Message, MessageState, Postbox};

const HTML: &str = "<html><body>Please sign in: session=hush</body></html>";

fn open(server: &CannedServer) -> Postbox {
    configure(Postbox::builder().max_request_attempts(1), &server.url).open().unwrap()
}

/// Calls a server that sends this response to every request. Each error must contain the texts, and nothing of the body.
fn assert_foreign(response: String, code: ErrorCode, texts: &[&str]) {
    let server = CannedServer::start(move |_, _| response.clone());
    let postbox = open(&server);
    let errors = [
        postbox.get_message("m-1").unwrap_err(),
        postbox.deposit_post(Message::new("t", "x")).unwrap_err(),
        postbox.verify_table().unwrap_err(),
        postbox.list_messages(MessageState::Outstanding, None, 10, None).unwrap_err(),
    ];
    assert!(server.requests() >= errors.len(), "{} requests", server.requests());
    for error in errors {
        let text = error.to_string();
        assert_eq!((error.code(), error.is_retryable()), (code, code == ErrorCode::Unreachable), "{text}");
        let endpoint = format!(" from {}, ", server.url);
        for expected in texts.iter().chain(&[endpoint.as_str(), "is not from DynamoDB", "endpoint_url"]) {
            assert!(text.contains(expected), "\"{expected}\" is missing: {text}");
        }
        assert!(!text.contains("hush") && !format!("{error:?}").contains("hush"), "{error:?}");
    }
}

#[test]
fn pages_of_a_proxy_are_errors_with_status_and_content_type() {
    let html = |status: &str| response(status, "text/html; charset=utf-8", HTML);
    let kind = "content type text/html; charset=utf-8";
    assert_foreign(html("200 OK"), ErrorCode::ServiceError, &["HTTP status 200", kind]);
    assert_foreign(html("403 Forbidden"), ErrorCode::ServiceError, &["HTTP status 403", kind]);
    assert_foreign(html("404 Not Found"), ErrorCode::ServiceError, &["HTTP status 404", kind]);
    assert_foreign(html("502 Bad Gateway"), ErrorCode::Unreachable, &["HTTP status 502", kind, "Try again later"]);
    let proxy = html("403 Forbidden").replacen("\r\n", "\r\nserver: squid/6.6\r\nvia: 1.1 proxy.example\r\n", 1);
    assert_foreign(proxy, ErrorCode::ServiceError, &["HTTP status 403", "server squid/6.6, via 1.1 proxy.example"]);
    let bare = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    assert_foreign(bare.to_owned(), ErrorCode::ServiceError, &["HTTP status 403", "no content type"]);
}

#[test]
fn redirects_are_errors_with_their_location() {
    let redirect =
        "HTTP/1.1 302 Found\r\nlocation: https://login.example/start?session=hush\r\ncontent-length: 0\r\n\r\n";
    let location = "location https://login.example/start";
    assert_foreign(redirect.to_owned(), ErrorCode::ServiceError, &["HTTP status 302", location]);
}

#[test]
fn a_commit_that_a_proxy_answers_can_be_repeated() {
    // The SDK takes the last response for a success, because it has no body.
    for (status, body) in
        [("200 OK", HTML), ("403 Forbidden", HTML), ("302 Found", HTML), ("200 OK", ""), ("200 OK", "\n")]
    {
        let server = CannedServer::start(move |_, _| response(status, "text/html", body));
        let postbox = open(&server);
        let mut work = postbox.unit_of_work();
        work.deposit_post(Message::new("t", "x")).unwrap();
        let error = work.commit().unwrap_err();
        // The proxy may have forwarded the request before it replaced the response.
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
        assert!(error.to_string().contains("is not from DynamoDB"), "{error}");
    }
}

#[cfg(all(feature = "sns", feature = "sqs"))]
#[test]
fn pages_of_a_proxy_in_place_of_a_transport_are_failures() {
    let server = CannedServer::start(|_, _| response("403 Forbidden", "text/html", HTML));
    for route in ["sns:arn:aws:sns:eu-central-1:123456789012:t", "sqs:arn:aws:sqs:eu-central-1:123456789012:q"] {
        let builder = Postbox::builder().embedded_path(":memory:").max_request_attempts(1);
        let builder = builder.routes(format!("* = {route}")).transport_endpoint_url(&server.url);
        let builder = builder.region("eu-central-1").access_key_id("test").secret_access_key("test");
        let postbox = builder.open().unwrap();
        let id = postbox.deposit_post(Message::new("t", "x")).unwrap();
        let report = postbox.clear_outbox(&[id]).unwrap();
        let detail = &report.entries()[0].detail;
        let expected =
            format!("the response is not from AWS: HTTP status 403 from {}, content type text/html", server.url);
        assert!(detail.contains(&expected), "{detail}");
        assert!(detail.contains("transport_endpoint_url") && !detail.contains("hush"), "{detail}");
    }
}

#[test]
fn an_error_without_a_message_is_from_dynamodb() {
    let error = serde_json::json!({"__type": "com.amazonaws.dynamodb.v20120810#ValidationException"});
    let server = CannedServer::start(move |_, _| dynamodb("400 Bad Request", &error));
    let error = open(&server).get_message("m-1").unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServiceError);
    assert!(error.message().contains("DynamoDB says ValidationException: no message"), "{error}");
}
