//! Checks whether Brighter's reader would throw an exception for a message. The reader converts a whole page of items
//! at once, so one such message stops every sweep of Brighter.

use crate::model::bag::{Bag, Token, tokens};
use crate::model::header::{CharacterEncoding, MessageType};
use crate::model::media_type;
use crate::model::message::Message;

/// The maximum number of entries that Brighter accepts in the W3C baggage of a message.
const MAX_BAGGAGE: usize = 32;
/// The maximum number of characters that Brighter accepts in a key or a value of the baggage.
const MAX_BAGGAGE_TEXT: usize = 256;
/// The largest value of .NET's `decimal`.
const MAX_DECIMAL: &str = "79228162514264337593543950335";
/// The maximum number of digits after the decimal point of a `decimal`.
const DECIMAL_PLACES: i32 = 28;

/// Returns the reason for which Brighter cannot read the message, if there is one.
pub(crate) fn refusal(message: &Message) -> Option<String> {
    unknown_name(message)
        .or_else(|| content_type(message.content_type_or_default()))
        .or_else(|| baggage(message.baggage()))
        .or_else(|| in_bag(message.exact_bag()))
}

fn unknown_name(message: &Message) -> Option<String> {
    let name = match (message.message_type(), message.character_encoding()) {
        (MessageType::Other(name), _) => format!("message_type is \"{name}\""),
        (_, CharacterEncoding::Other(name)) => format!("character_encoding is \"{name}\""),
        _ => return None,
    };
    Some(format!("the {name}, which Brighter does not know"))
}

fn content_type(text: &str) -> Option<String> {
    (!media_type::is_readable(text)).then(|| {
        format!("the content_type is \"{text}\", and Brighter requires a type and a subtype such as application/json")
    })
}

fn baggage(baggage: &str) -> Option<String> {
    let entries: Vec<&str> = baggage.split(',').filter(|entry| !entry.is_empty()).collect();
    if entries.len() > MAX_BAGGAGE {
        return Some(format!("the baggage has {} entries, and Brighter accepts up to {MAX_BAGGAGE}", entries.len()));
    }
    // Values are data of the caller and do not belong in an error.
    (1..).zip(entries).find_map(|(number, entry)| match entry.split_once('=') {
        None => Some(format!("entry {number} of the baggage is not of the form k=v,k2=v2")),
        Some((key, _)) if !is_baggage_key(key) => {
            Some(format!("the baggage has the key \"{key}\", and Brighter accepts letters, digits, _ * / and - only"))
        }
        Some((key, value)) if !is_baggage_value(value) => Some(format!(
            "the baggage has a value of \"{key}\" that Brighter does not accept: visible ASCII without = only, 1 to {MAX_BAGGAGE_TEXT} characters"
        )),
        Some(_) => None,
    })
}

fn is_baggage_key(key: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_-*/".contains(&byte);
    (1..=MAX_BAGGAGE_TEXT).contains(&key.len())
        && key.starts_with(|first: char| first.is_ascii_alphanumeric())
        && key.bytes().all(is_inner)
}

fn is_baggage_value(value: &str) -> bool {
    (1..=MAX_BAGGAGE_TEXT).contains(&value.len())
        && value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=')
        && !value.ends_with(' ')
}

fn in_bag(bag: &Bag) -> Option<String> {
    let json = bag.to_json();
    tokens(&json).find_map(|token| match token {
        Token::Name(name) if name.trim().is_empty() => {
            Some("the bag has a name that is empty or blank, which Brighter does not accept".to_owned())
        }
        Token::Number(number) if !is_decimal(number) => {
            Some("the bag has a number that is beyond a decimal of .NET".to_owned())
        }
        _ => None,
    })
}

/// Checks that a JSON number is within the range of .NET's `decimal`. A number with too many digits is accepted,
/// because .NET rounds it.
fn is_decimal(number: &str) -> bool {
    let number = number.trim_start_matches('-');
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Some(exponent) = exponent.parse::<i32>().ok().filter(|it| it.abs() <= DECIMAL_PLACES) else {
        return false;
    };
    let digits: String = before.chars().chain(after.chars()).collect();
    let places = i64::try_from(before.len()).unwrap_or(i64::MAX) + i64::from(exponent);
    let Ok(places) = usize::try_from(places) else { return true };
    let whole: String = digits.chars().chain(std::iter::repeat('0')).take(places).collect();
    let whole = whole.trim_start_matches('0');
    (whole.len(), whole) <= (MAX_DECIMAL.len(), MAX_DECIMAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: Message) -> String {
        refusal(&message).unwrap_or_default()
    }

    fn message() -> Message {
        Message::new("t", "b")
    }

    #[test]
    fn a_baggage_is_as_brighter_takes_it() {
        let many = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        for baggage in ["", "user=1", "user=a b;p,plan=2,", "A_-*/9=!~", &many(32), &format!("k={}", "v".repeat(256))] {
            assert_eq!(refused(message().with_baggage(baggage)), "", "{baggage}");
        }
        for (baggage, expected) in [
            ("user", "k=v"),
            ("=1", "key \"\""),
            ("a.b=1", "key \"a.b\""),
            ("a=1, b=2", "key \" b\""),
            ("_a=1", "key \"_a\""),
            ("ä=1", "key"),
            ("a=", "value of \"a\""),
            ("a=ä", "value of \"a\""),
            ("a=b=c", "value of \"a\""),
            ("a=b ", "value of \"a\""),
            (&many(33), "33 entries"),
            (&format!("{}=v", "k".repeat(257)), "key"),
            (&format!("k={}", "v".repeat(257)), "256"),
        ] {
            let refused = refused(message().with_baggage(baggage));
            assert!(refused.contains(expected), "{baggage}: {refused}");
        }
    }

    #[test]
    fn a_content_type_is_as_dotnet_takes_it() {
        assert_eq!(refused(message().with_content_type("")), "", "it is stored as text/plain");
        assert!(refused(message().with_content_type("json")).contains("content_type is \"json\""));
    }

    #[test]
    fn names_and_numbers_of_the_bag_are_as_brighter_takes_them() {
        let with_bag = |json: &str| {
            let mut message = message();
            message.set_bag(Bag::read(json).unwrap());
            refused(message)
        };
        for json in [
            r#"{"a":79228162514264337593543950335,"b":-79228162514264337593543950335.4,"c":[0,-1.5e3,7.9E28,1e-28]}"#,
            r#"{"a":" ","b":{"c":[{"d":"1e400 \" : 1e400"}]},"e":0.00000000000000000000000000000000000001}"#,
            "{}",
        ] {
            assert_eq!(with_bag(json), "");
        }
        for json in
            [r#"{"a":79228162514264337593543950336}"#, r#"{"a":[{"b":-1e29}]}"#, r#"{"a":8e28}"#, r#"{"a":1e400}"#]
        {
            assert!(with_bag(json).contains("beyond a decimal"), "{json}");
        }
        for json in [r#"{"":1}"#, r#"{"a":{" \t":1}}"#, r#"{"a":[{"\u0020":1}]}"#] {
            assert!(with_bag(json).contains("empty or blank"), "{json}");
        }
    }

    #[test]
    fn names_of_later_versions_are_rejected() {
        assert!(refused(message().with_message_type(MessageType::Other("MT_X".into()))).contains("message_type"));
        assert!(
            refused(message().with_character_encoding(CharacterEncoding::Other("X".into())))
                .contains("character_encoding")
        );
    }
}
