//! A server whose pages do not end, because it repeats its responses. It holds neither a sweep, an archiver nor a list.

use crate::support::canned::{CannedServer, dynamodb};
use crate::support::http::configure;
use crate::support::processes::in_own_process;
use crate::support::trace_recorder::TraceRecorder;
use postbox::{Archive, Error, MemoryProducer, MessageState, Postbox, StoredMessage};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The pages of a server without end.
#[derive(Clone, Copy)]
struct Pages {
    /// The number of different pages.
    cycle: usize,
    /// Whether each page has the same message.
    have_message: bool,
}

impl Pages {
    fn page(self, number: usize) -> Value {
        let item = json!({
            "MessageId": {"S": "m-1"}, "Topic": {"S": "t"}, "TopicShard": {"S": "t_0"},
            "OutstandingCreatedTime": {"N": "1"}, "DeliveryTime": {"N": "1"},
        });
        let items = if self.have_message { vec![item.clone()] } else { Vec::new() };
        let mut last = item;
        last["MessageId"] = json!({"S": format!("m-{}", number % self.cycle)});
        json!({"Items": items, "Count": items.len(), "ScannedCount": 1, "LastEvaluatedKey": last})
    }
}

const PAGES: [Pages; 4] = [
    Pages { cycle: 1, have_message: false },
    Pages { cycle: 3, have_message: false },
    Pages { cycle: 1, have_message: true },
    Pages { cycle: 3, have_message: true },
];

/// Opens a Postbox on a server whose responses to this operation on this index do not end. The index by topic has one message
/// otherwise, and each other response is empty.
fn open(operation: &'static str, index: &'static str, pages: Pages) -> (Postbox, CannedServer) {
    let number = AtomicUsize::new(0);
    let server = CannedServer::start(move |asked, body| {
        let body: Value = serde_json::from_str(body).unwrap();
        let mut found = Pages { cycle: 1, have_message: true }.page(0);
        found.as_object_mut().unwrap().remove("LastEvaluatedKey");
        let response = match (asked, body["IndexName"].as_str()) {
            (asked, Some(asked_index)) if (asked, asked_index) == (operation, index) => {
                pages.page(number.fetch_add(1, Ordering::SeqCst))
            }
            ("Scan", Some("Outstanding" | "Delivered")) => found,
            _ => json!({}),
        };
        dynamodb("200 OK", &response)
    });
    let builder = Postbox::builder().default_producer(MemoryProducer::new()).max_request_attempts(1);
    (configure(builder, &server.url).open().unwrap(), server)
}

/// Checks that the runs make few requests, and that their errors or warnings are about this read.
fn ends(runs: usize, operation: &'static str, index: &'static str, run: impl Fn(&Postbox) -> Result<(), Error>) {
    let trace = TraceRecorder::install();
    for (position, pages) in PAGES.into_iter().enumerate() {
        let (postbox, server) = open(operation, index, pages);
        let mut reported: Vec<String> =
            (0..runs).filter_map(|_| run(&postbox).err()).map(|error| error.to_string()).collect();
        reported.extend(trace.take().into_iter().filter(|line| line.starts_with("WARN")));
        let text = format!("{operation} on index {index} of table brighter_outbox does not end");
        assert!(reported.iter().any(|line| line.contains(&text)), "{position}: {reported:?}");
        assert!(server.requests() < runs * 300, "{position}: {}", server.requests());
    }
}

fn sweep(postbox: &Postbox) -> Result<(), Error> {
    postbox.sweep().map(drop)
}

/// An archive that keeps every message.
struct Kept;

impl Archive for Kept {
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>> {
        vec![Ok(()); batch.len()]
    }
}

fn archive(postbox: &Postbox) -> Result<(), Error> {
    postbox.archive(&Kept).map(drop)
}

#[test]
fn a_sweep_ends_although_the_index_of_outstanding_messages_does_not() {
    in_own_process(|| ends(3, "Scan", "Outstanding", sweep));
}

#[test]
fn a_sweep_ends_although_a_shard_does_not() {
    in_own_process(|| ends(3, "Query", "Outstanding", sweep));
}

#[test]
fn an_archiver_ends_although_the_index_of_dispatched_messages_does_not() {
    in_own_process(|| ends(3, "Scan", "Delivered", archive));
}

#[test]
fn an_archiver_ends_although_a_shard_does_not() {
    in_own_process(|| ends(3, "Query", "Delivered", archive));
}

#[test]
fn a_sweep_ends_although_the_index_of_all_topics_does_not() {
    // Every twelfth sweep reads a page of this index.
    in_own_process(|| ends(12 * 9, "Scan", "OutstandingAllTopics", sweep));
}

/// Each page is full, so that each is read by a call of its own, which continues from the cursor of the last.
#[test]
fn a_list_ends_although_its_pages_do_not() {
    let number = AtomicUsize::new(0);
    let server = CannedServer::start(move |_, body| {
        let pages = Pages { cycle: 3, have_message: true };
        let mut page = pages.page(number.fetch_add(1, Ordering::SeqCst));
        let limit = serde_json::from_str::<Value>(body).unwrap()["Limit"].as_u64().unwrap();
        page["Items"] = vec![page["Items"][0].clone(); limit as usize].into();
        dynamodb("200 OK", &page)
    });
    let postbox = configure(Postbox::builder(), &server.url).open().unwrap();
    for topic in [None, Some("t")] {
        let last = postbox.messages(MessageState::Outstanding, topic).take(10_000).last().unwrap();
        assert!(last.unwrap_err().message().contains("does not end"));
    }
}
