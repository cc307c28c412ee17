//! DynamoDB JSON, as the AWS CLI takes and prints it: `{"Name": {"S": "Ada"}, "Age": {"N": "36"}}`.
//!
//! An error for malformed JSON contains the place of the problem: `Item.Age: "N" needs a string`.
//!
//! ```
//! use postbox::dynamodb_json;
//!
//! let item = dynamodb_json::item_from_json(r#"{"Name": {"S": "Ada"}}"#)?;
//! assert_eq!(dynamodb_json::item_to_json(&item), r#"{"Name":{"S":"Ada"}}"#);
//! let error = dynamodb_json::item_from_json(r#"{"Age": {"N": 36}}"#).unwrap_err();
//! assert!(error.message().contains("Age.N"));
//! # Ok::<(), postbox::Error>(())
//! ```

use crate::model::error::{Error, ErrorCode, Result};
use crate::model::expression::Expression;
use crate::model::item::{AttributeValue, Item};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};
use std::collections::HashMap;

const RETURN_VALUES: &str = "ReturnValuesOnConditionCheckFailure";

/// Reads an item or a key.
///
/// # Errors
/// [`ErrorCode::InvalidJson`], whose error text says where the problem is.
pub fn item_from_json(json: &str) -> Result<Item> {
    item(parse(json)?, "")
}

/// Writes an item or a key as JSON, with the attributes sorted by name.
pub fn item_to_json(item: &Item) -> String {
    map_to_json(item).to_string()
}

/// Reads one action of a transaction, as in the list of `aws dynamodb transact-write-items
/// --transact-items`: `{"Put": {"TableName": ..., "Item": ...}}`.
///
/// # Errors
/// [`ErrorCode::InvalidJson`], whose error text says where the problem is.
pub fn transact_write_item_from_json(json: &str) -> Result<TransactWriteItem> {
    let action = object(parse(json)?, "")?;
    let mut builder = TransactWriteItem::builder();
    for (kind, value) in action {
        let fields = Fields::of(value, &kind)?;
        builder = match kind.as_str() {
            "Put" => builder.put(put(fields)?),
            "Update" => builder.update(update(fields)?),
            "Delete" => builder.delete(delete(fields)?),
            "ConditionCheck" => builder.condition_check(condition_check(fields)?),
            _ => return Err(wrong(&kind, "is not one of Put, Update, Delete, ConditionCheck")),
        };
    }
    Ok(builder.build())
}

/// Writes a put as one action of a transaction, in the form that [`transact_write_item_from_json`] reads.
pub fn put_to_json(put: &Put) -> String {
    let item = |item: &Item| map_to_json(item);
    let text = |text: &str| Value::from(text);
    let names = |names: &HashMap<String, String>| names.clone().into_iter().collect();
    let members = [
        ("TableName", Some(text(put.table_name()))),
        ("Item", Some(item(put.item()))),
        ("ConditionExpression", put.condition_expression().map(text)),
        ("ExpressionAttributeNames", put.expression_attribute_names().map(names)),
        ("ExpressionAttributeValues", put.expression_attribute_values().map(item)),
        (RETURN_VALUES, put.return_values_on_condition_check_failure().map(|values| text(values.as_str()))),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(Map::from_iter([("Put".to_owned(), Value::Object(members.collect()))])).to_string()
}

/// Reads the content of an `Update` action.
///
/// # Errors
/// [`ErrorCode::InvalidJson`], whose error text says where the problem is.
pub fn update_from_json(json: &str) -> Result<Update> {
    update(Fields::of(parse(json)?, "")?)
}

/// Reads the content of a `ConditionCheck` action.
///
/// # Errors
/// [`ErrorCode::InvalidJson`], whose error text says where the problem is.
pub fn condition_check_from_json(json: &str) -> Result<ConditionCheck> {
    condition_check(Fields::of(parse(json)?, "")?)
}

fn put(mut fields: Fields) -> Result<Put> {
    let (table, item) = (fields.required("TableName")?, fields.item("Item")?);
    let built = fields.expression()?.put(table, item);
    fields.finish(built)
}

fn update(mut fields: Fields) -> Result<Update> {
    let (table, key) = (fields.required("TableName")?, fields.item("Key")?);
    let update = Some(fields.required("UpdateExpression")?);
    let built = Expression { update, ..fields.expression()? }.update(table, key);
    fields.finish(built)
}

fn delete(mut fields: Fields) -> Result<Delete> {
    let (table, key) = (fields.required("TableName")?, fields.item("Key")?);
    let built = fields.expression()?.delete(table, key);
    fields.finish(built)
}

fn condition_check(mut fields: Fields) -> Result<ConditionCheck> {
    let (table, key) = (fields.required("TableName")?, fields.item("Key")?);
    let condition = Some(fields.required("ConditionExpression")?);
    let built = Expression { condition, ..fields.expression()? }.condition_check(table, key);
    fields.finish(built)
}

/// The members of an action that were not read yet. A member that is left after all known members were read is an
/// error.
struct Fields {
    members: Map<String, Value>,
    path: String,
}

impl Fields {
    fn of(value: Value, path: &str) -> Result<Self> {
        Ok(Self { members: object(value, path)?, path: path.to_owned() })
    }

    fn take(&mut self, name: &str) -> Option<(Value, String)> {
        let value = self.members.remove(name)?;
        Some((value, join(&self.path, name)))
    }

    fn text(&mut self, name: &str) -> Result<Option<String>> {
        self.take(name).map(|(value, path)| string(value, &path)).transpose()
    }

    fn required(&mut self, name: &str) -> Result<String> {
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| wrong(&join(&self.path, name), "is missing or empty"))
    }

    fn item(&mut self, name: &str) -> Result<Item> {
        let (value, path) = self.take(name).ok_or_else(|| wrong(&join(&self.path, name), "is missing"))?;
        item(value, &path)
    }

    /// Reads the members that all actions have in common.
    fn expression(&mut self) -> Result<Expression> {
        Ok(Expression {
            update: None,
            condition: self.text("ConditionExpression")?,
            names: self.names()?,
            values: self.values()?,
            return_values: self.return_values()?,
        })
    }

    fn names(&mut self) -> Result<Option<HashMap<String, String>>> {
        let Some((value, path)) = self.take("ExpressionAttributeNames") else {
            return Ok(None);
        };
        let members = object(value, &path)?;
        let read = |(name, value): (String, Value)| Ok((name.clone(), string(value, &join(&path, &name))?));
        members.into_iter().map(read).collect::<Result<_>>().map(Some)
    }

    fn values(&mut self) -> Result<Option<Item>> {
        self.take("ExpressionAttributeValues").map(|(value, path)| item(value, &path)).transpose()
    }

    fn return_values(&mut self) -> Result<Option<ReturnValuesOnConditionCheckFailure>> {
        match self.text(RETURN_VALUES)?.as_deref() {
            None => Ok(None),
            Some("ALL_OLD") => Ok(Some(ReturnValuesOnConditionCheckFailure::AllOld)),
            Some("NONE") => Ok(Some(ReturnValuesOnConditionCheckFailure::None)),
            Some(_) => Err(wrong(&join(&self.path, RETURN_VALUES), "is neither ALL_OLD nor NONE")),
        }
    }

    fn finish<T>(self, built: Result<T, impl std::fmt::Display>) -> Result<T> {
        if let Some(name) = self.members.keys().next() {
            return Err(wrong(&join(&self.path, name), "is not a member of this action"));
        }
        built.map_err(|error| wrong(&self.path, &error.to_string()))
    }
}

fn parse(json: &str) -> Result<Value> {
    serde_json::from_str(json)
        .map_err(|error| Error::new(ErrorCode::InvalidJson, format!("the text is not JSON: {error}")))
}

fn item(value: Value, path: &str) -> Result<Item> {
    object(value, path)?
        .into_iter()
        .map(|(name, value)| {
            let path = join(path, &name);
            Ok((name, attribute_value(value, &path)?))
        })
        .collect()
}

fn attribute_value(value: Value, path: &str) -> Result<AttributeValue> {
    const SHAPE: &str = "needs an attribute value such as {\"S\": \"text\"}";
    let Value::Object(members) = value else {
        return Err(wrong(path, SHAPE));
    };
    let mut members = members.into_iter();
    let (Some((kind, value)), None) = (members.next(), members.next()) else {
        return Err(wrong(path, SHAPE));
    };
    let path = &join(path, &kind);
    Ok(match kind.as_str() {
        "S" => AttributeValue::S(string(value, path)?),
        "N" => AttributeValue::N(number(value, path)?),
        "B" => AttributeValue::B(blob(value, path)?),
        "BOOL" => match value {
            Value::Bool(flag) => AttributeValue::Bool(flag),
            _ => return Err(wrong(path, "needs true or false")),
        },
        "NULL" => match value {
            Value::Bool(true) => AttributeValue::Null(true),
            _ => return Err(wrong(path, "needs true")),
        },
        "SS" => AttributeValue::Ss(list(value, path, string)?),
        "NS" => AttributeValue::Ns(list(value, path, number)?),
        "BS" => AttributeValue::Bs(list(value, path, blob)?),
        "L" => AttributeValue::L(list(value, path, attribute_value)?),
        "M" => AttributeValue::M(item(value, path)?),
        _ => return Err(wrong(path, "is not a type of DynamoDB: S, N, B, BOOL, NULL, SS, NS, BS, L or M")),
    })
}

fn list<T>(value: Value, path: &str, read: fn(Value, &str) -> Result<T>) -> Result<Vec<T>> {
    let Value::Array(values) = value else {
        return Err(wrong(path, "needs a list"));
    };
    values.into_iter().enumerate().map(|(index, value)| read(value, &format!("{path}[{index}]"))).collect()
}

fn object(value: Value, path: &str) -> Result<Map<String, Value>> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(wrong(path, "needs a JSON object")),
    }
}

fn string(value: Value, path: &str) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(wrong(path, "needs a string")),
    }
}

/// Reads a number that is written as a JSON string. DynamoDB checks its syntax. A JSON number is rejected, because
/// parsing it could lose digits.
fn number(value: Value, path: &str) -> Result<String> {
    match value {
        Value::String(text) if text.bytes().any(|byte| byte.is_ascii_digit()) => Ok(text),
        _ => Err(wrong(path, "needs a number as a string, such as \"36\"")),
    }
}

fn blob(value: Value, path: &str) -> Result<Blob> {
    match value {
        Value::String(text) => {
            BASE64.decode(text).map(Blob::new).map_err(|error| wrong(path, &format!("needs base64: {error}")))
        }
        _ => Err(wrong(path, "needs a base64 string")),
    }
}

fn join(path: &str, name: &str) -> String {
    let name = crate::model::error::shortened(name);
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

fn wrong(path: &str, what: &str) -> Error {
    let place = if path.is_empty() { "the JSON" } else { path };
    Error::new(ErrorCode::InvalidJson, format!("DynamoDB JSON: {place} {what}"))
}

fn map_to_json(item: &Item) -> Value {
    Value::Object(item.iter().map(|(name, value)| (name.clone(), value_to_json(value))).collect())
}

fn value_to_json(value: &AttributeValue) -> Value {
    let (kind, value) = match value {
        AttributeValue::S(text) => ("S", Value::from(text.as_str())),
        AttributeValue::N(number) => ("N", Value::from(number.as_str())),
        AttributeValue::B(bytes) => ("B", blob_to_json(bytes)),
        AttributeValue::Bool(flag) => ("BOOL", Value::from(*flag)),
        AttributeValue::Null(_) => ("NULL", Value::from(true)),
        AttributeValue::Ss(texts) => ("SS", Value::from(texts.as_slice())),
        AttributeValue::Ns(numbers) => ("NS", Value::from(numbers.as_slice())),
        AttributeValue::Bs(blobs) => ("BS", blobs.iter().map(blob_to_json).collect()),
        AttributeValue::L(values) => ("L", values.iter().map(value_to_json).collect()),
        AttributeValue::M(values) => ("M", map_to_json(values)),
        _ => ("NULL", Value::from(true)),
    };
    Value::Object(Map::from_iter([(kind.to_owned(), value)]))
}

fn blob_to_json(bytes: &Blob) -> Value {
    Value::from(BASE64.encode(bytes.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_TYPE: &str = r#"{"b":{"B":"AAEC"},"bool":{"BOOL":false},"bs":{"BS":["AQ=="]},"l":{"L":[{"S":"x"},{"M":{"k":{"N":"1"}}}]},"n":{"N":"-1.5e3"},"ns":{"NS":["1","2"]},"null":{"NULL":true},"s":{"S":"ä"},"ss":{"SS":["a"]}}"#;

    #[test]
    fn every_type_is_read_and_written() {
        assert_eq!(item_to_json(&item_from_json(EVERY_TYPE).unwrap()), EVERY_TYPE);
    }

    #[test]
    fn actions_are_read_as_the_aws_cli_takes_them() {
        let put = transact_write_item_from_json(
            r##"{"Put":{"TableName":"T","Item":{"k":{"S":"1"}},"ConditionExpression":"attribute_not_exists(#k)","ExpressionAttributeNames":{"#k":"k"},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}"##,
        )
        .unwrap();
        let put = put.put().unwrap();
        assert_eq!(put.table_name(), "T");
        assert_eq!(put.expression_attribute_names().unwrap()["#k"], "k");
        assert_eq!(put.return_values_on_condition_check_failure(), Some(&ReturnValuesOnConditionCheckFailure::AllOld));
        let update = update_from_json(
            r#"{"TableName":"T","Key":{"k":{"S":"1"}},"UpdateExpression":"SET a = :a","ExpressionAttributeValues":{":a":{"N":"1"}}}"#,
        )
        .unwrap();
        assert_eq!(update.update_expression(), "SET a = :a");
        let check = r#"{"TableName":"T","Key":{"k":{"S":"1"}},"ConditionExpression":"attribute_exists(k)"}"#;
        assert_eq!(condition_check_from_json(check).unwrap().condition_expression(), "attribute_exists(k)");
        let delete = transact_write_item_from_json(r#"{"Delete":{"TableName":"T","Key":{"k":{"S":"1"}}}}"#).unwrap();
        assert_eq!(delete.delete().unwrap().key()["k"], AttributeValue::S("1".into()));
    }

    #[test]
    fn a_put_is_written_with_all_its_members() {
        let json = r##"{"Put":{"ConditionExpression":"#k = :v","ExpressionAttributeNames":{"#k":"k"},"ExpressionAttributeValues":{":v":{"S":"1"}},"Item":{"k":{"S":"1"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD","TableName":"T"}}"##;
        let action = transact_write_item_from_json(json).unwrap();
        assert_eq!(put_to_json(action.put().unwrap()), json);
    }

    #[test]
    fn malformed_json_is_rejected_with_the_place() {
        let deep = format!("{}{}", r#"{"a":{"L":["#.repeat(200), "]}}".repeat(200));
        for (json, place) in [
            ("{", "not JSON"),
            (deep.as_str(), "not JSON"),
            ("[]", "the JSON needs a JSON object"),
            (r#"{"a":1}"#, "a needs an attribute value"),
            (r#"{"a":{}}"#, "a needs an attribute value"),
            (r#"{"a":{"S":"x","N":"1"}}"#, "a needs an attribute value"),
            (r#"{"a":{"S":1}}"#, "a.S needs a string"),
            (r#"{"a":{"N":1}}"#, "a.N needs a number as a string"),
            (r#"{"a":{"N":""}}"#, "a.N needs a number"),
            (r#"{"a":{"B":"%"}}"#, "a.B needs base64"),
            (r#"{"a":{"NULL":false}}"#, "a.NULL needs true"),
            (r#"{"a":{"X":"1"}}"#, "a.X is not a type"),
            (r#"{"a":{"L":[{"S":"x"},{"M":{"b":{"BOOL":"no"}}}]}}"#, "a.L[1].M.b.BOOL needs true or false"),
            (r#"{"a":{"SS":"x"}}"#, "a.SS needs a list"),
        ] {
            let error = item_from_json(json).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidJson);
            assert!(error.message().contains(place), "{json}: {error}");
        }
        for (json, place) in [
            (r#"{"Put":{"Item":{}}}"#, "Put.TableName is missing"),
            (r#"{"Put":{"TableName":"T"}}"#, "Put.Item is missing"),
            (r#"{"Put":{"TableName":"T","Item":{},"Itme":{}}}"#, "Put.Itme is not a member"),
            (r#"{"Putt":{}}"#, "Putt is not one of"),
            (r#"{"Delete":{"TableName":"T","Key":{"k":{"S":1}}}}"#, "Delete.Key.k.S"),
            (r#"{"Put":{"TableName":"T","Item":{},"ReturnValuesOnConditionCheckFailure":"NEW"}}"#, "ALL_OLD"),
            (r#"{"ConditionCheck":{"TableName":"T","Key":{}}}"#, "ConditionCheck.ConditionExpression"),
        ] {
            let error = transact_write_item_from_json(json).unwrap_err();
            assert!(error.message().contains(place), "{json}: {error}");
        }
    }
}
