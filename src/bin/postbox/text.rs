//! Ages, messages and bodies as text for people.

use postbox::{DispatchOutcome, Message, StoredMessage};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// Returns the lines of a text that are not empty. A line ends with LF or CRLF. The byte order mark that some editors
/// write at the start is ignored.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    text.split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
}

/// Reads `90s`, `15m`, `2h`, `30d` or `500ms`.
pub fn parse_age(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 3600 * 1000,
        "d" => 86_400 * 1000,
        _ => return Err("a duration is a number and a unit: 500ms, 90s, 15m, 2h or 30d".into()),
    };
    let number: u64 = number.parse().map_err(|_| "a duration starts with a whole number, such as 15m".to_owned())?;
    number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(|| "the duration is too large".into())
}

/// Formats a duration: `5s`, `3m 20s`, `2h 0m`, `4d 11h`.
pub fn shown_duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        seconds @ 3600..86_400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        seconds => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Returns the time since then, zero if it is in the future.
pub fn age(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or_default()
}

/// Returns the age of a time, or the distance to a time in the future.
pub fn shown_age(time: SystemTime) -> String {
    match time.duration_since(SystemTime::now()) {
        Ok(ahead) if ahead >= Duration::from_secs(1) => format!("in {}", shown_duration(ahead)),
        _ => shown_duration(age(time)),
    }
}

/// Returns a message as a JSON object with its headers, bag and body. A body that is not UTF-8 is written as
/// hexadecimal digits.
pub fn message_json(message: &Message) -> Map<String, Value> {
    let mut object: Map<String, Value> =
        message.headers().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    object.insert("bag".into(), Value::Object(message.bag().clone()));
    match std::str::from_utf8(message.body()) {
        Ok(text) => object.insert("body".into(), text.into()),
        Err(_) => object.insert("body_hex".into(), hex(message.body()).into()),
    };
    object
}

/// Returns [`message_json`] with the fields that the outbox keeps for the message.
pub fn stored_json(stored: &StoredMessage) -> Value {
    let mut object = message_json(&stored.message);
    object.extend(stored.fields().map(|(name, value)| (name.to_owned(), json!(value))));
    object.insert("dispatch_attempts".into(), stored.dispatch_attempts.into());
    Value::Object(object)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Formats bytes in lines of 16: the offset, the hexadecimal digits, and the ASCII characters.
pub fn hex_dump(bytes: &[u8]) -> String {
    let mut dump = String::new();
    for (index, line) in bytes.chunks(16).enumerate() {
        let digits: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let characters: String =
            line.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '.' }).collect();
        let _ = writeln!(dump, "{:08x}  {:<47}  {characters}", index * 16, digits.join(" "));
    }
    dump
}

/// Describes the outcome of a message.
pub fn outcome_text(outcome: DispatchOutcome) -> &'static str {
    match outcome {
        DispatchOutcome::Dispatched => "sent",
        DispatchOutcome::AlreadyDispatched => "already dispatched",
        DispatchOutcome::Accepted => "accepted by its transport, not yet confirmed",
        DispatchOutcome::InProgress => "being sent by another thread",
        DispatchOutcome::Replayed => "outstanding again",
        DispatchOutcome::NotFound => "not found",
        DispatchOutcome::Parked => "parked: release it with postbox unpark",
        DispatchOutcome::NoProducer => {
            "no route for its topic, so it stays outstanding: set a route, or pass --to stdout"
        }
        DispatchOutcome::Failed => "not sent",
        DispatchOutcome::Rejected => "rejected by its transport, and parked",
        DispatchOutcome::Malformed => "malformed, and parked",
        DispatchOutcome::ReadFailed => "not read",
        DispatchOutcome::MarkFailed => "sent but not marked as dispatched, so it will be sent again",
        DispatchOutcome::HeldBack => "held back",
        DispatchOutcome::Skipped => "skipped",
        DispatchOutcome::BreakerOpen => "held back: the breaker of its topic is open",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_and_shown() {
        for (text, milliseconds) in [("500ms", 500), ("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("0s", 0)] {
            assert_eq!(parse_age(text).unwrap(), Duration::from_millis(milliseconds));
        }
        for text in ["", "5", "h", "-1s", "1w", "1.5h", "99999999999999999999d", "18446744073709551615d"] {
            parse_age(text).unwrap_err();
        }
        for (seconds, shown) in [(5, "5s"), (200, "3m 20s"), (7199, "1h 59m"), (385_200, "4d 11h")] {
            assert_eq!(shown_duration(Duration::from_secs(seconds)), shown);
        }
    }

    #[test]
    fn a_dump_has_a_line_for_each_sixteen_bytes() {
        assert_eq!(
            hex_dump(b"0123456789abcdef\x00\xffA"),
            "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n\
             00000010  00 ff 41                                         ..A\n"
        );
    }
}
