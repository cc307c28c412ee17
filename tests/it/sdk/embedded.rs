//! The embedded database in a file, which keeps its data and is readable for its owner only.

use crate::support::*;
use postbox::{EmbeddedDatabase, ErrorCode, MemoryProducer, Message, MessageState, Postbox};
use std::path::PathBuf;

/// Returns an unused path for this test.
fn fresh(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory.join("outbox.db")
}

fn open(path: &std::path::Path, producer: &MemoryProducer) -> Postbox {
    Postbox::builder().embedded_path(path.to_str().unwrap()).default_producer(producer.clone()).open().unwrap()
}

#[test]
fn a_database_file_keeps_its_data_between_runs() {
    let (path, producer) = (fresh("keeps"), MemoryProducer::new());
    let first = open(&path, &producer);
    create_people(&first);
    let mut work = first.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let left = work.deposit_post(Message::new("t", "left")).unwrap();
    work.commit().unwrap();
    let sent = first.post(Message::new("t", "sent")).unwrap().entries()[0].id.clone();
    first.close().unwrap();

    let second = open(&path, &producer);
    assert_eq!(second.get_item(PEOPLE, person("Ada")).unwrap(), Some(person("Ada")));
    assert_eq!(second.get_message(&sent).unwrap().unwrap().state, MessageState::Dispatched);
    assert!(second.clear_outbox(&[left]).unwrap().is_success());
    let bodies: Vec<_> = producer.sent().iter().map(|message| message.body().to_vec()).collect();
    assert_eq!(bodies, [b"sent", b"left"]);
    drop(second);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[cfg(unix)]
#[test]
fn database_files_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let path = fresh("mode");
    let postbox = open(&path, &MemoryProducer::new());
    postbox.deposit_post(Message::new("t", "private")).unwrap();
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?} has mode {mode:o}", entry.file_name());
    }
    drop(postbox);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

/// Another copy of SQLite in the process removes the log when it closes the file.
#[test]
fn nothing_is_written_after_the_log_of_the_database_was_removed() {
    let path = fresh("log");
    let producer = MemoryProducer::new();
    let postbox = open(&path, &producer);
    let log = path.with_file_name("outbox.db-wal");
    let hidden = path.with_file_name("hidden");
    postbox.deposit_post(Message::new("t", "before")).unwrap();
    std::fs::rename(&log, &hidden).unwrap();
    let mut work = postbox.unit_of_work();
    work.deposit_post(Message::new("t", "after")).unwrap();
    let error = work.commit().unwrap_err();
    assert!(error.message().contains("outbox.db-wal was removed"), "{error}");
    assert!(!error.is_retryable(), "{error}");
    assert!(postbox.count_outstanding(None).is_err());
    std::fs::rename(&hidden, &log).unwrap();
    assert_eq!(postbox.count_outstanding(None).unwrap().count, 1);
    drop(postbox);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn an_unusable_database_file_is_named() {
    let path = fresh("unusable");
    std::fs::write(&path, "this is no database, however long the text of it may be".repeat(100)).unwrap();
    for path in [path.to_str().unwrap(), "/nowhere/at/all/outbox.db", env!("CARGO_TARGET_TMPDIR")] {
        let error = Postbox::builder().embedded_path(path).open().unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::EmbeddedUnavailable, false), "{error}");
        assert!(error.message().contains(path), "{error}");
    }
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn clones_of_a_database_share_their_data() {
    let database = EmbeddedDatabase::open(":memory:").unwrap();
    let one = Postbox::builder().embedded(database.clone()).open().unwrap();
    let two = Postbox::builder().embedded(database).open().unwrap();
    let other = Postbox::builder().embedded_path(":memory:").open().unwrap();
    let id = one.deposit_post(Message::new("t", "")).unwrap();
    assert!(two.get_message(&id).unwrap().is_some());
    assert!(other.get_message(&id).unwrap().is_none());
}
