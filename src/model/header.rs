//! The header of a message: its fields by name, and the values of those that are enums.

use crate::model::named::named;

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

/// Hands the table of the optional text headers to the macro `$then`: field, setter, attribute and meaning of each.
macro_rules! with_optional_headers {
    ($then:ident) => {
        $then! {
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
    };
}
pub(crate) use with_optional_headers;

macro_rules! define_header_fields {
    ($($field:ident $setter:ident $attribute:literal $about:literal;)*) => {
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

with_optional_headers!(define_header_fields);
