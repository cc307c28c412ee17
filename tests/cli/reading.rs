//! The output of `status`, `list`, `show`, `create-table` and `verify` in 80 columns.

use crate::{Outbox, aged, assert_expected};
use postbox::{MemoryProducer, Message, Postbox, SendOutcome, producer_fn};
use std::time::{Duration, SystemTime};

/// Stores two outstanding messages, a dispatched one and a parked one.
pub fn filled(name: &str) -> Outbox {
    let outbox = Outbox::new(name);
    let postbox = outbox.open(Postbox::builder().default_producer(MemoryProducer::new()));
    for message in [
        aged("greeting-1", 50).with_partition_key("Ada"),
        aged("greeting-2", 2),
        aged("greeting-3", 26).with_partition_key("Grace"),
        Message::new("orders.placed", "an order").with_id("order-1"),
    ] {
        postbox.deposit_post(message).unwrap();
    }
    postbox.clear_outbox(&["order-1"]).unwrap().into_result().unwrap();
    drop(postbox);
    outbox.park("greeting-3");
    outbox
}

#[test]
fn status_and_lists_fit_eighty_columns() {
    let outbox = filled("lists");
    let shown = |arguments: &[&str]| {
        let run = outbox.command(arguments).env("COLUMNS", "80").output().unwrap();
        let text = crate::Run::from(run).done();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        text
    };
    assert_expected("status.txt", &shown(&["status"]));
    assert_expected("status-outstanding.txt", &shown(&["status", "--outstanding"]));
    assert_expected("list.txt", &shown(&["list"]));
    assert_expected("list-parked.txt", &shown(&["list", "--state", "parked"]));
}

#[test]
fn colours_are_off_in_a_pipe_unless_forced() {
    let outbox = filled("colours");
    let list = |variables: &[(&str, &str)]| {
        let mut command = outbox.command(&["list", "--state", "parked"]);
        command.envs(variables.iter().copied()).env("COLUMNS", "80");
        crate::Run::from(command.output().unwrap()).done()
    };
    assert!(!list(&[]).contains('\x1b'));
    assert!(!list(&[("NO_COLOR", "1")]).contains('\x1b'));
    assert_expected("list-parked-colours.txt", &list(&[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn json_output_has_the_same_content() {
    let outbox = filled("json");
    assert_eq!(outbox.counts(), [2, 1, 1]);
    let list = outbox.json(&["list"]);
    let ids: Vec<&str> = list["messages"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["greeting-1", "greeting-2"]);
    assert_eq!(list["messages"][0]["body"], "Hello greeting-1");
    let parked = outbox.json(&["show", "greeting-3"]);
    assert_eq!(parked["state"], "parked");
    assert_eq!(parked["last_error"], "too large for the queue");
    assert_eq!(parked["dispatch_attempts"], 1);
}

#[test]
fn lists_are_filtered_by_topic_and_age() {
    let outbox = filled("filters");
    let ids = |arguments: &[&str]| {
        let list = outbox.json(&[&["list"], arguments].concat());
        list["messages"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["--older-than", "3h"]), ["greeting-1"]);
    assert_eq!(ids(&["--younger-than", "3h"]), ["greeting-2"]);
    assert_eq!(ids(&["--older-than", "1h", "--younger-than", "3h"]), ["greeting-2"]);
    assert_eq!(ids(&["--state", "dispatched", "--topic", "orders.placed"]), ["order-1"]);
    assert_eq!(ids(&["--state", "dispatched", "--topic", "greeting.made"]), [""; 0]);
}

#[test]
fn age_of_a_dispatched_message_counts_from_its_dispatch() {
    let outbox = Outbox::new("dispatch-age");
    let postbox = outbox.postbox();
    for message in [aged("created-before", 50), aged("sent-before", 50)] {
        postbox.deposit_post(message).unwrap();
    }
    let three_hours_ago = SystemTime::now() - Duration::from_secs(3 * 3600);
    postbox.mark_dispatched(&["created-before"]).unwrap().into_result().unwrap();
    postbox.mark_dispatched_at(&["sent-before"], three_hours_ago).unwrap().into_result().unwrap();
    drop(postbox);
    for topic in [&[][..], &["--topic", "greeting.made"]] {
        let ids = |arguments: &[&str]| {
            let list = outbox.json(&[&["list", "--state", "dispatched"], topic, arguments].concat());
            list["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&["--older-than", "1h"]), ["sent-before"]);
        assert_eq!(ids(&["--younger-than", "1h"]), ["created-before"]);
        assert_eq!(ids(&["--older-than", "4h"]), [""; 0]);
        let replay = outbox.run(&[&["replay", "--all", "--older-than", "1h", "--dry-run"], topic].concat());
        assert_eq!(replay.done(), "sent-before\n1 message would be sent again\n");
    }
    outbox.run(&["list", "--older-than", "2h", "--younger-than", "1h"]).failed(2, &["the selection is impossible"]);
    let delete = ["delete", "--all", "--state", "dispatched", "--older-than", "1h", "--yes"];
    assert_eq!(outbox.run(&delete).done(), "1 message deleted\n");
    assert!(outbox.run(&["delete", "--help"]).done().contains("from its dispatch"));
}

#[test]
fn a_list_continues_at_its_cursor() {
    let outbox = Outbox::new("cursor");
    let messages: Vec<Message> = (0..25).map(|n| Message::new("t", "x").with_id(format!("{n:02}"))).collect();
    outbox.postbox().deposit_posts(&messages).unwrap();
    let mut ids = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut arguments = vec!["list", "--limit", "10"];
        arguments.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor.as_str()]));
        let page = outbox.json(&arguments);
        let messages = page["messages"].as_array().unwrap();
        assert!(messages.len() <= 10);
        ids.extend(messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    ids.sort();
    assert_eq!(ids, (0..25).map(|n| format!("{n:02}")).collect::<Vec<_>>());
}

#[test]
fn a_message_is_shown_as_text_or_as_bytes() {
    let outbox = Outbox::new("show");
    let text = Message::new("greeting.made", "Hello\nAda").with_id("text");
    let text = text.with_bag_entry("tenant", "42").with_partition_key("evil \x1b[2J key");
    let bytes: Vec<u8> = (0..40).map(|n| n * 6).collect();
    let postbox = outbox.postbox();
    let octets = Message::new("greeting.made", bytes.clone()).with_content_type("application/octet-stream");
    for message in [text, octets.with_id("bytes")] {
        let mut message = message;
        message.set_header("created_at", "2026-01-31T12:00:00.000Z").unwrap();
        postbox.deposit_post(message).unwrap();
    }
    assert_expected("show-text.txt", &outbox.run(&["show", "text"]).done());
    assert_expected("show-bytes.txt", &outbox.run(&["show", "bytes"]).done());
    assert!(outbox.run(&["show", "text", "--hex"]).done().contains("48 65 6c 6c 6f 0a"));
    let raw = outbox.command(&["show", "bytes", "--body"]).output().unwrap();
    assert_eq!(raw.stdout, bytes);
}

#[test]
fn status_lists_the_sweepers_and_warns_if_there_is_none() {
    let outbox = Outbox::new("sweepers");
    let old = SystemTime::now() - Duration::from_secs(3600);
    outbox.postbox().deposit_post(Message::new("t", "x").with_created_at(old)).unwrap();
    let warning = "the oldest outstanding message is 1h 0m old, and no process of Postbox has swept for a day";
    let run = outbox.run(&["status"]);
    assert!(run.err.contains(warning), "{run:?}");
    assert!(outbox.json(&["status"])["warning"].as_str().unwrap().starts_with(warning));
    outbox.run(&["sweep", "--yes", "--to", "stdout"]).done();
    outbox.postbox().deposit_post(Message::new("t", "x").with_created_at(old)).unwrap();
    let run = outbox.run(&["status"]);
    assert!(run.out.contains(" swept 0s ago (all topics)") && run.err.is_empty(), "{run:?}");
    let sweeper = &outbox.json(&["status"])["sweepers"][0];
    assert_eq!((&sweeper["topics"][0], &sweeper["last_error"]), (&"*".into(), &serde_json::Value::Null));
}

#[test]
fn the_table_is_created_and_verified() {
    let outbox = Outbox::new("table");
    assert_eq!(outbox.run(&["create-table"]).done(), "table brighter_outbox exists and can be used\n");
    let verified = outbox.run(&["verify", "--table", "brighter_outbox"]).done();
    let (first, warning) = verified.split_once('\n').unwrap();
    assert_eq!(first, "table brighter_outbox has the keys and indexes of an outbox");
    assert!(warning.starts_with("warning: lock table: "), "no process has swept yet: {warning}");
    let verified = outbox.json(&["verify"]);
    assert_eq!(verified["has_causation_index"], true);
    assert_eq!(verified["warnings"][0]["subject"], "lock table");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let outbox = filled("pipe");
    let script = "\"$0\" list | true; echo ${PIPESTATUS[0]}";
    let mut command = std::process::Command::new("bash");
    command.args(["-c", script, env!("CARGO_BIN_EXE_postbox")]).env("POSTBOX_EMBEDDED_DB", outbox.file());
    let run = crate::Run::from(command.output().unwrap());
    assert!(run.out == "141\n" || run.out == "0\n", "{run:?}");
    assert_eq!(run.err, "");
}

/// Deposits a message that its producer fails to send, and a message whose creation time is 12 hours ahead.
fn troubled(name: &str) -> Outbox {
    let outbox = Outbox::new(name);
    let failing = producer_fn(|_| SendOutcome::Retry("HTTP 503 from the target".into()));
    let postbox = outbox.open(Postbox::builder().producer("orders.placed", failing).sweep_min_age(Duration::ZERO));
    postbox.deposit_post(Message::new("orders.placed", "an order").with_id("order-1")).unwrap();
    let _ = postbox.sweep().unwrap();
    let later = SystemTime::now() + Duration::from_secs(12 * 3600);
    let ahead = Postbox::builder().max_ahead(Duration::from_secs(24 * 3600));
    let message = Message::new("bills", "a bill").with_id("bill-1").with_created_at(later);
    drop(postbox);
    outbox.open(ahead).deposit_post(message).unwrap();
    outbox
}

#[test]
fn status_and_watch_say_why_messages_are_not_sent() {
    let outbox = troubled("troubled");
    let status = outbox.run(&["status"]).done();
    let watch = outbox.run(&["watch", "--count", "1"]).done();
    for text in [&status, &watch] {
        assert!(
            text.contains("topic orders.placed: 1 of its messages could not be sent, the first one since"),
            "{text}"
        );
        assert!(text.contains("HTTP 503 from the target"), "{text}");
        assert!(text.contains("topic orders.placed: 1 of its messages wait, the first one for another"), "{text}");
        assert!(text.contains("topic bills: 1 of its messages have a time too far in the future"), "{text}");
    }
    let json = outbox.json(&["status"]);
    let [bills, orders] = json["topics"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!((&bills["invalid_times"], &bills["failing"]), (&1.into(), &0.into()));
    assert_eq!((&orders["waiting"], &orders["failing"]), (&1.into(), &1.into()));
    assert_eq!(orders["last_error"], "HTTP 503 from the target");
    let notices = outbox.json(&["watch", "--count", "1"])["notices"].as_array().unwrap().len();
    assert_eq!(notices, 3);
}
