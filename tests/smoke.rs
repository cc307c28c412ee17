use aws_sdk_dynamodb::types::*;
use postbox::*;
#[test]
fn it_works() {
    let producer = MemoryProducer::new();
    let postbox = Postbox::builder().embedded_path(":memory:").default_producer(producer.clone()).open().unwrap();
    postbox.verify_table().unwrap();
    postbox
        .block_on(|client| async move {
            client
                .create_table()
                .table_name("People")
                .billing_mode(BillingMode::PayPerRequest)
                .attribute_definitions(
                    AttributeDefinition::builder()
                        .attribute_name("Name")
                        .attribute_type(ScalarAttributeType::S)
                        .build()
                        .unwrap(),
                )
                .key_schema(KeySchemaElement::builder().attribute_name("Name").key_type(KeyType::Hash).build().unwrap())
                .send()
                .await
                .unwrap();
        })
        .unwrap();
    let mut work = postbox.unit_of_work();
    work.put("People", Item::from([("Name".into(), AttributeValue::S("Ada".into()))])).unwrap();
    let id = work.deposit_post(Message::new("greeting.made", "Hello Ada")).unwrap();
    work.commit().unwrap();
    let report = postbox.clear_outbox(&[&id]).unwrap();
    assert_eq!(report.outcome(&id), Some(DispatchOutcome::Dispatched), "{report:?}");
    let stored = postbox.get(&id).unwrap().unwrap();
    assert_eq!(stored.state, MessageState::Dispatched);
    let report = postbox.clear_outbox(&[&id]).unwrap();
    assert_eq!(report.outcome(&id), Some(DispatchOutcome::AlreadyDispatched), "{report:?}");
    let ids = postbox.deposit_posts(&(0..60).map(|i| Message::new("t", format!("{i}"))).collect::<Vec<_>>()).unwrap();
    let report = postbox.clear_outbox(&ids).unwrap();
    assert!(report.is_success(), "{report:?}");
    assert_eq!(producer.sent().len(), 61);
    let mut again = postbox.unit_of_work();
    again.deposit_post(Message::new("t", "x").with_id(&id)).unwrap();
    assert_eq!(again.commit().unwrap_err().code(), ErrorCode::DuplicateMessage);
}
