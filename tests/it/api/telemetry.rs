//! Spans, events and statistics, which use the names of OpenTelemetry and contain no secrets.

use crate::support::processes::in_own_process;
use crate::support::trace_recorder::TraceRecorder;
use crate::support::{PEOPLE, TestOutbox, item, text};
use postbox::{Message, Postbox, SendOutcome, producer_fn};

/// Installs a subscriber for the whole process.
#[test]
fn spans_and_events_use_opentelemetry_names_and_omit_bodies() {
    in_own_process(|| {
        let recorder = TraceRecorder::install();
        let world = TestOutbox::configured(|builder: postbox::Builder| {
            builder.producer("down", producer_fn(|_| SendOutcome::Retry("no line".into())))
        });
        let mut work = world.postbox.unit_of_work();
        work.put(PEOPLE, item([("Name", text("Ada")), ("Notes", text("hush-hush-item"))])).unwrap();
        let message = Message::new("t", "hush-hush-body").with_bag_entry("h", "hush-hush-bag").with_id("id-1");
        work.deposit_post(message.clone()).unwrap();
        work.commit().unwrap();
        world.clear(&["id-1"]);
        let mut again = world.postbox.unit_of_work();
        again.put(PEOPLE, item([("Name", text("Bob")), ("Notes", text("hush-hush-item"))])).unwrap();
        again.deposit_post(message).unwrap();
        again.commit().unwrap_err();
        let _ = world.postbox.post(Message::new("down", "hush-hush-body").with_id("id-2")).unwrap();
        let lines = recorder.lines_of_postbox();
        let has = |parts: &[&str]| lines.iter().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(
            has(&[
                "INFO postbox send",
                "messaging.destination.name=\"t\"",
                "messaging.message.id=\"id-1\"",
                "messaging.batch.message_count=1",
                "messaging.operation.type=\"send\"",
                "otel.kind=\"producer\""
            ]),
            "{lines:#?}"
        );
        assert!(
            has(&[
                "DEBUG postbox dynamodb",
                "db.system.name=\"aws.dynamodb\"",
                "db.operation.name=\"commit\"",
                "db.collection.name=\"brighter_outbox\"",
                "otel.kind=\"client\""
            ]),
            "{lines:#?}"
        );
        assert!(
            has(&[
                "WARN postbox",
                "messaging.destination.name=\"down\"",
                "messaging.message.id=\"id-2\"",
                "error.message=no line"
            ]),
            "{lines:#?}"
        );
        assert!(!lines.iter().any(|line| line.contains("hush")), "{lines:#?}");
        assert_statistics(&world.postbox);
    });
}

fn assert_statistics(postbox: &Postbox) {
    let stats = postbox.stats();
    assert_eq!((stats.deposited, stats.dispatched, stats.failed, stats.parked), (2, 1, 1, 0));
    assert_eq!(stats.duplicates_avoided, 1);
    let json = stats.to_json();
    assert_eq!(json["deposited"], 2);
    assert_eq!(json["outstanding"], serde_json::Value::Null);
    postbox.count_outstanding(None).unwrap();
    let json = postbox.stats().to_json();
    assert_eq!(json["outstanding"]["count"], 1);
    assert!(json["outstanding"]["oldest_age_ms"].is_u64(), "{json}");
}
