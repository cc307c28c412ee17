//! Items and bodies as types of the program.

use crate::support::*;
use postbox::{AttributeValue, ErrorCode, Message};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(rename_all = "PascalCase")]
struct Person {
    name: String,
    greetings: u64,
    height: f64,
    nickname: Option<String>,
    languages: Vec<String>,
    homes: BTreeMap<String, Home>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Home {
    city: String,
    number: i32,
}

fn ada() -> Person {
    Person {
        name: "Ada".into(),
        greetings: u64::MAX,
        height: 1.7,
        nickname: None,
        languages: vec!["English".into(), "Français".into()],
        homes: BTreeMap::from([("winter".into(), Home { city: "London".into(), number: -12 })]),
    }
}

fn key(name: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([("Name", name.to_owned())])
}

#[test]
fn a_struct_is_put_and_read() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.put_as(PEOPLE, &ada()).unwrap();
    let id = work.deposit_post(Message::json("t", &ada()).unwrap()).unwrap();
    assert_eq!(work.get_item_as::<Person>(PEOPLE, &key("Ada")).unwrap(), None);
    work.commit().unwrap();

    assert_eq!(world.postbox.get_item_as(PEOPLE, &key("Ada")).unwrap(), Some(ada()));
    assert_eq!(world.postbox.unit_of_work().get_item_as(PEOPLE, &key("Ada")).unwrap(), Some(ada()));
    let item = world.person("Ada").unwrap();
    assert_eq!(item["Greetings"], AttributeValue::N(u64::MAX.to_string()));
    assert_eq!(item["Languages"], AttributeValue::L(vec![text("English"), text("Français")]));
    let message = world.postbox.get_message(&id).unwrap().unwrap().message;
    assert_eq!(message.content_type(), "application/json");
    assert_eq!(serde_json::from_slice::<Person>(message.body()).unwrap(), ada());
}

#[test]
fn a_value_that_cannot_be_converted_is_an_error_that_names_the_table() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    let error = work.put_as(PEOPLE, &"no map").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.message().contains("the table People cannot be an item"), "{error}");
    let error = work.put_as(PEOPLE, &Person { height: f64::NAN, ..ada() }).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument, "{error}");
    assert!(work.is_empty());

    work.put(PEOPLE, person("Bob")).unwrap();
    work.commit().unwrap();
    let error = world.postbox.get_item_as::<Person>(PEOPLE, &key("Bob")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(
        error.message().contains("the table People cannot be read as") && error.message().contains("Greetings"),
        "{error}"
    );

    let error = Message::json("t", &BTreeMap::from([(vec![1], 2)])).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidMessage);
    assert!(error.message().contains("the topic t"), "{error}");
}
