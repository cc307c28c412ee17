//! The header bag of a message, a JSON object with the headers that are not named header fields. A value can be any
//! JSON value, and numbers keep all their digits.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The maximum nesting depth of a bag, including the bag itself. It is the limit of .NET's JSON reader, which Brighter
/// uses.
pub(crate) const MAX_DEPTH: usize = 64;

/// A JSON object. If a `Value` cannot represent an entry exactly, the entry is also kept as text.
///
/// `serde_json` keeps all digits of a number only with its feature `arbitrary_precision`. This feature is not used,
/// because it would change the numbers of every other crate in the program.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bag {
    values: Map<String, Value>,
    /// The original JSON of each entry whose `Value` would be written differently.
    exact: BTreeMap<String, String>,
}

impl Bag {
    /// Reads a JSON object. If a name occurs twice, the second entry takes precedence.
    pub(crate) fn read(json: &str) -> Option<Self> {
        let mut bag = Self::default();
        for (name, raw) in serde_json::from_str::<BTreeMap<String, &RawValue>>(json).ok()? {
            let raw = raw.get();
            // Parsing fails if a number is beyond f64, or if a value is nested too deeply. The `Value` is then the JSON
            // as a string.
            let value = serde_json::from_str(raw).unwrap_or_else(|_| Value::from(raw));
            let is_exact = matches!(&value, Value::String(text) if text != raw) || value.to_string().as_str() == raw;
            if !is_exact {
                bag.exact.insert(name.clone(), raw.to_owned());
            }
            bag.values.insert(name, value);
        }
        Some(bag)
    }

    /// Returns the entries. If a `Value` cannot hold an entry, such as a number beyond `f64`, the JSON of the entry is
    /// returned as a string.
    pub(crate) fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    pub(crate) fn insert(&mut self, name: String, value: Value) {
        self.exact.remove(&name);
        self.values.insert(name, value);
    }

    #[cfg(any(test, feature = "sns", feature = "sqs"))]
    pub(crate) fn remove(&mut self, name: &str) {
        self.exact.remove(name);
        self.values.remove(name);
    }

    /// Returns an entry as text. A string is returned unchanged, and any other value as JSON.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = self.values.get(name)?;
        Some(match (self.exact.get(name), value) {
            (Some(json), _) => Cow::Borrowed(json.as_str()),
            (None, Value::String(text)) => Cow::Borrowed(text.as_str()),
            (None, other) => Cow::Owned(other.to_string()),
        })
    }

    /// Returns the bag as a JSON object, in which numbers keep the digits with which they were read.
    pub(crate) fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (name, value) in &self.values {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&Value::from(name.as_str()).to_string());
            json.push(':');
            match self.exact.get(name) {
                Some(exact) => json.push_str(exact),
                None => json.push_str(&value.to_string()),
            }
        }
        json.push('}');
        json
    }

    /// Checks that the bag is not nested more deeply than [`MAX_DEPTH`].
    pub(crate) fn is_within_depth(&self) -> bool {
        self.values.values().all(|value| is_within(value, MAX_DEPTH - 1))
            && self.exact.values().all(|json| depth(json) < MAX_DEPTH)
    }
}

fn is_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(values) => depth > 0 && values.iter().all(|value| is_within(value, depth - 1)),
        Value::Object(values) => depth > 0 && values.values().all(|value| is_within(value, depth - 1)),
        _ => true,
    }
}

/// Returns the nesting depth of valid JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for token in tokens(json) {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Name(_) | Token::Number(_) => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// A part of a JSON text.
#[derive(Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Open,
    Close,
    /// The name of an entry.
    Name(String),
    Number(&'a str),
}

/// Splits valid JSON into its brackets, names and numbers, in the order of the text. Other values are left out, because
/// no check needs them.
pub(crate) fn tokens(json: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = json;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            let length = match first {
                '"' => string(rest),
                '-' | '0'..='9' => {
                    rest.find(|it: char| !"+-.eE".contains(it) && !it.is_ascii_digit()).unwrap_or(rest.len())
                }
                other => other.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            rest = after;
            match first {
                '[' | '{' => return Some(Token::Open),
                ']' | '}' => return Some(Token::Close),
                '-' | '0'..='9' => return Some(Token::Number(token)),
                '"' if after.trim_start().starts_with(':') => {
                    return Some(Token::Name(serde_json::from_str(token).unwrap_or_default()));
                }
                _ => {}
            }
        }
    })
}

/// Returns the length of the string at the start of the JSON.
fn string(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns a value of nested arrays.
    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!("x"), |value, _| Value::Array(vec![value]))
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let json = r#"{"big":12345678901234567890123,"far":1e400,"list":[0.10000000000000000001, 1.10],"plain":5,"price":79228162514264337593543950.335}"#;
        let bag = Bag::read(json).unwrap();
        assert_eq!(bag.to_json(), json);
        assert_eq!(bag.text("big").unwrap(), "12345678901234567890123");
        assert_eq!(bag.text("far").unwrap(), "1e400");
        assert_eq!(bag.text("list").unwrap(), "[0.10000000000000000001, 1.10]");
        assert_eq!((&bag.values()["plain"], &bag.values()["far"]), (&json!(5), &json!("1e400")));
    }

    #[test]
    fn replaced_or_removed_entry_has_no_text() {
        let mut bag = Bag::read(r#"{"a":1.10,"b":2.20}"#).unwrap();
        bag.insert("a".into(), json!(3));
        bag.remove("b");
        assert_eq!(bag.to_json(), r#"{"a":3}"#);
        assert_eq!(bag.text("b"), None);
    }

    #[test]
    fn strings_and_names_are_written_as_json() {
        for json in [r#"{"\"q\"":"a\"b\\","n":null,"t":"1"}"#, "{}"] {
            assert_eq!(Bag::read(json).unwrap().to_json(), json);
        }
        let escaped = Bag::read(r#"{"\u0061":"\u00e4"}"#).unwrap();
        assert_eq!((escaped.text("a").unwrap().as_ref(), escaped.to_json()), ("ä", r#"{"a":"ä"}"#.to_owned()));
        assert_eq!(Bag::read(r#"{"a":1,"a":2}"#).unwrap().to_json(), r#"{"a":2}"#);
        for wrong in ["[1]", "null", "", "{", r#"{"a":1}x"#] {
            assert_eq!(Bag::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn deep_nesting_is_detected_and_still_read() {
        let mut bag = Bag::default();
        bag.insert("h".into(), nested(MAX_DEPTH - 1));
        assert!(bag.is_within_depth());
        bag.insert("h".into(), nested(MAX_DEPTH));
        assert!(!bag.is_within_depth());
        let json = format!(r#"{{"h":{}"]"{}}}"#, "[".repeat(1000), "]".repeat(1000));
        let bag = Bag::read(&json).unwrap();
        assert!(!bag.is_within_depth());
        assert_eq!(bag.to_json(), json);
        assert!(Bag::read(r#"{"h":["[[\"[[",1.10]}"#).unwrap().is_within_depth());
    }
}
