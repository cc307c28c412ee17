//! The format of messages on SNS and SQS, with the attributes that Brighter writes and reads.

use crate::model::header::CharacterEncoding;
use crate::model::media_type::with_charset;
use crate::model::message::{Message, PRODUCER_TOPIC};
use crate::model::trace_context::TraceParent;
use crate::transport::aws::limits::{MAX_DELAY_SECONDS, MAX_FIFO_ID, MAX_SUBJECT};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The type of every attribute.
pub(super) const STRING: &str = "String";
/// The bag entry with the deduplication id of a FIFO message.
const DEDUPLICATION_ID: &str = "messageDeduplicationId";

/// The service that carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Sns,
    Sqs,
}

impl Transport {
    /// Returns the id of the service in variables such as `AWS_ENDPOINT_URL_SQS`.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Sns => "SNS",
            Self::Sqs => "SQS",
        }
    }
}

/// A message that is ready to be sent.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) body: String,
    pub(super) attributes: Vec<(&'static str, String)>,
    /// The subject of the SNS notification, unless SNS would reject it.
    #[cfg_attr(not(feature = "sns"), allow(dead_code))]
    pub(super) subject: Option<String>,
    /// The message group, which a FIFO target requires. On a standard target, it is the sender for fair queues.
    pub(super) group: Option<String>,
    /// The deduplication id, which a FIFO target requires and other targets reject.
    pub(super) deduplication: Option<String>,
    /// The trace of the message for AWS X-Ray, which SQS passes on. Not used for SNS.
    #[cfg_attr(not(feature = "sqs"), allow(dead_code))]
    pub(super) trace_header: Option<String>,
    /// The delay before SQS delivers the message. Not used for SNS.
    #[cfg_attr(not(feature = "sqs"), allow(dead_code))]
    pub(super) delay_seconds: Option<i32>,
}

impl Entry {
    /// Converts the message for the topic of this ARN or the queue of this URL, or returns the reason for which it can
    /// never be sent there. The size of the message is not checked.
    pub(super) fn new(message: &Message, transport: Transport, destination: &str, fifo: bool) -> Result<Self, String> {
        if fifo && !message.is_keyed() {
            return Err("the partition_key is empty, which a FIFO target needs as message group".into());
        }
        let entry = Self {
            body: body(message)?,
            attributes: attributes(message, transport, destination),
            subject: Some(message.subject())
                .filter(|subject| transport == Transport::Sns && is_native_subject(subject))
                .map(str::to_owned),
            group: message.is_keyed().then(|| fifo_id(message.partition_key())),
            deduplication: fifo.then(|| deduplication(message)),
            trace_header: x_ray_trace(message.trace_parent()).filter(|_| transport == Transport::Sqs),
            // A FIFO queue has a single delay for all messages.
            delay_seconds: Some(message.delayed_milliseconds().saturating_add(999) / 1000)
                .map(|seconds| seconds.min(MAX_DELAY_SECONDS))
                .filter(|seconds| transport == Transport::Sqs && !fifo && *seconds > 0)
                .and_then(|seconds| i32::try_from(seconds).ok()),
        };
        entry.check()?;
        Ok(entry)
    }

    /// Returns the number of bytes that count toward the limits of SNS and SQS.
    pub(super) fn bytes(&self) -> usize {
        let attributes: usize =
            self.attributes.iter().map(|(name, value)| name.len() + STRING.len() + value.len()).sum();
        self.body.len() + attributes
    }

    fn check(&self) -> Result<(), String> {
        if self.body.is_empty() {
            return Err("the body is empty, which SNS and SQS do not accept".into());
        }
        let texts = self.attributes.iter().map(|(name, value)| (*name, value));
        for (what, text) in texts.chain([("body", &self.body)]) {
            if let Some(character) = text.chars().find(|character| !is_allowed(*character)) {
                return Err(format!(
                    "the {what} has the character U+{:04X}, which SNS and SQS do not accept: deposit bytes with character_encoding Raw",
                    u32::from(character)
                ));
            }
        }
        Ok(())
    }
}

/// Returns the deduplication id of a message for a FIFO target.
fn deduplication(message: &Message) -> String {
    let given = message.exact_bag().text(DEDUPLICATION_ID).filter(|id| !id.is_empty());
    let deduplication = given.unwrap_or(Cow::Borrowed(message.id()));
    // A FIFO target drops a message with a deduplication id that it received within the last five minutes. A replayed
    // message must not be dropped, so its id is different.
    match message.replayed() {
        Some(replayed) => fifo_id(&format!("{deduplication}#{}", replayed.raw())),
        None => fifo_id(&deduplication),
    }
}

/// Returns the text if it is a valid FIFO id, otherwise its SHA-256.
fn fifo_id(text: &str) -> String {
    if text.len() <= MAX_FIFO_ID && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return text.to_owned();
    }
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the body as text.
fn body(message: &Message) -> Result<String, String> {
    let bytes = message.body();
    match message.character_encoding() {
        CharacterEncoding::Raw | CharacterEncoding::Base64 => Some(BASE64.encode(bytes)),
        CharacterEncoding::Utf16 => utf16(bytes),
        CharacterEncoding::Utf8 | CharacterEncoding::Ascii => String::from_utf8(bytes.to_vec()).ok(),
        // The encoding is unknown, so the body is sent as text if it is valid UTF-8, and as base64 otherwise.
        CharacterEncoding::Other(_) => {
            Some(std::str::from_utf8(bytes).map_or_else(|_| BASE64.encode(bytes), str::to_owned))
        }
    }
    .ok_or_else(|| {
        let encoding = message.character_encoding();
        format!(
            "the body is not {}, which its character_encoding declares, and SNS and SQS accept only text",
            encoding.name()
        )
    })
}

/// Decodes UTF-16 in little endian, the order of .NET.
fn utf16(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok().filter(|_| bytes.len().is_multiple_of(2))
}

/// Returns whether SNS and SQS accept the character, that is, whether XML 1.0 allows it.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Returns whether SNS accepts the subject. Other subjects are in the CloudEvents headers only.
fn is_native_subject(subject: &str) -> bool {
    (1..=MAX_SUBJECT).contains(&subject.len())
        && subject.starts_with(|first: char| first.is_ascii_graphic())
        && subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// Returns the attributes of a message. There are never more than ten, the limit of SQS.
fn attributes(message: &Message, transport: Transport, destination: &str) -> Vec<(&'static str, String)> {
    let subject = match transport {
        Transport::Sns => "",
        Transport::Sqs => message.subject(),
    };
    let always = [
        ("id", message.id().to_owned()),
        ("topic", destination.to_owned()),
        ("message-type", message.message_type().name().to_owned()),
        ("content-type", content_type(message)),
        ("timestamp", message.created().to_text()),
        ("bag", bag(message)),
        ("cloudeventheaders", cloud_event_headers(message, transport)),
    ];
    let when_set =
        [("correlation-id", message.correlation_id()), ("reply-to", message.reply_to()), ("subject", subject)];
    let when_set = when_set.into_iter().filter(|(_, value)| !value.is_empty());
    always.into_iter().chain(when_set.map(|(name, value)| (name, value.to_owned()))).collect()
}

/// Returns the content type with the charset of the body's encoding. Brighter adds the same charset when it reads an
/// item.
fn content_type(message: &Message) -> String {
    let content_type = message.content_type_or_default();
    match message.character_encoding() {
        CharacterEncoding::Ascii => with_charset(content_type, "us-ascii"),
        CharacterEncoding::Utf8 => with_charset(content_type, "utf-8"),
        CharacterEncoding::Utf16 => with_charset(content_type, "utf-16"),
        CharacterEncoding::Base64 => with_charset(content_type, "base64"),
        CharacterEncoding::Raw | CharacterEncoding::Other(_) => content_type.to_owned(),
    }
}

fn bag(message: &Message) -> String {
    let mut bag = message.exact_bag().clone();
    bag.remove(PRODUCER_TOPIC);
    bag.insert("handled-count".into(), message.handled_count().to_string().into());
    bag.to_json()
}

/// Returns the trace of a W3C `traceparent` in the format of AWS X-Ray:
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>.
fn x_ray_trace(trace_parent: &str) -> Option<String> {
    let TraceParent { trace_id, parent_id, is_sampled } = TraceParent::of(trace_parent)?;
    let (time, unique) = trace_id.split_at(8);
    Some(format!("Root=1-{time}-{unique};Parent={parent_id};Sampled={}", u8::from(is_sampled)))
}

fn cloud_event_headers(message: &Message, transport: Transport) -> String {
    let time = message.created().to_text();
    let content_type = content_type(message);
    let always = [
        ("datacontenttype", content_type.as_str()),
        ("dataschema", message.data_schema()),
        ("specversion", message.spec_version_or_default()),
        ("type", message.event_type()),
        // This is the spelling that Brighter writes and reads.
        ("souce", message.source_or_default()),
        ("source", message.source_or_default()),
        ("time", &time),
        ("baggage", message.baggage()),
    ];
    let id = match transport {
        Transport::Sns => "",
        Transport::Sqs => message.id(),
    };
    let when_set = [
        ("id", id),
        ("subject", message.subject()),
        ("dataref", message.data_ref()),
        ("traceparent", message.trace_parent()),
        ("tracestate", message.trace_state()),
    ];
    let when_set = when_set.into_iter().filter(|(_, value)| !value.is_empty());
    let headers: Map<String, Value> =
        always.into_iter().chain(when_set).map(|(name, value)| (name.to_owned(), value.into())).collect();
    Value::Object(headers).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bag::Bag;
    use crate::model::header::MessageType;
    use crate::model::ticks::Ticks;
    use std::time::{Duration, UNIX_EPOCH};

    const TOPIC_ARN: &str = "arn:aws:sns:eu-central-1:123456789012:greetings";
    const QUEUE_URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/greetings";
    const BOTH: [(Transport, &str); 2] = [(Transport::Sns, TOPIC_ARN), (Transport::Sqs, QUEUE_URL)];

    fn plain() -> Message {
        let time = UNIX_EPOCH + Duration::from_millis(1_709_210_096_789);
        Message::new("greeting.made", "Hello").with_id("m-1").with_created_at(time)
    }

    fn full() -> Message {
        let mut message = plain()
            .with_message_type(MessageType::Command)
            .with_content_type("text/plain")
            .with_source("https://example.com/greetings")
            .with_partition_key("Ada")
            .with_correlation_id("c-1")
            .with_causation_id("cause-1")
            .with_reply_to("replies")
            .with_subject("A greeting")
            .with_event_type("com.example.greeting.made")
            .with_data_schema("https://example.com/schema")
            .with_data_ref("https://example.com/body")
            .with_trace_parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .with_trace_state("vendor=1")
            .with_baggage("user=ada")
            .with_job_id("job-1")
            .with_workflow_id("workflow-1")
            .with_bag_entry("tenant", "42")
            .with_bag_entry("messageDeduplicationId", "d-1")
            .with_bag_entry(PRODUCER_TOPIC, "elsewhere")
            .with_bag_entry("ProducerTopic", "a user's");
        message.set_counts(3, 1500);
        message
    }

    fn entry(message: &Message, transport: Transport, destination: &str, fifo: bool) -> Entry {
        Entry::new(message, transport, destination, fifo).unwrap()
    }

    /// Returns the attributes of a message as lines of the form `name: value`.
    fn lines(entry: &Entry) -> Vec<String> {
        entry.attributes.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn sqs_gets_the_trace_for_x_ray() {
        let x_ray = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1";
        assert_eq!(entry(&full(), Transport::Sqs, QUEUE_URL, false).trace_header.as_deref(), Some(x_ray));
        assert_eq!(entry(&full(), Transport::Sns, TOPIC_ARN, false).trace_header, None);
        assert_eq!(entry(&plain(), Transport::Sqs, QUEUE_URL, false).trace_header, None);
        let foreign = plain().with_trace_parent("not of W3C");
        assert_eq!(entry(&foreign, Transport::Sqs, QUEUE_URL, false).trace_header, None);
    }

    #[test]
    fn a_message_without_headers() {
        for (transport, destination, id) in
            [(Transport::Sns, TOPIC_ARN, ""), (Transport::Sqs, QUEUE_URL, r#""id":"m-1","#)]
        {
            let entry = entry(&plain(), transport, destination, false);
            let events = format!(
                r#"{{"baggage":"","datacontenttype":"application/json; charset=utf-8","dataschema":"",{id}"souce":"http://goparamore.io","source":"http://goparamore.io","specversion":"1.0","time":"2024-02-29T12:34:56.789Z","type":""}}"#
            );
            let expected = [
                "id: m-1",
                &format!("topic: {destination}"),
                "message-type: MT_EVENT",
                "content-type: application/json; charset=utf-8",
                "timestamp: 2024-02-29T12:34:56.789Z",
                r#"bag: {"handled-count":"0"}"#,
                &format!("cloudeventheaders: {events}"),
            ];
            assert_eq!(lines(&entry), expected);
            assert_eq!(
                (entry.body.as_str(), &entry.subject, &entry.group, &entry.deduplication, entry.delay_seconds),
                ("Hello", &None, &None, &None, None)
            );
        }
    }

    #[test]
    fn a_message_with_all_headers() {
        for (transport, destination, id) in
            [(Transport::Sns, TOPIC_ARN, ""), (Transport::Sqs, QUEUE_URL, r#""id":"m-1","#)]
        {
            let entry = entry(&full(), transport, destination, false);
            let events = format!(
                r#"{{"baggage":"user=ada","datacontenttype":"text/plain; charset=utf-8","dataref":"https://example.com/body","dataschema":"https://example.com/schema",{id}"souce":"https://example.com/greetings","source":"https://example.com/greetings","specversion":"1.0","subject":"A greeting","time":"2024-02-29T12:34:56.789Z","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"vendor=1","type":"com.example.greeting.made"}}"#
            );
            let mut expected = vec![
                "id: m-1".to_owned(),
                format!("topic: {destination}"),
                "message-type: MT_COMMAND".into(),
                "content-type: text/plain; charset=utf-8".into(),
                "timestamp: 2024-02-29T12:34:56.789Z".into(),
                r#"bag: {"ProducerTopic":"a user's","handled-count":"3","messageDeduplicationId":"d-1","tenant":"42"}"#
                    .into(),
                format!("cloudeventheaders: {events}"),
                "correlation-id: c-1".into(),
                "reply-to: replies".into(),
            ];
            if transport == Transport::Sqs {
                expected.push("subject: A greeting".into());
            }
            assert_eq!(lines(&entry), expected);
            let native = (transport == Transport::Sns).then(|| "A greeting".to_owned());
            let delay = (transport == Transport::Sqs).then_some(2);
            assert_eq!((entry.subject, entry.delay_seconds), (native, delay));
            assert_eq!((entry.group.as_deref(), entry.deduplication), (Some("Ada"), None));
        }
    }

    #[test]
    fn fifo_adds_group_and_deduplication_and_no_attribute() {
        for (transport, destination) in BOTH {
            for (message, deduplication) in [(full(), "d-1"), (plain().with_partition_key("Ada"), "m-1")] {
                let standard = entry(&message, transport, destination, false);
                let entry = entry(&message, transport, destination, true);
                assert_eq!(lines(&entry), lines(&standard));
                let fifo = (entry.group.as_deref(), entry.deduplication.as_deref());
                assert_eq!(fifo, (Some("Ada"), Some(deduplication)));
                assert_eq!(entry.delay_seconds, None);
            }
            let refused = Entry::new(&plain(), transport, destination, true).unwrap_err();
            assert!(refused.contains("partition_key"), "{refused}");
        }
    }

    #[test]
    fn each_replay_has_its_own_deduplication_id() {
        let deduplication = |message: &Message, replayed: Option<i64>| {
            let mut message = message.clone().with_partition_key("k");
            message.set_replayed(replayed.and_then(Ticks::from_raw));
            entry(&message, Transport::Sqs, QUEUE_URL, true).deduplication.unwrap()
        };
        for message in [plain(), full()] {
            let ids = [None, Some(1), Some(2)].map(|replayed| deduplication(&message, replayed));
            assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
            assert_eq!(ids[1], deduplication(&message, Some(1)), "sent again after a crash, it is the same");
        }
    }

    #[test]
    fn fifo_id_that_is_not_allowed_is_hashed() {
        assert_eq!(fifo_id("Ada-1!"), "Ada-1!");
        assert_eq!(fifo_id(&"x".repeat(128)).len(), 128);
        for text in ["Ada Lovelace", "Zoë", &"x".repeat(129)] {
            let hashed = fifo_id(text);
            assert!(hashed.len() == 64 && hashed.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hashed}");
            assert_eq!(hashed, fifo_id(text));
        }
        assert_ne!(fifo_id("Ada Lovelace"), fifo_id("Ada  Lovelace"));
    }

    #[test]
    fn there_are_never_more_than_ten_attributes() {
        let mut most = 0;
        for set in 0_u32..1 << 14 {
            let is = |bit: u32| if set >> bit & 1 == 1 { "v=1" } else { "" };
            let message = plain()
                .with_partition_key(is(0))
                .with_correlation_id(is(1))
                .with_causation_id(is(2))
                .with_reply_to(is(3))
                .with_subject(is(4))
                .with_event_type(is(5))
                .with_data_schema(is(6))
                .with_data_ref(is(7))
                .with_trace_parent(is(8))
                .with_trace_state(is(9))
                .with_baggage(is(10))
                .with_job_id(is(11))
                .with_workflow_id(is(12))
                .with_bag_entry("tenant", is(13));
            for (transport, destination) in BOTH {
                let attributes = attributes(&message, transport, destination);
                most = most.max(attributes.len());
                assert!(attributes.iter().all(|(_, value)| !value.is_empty()), "an empty value is rejected");
            }
        }
        assert_eq!(most, 10);
    }

    #[test]
    fn the_body_is_text_as_its_encoding_says() {
        let body = |body: &[u8], encoding| {
            let message = plain().with_body(body).with_character_encoding(encoding);
            Entry::new(&message, Transport::Sqs, QUEUE_URL, false).map(|entry| entry.body)
        };
        assert_eq!(body("Zoë".as_bytes(), CharacterEncoding::Utf8).unwrap(), "Zoë");
        assert_eq!(body(b"Ada", CharacterEncoding::Ascii).unwrap(), "Ada");
        assert_eq!(body(&[0xff, 0x00], CharacterEncoding::Raw).unwrap(), "/wA=");
        assert_eq!(body(b"Ada", CharacterEncoding::Base64).unwrap(), "QWRh");
        assert_eq!(body(&[0x5a, 0, 0xeb, 0], CharacterEncoding::Utf16).unwrap(), "Zë");
        for (bytes, encoding, expected) in [
            (&[0xff][..], CharacterEncoding::Utf8, "is not UTF8"),
            (&[0x5a], CharacterEncoding::Utf16, "is not UTF16"),
            (&[0, 0xd8], CharacterEncoding::Utf16, "is not UTF16"),
            (b"a\0b", CharacterEncoding::Utf8, "U+0000"),
            (b"", CharacterEncoding::Utf8, "empty"),
        ] {
            let refused = body(bytes, encoding).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
    }

    #[test]
    fn the_charset_of_the_encoding_is_in_the_content_type() {
        let content_type =
            |encoding| content_type(&plain().with_content_type("text/plain").with_character_encoding(encoding));
        assert_eq!(content_type(CharacterEncoding::Ascii), "text/plain; charset=us-ascii");
        assert_eq!(content_type(CharacterEncoding::Utf16), "text/plain; charset=utf-16");
        assert_eq!(content_type(CharacterEncoding::Base64), "text/plain; charset=base64");
        assert_eq!(content_type(CharacterEncoding::Raw), "text/plain");
    }

    #[test]
    fn numbers_of_the_bag_and_an_unknown_encoding_are_sent_as_they_were_stored() {
        let mut message = plain().with_body([0x5a, 0xff]).with_character_encoding(CharacterEncoding::Other("X".into()));
        message.set_bag(Bag::read(r#"{"messageDeduplicationId":12345678901234567890123,"n":1e400}"#).unwrap());
        message.set_counts(-1, -1);
        let message = message.with_partition_key("k");
        let sent = entry(&message, Transport::Sqs, QUEUE_URL, true);
        assert_eq!(
            lines(&sent)[5],
            r#"bag: {"handled-count":"-1","messageDeduplicationId":12345678901234567890123,"n":1e400}"#
        );
        assert_eq!(sent.deduplication.unwrap(), "12345678901234567890123");
        assert_eq!(sent.body, "Wv8=");
        let standard = entry(&message.with_body("text"), Transport::Sqs, QUEUE_URL, false);
        assert_eq!((standard.body.as_str(), standard.delay_seconds), ("text", None));
    }

    #[test]
    fn a_message_with_an_invalid_character_is_rejected_with_the_reason() {
        let refused = |message: Message| Entry::new(&message, Transport::Sns, TOPIC_ARN, false).unwrap_err();
        assert!(refused(plain().with_reply_to("a\u{1}")).contains("the reply-to has the character U+0001"));
    }

    #[test]
    fn a_subject_that_sns_does_not_take_is_a_cloud_events_header_only() {
        for subject in ["two\nlines", "Zoë", " blank first", &"x".repeat(100)] {
            let entry = entry(&plain().with_subject(subject), Transport::Sns, TOPIC_ARN, false);
            assert_eq!(entry.subject, None, "{subject}");
            let (_, headers) = entry.attributes.iter().find(|(name, _)| *name == "cloudeventheaders").unwrap();
            let headers: Value = serde_json::from_str(headers).unwrap();
            assert_eq!(headers["subject"], subject);
        }
    }

    #[test]
    fn a_delay_is_at_most_900_seconds() {
        let mut message = plain();
        message.set_counts(0, 1_000_000);
        assert_eq!(entry(&message, Transport::Sqs, QUEUE_URL, false).delay_seconds, Some(900));
    }
}
