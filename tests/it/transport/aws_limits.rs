//! The limits of SNS and SQS: sizes, message groups, and the number of topics of an account.

use crate::support::fault::{Fault, Request};
use crate::support::faults::Faults;
use crate::support::moto::{Moto, bodies};
use crate::support::processes::in_own_process;
use crate::support::trace_recorder::TraceRecorder;
use crate::support::*;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use aws_smithy_http_client::Builder as HttpClient;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use postbox::DispatchOutcome::{Dispatched, Failed, Rejected};
use postbox::{DispatchReport, Message, MessageState, Postbox};
use serde_json::json;

const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:orders";
const QUEUE: &str = "sqs:http://127.0.0.1:9/123456789012/orders";

/// Returns an SNS or SQS of which the test has written all responses.
fn fake() -> Faults {
    let faults = Faults::new(HttpClient::new().build_http());
    faults.when(|request| {
        (request.operation == "PublishBatch").then(|| {
            xml(
                200,
                "PublishBatch",
                &numbers(0..10)
                    .iter()
                    .map(|id| format!("<member><Id>{id}</Id><MessageId>m-{id}</MessageId></member>"))
                    .collect::<String>()
                    .wrap("Successful"),
            )
        })
    });
    faults.when(|request| (request.operation == "SendMessageBatch").then(|| accepted(request)));
    faults
}

/// Returns a response of SQS in which all messages of the batch are accepted.
fn accepted(request: &Request) -> Fault {
    let entries = request.body["Entries"].as_array().unwrap().iter();
    let accepted: Vec<_> =
        entries.map(|entry| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "" })).collect();
    Fault::Answer { status: 200, body: json!({ "Successful": accepted, "Failed": [] }) }
}

trait Wrap {
    fn wrap(&self, element: &str) -> String;
}

impl Wrap for str {
    fn wrap(&self, element: &str) -> String {
        format!("<{element}>{self}</{element}>")
    }
}

/// Returns a response of SNS to this operation.
fn xml(status: u16, operation: &str, result: &str) -> Fault {
    let result = result.wrap(&format!("{operation}Result"));
    Fault::Xml { status, body: result.wrap(&format!("{operation}Response")) }
}

/// Returns an error response of SNS.
fn sns_error(status: u16, code: &str, message: &str) -> Fault {
    let error = format!("<Type>Sender</Type>{}{}", code.wrap("Code"), message.wrap("Message"));
    Fault::Xml { status, body: error.wrap("Error").wrap("ErrorResponse") }
}

/// Returns the attributes of a topic that takes messages up to this size.
fn topic_with_limit(bytes: usize) -> Fault {
    let entry = format!("<entry><key>MaximumMessageSize</key><value>{bytes}</value></entry>");
    xml(200, "GetTopicAttributes", &entry.wrap("Attributes"))
}

/// Opens a Postbox on a new embedded database, whose messages of topic `t` go to this target.
fn open(faults: &Faults, target: &str) -> Postbox {
    Postbox::builder()
        .embedded_path(":memory:")
        .transport_http_client(faults.clone())
        .region("eu-central-1")
        .access_key_id("test")
        .secret_access_key("test")
        .breaker_threshold(0)
        .max_request_attempts(1)
        .route("t", target)
        .open()
        .unwrap()
}

/// Deposits and clears messages of topic `t`, and returns the report.
fn post(postbox: &Postbox, messages: &[Message]) -> DispatchReport {
    let ids = postbox.deposit_posts(messages).unwrap();
    postbox.clear_outbox(&ids).unwrap()
}

/// Returns a message with a body of this number of kibibytes.
fn sized(kibibytes: usize) -> Message {
    Message::new("t", "x".repeat(kibibytes * 1024))
}

fn keyed(key: &str) -> Message {
    Message::new("t", "x").with_partition_key(key)
}

#[test]
fn a_queue_takes_batches_of_up_to_1_mib() {
    let moto = Moto::start();
    let url = moto.create_queue("large");
    let faults = Faults::new(HttpClient::new().build_http());
    let client = faults.clone();
    let postbox = moto
        .configure(Postbox::builder().embedded_path(":memory:").transport_http_client(client))
        .route("t", &format!("sqs:{url}"))
        .open()
        .unwrap();
    let report = post(&postbox, &[sized(390), sized(390), sized(390)]);
    assert_eq!(outcomes(&report), [Dispatched; 3], "{report:?}");
    let batches = faults.bodies("SendMessageBatch");
    let mut lengths: Vec<_> = batches.iter().map(|batch| batch["Entries"].as_array().unwrap().len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [1, 2]);
    assert_eq!(bodies(&moto.drain(&url)).len(), 3);

    moto.run(
        moto.sqs
            .set_queue_attributes()
            .queue_url(&url)
            .attributes(QueueAttributeName::MaximumMessageSize, "102400")
            .send(),
    );
    let report = post(&postbox, &[sized(1), sized(101)]);
    assert_eq!(outcomes(&report), [Dispatched, Rejected], "the queue's own limit is smaller: {report:?}");
}

#[test]
fn a_topic_is_asked_once_for_its_limit_if_a_message_exceeds_256_kib() {
    let faults = fake();
    faults.always("GetTopicAttributes", topic_with_limit(1024 * 1024));
    let postbox = open(&faults, &format!("sns:{TOPIC}"));
    assert_eq!(outcomes(&post(&postbox, &[sized(255)])), [Dispatched]);
    assert_eq!(faults.count("GetTopicAttributes"), 0);
    let report = post(&postbox, &[sized(300), sized(300), sized(300), sized(300)]);
    assert_eq!(outcomes(&report), [Dispatched; 4], "{report:?}");
    assert_eq!(outcomes(&post(&postbox, &[sized(300)])), [Dispatched]);
    assert_eq!(faults.count("GetTopicAttributes"), 1);
    assert_eq!(faults.count("PublishBatch"), 4, "three messages of 300 KiB fit into a batch, and four do not");
}

#[test]
fn a_message_beyond_the_limit_of_the_topic_is_rejected() {
    let faults = fake();
    faults.next("GetTopicAttributes", topic_with_limit(256 * 1024));
    faults.next("GetTopicAttributes", sns_error(403, "AuthorizationError", "not authorized"));
    faults.next("GetTopicAttributes", topic_with_limit(512 * 1024));
    let postbox = open(&faults, &format!("sns:{TOPIC}"));
    for advice in ["MaximumMessageSize", "sns:GetTopicAttributes"] {
        let report = post(&postbox, &[sized(1), sized(300)]);
        assert_eq!(outcomes(&report), [Dispatched, Rejected], "{report:?}");
        let detail = &report.entries()[1].detail;
        assert!(detail.contains("262144") && detail.contains(advice), "{detail}");
    }
    // The limit was raised, or the permission was granted, while the process runs.
    assert_eq!(outcomes(&post(&postbox, &[sized(300)])), [Dispatched]);
}

#[test]
fn a_message_waits_if_the_limit_of_the_topic_cannot_be_read() {
    let faults = fake();
    faults.next("GetTopicAttributes", sns_error(400, "Throttled", "slow down"));
    faults.always("GetTopicAttributes", topic_with_limit(1024 * 1024));
    let postbox = open(&faults, &format!("sns:{TOPIC}"));
    let message = sized(300).with_id("large");
    let report = post(&postbox, &[sized(1), message]);
    assert_eq!(outcomes(&report), [Dispatched, Failed], "{report:?}");
    assert_eq!(postbox.get_message("large").unwrap().unwrap().state, MessageState::Outstanding);
    assert!(postbox.clear_outbox(&["large"]).unwrap().is_success());
}

#[test]
fn the_partition_key_is_the_message_group_of_standard_targets() {
    let moto = Moto::start();
    let url = moto.create_queue("groups");
    let postbox =
        moto.configure(Postbox::builder().embedded_path(":memory:")).route("t", &format!("sqs:{url}")).open().unwrap();
    assert_eq!(outcomes(&post(&postbox, &[keyed("Ada"), Message::new("t", "x")])), [Dispatched; 2]);
    let mut groups: Vec<_> = moto
        .drain(&url)
        .into_iter()
        .map(|message| message.attributes.unwrap_or_default().remove(&MessageSystemAttributeName::MessageGroupId))
        .collect();
    groups.sort();
    assert_eq!(groups, [None, Some("Ada".to_owned())]);

    let faults = fake();
    assert_eq!(outcomes(&post(&open(&faults, &format!("sns:{TOPIC}")), &[keyed("Ada")])), [Dispatched]);
    let sent = &faults.bodies("PublishBatch")[0];
    assert_eq!(sent["PublishBatchRequestEntries.member.1.MessageGroupId"], "Ada");
    assert!(sent["PublishBatchRequestEntries.member.1.MessageDeduplicationId"].is_null());
}

/// Returns the two forms in which SQS rejects a message group: for the request, and for one message.
fn refusals(request: &Request) -> [Option<Fault>; 2] {
    const REASON: &str = "Value Ada for parameter MessageGroupId is invalid. Reason: The request include parameter that is not valid for this queue type";
    let entries = request.body["Entries"].as_array().unwrap();
    let (grouped, free): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| !entry["MessageGroupId"].is_null());
    if grouped.is_empty() {
        return [None, None];
    }
    let failed: Vec<_> = grouped
        .iter()
        .map(|entry| json!({ "Id": entry["Id"], "Code": "InvalidParameterValue", "Message": REASON, "SenderFault": true }))
        .collect();
    let sent: Vec<_> =
        free.iter().map(|entry| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "" })).collect();
    [
        Some(Fault::Refuse { status: 400, code: "InvalidParameterValue", message: REASON }),
        Some(Fault::Answer { status: 200, body: json!({ "Successful": sent, "Failed": failed }) }),
    ]
}

#[test]
fn a_target_that_rejects_message_groups_gets_none() {
    in_own_process(|| {
        let recorder = TraceRecorder::install();
        for form in 0..2 {
            let faults = Faults::new(HttpClient::new().build_http());
            faults.when(move |request| {
                let [refused, failed] = refusals(request);
                Some([refused, failed].into_iter().nth(form).unwrap().unwrap_or_else(|| accepted(request)))
            });
            let postbox = open(&faults, QUEUE);
            let report = post(&postbox, &[keyed("Ada"), Message::new("t", "x"), keyed("Bob")]);
            assert_eq!(outcomes(&report), [Dispatched; 3], "{report:?}");
            let before = faults.count("SendMessageBatch");
            assert_eq!(outcomes(&post(&postbox, &[keyed("Ada")])), [Dispatched]);
            assert_eq!(faults.count("SendMessageBatch"), before + 1, "the next message has no group");
        }
        let warnings: Vec<_> = recorder
            .lines_of_postbox()
            .into_iter()
            .filter(|line| line.starts_with("WARN") && line.contains("MessageGroupId"))
            .collect();
        assert_eq!(warnings.len(), 2, "one for each target: {warnings:?}");
    });
}

#[test]
fn a_fifo_target_keeps_its_message_group() {
    let faults = Faults::new(HttpClient::new().build_http());
    faults.when(|request| refusals(request).into_iter().nth(request.number % 2).unwrap());
    let postbox = open(&faults, &format!("{QUEUE}.fifo"));
    for key in ["Ada", "Bob"] {
        assert_ne!(outcomes(&post(&postbox, &[keyed(key)])), [Dispatched]);
    }
    let groups: Vec<_> =
        faults.bodies("SendMessageBatch").iter().map(|batch| batch["Entries"][0]["MessageGroupId"].clone()).collect();
    assert_eq!(groups, ["Ada", "Bob"], "one request for each message, with its group");
}

#[test]
fn an_unusable_key_of_a_target_leaves_messages_outstanding() {
    let faults = Faults::new(HttpClient::new().build_http());
    for code in ["KMS.AccessDeniedException", "KMS.DisabledException", "KmsInvalidState", "KMS.NotFoundException"] {
        let message = "User is not authorized to perform: kms:GenerateDataKey";
        faults.next("SendMessageBatch", Fault::Refuse { status: 400, code, message });
        let failed = json!([{ "Id": "0", "Code": code, "Message": message, "SenderFault": true }]);
        faults.next(
            "SendMessageBatch",
            Fault::Answer { status: 200, body: json!({ "Successful": [], "Failed": failed }) },
        );
        for _ in 0..2 {
            let report = post(&open(&faults, QUEUE), &[Message::new("t", "x")]);
            assert_eq!(outcomes(&report), [Failed], "{report:?}");
            let detail = &report.entries()[0].detail;
            assert!(detail.contains(code) && detail.contains("KmsMasterKeyId"), "{detail}");
        }
    }
}

/// Returns an SNS with an endless list of topics.
fn crowded() -> Faults {
    let faults = fake();
    let mut page = 0;
    faults.when(move |request| {
        (request.operation == "ListTopics").then(|| {
            page += 1;
            let topic =
                |n| format!("<member><TopicArn>arn:aws:sns:eu-central-1:123456789012:t-{page}-{n}</TopicArn></member>");
            let topics = (0..100).map(topic).collect::<String>().wrap("Topics");
            xml(200, "ListTopics", &format!("{topics}<NextToken>{page}</NextToken>"))
        })
    });
    faults
}

#[test]
fn a_topic_is_found_by_name_among_any_number_of_topics() {
    for check in [topic_with_limit(256 * 1024), sns_error(403, "AuthorizationError", "not authorized")] {
        let faults = crowded();
        faults.always("GetTopicAttributes", check);
        let postbox = open(&faults, "sns:orders");
        assert_eq!(outcomes(&post(&postbox, &[sized(1)])), [Dispatched]);
        assert_eq!(outcomes(&post(&postbox, &[sized(1)])), [Dispatched]);
        assert_eq!(faults.operations(), ["ListTopics", "GetTopicAttributes", "PublishBatch", "PublishBatch"]);
        let sent = faults.bodies("PublishBatch")[0]["TopicArn"].as_str().unwrap().replace("%3A", ":");
        assert_eq!(sent, TOPIC);
    }
}

#[test]
fn a_missing_topic_is_reported_among_any_number_of_topics() {
    let faults = crowded();
    faults.always("GetTopicAttributes", sns_error(404, "NotFound", "Topic does not exist"));
    let postbox = open(&faults, "sns:orders");
    let report = post(&postbox, &[sized(1)]);
    assert_eq!(outcomes(&report), [Failed]);
    assert!(report.entries()[0].detail.contains("there is no topic orders"), "{report:?}");
    assert_eq!(faults.operations(), ["ListTopics", "GetTopicAttributes"]);
}

#[test]
fn bodies_of_one_content_type_are_sent_in_one_encoding() {
    let faults = fake();
    let postbox = open(&faults, QUEUE);
    let bodies: [&[u8]; 5] = [b"\0\0\0\0\x07{}", b"\0\0\0\0\xd7{}", b"\x08\x96\x01", b"\x0a\x03Ada", b"hello"];
    for (content_type, sent_as) in [
        ("application/octet-stream", None),
        ("application/vnd.apache.avro", None),
        ("application/vnd.orders.v1+json; v=1", Some("hello")),
    ] {
        let kept = bodies.iter().filter(|body| sent_as.is_none_or(|text| text.as_bytes() == **body));
        let messages: Vec<_> = kept.map(|body| Message::new("t", *body).with_content_type(content_type)).collect();
        faults.forget();
        assert!(post(&postbox, &messages).is_success());
        let batch = &faults.bodies("SendMessageBatch")[0];
        for (entry, message) in batch["Entries"].as_array().unwrap().iter().zip(&messages) {
            let expected = sent_as.map_or_else(|| BASE64.encode(message.body()), str::to_owned);
            assert_eq!(entry["MessageBody"], expected.as_str(), "{content_type}");
        }
    }
}
