//! A message: a header and a body, as it is deposited and as it is sent.

use crate::config::shortened;
use crate::error::{Error, ErrorCode, Result, near_names};
use crate::ticks::Ticks;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::time::SystemTime;

/// Brighter's default for the CloudEvents `source` attribute.
const DEFAULT_SOURCE: &str = "http://goparamore.io";
/// Brighter's default content type.
const DEFAULT_CONTENT_TYPE: &str = "application/json; charset=utf-8";
const DEFAULT_SPEC_VERSION: &str = "1.0";
/// What is stored and sent for a message without a content type.
pub(crate) const NO_CONTENT_TYPE: &str = "text/plain";
/// DynamoDB's limit for a partition key. The id is one, and so are, in the indexes, topic with shard, and causation id.
pub(crate) const MAX_KEY_BYTES: usize = 2048;
/// What `TopicShard` adds to the topic: `_` and up to two digits.
const SHARD_SUFFIX_BYTES: usize = 3;

/// An enum whose values have names in the table.
macro_rules! named {
    ($(#[$about:meta])* $type:ident { $($(#[$value_about:meta])* $value:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$value_about])* $value,)*
        }

        impl $type {
            const NAMES: &[&str] = &[$($name,)*];

            /// The name that the table holds.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)*
                }
            }

            /// The value of this name; upper and lower case differ.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$value),)*
                    _ => None,
                }
            }
        }
    };
}

named! {
    /// What a message is to its receiver, in Brighter's terms.
    MessageType {
        /// Could not be read.
        Unacceptable = "MT_UNACCEPTABLE",
        /// No message.
        None = "MT_NONE",
        /// Asks its receiver to do something.
        Command = "MT_COMMAND",
        /// Says that something happened. The default.
        Event = "MT_EVENT",
        /// Carries a state or a document.
        Document = "MT_DOCUMENT",
        /// Asks a consumer to stop.
        Quit = "MT_QUIT",
    }
}

named! {
    /// How the bytes of a body are to be read.
    CharacterEncoding {
        /// ASCII text.
        Ascii = "ASCII",
        /// Bytes that go over a text transport as base64.
        Base64 = "Base64",
        /// UTF-8 text.
        Utf8 = "UTF8",
        /// UTF-16 text.
        Utf16 = "UTF16",
        /// Bytes that are not text.
        Raw = "Raw",
    }
}

/// A header field that can be read and set by name.
pub(crate) struct HeaderField {
    pub(crate) name: &'static str,
    /// The attribute of the table that holds it, for the documentation.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) attribute: &'static str,
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) about: &'static str,
}

/// Defines the message from the list of its optional text headers: field, setter, attribute, text.
macro_rules! define_message {
    ($($field:ident $setter:ident $attribute:literal $about:literal;)*) => {
        /// A message to deposit, or one that was read from the outbox: a header and a body of bytes.
        ///
        /// ```
        /// use postbox::Message;
        ///
        /// let message = Message::new("greeting.made", r#"{"name":"Ada"}"#)
        ///     .with_partition_key("Ada")
        ///     .with_header("tenant", "42");
        /// assert_eq!(message.topic(), "greeting.made");
        /// assert_eq!(message.id().len(), 36); // a UUID v7, unless with_id gives another
        /// ```
        #[derive(Clone, PartialEq)]
        pub struct Message {
            id: String,
            topic: String,
            body: Vec<u8>,
            message_type: MessageType,
            character_encoding: Option<CharacterEncoding>,
            content_type: String,
            source: String,
            spec_version: String,
            created: Ticks,
            bag: Map<String, Value>,
            handled_count: u32,
            delayed_milliseconds: u32,
            $($field: String,)*
        }

        impl Message {
            /// A message of the topic with this body, of type [`MessageType::Event`], made now, with a new id.
            pub fn new(topic: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
                Self {
                    id: uuid::Uuid::now_v7().to_string(),
                    topic: topic.into(),
                    body: body.into(),
                    message_type: MessageType::Event,
                    character_encoding: None,
                    content_type: DEFAULT_CONTENT_TYPE.into(),
                    source: DEFAULT_SOURCE.into(),
                    spec_version: DEFAULT_SPEC_VERSION.into(),
                    created: Ticks::next(),
                    bag: Map::new(),
                    handled_count: 0,
                    delayed_milliseconds: 0,
                    $($field: String::new(),)*
                }
            }

            $(
                #[doc = $about]
                /// Empty when there is none.
                pub fn $field(&self) -> &str {
                    &self.$field
                }

                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), "); empty takes it away.")]
                pub fn $setter(mut self, value: impl Into<String>) -> Self {
                    self.$field = value.into();
                    self
                }
            )*

            /// The optional text headers as attributes of the table, empty ones included.
            pub(crate) fn optional_attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
                [$(($attribute, self.$field.as_str()),)*].into_iter()
            }

            /// Sets an optional text header from the attribute that holds it.
            pub(crate) fn set_optional_attribute(&mut self, attribute: &str, value: &str) {
                match attribute {
                    $($attribute => self.$field = value.into(),)*
                    _ => {}
                }
            }

            fn optional_field(&mut self, name: &str) -> Option<&mut String> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }

            fn optional_value(&self, name: &str) -> Option<&str> {
                match name {
                    $(stringify!($field) => Some(&self.$field),)*
                    _ => None,
                }
            }
        }

        /// Every header field that has a name, in the order of the documentation.
        pub(crate) const HEADER_FIELDS: &[HeaderField] = &[
            HeaderField { name: "id", attribute: "MessageId", about: "The message's id; a UUID v7 unless set. A fixed id makes a retried command take effect once." },
            HeaderField { name: "topic", attribute: "Topic", about: "The routing key: it names the producer that sends the message." },
            HeaderField { name: "message_type", attribute: "MessageType", about: "`MT_EVENT` (default), `MT_COMMAND`, `MT_DOCUMENT`, `MT_QUIT`, `MT_NONE`, `MT_UNACCEPTABLE`." },
            HeaderField { name: "content_type", attribute: "ContentType", about: "The media type of the body; default `application/json; charset=utf-8`. Empty is stored as `text/plain`." },
            HeaderField { name: "character_encoding", attribute: "CharacterEncoding", about: "`UTF8`, `ASCII`, `UTF16`, `Base64` or `Raw`; unless set, `UTF8` for a body that is valid UTF-8 and `Raw` for another." },
            HeaderField { name: "source", attribute: "Source", about: "CloudEvents `source`, a URI reference; default `http://goparamore.io` as in Brighter." },
            HeaderField { name: "spec_version", attribute: "SpecVersion", about: "CloudEvents `specversion`; `1.0`." },
            HeaderField { name: "created_at", attribute: "CreatedAt", about: "When the message was made, RFC 3339; now unless set. Messages of one partition key are ordered by it." },
            $(HeaderField { name: stringify!($field), attribute: $attribute, about: $about },)*
        ];
    };
}

define_message! {
    partition_key with_partition_key "PartitionKey" "Messages of one partition key are sent in order. Also the FIFO message group.";
    correlation_id with_correlation_id "CorrelationId" "Ties a reply or a follow-up to its request.";
    causation_id with_causation_id "CausationId" "The id of what caused this message; messages can be replayed by it.";
    reply_to with_reply_to "ReplyTo" "Where a reply should go.";
    subject with_subject "Subject" "CloudEvents `subject`: what the event is about.";
    event_type with_event_type "Type" "CloudEvents `type`, such as `com.example.greeting.made`.";
    data_schema with_data_schema "DataSchema" "CloudEvents `dataschema`: a URI of the body's schema.";
    data_ref with_data_ref "DataRef" "CloudEvents `dataref`: a URI where the body is stored, for a claim check.";
    trace_parent with_trace_parent "TraceParent" "W3C Trace Context `traceparent`.";
    trace_state with_trace_state "TraceState" "W3C Trace Context `tracestate`.";
    baggage with_baggage "Baggage" "W3C Baggage, `k=v,k2=v2`.";
    job_id with_job_id "JobId" "The job that the message belongs to.";
    workflow_id with_workflow_id "WorkflowId" "The workflow that the message belongs to.";
}

impl Message {
    /// The id: a UUID v7 unless the caller gave another.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Sets the id, at most 2,048 bytes. A fixed id makes a retried command take effect once.
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// The routing key.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The bytes of the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Replaces the body.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// What the message is to its receiver.
    pub fn message_type(&self) -> MessageType {
        self.message_type
    }

    /// Sets the [`message_type`](Self::message_type).
    pub fn with_message_type(mut self, message_type: MessageType) -> Self {
        self.message_type = message_type;
        self
    }

    /// The media type of the body.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Sets the [`content_type`](Self::content_type). Empty is stored as `text/plain`.
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// How the bytes of the body are to be read: as set, else [`CharacterEncoding::Utf8`] if the
    /// body is valid UTF-8 and [`CharacterEncoding::Raw`] if not.
    pub fn character_encoding(&self) -> CharacterEncoding {
        self.character_encoding.unwrap_or_else(|| match std::str::from_utf8(&self.body) {
            Ok(_) => CharacterEncoding::Utf8,
            Err(_) => CharacterEncoding::Raw,
        })
    }

    /// Sets the [`character_encoding`](Self::character_encoding).
    pub fn with_character_encoding(mut self, encoding: CharacterEncoding) -> Self {
        self.character_encoding = Some(encoding);
        self
    }

    /// CloudEvents `source`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Sets the [`source`](Self::source).
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// CloudEvents `specversion`.
    pub fn spec_version(&self) -> &str {
        &self.spec_version
    }

    /// When the message was made, to 100 ns.
    pub fn created_at(&self) -> SystemTime {
        self.created.to_system_time()
    }

    /// Sets when the message was made; kept to 100 ns.
    pub fn with_created_at(mut self, time: SystemTime) -> Self {
        self.created = Ticks::from(time);
        self
    }

    /// Further headers, any JSON values.
    pub fn bag(&self) -> &Map<String, Value> {
        &self.bag
    }

    /// Puts a further header into the bag.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.bag.insert(name.into(), value.into());
        self
    }

    /// How often a consumer has handled the message; 0 for a new one.
    pub fn handled_count(&self) -> u32 {
        self.handled_count
    }

    /// The delay that a consumer asked for, in milliseconds; 0 for a new one.
    pub fn delayed_milliseconds(&self) -> u32 {
        self.delayed_milliseconds
    }

    /// The content type as it is stored and sent: never empty, and so for the two that follow.
    pub(crate) fn content_type_or_default(&self) -> &str {
        or_default(&self.content_type, NO_CONTENT_TYPE)
    }

    pub(crate) fn source_or_default(&self) -> &str {
        or_default(&self.source, DEFAULT_SOURCE)
    }

    pub(crate) fn spec_version_or_default(&self) -> &str {
        or_default(&self.spec_version, DEFAULT_SPEC_VERSION)
    }

    pub(crate) fn created(&self) -> Ticks {
        self.created
    }

    pub(crate) fn set_created(&mut self, created: Ticks) {
        self.created = created;
    }

    pub(crate) fn set_bag(&mut self, bag: Map<String, Value>) {
        self.bag = bag;
    }

    pub(crate) fn set_spec_version(&mut self, version: &str) {
        self.spec_version = version.into();
    }

    pub(crate) fn set_counts(&mut self, handled_count: u32, delayed_milliseconds: u32) {
        self.handled_count = handled_count;
        self.delayed_milliseconds = delayed_milliseconds;
    }

    /// Sets a header field from text, by the names of CONFIGURATION.md; `bag.NAME` puts a text
    /// into the bag. An empty text takes an optional field away.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownName`] with the near names, [`ErrorCode::InvalidMessage`] for a value
    /// that the field cannot have.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if let Some(key) = name.strip_prefix("bag.") {
            self.bag.insert(key.into(), value.into());
            return Ok(());
        }
        if let Some(field) = self.optional_field(name) {
            *field = value.into();
            return Ok(());
        }
        match name {
            "id" => self.id = value.into(),
            "topic" => self.topic = value.into(),
            "content_type" => self.content_type = value.into(),
            "source" => self.source = value.into(),
            "spec_version" => self.spec_version = value.into(),
            "message_type" => {
                self.message_type =
                    MessageType::from_name(value).ok_or_else(|| not_one_of(name, value, MessageType::NAMES))?;
            }
            "character_encoding" => {
                self.character_encoding = Some(
                    CharacterEncoding::from_name(value)
                        .ok_or_else(|| not_one_of(name, value, CharacterEncoding::NAMES))?,
                );
            }
            "created_at" => {
                self.created = Ticks::from_text(value).ok_or_else(|| {
                    invalid(format!(
                        "created_at is \"{}\": it needs a time such as 2026-01-31T12:00:00.000Z",
                        shortened(value)
                    ))
                })?;
            }
            _ => return Err(unknown_field(name)),
        }
        Ok(())
    }

    /// A header field as text, by the same names as [`set`](Self::set); `None` for an optional
    /// one that is not there. A bag entry that is not a string is given as JSON.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownName`] with the near names.
    pub fn get(&self, name: &str) -> Result<Option<Cow<'_, str>>> {
        if let Some(key) = name.strip_prefix("bag.") {
            return Ok(self.bag.get(key).map(|value| match value {
                Value::String(text) => Cow::Borrowed(text.as_str()),
                other => Cow::Owned(other.to_string()),
            }));
        }
        if let Some(value) = self.optional_value(name) {
            return Ok((!value.is_empty()).then_some(Cow::Borrowed(value)));
        }
        Ok(Some(match name {
            "id" => Cow::Borrowed(&self.id),
            "topic" => Cow::Borrowed(&self.topic),
            "content_type" => Cow::Borrowed(&self.content_type),
            "source" => Cow::Borrowed(&self.source),
            "spec_version" => Cow::Borrowed(&self.spec_version),
            "message_type" => Cow::Borrowed(self.message_type.name()),
            "character_encoding" => Cow::Borrowed(self.character_encoding().name()),
            "created_at" => Cow::Owned(self.created.to_text()),
            _ => return Err(unknown_field(name)),
        }))
    }

    /// The header fields that are there, as text by the names of [`get`](Self::get), without the bag.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        HEADER_FIELDS.iter().filter_map(|field| Some((field.name, self.get(field.name).ok()??)))
    }

    /// Whether the message can be stored and read again, by us and by Brighter.
    pub(crate) fn validate(&self) -> Result<()> {
        let refuse = |what: String| Err(invalid(format!("message {}: {what}", shortened(&self.id))));
        for (name, value, most) in
            [("id", &self.id, MAX_KEY_BYTES), ("topic", &self.topic, MAX_KEY_BYTES - SHARD_SUFFIX_BYTES)]
        {
            if value.is_empty() {
                return refuse(format!("its {name} is empty"));
            }
            if value.len() > most {
                return refuse(format!("its {name} has {} bytes, {most} at most", value.len()));
            }
        }
        if self.causation_id.len() > MAX_KEY_BYTES {
            return refuse(format!("its causation_id has {} bytes, {MAX_KEY_BYTES} at most", self.causation_id.len()));
        }
        let encoding = self.character_encoding();
        let fits = match encoding {
            CharacterEncoding::Utf8 => std::str::from_utf8(&self.body).is_ok(),
            CharacterEncoding::Ascii => self.body.is_ascii(),
            CharacterEncoding::Utf16 => self.body.len().is_multiple_of(2),
            CharacterEncoding::Base64 | CharacterEncoding::Raw => true,
        };
        if !fits {
            return refuse(format!(
                "its body is not valid {}: set character_encoding to Raw for bytes",
                encoding.name()
            ));
        }
        // Brighter's reader throws on an entry without "=".
        if !self.baggage.is_empty()
            && !self.baggage.split(',').all(|entry| entry.trim().find('=').is_some_and(|at| at > 0))
        {
            return refuse("its baggage is not of the form k=v,k2=v2".into());
        }
        Ok(())
    }
}

impl std::fmt::Debug for Message {
    /// Without the body and the bag, which do not belong into logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("topic", &self.topic)
            .field("message_type", &self.message_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Brighter's reader wants these to be there.
fn or_default<'a>(value: &'a str, default: &'a str) -> &'a str {
    if value.is_empty() { default } else { value }
}

fn not_one_of(name: &str, value: &str, names: &[&str]) -> Error {
    invalid(format!("{name} is \"{}\", not one of {}", shortened(value), names.join(", ")))
}

fn unknown_field(name: &str) -> Error {
    Error::new(
        ErrorCode::UnknownName,
        format!(
            "there is no header field \"{}\"; near: {} (bag.NAME is an entry of the header bag)",
            shortened(name),
            near_names(name, HEADER_FIELDS.iter().map(|field| field.name))
        ),
    )
}

fn invalid(message: String) -> Error {
    Error::new(ErrorCode::InvalidMessage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_field_can_be_set_and_read() {
        for field in HEADER_FIELDS {
            let mut message = Message::new("t", "b");
            let value = match field.name {
                "message_type" => "MT_COMMAND",
                "character_encoding" => "ASCII",
                "created_at" => "2024-02-29T12:34:56.789Z",
                _ => "v=1",
            };
            message.set(field.name, value).unwrap();
            assert_eq!(message.get(field.name).unwrap().as_deref(), Some(value), "{}", field.name);
        }
        let mut message = Message::new("t", "b");
        message.set("bag.tenant", "42").unwrap();
        assert_eq!(message.get("bag.tenant").unwrap().as_deref(), Some("42"));
        assert_eq!(message.get("bag.other").unwrap(), None);
        assert_eq!(message.get("subject").unwrap(), None);
    }

    #[test]
    fn a_wrong_name_lists_the_near_ones() {
        let error = Message::new("t", "b").set("partitionkey", "1").unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownName);
        assert!(error.message().contains("partition_key"), "{error}");
        assert!(Message::new("t", "b").get("topik").unwrap_err().message().contains("topic"));
    }

    #[test]
    fn what_brighter_could_not_read_is_refused() {
        let message = || Message::new("t", "b");
        let cases = [
            (Message::new("", "b"), "topic is empty"),
            (message().with_id(""), "id is empty"),
            (message().with_id("x".repeat(2049)), "2048 at most"),
            (Message::new("t".repeat(2046), "b"), "2045 at most"),
            (message().with_causation_id("x".repeat(2049)), "causation_id"),
            (message().with_baggage("a=1,b"), "k=v"),
            (message().with_baggage("=1"), "k=v"),
            (message().with_body([0xff]).with_character_encoding(CharacterEncoding::Utf8), "UTF8"),
            (message().with_body("ä").with_character_encoding(CharacterEncoding::Ascii), "ASCII"),
            (message().with_body("abc").with_character_encoding(CharacterEncoding::Utf16), "UTF16"),
        ];
        for (message, expected) in cases {
            let error = message.validate().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidMessage);
            assert!(error.message().contains(expected), "{error}");
        }
        message().with_baggage("a=1, b=2;p").validate().unwrap();
    }

    #[test]
    fn the_encoding_follows_the_body_unless_set() {
        assert_eq!(Message::new("t", "text").character_encoding(), CharacterEncoding::Utf8);
        assert_eq!(Message::new("t", [0xff, 0x00]).character_encoding(), CharacterEncoding::Raw);
        assert_eq!(
            Message::new("t", "aGk=").with_character_encoding(CharacterEncoding::Base64).character_encoding(),
            CharacterEncoding::Base64
        );
    }

    #[test]
    fn the_body_is_not_shown() {
        let message = Message::new("t", "a secret").with_header("h", "another secret");
        assert!(!format!("{message:?}").contains("secret"));
    }

    #[test]
    fn messages_made_one_after_the_other_are_in_order() {
        let first = Message::new("t", "");
        let second = Message::new("t", "");
        assert!(first.created_at() < second.created_at());
        assert!(first.id() < second.id());
    }
}
