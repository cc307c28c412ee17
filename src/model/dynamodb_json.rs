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

use crate::model::error::{Error, ErrorCode, Result, shortened};
use crate::model::expression::Expression;
use crate::model::item::{AttributeValue, Item};
use crate::model::json::{Json, Members};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;

const RETURN_VALUES: &str = "ReturnValuesOnConditionCheckFailure";

/// Reads an item or a key.
///
/// # Errors
/// [`ErrorCode::InvalidJson`], whose error text says where the problem is.
pub fn item_from_json(json: &str) -> Result<Item> {
    Ok(item(parse(json)?)?)
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
    let mut builder = TransactWriteItem::builder();
    for (kind, value) in object(parse(json)?)? {
        builder = action(builder, &kind, value).map_err(|wrong| wrong.within(&kind))?;
    }
    Ok(builder.build())
}

fn action(builder: TransactWriteItemBuilder, kind: &str, value: Json) -> Result<TransactWriteItemBuilder, Wrong> {
    let fields = Fields::of(value)?;
    Ok(match kind {
        "Put" => builder.put(put(fields)?),
        "Update" => builder.update(update(fields)?),
        "Delete" => builder.delete(delete(fields)?),
        "ConditionCheck" => builder.condition_check(condition_check(fields)?),
        _ => return Err(Wrong::new("is not one of Put, Update, Delete, ConditionCheck")),
    })
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
    Ok(update(Fields::of(parse(json)?)?)?)
}

/// Reads the content of a `ConditionCheck` action.
///
/// # Errors
/// [`ErrorCode::InvalidJson`], whose error text says where the problem is.
pub fn condition_check_from_json(json: &str) -> Result<ConditionCheck> {
    Ok(condition_check(Fields::of(parse(json)?)?)?)
}

fn put(mut fields: Fields) -> Result<Put, Wrong> {
    let (table, item) = (fields.required("TableName")?, fields.item("Item")?);
    let built = fields.expression()?.put(table, item);
    fields.finish(built)
}

fn update(mut fields: Fields) -> Result<Update, Wrong> {
    let (table, key) = (fields.required("TableName")?, fields.item("Key")?);
    let update = Some(fields.required("UpdateExpression")?);
    let built = Expression { update, ..fields.expression()? }.update(table, key);
    fields.finish(built)
}

fn delete(mut fields: Fields) -> Result<Delete, Wrong> {
    let (table, key) = (fields.required("TableName")?, fields.item("Key")?);
    let built = fields.expression()?.delete(table, key);
    fields.finish(built)
}

fn condition_check(mut fields: Fields) -> Result<ConditionCheck, Wrong> {
    let (table, key) = (fields.required("TableName")?, fields.item("Key")?);
    let condition = Some(fields.required("ConditionExpression")?);
    let built = Expression { condition, ..fields.expression()? }.condition_check(table, key);
    fields.finish(built)
}

/// A part of the JSON that is wrong: its path, from the innermost step to the outermost, and the problem.
struct Wrong {
    path: Vec<String>,
    problem: String,
}

impl Wrong {
    fn new(problem: impl Into<String>) -> Self {
        Self { path: Vec::new(), problem: problem.into() }
    }

    /// Adds the name of the member that contains the part.
    fn within(mut self, name: &str) -> Self {
        self.path.push(format!(".{}", shortened(name)));
        self
    }

    /// Adds the index of the element that contains the part.
    fn at(mut self, index: usize) -> Self {
        self.path.push(format!("[{index}]"));
        self
    }
}

impl From<Wrong> for Error {
    fn from(Wrong { mut path, problem }: Wrong) -> Self {
        path.reverse();
        let path = path.concat();
        let place = if path.is_empty() { "the JSON" } else { path.strip_prefix('.').unwrap_or(&path) };
        Self::new(ErrorCode::InvalidJson, format!("DynamoDB JSON: {place} {problem}"))
    }
}

/// The members of an action that were not read yet. A member that is left after all known members were read is an
/// error.
struct Fields<'a>(Members<'a>);

impl<'a> Fields<'a> {
    fn of(value: Json<'a>) -> Result<Self, Wrong> {
        object(value).map(Self)
    }

    /// Takes a member, and reads it with a function. Of several members with the same name, the last one counts.
    fn read<T>(&mut self, name: &str, read: impl FnOnce(Json<'a>) -> Result<T, Wrong>) -> Result<Option<T>, Wrong> {
        let mut found = None;
        while let Some(index) = self.0.iter().rposition(|(member, _)| member == name) {
            let (_, value) = self.0.remove(index);
            found.get_or_insert(value);
        }
        found.map(read).transpose().map_err(|wrong| wrong.within(name))
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, Wrong> {
        self.read(name, string)
    }

    fn required(&mut self, name: &str) -> Result<String, Wrong> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| Wrong::new("is missing or empty").within(name))
    }

    fn item(&mut self, name: &str) -> Result<Item, Wrong> {
        self.read(name, item)?.ok_or_else(|| Wrong::new("is missing").within(name))
    }

    /// Reads the members that all actions have in common.
    fn expression(&mut self) -> Result<Expression, Wrong> {
        Ok(Expression {
            update: None,
            condition: self.text("ConditionExpression")?,
            names: self.read("ExpressionAttributeNames", names)?,
            values: self.read("ExpressionAttributeValues", item)?,
            return_values: self.read(RETURN_VALUES, return_values)?,
        })
    }

    fn finish<T>(self, built: Result<T, impl std::fmt::Display>) -> Result<T, Wrong> {
        if let Some((name, _)) = self.0.first() {
            return Err(Wrong::new("is not a member of this action").within(name));
        }
        built.map_err(|error| Wrong::new(error.to_string()))
    }
}

fn names(value: Json) -> Result<HashMap<String, String>, Wrong> {
    let read = |(name, value): (Cow<str>, Json)| match string(value) {
        Ok(attribute) => Ok((name.into_owned(), attribute)),
        Err(wrong) => Err(wrong.within(&name)),
    };
    object(value)?.into_iter().map(read).collect()
}

fn return_values(value: Json) -> Result<ReturnValuesOnConditionCheckFailure, Wrong> {
    match string(value)?.as_str() {
        "ALL_OLD" => Ok(ReturnValuesOnConditionCheckFailure::AllOld),
        "NONE" => Ok(ReturnValuesOnConditionCheckFailure::None),
        _ => Err(Wrong::new("is neither ALL_OLD nor NONE")),
    }
}

fn parse(json: &str) -> Result<Json<'_>> {
    serde_json::from_str(json)
        .map_err(|error| Error::new(ErrorCode::InvalidJson, format!("the text is not JSON: {error}")))
}

fn item(value: Json) -> Result<Item, Wrong> {
    let members = object(value)?;
    let mut item = Item::with_capacity(members.len());
    for (name, value) in members {
        let value = attribute_value(value).map_err(|wrong| wrong.within(&name))?;
        item.insert(name.into_owned(), value);
    }
    Ok(item)
}

fn attribute_value(value: Json) -> Result<AttributeValue, Wrong> {
    const SHAPE: &str = "needs an attribute value such as {\"S\": \"text\"}";
    let Json::Object(members) = value else {
        return Err(Wrong::new(SHAPE));
    };
    let mut members = members.into_iter();
    let (Some((kind, value)), None) = (members.next(), members.next()) else {
        return Err(Wrong::new(SHAPE));
    };
    value_of_kind(&kind, value).map_err(|wrong| wrong.within(&kind))
}

fn value_of_kind(kind: &str, value: Json) -> Result<AttributeValue, Wrong> {
    Ok(match kind {
        "S" => AttributeValue::S(string(value)?),
        "N" => AttributeValue::N(number(value)?),
        "B" => AttributeValue::B(blob(value)?),
        "BOOL" => match value {
            Json::Bool(flag) => AttributeValue::Bool(flag),
            _ => return Err(Wrong::new("needs true or false")),
        },
        "NULL" => match value {
            Json::Bool(true) => AttributeValue::Null(true),
            _ => return Err(Wrong::new("needs true")),
        },
        "SS" => AttributeValue::Ss(list(value, string)?),
        "NS" => AttributeValue::Ns(list(value, number)?),
        "BS" => AttributeValue::Bs(list(value, blob)?),
        "L" => AttributeValue::L(list(value, attribute_value)?),
        "M" => AttributeValue::M(item(value)?),
        _ => return Err(Wrong::new("is not a type of DynamoDB: S, N, B, BOOL, NULL, SS, NS, BS, L or M")),
    })
}

fn list<T>(value: Json, read: fn(Json) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    let Json::List(values) = value else {
        return Err(Wrong::new("needs a list"));
    };
    values.into_iter().enumerate().map(|(index, value)| read(value).map_err(|wrong| wrong.at(index))).collect()
}

fn object(value: Json) -> Result<Members, Wrong> {
    match value {
        Json::Object(members) => Ok(members),
        _ => Err(Wrong::new("needs a JSON object")),
    }
}

fn string(value: Json) -> Result<String, Wrong> {
    match value {
        Json::String(text) => Ok(text.into_owned()),
        _ => Err(Wrong::new("needs a string")),
    }
}

/// Reads a number that is written as a JSON string. DynamoDB checks its syntax. A JSON number is rejected, because
/// parsing it could lose digits.
fn number(value: Json) -> Result<String, Wrong> {
    match value {
        Json::String(text) if text.bytes().any(|byte| byte.is_ascii_digit()) => Ok(text.into_owned()),
        _ => Err(Wrong::new("needs a number as a string, such as \"36\"")),
    }
}

fn blob(value: Json) -> Result<Blob, Wrong> {
    match value {
        Json::String(text) => {
            BASE64.decode(&*text).map(Blob::new).map_err(|error| Wrong::new(format!("needs base64: {error}")))
        }
        _ => Err(Wrong::new("needs a base64 string")),
    }
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
    fn escapes_are_read_and_the_last_member_with_a_name_counts() {
        let item = item_from_json(r#"{"a":{"S":"1"},"\u0061":{"S":"x\n"},"b":{"L":[{"S":"\"y\""}]}}"#).unwrap();
        assert_eq!(item_to_json(&item), r#"{"a":{"S":"x\n"},"b":{"L":[{"S":"\"y\""}]}}"#);
        let update = r#"{"TableName":"T","Key":{},"UpdateExpression":"SET a = :a","UpdateExpression":"SET b = :b"}"#;
        assert_eq!(update_from_json(update).unwrap().update_expression(), "SET b = :b");
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
