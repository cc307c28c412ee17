//! `deposit`, `clear` and `sweep`, and a sweep that is interrupted.

use crate::{Outbox, interrupt};
use postbox::Message;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

fn fill(outbox: &Outbox, count: usize) {
    let messages: Vec<Message> = (0..count).map(|n| Message::new("t", "x").with_id(format!("m-{n:05}"))).collect();
    outbox.postbox().deposit_posts(&messages).unwrap();
}

/// Returns the ids of printed messages.
fn ids(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let id = |line: String| {
        let message: serde_json::Value = serde_json::from_str(&line).unwrap();
        message["id"].as_str().unwrap().to_owned()
    };
    lines.into_iter().map(id).collect()
}

#[test]
fn deposited_messages_are_sent() {
    let outbox = Outbox::new("deposit");
    let id = outbox.pipe(&["deposit", "greeting.made", "-H", "id=a-1", "-H", "bag.tenant=42"], "Hello").done();
    assert_eq!(id, "a-1\n");
    let file = outbox.path("body");
    std::fs::write(&file, [0xff, 0xfe]).unwrap();
    let bytes = outbox.run(&["deposit", "greeting.made", &file, "-H", "content_type=application/octet-stream"]).done();
    let lines = outbox.pipe(&["deposit", "lines", "--lines"], "one\ntwo\n\nthree").done();
    assert_eq!(lines.lines().count(), 3);
    assert_eq!(outbox.counts(), [5, 0, 0]);

    let cleared = outbox.run(&["clear", "a-1", "--to", "stdout"]);
    assert_eq!(cleared.err, "1 message sent\n");
    let message: serde_json::Value = serde_json::from_str(&cleared.out).unwrap();
    assert_eq!((&message["body"], &message["bag"]["tenant"]), (&"Hello".into(), &"42".into()));
    let again = outbox.run(&["clear", "a-1", "--to", "stdout"]);
    assert_eq!((again.out.as_str(), again.err.as_str()), ("", "0 messages sent, 1 already dispatched\n"));

    let swept = outbox.run(&["sweep", "--to", "stdout", "--older-than", "0s", "--yes"]).done();
    assert_eq!(swept.lines().count(), 4);
    assert!(swept.contains(bytes.trim()) && swept.contains("\"body_hex\":\"fffe\""), "{swept}");
    assert_eq!(outbox.counts(), [0, 5, 0]);
}

#[test]
fn a_message_without_a_route_stays() {
    let outbox = Outbox::new("no-route");
    fill(&outbox, 2);
    let run = outbox.run(&["clear", "m-00001"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), "0 messages sent, 1 failed\n"));
    assert!(run.err.contains("message m-00001: no route for its topic"), "{run:?}");
    let run = outbox.run(&["sweep", "--yes", "--older-than", "0s"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), "0 messages sent\n"), "{run:?}");
    assert!(run.err.contains("topic t: no route for it, so its messages stay outstanding"), "{run:?}");
    assert_eq!(outbox.counts(), [2, 0, 0]);
}

#[test]
fn a_sweep_asks_first_and_leaves_recent_messages() {
    let outbox = Outbox::new("asks");
    fill(&outbox, 3);
    let sweep = ["sweep", "--to", "stdout", "--older-than", "0s"];
    outbox.run(&sweep).failed(2, &["Send up to 3 messages?", "--yes"]);
    let dry = outbox.run(&["sweep", "--older-than", "0s", "--dry-run"]).done();
    assert_eq!(dry, "m-00000\nm-00001\nm-00002\n3 messages would be sent\n");
    assert_eq!(outbox.run(&["sweep", "--older-than", "1h", "--dry-run"]).done(), "0 messages would be sent\n");
    assert_eq!(outbox.run(&["sweep", "--to", "stdout", "--older-than", "1h", "--yes"]).done(), "");
    assert_eq!(outbox.counts(), [3, 0, 0]);
    assert_eq!(outbox.run(&[&sweep[..], &["--topic", "other", "--yes"]].concat()).done(), "");
    assert_eq!(outbox.run(&[&sweep[..], &["--topic", "t", "-y"]].concat()).done().lines().count(), 3);
}

#[test]
fn ids_can_come_from_a_pipe() {
    let outbox = Outbox::new("ids");
    fill(&outbox, 4);
    let run = outbox.pipe(&["clear", "-", "--to", "stdout", "--yes"], "m-00002\n\nm-00000\n");
    assert_eq!(ids(run.done().lines().map(str::to_owned)), ["m-00002", "m-00000"]);
    outbox.pipe(&["clear", "-", "--to", "stdout"], "m-00001\nm-00003\n").failed(2, &["Send 2 messages?", "--yes"]);
}

#[test]
fn lists_of_windows_editors_are_read() {
    let outbox = Outbox::new("windows");
    fill(&outbox, 3);
    let list = "\u{feff}m-00002\r\n\r\nm-00000\r\nm-00001";
    let run = outbox.pipe(&["clear", "-", "--to", "stdout", "--yes"], list);
    assert_eq!(ids(run.done().lines().map(str::to_owned)), ["m-00002", "m-00000", "m-00001"]);
    let stored = outbox.pipe(&["deposit", "t", "--lines"], "\u{feff}one\r\ntwo").done();
    let body = |id| outbox.run(&["show", id, "--body"]).done();
    assert_eq!(stored.lines().map(body).collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn a_transport_failure_is_distinguished_from_a_message_failure() {
    let outbox = Outbox::new("down");
    fill(&outbox, 2);
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let down = outbox.command(&["sweep", "--to", "stdout", "--older-than", "0s", "--yes"]).stdout(full()).output();
    let down = crate::Run::from(down.unwrap());
    assert_eq!(down.code, Some(3), "{down:?}");
    assert!(down.err.contains("message m-00000: not sent: stdout cannot be written"), "{down:?}");
    assert_eq!(outbox.counts(), [2, 0, 0]);
    // The message waits for its next attempt until it is replayed.
    let waiting = outbox.run(&["clear", "m-00000", "--to", "stdout"]);
    assert!(waiting.code == Some(3) && waiting.err.contains("message m-00000: held back: "), "{waiting:?}");
    outbox.run(&["replay", "m-00000", "--yes"]).done();
    let missing = outbox.run(&["clear", "m-00000", "nobody", "--to", "stdout", "--yes"]);
    assert_eq!((missing.code, missing.out.lines().count()), (Some(1), 1), "{missing:?}");
    assert!(missing.err.contains("message nobody: not found"), "{missing:?}");
}

#[test]
fn a_paused_topic_is_shown_by_the_sweep_and_the_status() {
    let outbox = Outbox::new("paused");
    fill(&outbox, 40);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let down = outbox.command(&["sweep", "--to", "stdout", "--older-than", "0s", "--yes"]).stdout(full).output();
    let down = crate::Run::from(down.unwrap());
    assert!(down.err.contains("topic t is paused for another "), "{down:?}");
    let status = outbox.run(&["status"]).done();
    assert!(status.contains("topic t is paused for another ") && status.contains("cannot be sent"), "{status}");
    let lease = &outbox.json(&["status"])["leases"][0];
    assert_eq!((&lease["topic"], &lease["paused"]), (&"t".into(), &"transport".into()));
}

#[test]
fn an_interrupted_sweep_has_marked_only_sent_messages() {
    const MESSAGES: usize = 3000;
    let outbox = Outbox::new("interrupted");
    fill(&outbox, MESSAGES);
    let sweep = ["sweep", "--to", "stdout", "--older-than", "0s", "--yes"];
    let mut child = outbox.command(&sweep).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The first line shows that the sweep is running. It cannot end, because the pipe is too small for all messages.
    let first = lines.next().unwrap();
    interrupt(&child);
    let mut sent = ids([first]);
    sent.extend(ids(lines));
    let run = crate::Run::from(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.err.contains("interrupted") && run.err.contains("not sent"), "{run:?}");
    assert!(sent.len() < MESSAGES, "the sweep was not interrupted");
    assert_eq!(outbox.counts(), [(MESSAGES - sent.len()) as u64, sent.len() as u64, 0]);

    let rest = ids(outbox.run(&sweep).done().lines().map(str::to_owned));
    assert_eq!(sent.len() + rest.len(), MESSAGES, "none is sent twice");
    assert_eq!(sent.into_iter().chain(rest).collect::<BTreeSet<_>>().len(), MESSAGES, "and none is lost");
}

#[test]
fn two_sweeps_exclude_each_other() {
    let outbox = Outbox::new("lease");
    fill(&outbox, 3000);
    let sweep = ["sweep", "--to", "stdout", "--older-than", "0s", "--yes"];
    let mut child = outbox.command(&sweep).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.next().unwrap();
    let status = outbox.run(&["status", "--outstanding"]).done();
    assert!(status.contains("brighter_outbox_OutboxSweeper is held by "), "{status}");
    outbox.run(&sweep).failed(1, &["another sweeper holds the lease", "nothing was sent"]);
    assert_eq!(lines.count(), 2999);
    assert!(child.wait().unwrap().success());
}
