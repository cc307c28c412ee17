//! The W3C trace context of the operation in progress: <https://www.w3.org/TR/trace-context/>.

use crate::model::error::{Error, ErrorCode, Result, shortened};
use crate::model::message::Message;

/// The maximum length of a `tracestate` that vendors must pass on.
const MAX_STATE: usize = 512;

/// The `traceparent` and `tracestate` of the span in which a message is deposited.
///
/// ```
/// use postbox::TraceContext;
///
/// let context = TraceContext::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "")?;
/// assert!(TraceContext::new("0af7651916cd43dd8448eb211c80319c", "").is_err());
/// # Ok::<(), postbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: String,
    state: String,
}

impl TraceContext {
    /// Creates a context from the values of the headers `traceparent` and `tracestate`. The second may be empty.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if `parent` is not a `traceparent` of W3C Trace Context, or if `state` has more than
    /// 512 characters or others than printable ASCII.
    pub fn new(parent: &str, state: &str) -> Result<Self> {
        let wrong = |name, value: &str, form| {
            let text = format!("the {name} \"{}\" is invalid: it needs {form}", shortened(value));
            Error::new(ErrorCode::InvalidArgument, text)
        };
        if !is_parent(parent) {
            return Err(wrong(
                "traceparent",
                parent,
                "the form 00-TRACE_ID-PARENT_ID-FLAGS in lower-case hexadecimal digits",
            ));
        }
        if state.len() > MAX_STATE || !state.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(wrong("tracestate", state, "up to 512 printable ASCII characters"));
        }
        Ok(Self { parent: parent.to_owned(), state: state.to_owned() })
    }

    /// Returns the message with this context, unless the message has one already.
    pub(crate) fn applied_to(self, message: Message) -> Message {
        if message.trace_parent().is_empty() {
            message.with_trace_parent(self.parent).with_trace_state(self.state)
        } else {
            message
        }
    }
}

/// The parts of a valid `traceparent`.
#[cfg_attr(not(any(feature = "sns", feature = "sqs")), allow(dead_code))]
pub(crate) struct TraceParent<'a> {
    pub(crate) trace_id: &'a str,
    pub(crate) parent_id: &'a str,
    pub(crate) is_sampled: bool,
}

impl<'a> TraceParent<'a> {
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let (version, trace_id, parent_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_id = |text: &str, length: usize| is_hex(text, length) && text.bytes().any(|byte| byte != b'0');
        let is_valid =
            is_hex(version, 2) && version != "ff" && is_id(trace_id, 32) && is_id(parent_id, 16) && is_hex(flags, 2);
        // Later versions can have more parts.
        if !is_valid || version == "00" && parts.next().is_some() {
            return None;
        }
        let is_sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        Some(Self { trace_id, parent_id, is_sampled })
    }
}

fn is_parent(text: &str) -> bool {
    TraceParent::of(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_form_of_a_trace_parent_is_checked() {
        for valid in [PARENT, "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more"] {
            assert!(TraceContext::new(valid, "vendor=1").is_ok(), "{valid}");
        }
        for invalid in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert_eq!(TraceContext::new(invalid, "").unwrap_err().code(), ErrorCode::InvalidArgument, "{invalid}");
        }
        for invalid in ["a\n", "é", &"x".repeat(513)] {
            assert!(TraceContext::new(PARENT, invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn the_context_of_a_message_is_kept() {
        let context = || TraceContext::new(PARENT, "vendor=1").unwrap();
        let message = context().applied_to(Message::new("t", "x"));
        assert_eq!((message.trace_parent(), message.trace_state()), (PARENT, "vendor=1"));
        let own = Message::new("t", "x").with_trace_parent("own");
        assert_eq!(context().applied_to(own.clone()), own);
    }
}
