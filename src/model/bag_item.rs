//! The header bag of a message as the item of a C program, whose values are read and built one by one. A number keeps
//! all its digits.

use crate::model::bag::{Bag, MAX_DEPTH};
use crate::model::error::Result;
use crate::model::item::{AttributeValue, Item};
use crate::model::message::{Message, invalid};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

impl Message {
    /// Returns the header bag as an item. A value that is nested more deeply than a bag may be is returned as a string
    /// that contains its JSON.
    pub(crate) fn bag_item(&self) -> Item {
        members(&self.exact_bag().to_json(), MAX_DEPTH).unwrap_or_default()
    }

    /// Replaces the header bag by the attributes of an item.
    pub(crate) fn set_bag_item(&mut self, item: &Item) -> Result<()> {
        let mut json = String::new();
        write_members(&mut json, item, "bag")?;
        self.set_bag(Bag::read(&json).ok_or_else(|| invalid("the bag is not a JSON object".to_owned()))?);
        Ok(())
    }
}

/// Reads the members of a JSON object. Returns `None` for any other JSON.
fn members(json: &str, depth: usize) -> Option<Item> {
    let members = serde_json::from_str::<BTreeMap<String, &RawValue>>(json).ok()?;
    Some(members.into_iter().map(|(name, raw)| (name, value(raw.get(), depth - 1))).collect())
}

/// Reads a JSON value.
fn value(json: &str, depth: usize) -> AttributeValue {
    let read = match json.as_bytes().first() {
        Some(b'{') if depth > 0 => members(json, depth).map(AttributeValue::M),
        Some(b'[') if depth > 0 => serde_json::from_str::<Vec<&RawValue>>(json)
            .ok()
            .map(|values| AttributeValue::L(values.iter().map(|raw| value(raw.get(), depth - 1)).collect())),
        Some(b'"') => serde_json::from_str(json).ok().map(AttributeValue::S),
        Some(b't' | b'f') => Some(AttributeValue::Bool(json == "true")),
        Some(b'n') => Some(AttributeValue::Null(true)),
        Some(b'-' | b'0'..=b'9') => Some(AttributeValue::N(json.to_owned())),
        _ => None,
    };
    read.unwrap_or_else(|| AttributeValue::S(json.to_owned()))
}

fn write_members(json: &mut String, item: &Item, path: &str) -> Result<()> {
    let sorted: BTreeMap<&String, &AttributeValue> = item.iter().collect();
    json.push('{');
    for (at, (name, value)) in sorted.into_iter().enumerate() {
        json.push_str(if at > 0 { "," } else { "" });
        json.push_str(&Value::from(name.as_str()).to_string());
        json.push(':');
        write(json, value, &format!("{path}.{name}"))?;
    }
    json.push('}');
    Ok(())
}

fn write(json: &mut String, value: &AttributeValue, path: &str) -> Result<()> {
    match value {
        AttributeValue::S(text) => json.push_str(&Value::from(text.as_str()).to_string()),
        AttributeValue::N(number) => json.push_str(&json_number(number)),
        AttributeValue::Bool(flag) => json.push_str(if *flag { "true" } else { "false" }),
        AttributeValue::Null(_) => json.push_str("null"),
        AttributeValue::M(item) => write_members(json, item, path)?,
        AttributeValue::L(values) => {
            json.push('[');
            for (at, value) in values.iter().enumerate() {
                json.push_str(if at > 0 { "," } else { "" });
                write(json, value, &format!("{path}[{at}]"))?;
            }
            json.push(']');
        }
        _ => {
            return Err(invalid(format!(
                "{path} is a set or binary, which JSON does not have: use a list or a string"
            )));
        }
    }
    Ok(())
}

/// Returns a decimal number in the form that JSON requires: `+01.` becomes `1`, and `.5` becomes `0.5`.
fn json_number(number: &str) -> String {
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number.strip_prefix('+').unwrap_or(number)),
    };
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, ""));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    let e = if exponent.is_empty() { "" } else { "e" };
    format!("{sign}{whole}{point}{fraction}{e}{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::primitives::Blob;

    fn message(json: &str) -> Message {
        let mut message = Message::new("t", "x");
        message.set_header("bag", json).unwrap();
        message
    }

    #[test]
    fn every_json_value_becomes_an_item_and_comes_back() {
        let json = r#"{"":"no name","a":[true,false,null,{"b":[]}],"big":12345678901234567890123456789012345678,"far":-1.5e400,"price":1.10,"text":"ä\"\n"}"#;
        let first = message(json);
        let mut second = Message::new("t", "x");
        second.set_bag_item(&first.bag_item()).unwrap();
        assert_eq!(second.bag_json(), json);
        assert_eq!(first.bag_item()["big"], AttributeValue::N("12345678901234567890123456789012345678".into()));
        assert!(message("").bag_item().is_empty());
    }

    #[test]
    fn numbers_are_written_as_json() {
        for (number, expected) in [
            ("+01.", "1"),
            (".5", "0.5"),
            ("-.5E+3", "-0.5e+3"),
            ("00", "0"),
            ("1.50", "1.50"),
            ("-0", "-0"),
            ("7", "7"),
        ] {
            assert_eq!(json_number(number), expected);
        }
    }

    #[test]
    fn values_that_json_lacks_are_rejected_and_change_nothing() {
        let mut message = message(r#"{"a":1}"#);
        for value in [AttributeValue::B(Blob::new([1])), AttributeValue::Ns(vec!["1".into()])] {
            let item = Item::from([("list".to_owned(), AttributeValue::L(vec![AttributeValue::Null(true), value]))]);
            let error = message.set_bag_item(&item).unwrap_err();
            assert!(error.message().starts_with("bag.list[1] is a set or binary"), "{error}");
        }
        assert_eq!(message.bag_json(), r#"{"a":1}"#);
    }

    #[test]
    fn values_below_the_maximum_depth_are_text() {
        let message = message(&format!(r#"{{"h":{}1{}}}"#, "[".repeat(1000), "]".repeat(1000)));
        let mut value = message.bag_item().remove("h").unwrap();
        let mut depth = 0;
        while let AttributeValue::L(mut inner) = value {
            value = inner.remove(0);
            depth += 1;
        }
        assert_eq!(depth, MAX_DEPTH - 1);
        assert_eq!(value, AttributeValue::S(format!("{}1{}", "[".repeat(937), "]".repeat(937))));
    }
}
