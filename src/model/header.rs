//! The header fields of a message by name, and the enums that are the types of two of these fields.

use crate::model::named::open_named;

open_named! {
    /// The purpose of a message, as Brighter defines it.
    MessageType {
        /// A message that could not be read.
        Unacceptable = "MT_UNACCEPTABLE",
        /// An empty message.
        None = "MT_NONE",
        /// A request to the receiver to do something.
        Command = "MT_COMMAND",
        /// A statement that something happened. The default.
        Event = "MT_EVENT",
        /// A state or a document.
        Document = "MT_DOCUMENT",
        /// A request to a consumer to stop.
        Quit = "MT_QUIT",
    }
}

open_named! {
    /// The encoding of a message body.
    CharacterEncoding {
        /// ASCII text.
        Ascii = "ASCII",
        /// Bytes that a text transport carries as base64.
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
    /// The attribute in which the table stores the field. Only the documentation uses this name.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) attribute: &'static str,
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) about: &'static str,
}

/// Passes the table of the optional text headers to the macro `$then`. Each row has a field, its setter, its attribute
/// and a description.
macro_rules! with_optional_headers {
    ($then:ident) => {
        $then! {
            partition_key with_partition_key "PartitionKey" "The key of the messages that are sent in order, and the message group on SNS and SQS.";
            correlation_id with_correlation_id "CorrelationId" "An id that links a reply or a follow-up to its request.";
            causation_id with_causation_id "CausationId" "The id of the cause of this message. Messages can be replayed by causation id.";
            reply_to with_reply_to "ReplyTo" "The address for replies.";
            subject with_subject "Subject" "CloudEvents `subject`, the subject of the event.";
            event_type with_event_type "Type" "CloudEvents `type`, such as `com.example.greeting.made`.";
            data_schema with_data_schema "DataSchema" "CloudEvents `dataschema`, the URI of the body's schema.";
            data_ref with_data_ref "DataRef" "CloudEvents `dataref`, the URI of a body that is stored elsewhere (claim check).";
            trace_parent with_trace_parent "TraceParent" "W3C Trace Context `traceparent`.";
            trace_state with_trace_state "TraceState" "W3C Trace Context `tracestate`.";
            baggage with_baggage "Baggage" "W3C Baggage, `k=v,k2=v2`.";
            job_id with_job_id "JobId" "The job that the message belongs to.";
            workflow_id with_workflow_id "WorkflowId" "The workflow that the message belongs to.";
        }
    };
}
pub(crate) use with_optional_headers;

macro_rules! define_header_fields {
    ($($field:ident $setter:ident $attribute:literal $about:literal;)*) => {
        /// All header fields except the entries of the header bag, in the order in which CONFIGURATION.md lists them.
        pub(crate) const HEADER_FIELDS: &[HeaderField] = &[
            HeaderField { name: "id", attribute: "MessageId", about: "The id of the message; a UUID v7 unless it is set. With a fixed id, a retried command takes effect only once." },
            HeaderField { name: "topic", attribute: "Topic", about: "The routing key, which selects the producer that sends the message." },
            HeaderField { name: "message_type", attribute: "MessageType", about: "The purpose of the message: `MT_EVENT` (default), `MT_COMMAND`, `MT_DOCUMENT`, `MT_QUIT`, `MT_NONE` or `MT_UNACCEPTABLE`." },
            HeaderField { name: "content_type", attribute: "ContentType", about: "The media type of the body; `application/json; charset=utf-8` unless it is set. An empty value is stored as `text/plain`." },
            HeaderField { name: "character_encoding", attribute: "CharacterEncoding", about: "The encoding of the body: `UTF8`, `ASCII`, `UTF16`, `Base64` or `Raw`. Unless it is set, the `content_type` decides: `UTF8` for text (`text/*`, JSON, XML, URL-encoded forms) and `Raw` for all other types." },
            HeaderField { name: "source", attribute: "Source", about: "CloudEvents `source`, a URI reference; `http://goparamore.io` unless it is set, as in Brighter." },
            HeaderField { name: "spec_version", attribute: "SpecVersion", about: "CloudEvents `specversion`; `1.0` unless it is set." },
            HeaderField { name: "created_at", attribute: "CreatedAt", about: "The time at which the message was created, as RFC 3339; the current time unless it is set. Messages of one partition key are ordered by it." },
            $(HeaderField { name: stringify!($field), attribute: $attribute, about: $about },)*
        ];
    };
}

with_optional_headers!(define_header_fields);
