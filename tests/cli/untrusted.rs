//! Output with text of other programs: it contains no character that could control the terminal.

use crate::canned::{CannedServer, dynamodb};
use crate::{Outbox, Run, aged};
use postbox::{Message, Postbox, SendOutcome, producer_fn};
use serde_json::{Value, json};
use std::time::Duration;

/// An escape sequence that clears the screen, one that a C1 control starts, a forged line, and an override of the direction.
const EVIL: &str = "\x1b[2J\u{9b}1mevil\r\npostbox: all is well\u{2028}\u{202e}\u{2066}";
/// The same text with the characters replaced.
const SHOWN: &str = "\u{fffd}[2J\u{fffd}1mevil\u{fffd}\u{fffd}postbox: all is well\u{fffd}\u{fffd}\u{fffd}";

fn is_harmless(text: &str) -> bool {
    let controls = |c: char| c.is_control() && c != '\n';
    !text.contains(controls) && !text.contains(['\u{2028}', '\u{202e}', '\u{2066}'])
}

/// Checks that the output contains the text, and nothing that could control the terminal.
fn assert_shown(run: &Run, text: &str) {
    assert!(is_harmless(&run.out) && is_harmless(&run.err), "{run:?}");
    assert!(run.out.contains(text) || run.err.contains(text), "\"{text}\" is missing: {run:?}");
}

/// Runs the command twice. The output in JSON must contain the exact text as a string.
fn assert_harmless(outbox: &Outbox, arguments: &[&str]) {
    assert_shown(&outbox.run(arguments), SHOWN);
    let run = outbox.run(&[arguments, &["--output", "json"]].concat());
    assert!(is_harmless(&run.out) && is_harmless(&run.err), "{run:?}");
    let found = run.out.lines().any(|line| has_string(&serde_json::from_str(line).unwrap(), EVIL));
    assert!(found, "{run:?}");
}

fn has_string(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(values) => values.iter().any(|value| has_string(value, text)),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains(text) || has_string(value, text)),
        _ => false,
    }
}

#[test]
fn control_characters_in_messages_are_replaced() {
    let outbox = Outbox::new("evil-message");
    let message = Message::new(EVIL, EVIL).with_id(EVIL).with_partition_key(EVIL).with_bag_entry(EVIL, EVIL);
    let failing = producer_fn(|_| SendOutcome::Retry(EVIL.into()));
    let postbox = outbox.open(Postbox::builder().default_producer(failing).sweep_min_age(Duration::ZERO));
    postbox.deposit_post(message).unwrap();
    let _ = postbox.sweep().unwrap();
    let fresh = format!("{EVIL}-fresh");
    postbox.deposit_post(Message::new("t", EVIL).with_id(&fresh)).unwrap();
    drop(postbox);
    for arguments in [
        &["list"][..],
        &["show", EVIL],
        &["status"],
        &["watch", "--count", "1"],
        &["delete", "--all", "--state", "outstanding", "--dry-run"],
    ] {
        assert_harmless(&outbox, arguments);
    }
    let sent = outbox.run(&["clear", &fresh, "--to", "stdout"]);
    assert!(is_harmless(&sent.out) && has_string(&serde_json::from_str(&sent.out).unwrap(), EVIL), "{sent:?}");
    assert_shown(&outbox.run(&["show", &format!("{EVIL}-none")]), SHOWN);
    assert_shown(&outbox.run(&["clear", &format!("{EVIL}-none"), "--to", "stdout"]), SHOWN);
}

#[test]
fn control_characters_in_unreadable_items_are_replaced() {
    let outbox = Outbox::new("evil-item");
    outbox.postbox().deposit_post(aged("m-1", 1)).unwrap();
    let item = json!({"TableName": "brighter_outbox", "Item": {
        "MessageId": {"S": EVIL}, "Topic": {"S": EVIL}, "TopicShard": {"S": "evil_0"}, "OutstandingCreatedTime": {"N": "1"},
    }});
    outbox.postbox().embedded().unwrap().execute("PutItem", &item.to_string()).unwrap();
    assert_harmless(&outbox, &["list"]);
    assert_harmless(&outbox, &["delete", "--all", "--state", "outstanding", "--dry-run"]);
    assert_shown(&outbox.run(&["show", EVIL]), SHOWN);
    assert_shown(&outbox.run(&["delete", EVIL, "--yes"]), SHOWN);
}

#[test]
fn control_characters_in_error_messages_of_a_server_are_replaced() {
    let outbox = Outbox::new("evil-server");
    let error = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{EVIL}"), "message": EVIL});
    let server = CannedServer::start(move |_, _| dynamodb("400 Bad Request", &error));
    for arguments in [&["status"][..], &["list"], &["verify"], &["show", "m-1"], &["watch"], &["sweep", "--yes"]] {
        let run = Run::from(crate::at(&outbox, &server.url).args(arguments).output().unwrap());
        assert_eq!(run.code, Some(3), "{run:?}");
        assert_shown(&run, SHOWN);
    }
    assert!(server.requests() >= 6);
}
