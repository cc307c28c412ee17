//! Messages through SNS and SQS of a server process, with and without failures.

use crate::support::fault::Fault;
use crate::support::faults::Faults;
use crate::support::moto::{Moto, attributes, bodies};
use crate::support::partial_failure::PartialFailure;
use crate::support::*;
use aws_smithy_http_client::Builder as HttpClient;
use postbox::{Builder, DispatchOutcome, ErrorCode, Message, MessageState, Postbox};
use serde_json::Value;
use std::sync::mpsc;
use std::time::Duration;

/// Opens a Postbox on a new embedded database, with transports to this server.
fn open(moto: &Moto, configure: impl FnOnce(Builder) -> Builder) -> Postbox {
    configure(moto.configure(Postbox::builder().embedded_path(":memory:"))).open().unwrap()
}

/// Deposits messages and returns their ids.
fn deposit(postbox: &Postbox, messages: &[Message]) -> Vec<String> {
    postbox.deposit_posts(messages).unwrap()
}

/// Deposits and clears messages, and fails the test if one is not sent.
fn post(postbox: &Postbox, messages: &[Message]) {
    let report = postbox.clear_outbox(&deposit(postbox, messages)).unwrap();
    assert!(report.is_success(), "{report:?}");
}

/// Returns messages with bodies `0`, `1`, ... and each of the keys in turn.
fn keyed(count: usize, keys: &[&str]) -> Vec<Message> {
    let key = |n: usize| keys[n % keys.len()];
    messages(count).into_iter().enumerate().map(|(n, message)| message.with_partition_key(key(n))).collect()
}

/// Sorts bodies by their numbers.
fn sorted(mut bodies: Vec<String>) -> Vec<String> {
    bodies.sort_by_key(|body| body.parse::<usize>().unwrap());
    bodies
}

fn state(postbox: &Postbox, id: &str) -> MessageState {
    postbox.get_message(id).unwrap().unwrap().state
}

#[test]
fn a_queue_is_addressed_by_url_name_or_arn() {
    let moto = Moto::start();
    let url = moto.create_queue("orders");
    for target in [format!("sqs:{url}"), "sqs:orders".into(), format!("sqs:{}", moto.queue_arn("orders"))] {
        let postbox = open(&moto, |builder| builder.route("t", &target));
        post(&postbox, &messages(25));
        let received = moto.drain(&url);
        assert_eq!(sorted(bodies(&received)), numbers(0..25), "{target}");
        let sent = attributes(&received[0]);
        assert_eq!((sent["topic"].as_str(), sent.len()), (url.as_str(), 7), "{sent:?}");
    }
}

#[test]
fn a_queue_url_needs_no_endpoint() {
    let moto = Moto::start();
    let url = moto.create_queue("orders");
    let postbox = open(&moto, |builder| builder.transport_endpoint_url("").route("t", &format!("sqs:{url}")));
    post(&postbox, &messages(1));
    assert_eq!(bodies(&moto.drain(&url)), ["0"]);
}

#[test]
fn a_topic_delivers_raw_and_enveloped_messages() {
    let moto = Moto::start();
    let topic = moto.create_topic("greetings");
    let raw = moto.subscribe(&topic, "raw", true);
    let enveloped = moto.subscribe(&topic, "enveloped", false);
    for target in ["sns:greetings".to_owned(), format!("sns:{topic}")] {
        let postbox = open(&moto, |builder| builder.route("t", &target));
        let greeting = Message::new("t", "Hello").with_id("m-1").with_subject("A greeting").with_correlation_id("c-1");
        post(&postbox, &[greeting]);
        let received = moto.drain(&raw);
        assert_eq!(bodies(&received), ["Hello"]);
        let sent = attributes(&received[0]);
        assert_eq!((sent["id"].as_str(), &sent["topic"], sent["correlation-id"].as_str()), ("m-1", &topic, "c-1"));

        let received = moto.drain(&enveloped);
        let envelope: Value = serde_json::from_str(received[0].body().unwrap()).unwrap();
        assert_eq!((&envelope["Message"], &envelope["Subject"]), (&"Hello".into(), &"A greeting".into()));
        assert_eq!(envelope["MessageAttributes"]["message-type"]["Type"], "String");
        assert_eq!(envelope["MessageAttributes"]["message-type"]["Value"], "MT_EVENT");

        post(&postbox, &messages(25));
        assert_eq!(sorted(bodies(&moto.drain(&raw))), numbers(0..25));
        assert_eq!(moto.drain(&enveloped).len(), 25);
    }
}

#[test]
fn a_topic_on_a_later_page_is_found_and_cached() {
    let moto = Moto::start();
    for n in 0..120 {
        moto.create_topic(&format!("topic-{n}"));
    }
    let queue = moto.subscribe(&moto.create_topic("last"), "last", true);
    let faults = Faults::new(HttpClient::new().build_http());
    let client = faults.clone();
    let postbox = open(&moto, |builder| builder.transport_http_client(client).route("t", "sns:last"));
    post(&postbox, &messages(1));
    post(&postbox, &messages(1));
    assert_eq!(moto.drain(&queue).len(), 2);
    // Two requests list the topics, and two requests send batches.
    assert_eq!(faults.requests().len(), 4);
}

#[test]
fn missing_targets_are_created_on_request() {
    let moto = Moto::start();
    for target in ["sns:made", "sns:made.fifo", "sqs:made", "sqs:made.fifo"] {
        let careful = open(&moto, |builder| builder.route("t", target));
        let ids = deposit(&careful, &keyed(1, &["a"]));
        let report = careful.clear_outbox(&ids).unwrap();
        assert_eq!(outcomes(&report), [DispatchOutcome::Failed]);
        let detail = &report.entries()[0].detail;
        assert!(detail.contains("made") && detail.contains("create_missing_targets"), "{detail}");
        assert_eq!(state(&careful, &ids[0]), MessageState::Outstanding);

        post(&open(&moto, |builder| builder.create_missing_targets(true).route("t", target)), &keyed(1, &["a"]));
        assert!(careful.clear_outbox(&ids).unwrap().is_success());
    }
    let queue = |name: &str| moto.run(moto.sqs.get_queue_url().queue_name(name).send()).queue_url.unwrap();
    assert_eq!(moto.drain(&queue("made")).len(), 2);
    assert_eq!(moto.drain(&queue("made.fifo")).len(), 2);
}

#[test]
fn fifo_keeps_the_order_of_each_group_drops_duplicates_and_takes_replays() {
    let moto = Moto::start();
    let topic = moto.create_topic("orders.fifo");
    let subscribed = moto.subscribe(&topic, "subscribed.fifo", true);
    let direct = moto.create_queue("direct.fifo");
    for (target, queue) in [(format!("sns:{topic}"), &subscribed), ("sqs:direct.fifo".into(), &direct)] {
        let postbox = open(&moto, |builder| builder.route("t", &target));
        let ids = deposit(&postbox, &keyed(24, &["a", "b", "c d"]));
        let rows: Vec<_> = ids.iter().map(|id| postbox.get_item(OUTBOX, message_key(id)).unwrap()).collect();
        assert!(postbox.clear_outbox(&ids).unwrap().is_success());
        // The messages are sent again, as after a crash before they were marked, and a third time because they are replayed.
        for row in rows {
            sdk(&postbox, |client| async move { client.put_item().table_name(OUTBOX).set_item(row).send().await });
        }
        assert!(postbox.clear_outbox(&ids).unwrap().is_success());
        let _ = postbox.replay(&ids).unwrap();
        assert!(postbox.clear_outbox(&ids).unwrap().is_success());
        let received = moto.drain(queue);
        assert_eq!(received.len(), 2 * 24, "{target}");
        for remainder in 0..3 {
            let of_group = |body: &String| body.parse::<usize>().unwrap() % 3 == remainder;
            let found: Vec<_> = bodies(&received).into_iter().filter(of_group).collect();
            let (first, replayed) = found.split_at(8);
            assert_eq!(first, sorted(first.to_vec()), "{target}");
            assert_eq!(replayed, first, "{target}");
        }
        let without_key = deposit(&postbox, &messages(1));
        let report = postbox.clear_outbox(&without_key).unwrap();
        assert_eq!(outcomes(&report), [DispatchOutcome::Rejected]);
        assert!(report.entries()[0].detail.contains("partition_key"), "{report:?}");
    }
}

#[test]
fn a_message_over_256_kb_is_parked_alone() {
    let moto = Moto::start();
    let topic = moto.create_topic("large");
    let queue = moto.subscribe(&topic, "large", true);
    let postbox = open(&moto, |builder| builder.route("t", &format!("sns:{topic}")));
    let large = Message::new("t", "x".repeat(256 * 1024)).with_id("large");
    let hundred_kilobytes = "y".repeat(100 * 1024);
    let ids = deposit(
        &postbox,
        &[
            Message::new("t", "0"),
            large,
            Message::new("t", hundred_kilobytes.clone()),
            Message::new("t", hundred_kilobytes.clone()),
            Message::new("t", hundred_kilobytes),
        ],
    );
    let report = postbox.clear_outbox(&ids).unwrap();
    use DispatchOutcome::{Dispatched, Rejected};
    assert_eq!(outcomes(&report), [Dispatched, Rejected, Dispatched, Dispatched, Dispatched]);
    assert!(report.entries()[1].detail.contains("maximum of 262144"), "{report:?}");
    assert_eq!(state(&postbox, "large"), MessageState::Parked);
    assert_eq!(moto.drain(&queue).len(), 4);
}

#[test]
fn no_message_is_lost_when_the_server_restarts() {
    let mut moto = Moto::alone();
    let url = moto.create_queue("orders");
    let faults = Faults::new(HttpClient::new().build_http());
    let (reached, reaching) = mpsc::channel();
    let (stop, stopped) = mpsc::channel::<()>();
    faults.when(move |request| {
        if request.number == 8 {
            reached.send(()).unwrap();
            stopped.recv().unwrap();
        }
        None
    });
    let target = format!("sqs:{url}");
    let postbox = open(&moto, |builder| {
        builder.max_request_attempts(2).transport_http_client(faults.clone()).route("t", &target)
    });
    // Messages of one key are sent one after another, so that it is known which ones have arrived.
    let ids = deposit(&postbox, &keyed(20, &["a"]));
    let (mut received, report) = std::thread::scope(|scope| {
        let clearing = scope.spawn(|| postbox.clear_outbox(&ids).unwrap());
        reaching.recv_timeout(TEST_TIMEOUT).unwrap();
        let received = bodies(&moto.drain(&url));
        moto.stop();
        stop.send(()).unwrap();
        (received, clearing.join().unwrap())
    });
    assert_eq!(received, numbers(0..7));
    let counts = |outcome| outcomes(&report).iter().filter(|found| **found == outcome).count();
    assert_eq!(counts(DispatchOutcome::Dispatched), 7);
    assert_eq!((counts(DispatchOutcome::Failed), counts(DispatchOutcome::HeldBack)), (1, 12));
    let failed = report.failures().next().unwrap();
    assert!(failed.detail.contains("could not be reached"), "{failed:?}");

    moto.restart();
    moto.create_queue("orders");
    assert!(postbox.clear_outbox(&ids).unwrap().is_success());
    received.extend(bodies(&moto.drain(&url)));
    assert_eq!(received, numbers(0..20));
}

#[test]
fn only_transient_failures_are_retried() {
    let moto = Moto::start();
    let url = moto.create_queue("orders");
    let partly = PartialFailure::new(&[("3", "InternalError", false), ("5", "InvalidMessageContents", true)]);
    let client = partly.clone();
    let postbox = open(&moto, |builder| builder.transport_http_client(client).route("t", &format!("sqs:{url}")));
    let ids = deposit(&postbox, &messages(10));
    let report = postbox.clear_outbox(&ids).unwrap();
    let expected: Vec<_> =
        (0..10).map(|n| if n == 5 { DispatchOutcome::Rejected } else { DispatchOutcome::Dispatched }).collect();
    assert_eq!(outcomes(&report), expected);
    assert!(report.entries()[5].detail.contains("InvalidMessageContents"), "{report:?}");
    assert_eq!(partly.batches(), [10, 1]);
    let arrived: Vec<_> = numbers(0..10).into_iter().filter(|body| body != "5").collect();
    assert_eq!(sorted(bodies(&moto.drain(&url))), arrived);
}

#[test]
fn a_timed_out_batch_keeps_the_messages_already_sent() {
    let moto = Moto::start();
    let url = moto.create_queue("orders");
    let faults = Faults::new(HttpClient::new().build_http());
    faults.when(|request| (request.number == 2).then_some(Fault::Hang));
    let client = faults.clone();
    let postbox = open(&moto, |builder| {
        builder
            .operation_timeout(Duration::from_millis(2000))
            .transport_http_client(client)
            .route("t", &format!("sqs:{url}"))
    });
    let report = postbox.clear_outbox(&deposit(&postbox, &messages(20))).unwrap();
    let (sent, waiting) = (DispatchOutcome::Dispatched, DispatchOutcome::Failed);
    assert_eq!(outcomes(&report), [[sent; 10], [waiting; 10]].concat());
    assert!(report.entries()[19].detail.contains("operation_timeout_ms"), "{report:?}");
}

#[test]
fn errors_an_operator_can_fix_leave_messages_outstanding() {
    let moto = Moto::start();
    let url = moto.create_queue("orders");
    let faults = Faults::new(HttpClient::new().build_http());
    let client = faults.clone();
    let postbox =
        open(&moto, |builder| builder.breaker_threshold(0).transport_http_client(client).route("t", "sqs:orders"));
    let ids = deposit(&postbox, &messages(12));
    let fails = |expected: &[&str]| {
        let report = postbox.clear_outbox(&ids).unwrap();
        assert_eq!(outcomes(&report), [DispatchOutcome::Failed; 12]);
        for expected in expected {
            assert!(report.entries()[11].detail.contains(expected), "{report:?}");
        }
        assert_eq!(state(&postbox, &ids[11]), MessageState::Outstanding);
    };
    let denied = Fault::Refuse { status: 403, code: "AccessDenied", message: "User is not authorized." };
    faults.next("GetQueueUrl", denied.clone());
    fails(&["GetQueueUrl", "orders", "AccessDenied", "IAM"]);
    faults.always("SendMessageBatch", denied);
    fails(&["SendMessageBatch", &url, "AccessDenied", "IAM"]);
    faults.heal();
    faults.always("SendMessageBatch", Fault::expired_token());
    fails(&["ExpiredToken", "Renew"]);
    faults.heal();

    moto.run(moto.sqs.delete_queue().queue_url(&url).send());
    fails(&["NonExistentQueue", "Create it"]);
    fails(&["there is no queue orders"]);
    moto.create_queue("orders");
    assert!(postbox.clear_outbox(&ids).unwrap().is_success());
    assert_eq!(sorted(bodies(&moto.drain(&url))), numbers(0..12));
}

#[test]
fn an_exact_topic_takes_precedence_over_prefix_and_wildcard() {
    let moto = Moto::start();
    for queue in ["exact", "orders", "rest"] {
        moto.create_queue(queue);
    }
    let routes = "orders.late = sqs:exact\n orders.* = sqs:orders; * = sqs:rest";
    let postbox = open(&moto, |builder| builder.routes(routes));
    let topics = ["orders.late", "orders.made", "orders.", "orders", "people.made"];
    post(&postbox, &topics.map(|topic| Message::new(topic, topic)));
    let found = |queue: &str| {
        let mut bodies = bodies(&moto.drain(&format!("{}/{}/{queue}", moto.url(), moto::ACCOUNT)));
        bodies.sort();
        bodies
    };
    assert_eq!(found("exact"), ["orders.late"]);
    assert_eq!(found("orders"), ["orders.", "orders.made"]);
    assert_eq!(found("rest"), ["orders", "people.made"]);

    let postbox = open(&moto, |builder| builder.route("orders.*", "sqs:orders"));
    let ids = deposit(&postbox, &[Message::new("people.made", "x"), Message::new("orders.made", "y")]);
    let report = postbox.clear_outbox(&ids).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::NoProducer, DispatchOutcome::Dispatched]);
    assert!(report.entries()[0].detail.contains("people.made"), "{report:?}");
    assert_eq!(state(&postbox, &ids[0]), MessageState::Outstanding);
}

#[test]
fn a_sweep_sends_uncleared_messages() {
    let moto = Moto::start();
    let url = moto.create_queue("orders");
    let postbox = open(&moto, |builder| builder.sweep_min_age(Duration::from_millis(0)).route("*", "sqs:orders"));
    deposit(&postbox, &messages(120));
    assert_eq!(postbox.sweep().unwrap().dispatched, 120);
    assert_eq!(sorted(bodies(&moto.drain(&url))), numbers(0..120));
}

#[test]
fn open_rejects_an_impossible_route() {
    let builder = || Postbox::builder().embedded_path(":memory:").region("eu-central-1");
    let chinese = "sns:arn:aws-cn:sns:cn-north-1:123456789012:a";
    let cases = [
        (builder().route("a", "kafka:a"), "\"kafka\" is not a transport"),
        (builder().route("a", "sns:arn:aws:sns:nowhere"), "an ARN has the form"),
        (builder().route("a", chinese), "partition aws-cn"),
        (builder().route("a", "sns:a").route("a", "sqs:a"), "can match nothing"),
        (builder().route("a.*.b", "sns:a"), "can match no topic"),
        (builder().producer("a", postbox::MemoryProducer::new()).route("a", "sns:a"), "can match nothing"),
        (builder().default_producer(postbox::MemoryProducer::new()).route("*", "sns:a"), "can match nothing"),
        (builder().transport_endpoint_url("localhost:4566").route("a", "sns:a"), "transport_endpoint_url"),
    ];
    for (builder, expected) in cases {
        let error = builder.open().unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidSetting, "{error}");
        assert!(error.message().contains(expected), "{error}");
    }
    let china = Postbox::builder().embedded_path(":memory:").region("cn-northwest-1").route("a", chinese);
    assert!(china.open().is_ok(), "an ARN of another region is fine");
}
