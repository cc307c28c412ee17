//! The conversion between messages and items of the outbox table, whose format is shared with Brighter.

use crate::model::bag::Bag;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::header::{CharacterEncoding, MessageType};
use crate::model::item::{AttributeValue, Item};
use crate::model::message::{MAX_KEY_BYTES, Message, NO_CONTENT_TYPE};
use crate::model::stored_message::StoredMessage;
use crate::model::ticks::Ticks;
use crate::outbox::attribute::*;
use crate::outbox::decimal;
use crate::outbox::shard::shard_of;
use crate::outbox::state::{fate, state};
use aws_sdk_dynamodb::primitives::Blob;
use std::time::{Duration, UNIX_EPOCH};

/// Returns the item of an outstanding message.
pub(crate) fn encode(message: &Message, shards: u32) -> Item {
    let created = number(message.created().raw());
    let shard = shard_of(message.partition_key(), shards);
    let mut item: Item = [
        (MESSAGE_ID, text(message.id())),
        ("Topic", text(message.topic())),
        (TOPIC_SHARD, text(format!("{}_{shard}", message.topic()))),
        ("MessageType", text(message.message_type().name())),
        ("Body", AttributeValue::B(Blob::new(message.body()))),
        ("CharacterEncoding", text(message.character_encoding().name())),
        ("ContentType", text(message.content_type_or_default())),
        ("HeaderBag", text(message.bag_json())),
        ("CreatedAt", text(message.created().to_text())),
        (CREATED_TIME, created.clone()),
        (OUTSTANDING_CREATED_TIME, created),
        ("Source", text(message.source_or_default())),
        ("SpecVersion", text(message.spec_version_or_default())),
        ("HandledCount", number(message.handled_count())),
        ("DelayedMilliseconds", number(message.delayed_milliseconds())),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    // Empty strings are left out, because Brighter never stores them.
    let texts = message.optional_attributes().filter(|(_, value)| !value.is_empty());
    item.extend(texts.map(|(name, value)| (name.to_owned(), text(value))));
    item
}

/// Reads the message of an item that Postbox or Brighter stored, in an older or later version. Attributes that are not
/// needed for sending are read as far as possible, and an item without a topic is a message without a producer.
///
/// # Errors
/// Returns [`ErrorCode::MalformedItem`] with the name of the attribute.
pub(crate) fn decode(item: &Item) -> Result<StoredMessage> {
    let item = Reader(item);
    let mut message = Message::new(item.text("Topic")?.unwrap_or_default(), item.body()?)
        .with_id(item.required_text(MESSAGE_ID)?)
        .with_message_type(MessageType::stored(item.required_text("MessageType")?))
        .with_character_encoding(
            item.text("CharacterEncoding")?.map_or(CharacterEncoding::Utf8, CharacterEncoding::stored),
        )
        .with_content_type(item.text("ContentType")?.unwrap_or(NO_CONTENT_TYPE))
        .with_source(item.text("Source")?.unwrap_or_default());
    message.set_spec_version(item.text("SpecVersion")?.unwrap_or_default());
    message.set_created(item.created()?);
    message.set_replayed(item.time(REPLAYED_AT));
    message.set_bag(item.bag()?);
    message.set_counts(item.count("HandledCount"), item.count("DelayedMilliseconds"));
    for (name, value) in item.0 {
        if let AttributeValue::S(value) = value {
            message.set_optional_attribute(name, value);
        }
    }
    let (state, fate) = (state(item.0), fate(item.0));
    let time = |ticks: Option<Ticks>| ticks.map(Ticks::to_system_time);
    let dispatched_at = item.ticks(DELIVERY_TIME)?.filter(|_| !fate.has_zero_delivery);
    let expires_at = decimal::whole_of(item.0, EXPIRES_AT).and_then(|seconds| u64::try_from(seconds).ok());
    Ok(StoredMessage {
        message,
        state,
        dispatched_at: time(dispatched_at),
        expires_at: expires_at.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds))),
        dispatch_attempts: fate.attempts.unwrap_or(0),
        last_error: item.text(LAST_ERROR).ok().flatten().map(str::to_owned),
        parked_at: time(fate.parked),
        next_attempt_at: time(fate.next_attempt),
        first_failed_at: time(fate.first_failed),
        accepted_at: time(fate.accepted),
        fate,
        item: None,
    })
}

/// Reads an item as [`decode`] does, and keeps it with the message.
pub(crate) fn decode_and_keep(item: Item) -> Result<StoredMessage> {
    let stored = decode(&item)?;
    Ok(StoredMessage { item: Some(item), ..stored })
}

/// Returns the message id of an item, even if the item is otherwise malformed.
pub(crate) fn message_id(item: &Item) -> Option<&str> {
    match item.get(MESSAGE_ID) {
        Some(AttributeValue::S(id)) => Some(id),
        _ => None,
    }
}

/// Returns whether DynamoDB accepts this id as a key. DynamoDB rejects a whole batch if one key is invalid.
pub(crate) fn is_possible_id(id: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&id.len())
}

/// Returns the primary key of a message.
pub(crate) fn key(id: &str) -> Item {
    Item::from([(MESSAGE_ID.to_owned(), text(id))])
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A reader of attributes. Its errors name the malformed attribute.
struct Reader<'a>(&'a Item);

impl<'a> Reader<'a> {
    fn malformed(&self, attribute: &str, what: &str) -> Error {
        let id = message_id(self.0).unwrap_or("(no MessageId)");
        Error::new(
            ErrorCode::MalformedItem,
            format!("the stored item of message {id} cannot be read: its attribute {attribute} {what}"),
        )
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.0.get(name) {
            None | Some(AttributeValue::Null(_)) => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.malformed(name, "is not a string")),
        }
    }

    fn required_text(&self, name: &str) -> Result<&'a str> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| self.malformed(name, "is missing"))
    }

    /// Reads a count, or returns 0 if the attribute is not a number.
    fn count(&self, name: &str) -> i64 {
        decimal::whole_of(self.0, name).unwrap_or(0)
    }

    /// Reads a time, if the attribute is one.
    fn time(&self, name: &str) -> Option<Ticks> {
        decimal::ticks(self.0, name)
    }

    /// Reads a time that may be missing.
    fn ticks(&self, name: &str) -> Result<Option<Ticks>> {
        match self.0.get(name) {
            None | Some(AttributeValue::Null(_)) => Ok(None),
            Some(_) => self.time(name).map(Some).ok_or_else(|| self.malformed(name, "is not a time in .NET ticks")),
        }
    }

    /// Reads the creation time from the first attribute that has it.
    fn created(&self) -> Result<Ticks> {
        let in_ticks = self.time(CREATED_TIME).or_else(|| self.time(OUTSTANDING_CREATED_TIME));
        let as_text = || self.text("CreatedAt").ok().flatten().and_then(Ticks::from_text);
        in_ticks.or_else(as_text).ok_or_else(|| {
            self.malformed(CREATED_TIME, "is missing or is not a time, and so are OutstandingCreatedTime and CreatedAt")
        })
    }

    fn body(&self) -> Result<Vec<u8>> {
        match self.0.get("Body") {
            Some(AttributeValue::B(bytes)) => Ok(bytes.as_ref().to_vec()),
            // Older versions of Brighter stored the text itself.
            Some(AttributeValue::S(text)) => Ok(text.clone().into_bytes()),
            Some(_) => Err(self.malformed("Body", "is neither binary nor a string")),
            None => Err(self.malformed("Body", "is missing")),
        }
    }

    fn bag(&self) -> Result<Bag> {
        match self.text("HeaderBag")? {
            None => Ok(Bag::default()),
            Some(bag) => Bag::read(bag).ok_or_else(|| self.malformed("HeaderBag", "is not a JSON object")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stored_message::MessageState;

    fn full() -> Message {
        let mut message = Message::new("greeting.made", "body").with_id("id-1").with_bag_entry("tenant", "42");
        for (name, value) in [
            ("message_type", "MT_COMMAND"),
            ("content_type", "text/xml"),
            ("character_encoding", "ASCII"),
            ("source", "urn:test"),
            ("created_at", "2024-02-29T12:34:56.789Z"),
            ("partition_key", "abc"),
            ("correlation_id", "corr"),
            ("causation_id", "cause"),
            ("reply_to", "reply"),
            ("subject", "subj"),
            ("event_type", "com.example"),
            ("data_schema", "urn:schema"),
            ("data_ref", "urn:ref"),
            ("trace_parent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("trace_state", "a=b"),
            ("baggage", "k=v,k2=v2"),
            ("job_id", "job"),
            ("workflow_id", "flow"),
        ] {
            message.set_header(name, value).unwrap();
        }
        message
    }

    /// Returns the item as pairs of name and `TYPE value`, in order.
    fn shown(item: &Item) -> Vec<(String, String)> {
        let mut all: Vec<_> = item
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    AttributeValue::S(text) => format!("S {text}"),
                    AttributeValue::N(number) => format!("N {number}"),
                    AttributeValue::B(bytes) => format!("B {:?}", String::from_utf8_lossy(bytes.as_ref())),
                    other => format!("{other:?}"),
                };
                (name.clone(), value)
            })
            .collect();
        all.sort();
        all
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn golden_every_header_set() {
        assert_eq!(
            shown(&encode(&full(), 3)),
            pairs(&[
                ("Baggage", "S k=v,k2=v2"),
                ("Body", "B \"body\""),
                ("CausationId", "S cause"),
                ("CharacterEncoding", "S ASCII"),
                ("ContentType", "S text/xml"),
                ("CorrelationId", "S corr"),
                ("CreatedAt", "S 2024-02-29T12:34:56.789Z"),
                ("CreatedTime", "N 638448068967890000"),
                ("DataRef", "S urn:ref"),
                ("DataSchema", "S urn:schema"),
                ("DelayedMilliseconds", "N 0"),
                ("HandledCount", "N 0"),
                ("HeaderBag", "S {\"tenant\":\"42\"}"),
                ("JobId", "S job"),
                ("MessageId", "S id-1"),
                ("MessageType", "S MT_COMMAND"),
                ("OutstandingCreatedTime", "N 638448068967890000"),
                ("PartitionKey", "S abc"),
                ("ReplyTo", "S reply"),
                ("Source", "S urn:test"),
                ("SpecVersion", "S 1.0"),
                ("Subject", "S subj"),
                ("Topic", "S greeting.made"),
                ("TopicShard", "S greeting.made_0"),
                ("TraceParent", "S 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                ("TraceState", "S a=b"),
                ("Type", "S com.example"),
                ("WorkflowId", "S flow"),
            ])
        );
    }

    #[test]
    fn golden_no_header_set() {
        let mut message = Message::new("greeting.made", "body").with_id("id-1");
        message.set_header("created_at", "2024-02-29T12:34:56.789Z").unwrap();
        assert_eq!(
            shown(&encode(&message, 1)),
            pairs(&[
                ("Body", "B \"body\""),
                ("CharacterEncoding", "S UTF8"),
                ("ContentType", "S application/json; charset=utf-8"),
                ("CreatedAt", "S 2024-02-29T12:34:56.789Z"),
                ("CreatedTime", "N 638448068967890000"),
                ("DelayedMilliseconds", "N 0"),
                ("HandledCount", "N 0"),
                ("HeaderBag", "S {}"),
                ("MessageId", "S id-1"),
                ("MessageType", "S MT_EVENT"),
                ("OutstandingCreatedTime", "N 638448068967890000"),
                ("Source", "S http://goparamore.io"),
                ("SpecVersion", "S 1.0"),
                ("Topic", "S greeting.made"),
                ("TopicShard", "S greeting.made_0"),
            ])
        );
        let item = encode(&message.with_content_type("").with_source(""), 1);
        assert_eq!(item["ContentType"], text("text/plain"));
        assert_eq!(item["Source"], text("http://goparamore.io"));
    }

    #[test]
    fn decoding_reverses_encoding() {
        let bytes = Message::new("t", [0xff, 0x00]).with_content_type("application/octet-stream");
        for message in [full(), bytes, Message::new("t", "")] {
            let stored = decode(&encode(&message, 3)).unwrap();
            assert_eq!(stored.state, MessageState::Outstanding);
            // An encoding that is not set is stored as the default for the content type.
            let message = message.clone().with_character_encoding(message.character_encoding());
            assert!(stored.message == message, "{:?}", stored.message);
        }
    }

    #[test]
    fn dispatched_and_parked_are_told_apart() {
        let mut item = encode(&full(), 3);
        item.remove(OUTSTANDING_CREATED_TIME);
        item.insert("ParkedAt".into(), number(638_448_068_967_890_000_i64));
        item.insert("DispatchAttempts".into(), number(3));
        item.insert("LastError".into(), text("refused"));
        let parked = decode(&item).unwrap();
        assert_eq!(parked.state, MessageState::Parked);
        assert_eq!((parked.dispatch_attempts, parked.last_error.as_deref()), (3, Some("refused")));
        item.insert(DELIVERY_TIME.into(), number(638_448_068_967_890_000_i64));
        item.insert(EXPIRES_AT.into(), number(1_700_000_000));
        let dispatched = decode(&item).unwrap();
        assert_eq!(dispatched.state, MessageState::Dispatched);
        assert_eq!(dispatched.expires_at, Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    }

    #[test]
    fn the_first_mark_that_an_item_has_is_its_state() {
        let at = || number(638_448_068_967_890_000_i64);
        let with = |marks: &[(&str, AttributeValue)]| {
            let mut item = encode(&full(), 3);
            item.remove(OUTSTANDING_CREATED_TIME);
            item.extend(marks.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            let stored = decode(&item).unwrap();
            (stored.state, stored.dispatched_at.is_some())
        };
        assert_eq!(with(&[]), (MessageState::Outstanding, false));
        // Brighter 9 wrote this for a message that was not sent, with and without the sparse index.
        for zero in ["0", "0.0"] {
            assert_eq!(with(&[(DELIVERY_TIME, number(zero))]), (MessageState::Outstanding, false));
        }
        assert_eq!(
            with(&[(DELIVERY_TIME, number(0)), (OUTSTANDING_CREATED_TIME, at())]),
            (MessageState::Outstanding, false)
        );
        // Brighter replays a parked message and leaves ParkedAt.
        assert_eq!(with(&[(PARKED_AT, at()), (OUTSTANDING_CREATED_TIME, at())]), (MessageState::Outstanding, false));
        assert_eq!(with(&[(PARKED_AT, at()), (DELIVERY_TIME, number(0))]), (MessageState::Parked, false));
        assert_eq!(with(&[(PARKED_AT, at()), (DELIVERY_TIME, at())]), (MessageState::Dispatched, true));
    }

    #[test]
    fn older_items_are_read() {
        let mut item = encode(&full(), 3);
        item.insert("Body".into(), text("grüße"));
        item.remove("CharacterEncoding");
        item.remove("HeaderBag");
        item.remove("CreatedTime");
        item.remove(OUTSTANDING_CREATED_TIME);
        let stored = decode(&item).unwrap();
        assert_eq!(stored.message.body(), "grüße".as_bytes());
        assert_eq!(stored.message.character_encoding(), CharacterEncoding::Utf8);
        assert_eq!(stored.message.created().to_text(), "2024-02-29T12:34:56.789Z");
    }

    #[test]
    fn unimportant_damage_does_not_stop_reading() {
        let mut item = encode(&full(), 3);
        for (name, value) in [
            ("MessageType", text("MT_NEWER")),
            ("CharacterEncoding", text("EBCDIC")),
            ("HandledCount", number("1.0")),
            ("DelayedMilliseconds", number(-1)),
            (CREATED_TIME, number("6.38448068967890000E17")),
            (DISPATCH_ATTEMPTS, number("-1")),
            (EXPIRES_AT, text("soon")),
            (LAST_ERROR, number(1)),
            ("HeaderBag", text(r#"{"n":12345678901234567890123,"far":1e400}"#)),
        ] {
            item.insert(name.into(), value);
        }
        let stored = decode(&item).unwrap();
        let message = &stored.message;
        assert_eq!(message.message_type(), MessageType::Other("MT_NEWER".into()));
        assert_eq!(message.header("character_encoding").unwrap().unwrap(), "EBCDIC");
        assert_eq!((message.handled_count(), message.delayed_milliseconds()), (1, -1));
        assert_eq!(message.created().raw(), 638_448_068_967_890_000);
        assert_eq!((stored.dispatch_attempts, stored.expires_at, stored.last_error), (0, None, None));
        assert_eq!(message.bag_json(), r#"{"far":1e400,"n":12345678901234567890123}"#);

        let again = encode(message, 3);
        for name in ["MessageType", "CharacterEncoding"] {
            assert_eq!(again[name], item[name], "{name} is stored as it was read");
        }
        item.remove("Topic");
        item.insert(CREATED_TIME.into(), number("1e99"));
        assert_eq!(decode(&item).unwrap().message.topic(), "");
    }

    #[test]
    fn a_damaged_item_is_an_error_that_names_the_attribute() {
        let damages: &[(&str, Option<AttributeValue>)] = &[
            ("Topic", Some(number(1))),
            ("MessageId", None),
            ("Body", None),
            ("Body", Some(number(1))),
            ("MessageType", None),
            ("MessageType", Some(number(1))),
            ("CharacterEncoding", Some(number(1))),
            ("HeaderBag", Some(text("[1]"))),
            (DELIVERY_TIME, Some(text("yesterday"))),
        ];
        for (attribute, value) in damages {
            let mut item = encode(&full(), 3);
            match value {
                Some(value) => item.insert(attribute.to_string(), value.clone()),
                None => item.remove(*attribute),
            };
            let error = decode(&item).unwrap_err();
            assert_eq!(error.code(), ErrorCode::MalformedItem);
            assert!(error.message().contains(attribute), "{error}");
        }
    }
}
