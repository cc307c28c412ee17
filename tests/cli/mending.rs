//! `unpark`, `replay`, `archive` and `delete`.

use crate::reading::filled;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_parked_message_is_released() {
    let outbox = filled("unpark");
    assert_eq!(outbox.run(&["unpark", "--all", "--dry-run"]).done(), "greeting-3\n1 message would be released\n");
    outbox.run(&["unpark", "--all"]).failed(2, &["Make 1 message outstanding again?", "--yes"]);
    assert_eq!(outbox.run(&["unpark", "--all", "--topic", "other", "--yes"]).done(), "0 messages released\n");
    assert_eq!(outbox.run(&["unpark", "greeting-3"]).done(), "1 message released\n");
    assert_eq!(outbox.counts(), [3, 1, 0]);
    let again = outbox.run(&["unpark", "greeting-3"]);
    assert_eq!((again.code, again.out.as_str()), (Some(1), "0 messages released, 1 failed\n"));
    assert!(again.err.contains("message greeting-3 is not parked"), "{again:?}");
}

#[test]
fn a_dispatched_message_is_replayed() {
    let outbox = filled("replay");
    outbox.run(&["replay", "--all"]).failed(2, &["Send 1 message again?"]);
    let run = outbox.run(&["replay", "--all", "--younger-than", "1h", "--yes"]);
    assert_eq!(run.done(), "1 message outstanding again\n");
    assert_eq!(outbox.counts(), [3, 0, 1]);
    let missing = outbox.run(&["replay", "nobody"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains("message nobody: not found"), "{missing:?}");
    outbox.run(&["replay"]).failed(2, &["required"]);
    outbox.run(&["replay", "order-1", "--older-than", "1h"]).failed(2, &["require --all"]);
}

#[test]
fn messages_are_replayed_by_causation() {
    let outbox = filled("cause");
    let caused = ["deposit", "t", "-H", "id=effect", "-H", "causation_id=cause-1"];
    outbox.pipe(&caused, "x").done();
    outbox.run(&["clear", "effect", "--to", "stdout"]).done();
    outbox.run(&["replay", "--causation", "cause-1"]).failed(2, &["the causation id cause-1", "--yes"]);
    assert_eq!(outbox.run(&["replay", "--causation", "cause-1", "--yes"]).done(), "1 message outstanding again\n");
    assert_eq!(outbox.json(&["show", "effect"])["state"], "outstanding");
}

#[test]
fn dispatched_messages_are_archived_into_a_private_file() {
    let outbox = filled("archive");
    let file = outbox.path("archive.jsonl");
    let archive = |more: &[&str]| outbox.run(&[&["archive", "--file", file.as_str()], more].concat());
    archive(&["--older-than", "0s"]).failed(2, &["Move 1 message to", "--yes"]);
    assert_eq!(archive(&["--older-than", "0s", "--dry-run"]).done(), "order-1\n1 message would be archived\n");
    assert_eq!(archive(&["--yes"]).done(), format!("0 messages archived in {file}\n"));
    assert_eq!(archive(&["--older-than", "0s", "--yes"]).done(), format!("1 message archived in {file}\n"));
    assert_eq!(outbox.counts(), [2, 0, 1]);
    let kept: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(kept["MessageId"]["S"], "order-1");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    outbox.run(&["archive", "--file", "/no/such/directory/file", "--yes"]).failed(2, &["cannot be written"]);
}

#[test]
fn messages_are_deleted_only_in_the_given_state() {
    let outbox = filled("delete");
    outbox.run(&["delete", "greeting-3"]).failed(2, &["Delete 1 message permanently?", "--yes"]);
    outbox.run(&["delete", "--all", "--yes"]).failed(2, &["--state"]);
    let wrong = outbox.run(&["delete", "greeting-3", "nobody", "--state", "dispatched", "--yes"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(1), "0 messages deleted, 2 failed\n"));
    assert!(wrong.err.contains("greeting-3: not found, or not dispatched"), "{wrong:?}");
    assert_eq!(outbox.run(&["delete", "greeting-3", "-y"]).done(), "1 message deleted\n");
    let old = ["delete", "--all", "--state", "outstanding", "--older-than", "1d", "--yes"];
    assert_eq!(outbox.run(&old).done(), "1 message deleted\n");
    assert_eq!(outbox.counts(), [1, 1, 0]);
    outbox.run(&["show", "greeting-1"]).failed(1, &["the outbox has no message greeting-1"]);
}
