//! The outbox table is created with Brighter's schema. The problems of an unsuitable table are reported index by index.

use crate::support::fault::Fault;
use crate::support::faults::Faults;
use crate::support::*;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeyType, Projection, ProjectionType, ScalarAttributeType,
    StreamViewType, TableDescription, TimeToLiveStatus,
};
use postbox::{Builder, EmbeddedDatabase, ErrorCode, MemoryProducer, Message, Postbox, TableEncryption, TableReport};
use serde_json::{Value, json};
use std::sync::Barrier;
use std::time::Duration;

use ScalarAttributeType::{N, S};

type Key = (&'static str, Option<&'static str>);

/// The name, key and projection of an index.
type Index = (&'static str, Key, ProjectionType);

fn brighters_indexes() -> Vec<Index> {
    use ProjectionType::All;
    vec![
        ("Causation", ("CausationId", None), All),
        ("Delivered", ("TopicShard", Some("DeliveryTime")), All),
        ("DeliveredAllTopics", ("DeliveryTime", Some("MessageId")), All),
        ("Outstanding", ("TopicShard", Some("OutstandingCreatedTime")), All),
        ("OutstandingAllTopics", ("OutstandingCreatedTime", Some("MessageId")), All),
    ]
}

fn kind(attribute: &str) -> ScalarAttributeType {
    if attribute.ends_with("Time") { N } else { S }
}

/// Creates a table, and returns a Postbox that uses it as its outbox.
fn outbox_of(key: Key, indexes: &[Index], kind: fn(&str) -> ScalarAttributeType) -> Postbox {
    outbox_with(Postbox::builder(), key, indexes, kind)
}

/// Creates a table, and returns a Postbox with these settings that uses it as its outbox.
fn outbox_with(builder: Builder, key: Key, indexes: &[Index], kind: fn(&str) -> ScalarAttributeType) -> Postbox {
    let backend = Backend::over_http();
    let Backend::Http(database) = &backend else { unreachable!() };
    let postbox = database.configure(builder.table_name("mine")).open().unwrap();
    let mut names: Vec<&str> =
        indexes.iter().flat_map(|(_, key, _)| [Some(key.0), key.1]).chain([Some(key.0), key.1]).flatten().collect();
    names.sort_unstable();
    names.dedup();
    let definitions: Vec<AttributeDefinition> = names.into_iter().map(|name| attribute(name, kind(name))).collect();
    let schema = |key: Key| {
        let range = key.1.map(|name| key_element(name, KeyType::Range));
        [key_element(key.0, KeyType::Hash)].into_iter().chain(range).collect::<Vec<_>>()
    };
    let indexes: Vec<GlobalSecondaryIndex> = indexes
        .iter()
        .map(|(name, key, projection)| {
            GlobalSecondaryIndex::builder()
                .index_name(*name)
                .set_key_schema(Some(schema(*key)))
                .projection(Projection::builder().projection_type(projection.clone()).build())
                .build()
                .unwrap()
        })
        .collect();
    let schema = schema(key);
    sdk(&postbox, move |client| async move {
        client
            .create_table()
            .table_name("mine")
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(definitions))
            .set_key_schema(Some(schema))
            .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
            .send()
            .await
    });
    // The database must live as long as the test.
    std::mem::forget(backend);
    postbox
}

#[test]
fn the_table_matches_brighters_schema() {
    let world = TestOutbox::on(Backend::over_http());
    let table = describe(&world.postbox, OUTBOX);
    assert_eq!(keys_of(table.key_schema()), ("MessageId".to_owned(), None));
    assert_eq!(table.billing_mode_summary().unwrap().billing_mode(), Some(&BillingMode::PayPerRequest));
    assert_eq!(indexes_of(&table), {
        let expected = brighters_indexes().into_iter();
        expected
            .map(|(name, (hash, range), _)| (name.to_owned(), (hash.to_owned(), range.map(str::to_owned))))
            .collect::<Vec<_>>()
    });
    for index in table.global_secondary_indexes() {
        assert_eq!(index.projection().unwrap().projection_type(), Some(&ProjectionType::All));
    }
    for definition in table.attribute_definitions() {
        assert_eq!(*definition.attribute_type(), kind(definition.attribute_name()));
    }
    let stream = table.stream_specification().expect("a stream");
    assert!(stream.stream_enabled());
    assert_eq!(stream.stream_view_type(), Some(&StreamViewType::NewImage));

    let arn = table.table_arn().unwrap().to_owned();
    let tags =
        sdk(&world.postbox, |client| async move { client.list_tags_of_resource().resource_arn(arn).send().await });
    let tags: Vec<_> = tags.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(tags, [("outbox", "brighter_outbox")]);
    let ttl =
        sdk(&world.postbox, |client| async move { client.describe_time_to_live().table_name(OUTBOX).send().await });
    let ttl = ttl.time_to_live_description().unwrap();
    assert_eq!(ttl.attribute_name(), Some("ExpiresAt"));
    assert_eq!(ttl.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
}

#[test]
fn the_embedded_table_has_no_stream() {
    assert!(
        describe(&TestOutbox::in_process(|builder| builder).postbox, OUTBOX)
            .stream_specification()
            .is_none_or(|stream| !stream.stream_enabled())
    );
}

#[test]
fn the_table_is_created_with_the_chosen_key() {
    let key_of = |builder: Builder| {
        let backend = Backend::embedded();
        let faults = backend.faults();
        let _postbox = backend.open(builder, &faults);
        faults.bodies("CreateTable")[0]["SSESpecification"].clone()
    };
    assert_eq!(key_of(Postbox::builder()), json!({"Enabled": true}), "the AWS managed key, as Brighter chooses");
    assert_eq!(key_of(Postbox::builder().table_encryption(TableEncryption::Owned)), Value::Null);
    let customer = json!({"Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": "alias/outbox"});
    assert_eq!(key_of(Postbox::builder().table_kms_key("alias/outbox")), customer);
    let both = Postbox::builder().table_kms_key("alias/outbox").table_encryption(TableEncryption::Owned);
    let error = both.embedded_path(":memory:").open().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidSetting, "{error}");
}

#[test]
fn creating_an_existing_table_changes_nothing() {
    let world = TestOutbox::new();
    let id = world.postbox.deposit_post(postbox::Message::new("t", "")).unwrap();
    let before = describe(&world.postbox, OUTBOX);
    world.faults.forget();
    let report = world.postbox.create_table().unwrap();
    assert!(report.has_causation_index);
    assert_eq!(indexes_of(&describe(&world.postbox, OUTBOX)), indexes_of(&before));
    assert!(world.raw(&id).is_some());
    assert_eq!(world.faults.count("ListTables"), 0, "no list of tables is walked");
}

#[test]
fn the_table_can_be_created_concurrently() {
    let backend = Backend::over_http();
    let Backend::Http(database) = &backend else { unreachable!() };
    let start = Barrier::new(6);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let postbox = database.configure(Postbox::builder()).open().unwrap();
                start.wait();
                assert!(postbox.create_table().unwrap().has_causation_index);
                postbox.verify_table().unwrap();
            });
        }
    });
}

#[test]
fn an_existing_table_gets_no_time_to_live() {
    // Brighter may use the same table. It sets ExpiresAt at deposit, so a time to live would delete unsent messages.
    let all = brighters_indexes();
    let postbox = outbox_of(("MessageId", None), &all, kind);
    postbox.create_table().unwrap();
    let ttl = sdk(&postbox, |client| async move { client.describe_time_to_live().table_name("mine").send().await });
    let status = ttl.time_to_live_description().unwrap().time_to_live_status().cloned();
    assert_eq!(status, Some(TimeToLiveStatus::Disabled));
}

/// Opens a Postbox on a database over HTTP without tables, and returns both with the faults between them.
fn without_table(builder: Builder) -> (Backend, Faults, Postbox) {
    let backend = Backend::over_http();
    let Backend::Http(database) = &backend else { unreachable!() };
    let faults = backend.faults();
    let postbox = database.configure(builder.http_client(faults.clone())).open().unwrap();
    (backend, faults, postbox)
}

#[test]
fn creation_waits_for_the_table_to_become_active() {
    let (_database, faults, postbox) = without_table(Postbox::builder());
    let missing = Fault::Refuse { status: 400, code: "ResourceNotFoundException", message: "not yet" };
    faults.next_times(2, "DescribeTable", missing);
    postbox.create_table().unwrap();
    assert_eq!(
        faults.operations(),
        ["DescribeTable", "CreateTable", "DescribeTable", "DescribeTable", "DescribeTimeToLive", "UpdateTimeToLive"]
    );
}

#[test]
fn a_missing_permission_ends_the_wait_for_the_table() {
    let (_database, faults, postbox) = without_table(Postbox::builder());
    faults.always("DescribeTable", Fault::access_denied());
    assert_eq!(postbox.create_table().unwrap_err().code(), ErrorCode::AccessDenied);
    assert_eq!(faults.count("DescribeTable"), 1);
}

#[test]
fn a_missing_table_is_named() {
    let backend = Backend::over_http();
    let Backend::Http(database) = &backend else { unreachable!() };
    let postbox = database.configure(Postbox::builder().table_name("nowhere")).open().unwrap();
    let id = ["id"];
    let errors = [
        postbox.verify_table().unwrap_err(),
        postbox.deposit_post(postbox::Message::new("t", "")).unwrap_err(),
        postbox.get_message("id").unwrap_err(),
        postbox.get_item("nowhere", message_key("id")).unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::TableNotFound, false), "{error}");
        assert!(error.message().contains("nowhere"), "{error}");
    }
    let mut work = postbox.unit_of_work();
    work.deposit_post(postbox::Message::new("t", "")).unwrap();
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::TableNotFound);
    let report = postbox.clear_outbox(&id).unwrap();
    assert_eq!(outcomes(&report), [postbox::DispatchOutcome::ReadFailed]);
    assert!(report.entries()[0].detail.contains("nowhere"), "{report:?}");
    let error = postbox.deposit_posts(&messages(2)).unwrap_err();
    assert_eq!(error.reasons().len(), 2);
    assert!(error.reasons()[0].message.contains("nowhere"), "{error}");
    assert_eq!(error.reasons()[0].code, "TableNotFound", "{error}");
}

#[test]
fn a_valid_table_is_accepted_without_the_causation_index() {
    let all = brighters_indexes();
    assert!(outbox_of(("MessageId", None), &all, kind).verify_table().unwrap().has_causation_index);
    let older = &all[1..];
    assert!(!outbox_of(("MessageId", None), older, kind).verify_table().unwrap().has_causation_index);
}

#[test]
fn every_missing_index_is_named() {
    for missing in 1..5 {
        let mut indexes = brighters_indexes();
        let (name, ..) = indexes.remove(missing);
        let error = outbox_of(("MessageId", None), &indexes, kind).verify_table().unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::InvalidTable, false));
        let [reason] = error.reasons() else { panic!("{error:?}") };
        assert_eq!(reason.subject, name);
        assert!(reason.message.contains("is missing, so"), "{reason:?}");
    }
    let error = outbox_of(("MessageId", None), &[], kind).verify_table().unwrap_err();
    assert!(error.message().contains("mine"), "{error}");
    let named: Vec<_> = error.reasons().iter().map(|reason| reason.subject.as_str()).collect();
    assert_eq!(named, ["Outstanding", "Delivered", "OutstandingAllTopics", "DeliveredAllTopics"]);
}

#[test]
fn a_wrong_key_or_projection_is_named() {
    let mut indexes = brighters_indexes();
    indexes[1].1 = ("TopicShard", None);
    indexes[3].2 = ProjectionType::KeysOnly;
    let error = outbox_of(("MessageId", Some("TopicShard")), &indexes, kind).verify_table().unwrap_err();
    let found: Vec<_> = error.reasons().iter().map(|reason| reason.subject.as_str()).collect();
    assert_eq!(found, ["table", "Outstanding", "Delivered"], "{error}");
    assert!(error.reasons()[0].message.contains("RANGE TopicShard"), "{error}");
    assert!(error.reasons()[1].message.contains("ALL"), "{error}");
    assert!(error.reasons()[2].message.contains("RANGE DeliveryTime"), "{error}");
}

#[test]
fn a_key_of_the_wrong_type_is_named() {
    let error = outbox_of(("MessageId", None), &brighters_indexes(), |_| S).verify_table().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTable);
    let found: Vec<_> = error.reasons().iter().map(|reason| reason.subject.as_str()).collect();
    assert_eq!(found, ["DeliveryTime", "OutstandingCreatedTime"], "{error}");
    assert!(error.reasons()[0].message.contains("must be N"), "{error}");
    let error =
        outbox_of(("MessageId", None), &brighters_indexes(), |name| if name == "MessageId" { N } else { kind(name) });
    let error = error.verify_table().unwrap_err();
    assert_eq!(error.reasons()[0].subject, "MessageId", "{error}");
}

#[test]
fn creating_over_an_invalid_table_reports_its_problems() {
    let error = outbox_of(("MessageId", None), &[], kind).create_table().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTable);
}

fn keys_of(schema: &[aws_sdk_dynamodb::types::KeySchemaElement]) -> (String, Option<String>) {
    let of = |kind: KeyType| {
        schema.iter().find(|element| *element.key_type() == kind).map(|element| element.attribute_name().to_owned())
    };
    (of(KeyType::Hash).unwrap(), of(KeyType::Range))
}

fn indexes_of(table: &TableDescription) -> Vec<(String, (String, Option<String>))> {
    let mut indexes: Vec<_> = table
        .global_secondary_indexes()
        .iter()
        .map(|index| (index.index_name().unwrap().to_owned(), keys_of(index.key_schema())))
        .collect();
    indexes.sort();
    indexes
}

#[test]
fn a_table_without_time_to_live_is_reported_and_usable() {
    let (_database, faults, postbox) = without_table(Postbox::builder().table_name("without_expiry"));
    faults.next("UpdateTimeToLive", Fault::access_denied());
    let error = postbox.create_table().unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert!(error.message().contains("without_expiry was created"), "{error}");
    postbox.verify_table().unwrap();
}

#[test]
fn time_to_live_is_enabled_if_the_response_to_the_creation_is_lost() {
    let (_database, faults, postbox) = without_table(Postbox::builder());
    faults.next("CreateTable", Fault::AnswerLost);
    postbox.create_table().unwrap();
    assert_eq!(faults.count("CreateTable"), 2);
    assert_eq!(time_to_live(&postbox, OUTBOX), Some(TimeToLiveStatus::Enabled));
}

#[test]
fn time_to_live_that_another_process_has_enabled_is_enough() {
    let (_database, faults, postbox) = without_table(Postbox::builder());
    faults.next("UpdateTimeToLive", Fault::AnswerLost);
    faults.next(
        "UpdateTimeToLive",
        Fault::Refuse { status: 400, code: "ValidationException", message: "TimeToLive is already enabled" },
    );
    postbox.create_table().unwrap();
    assert_eq!(time_to_live(&postbox, OUTBOX), Some(TimeToLiveStatus::Enabled));
}

#[test]
fn a_table_of_others_without_the_wanted_time_to_live_is_reported() {
    let postbox = outbox_of(("MessageId", None), &brighters_indexes(), kind);
    assert_eq!(subjects(&postbox.create_table().unwrap()), [""; 0], "no expiry is wanted");
    let expiring = Postbox::builder().dispatched_ttl(Duration::from_secs(86_400));
    let postbox = outbox_with(expiring, ("MessageId", None), &brighters_indexes(), kind);
    for report in [postbox.create_table().unwrap(), postbox.verify_table().unwrap()] {
        let warning = report.warnings.iter().find(|warning| warning.subject == "time to live").expect("a warning");
        assert!(warning.message.contains("ExpiresAt") && warning.message.contains("forever"), "{warning:?}");
    }
    assert_eq!(time_to_live(&postbox, "mine"), Some(TimeToLiveStatus::Disabled));
}

#[test]
fn the_warnings_name_billing_lock_table_and_permissions() {
    let world = TestOutbox::configured(eager);
    assert_eq!(subjects(&world.postbox.verify_table().unwrap()), ["lock table"], "no process has swept yet");
    world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(subjects(&world.postbox.verify_table().unwrap()), [""; 0]);

    let provisioned = Fault::Edit { pointer: "/Table/BillingModeSummary/BillingMode", value: "PROVISIONED".into() };
    world.faults.next("DescribeTable", provisioned);
    let report = world.postbox.verify_table().unwrap();
    assert_eq!(subjects(&report), ["billing mode"]);
    assert!(report.warnings[0].message.contains("throttled"), "{report:?}");

    for operation in ["Query", "Scan"] {
        world.faults.next(operation, Fault::access_denied());
        let report = world.postbox.verify_table().unwrap();
        assert_eq!(subjects(&report), ["permissions"]);
        assert!(report.warnings[0].message.contains(&format!("dynamodb:{operation}")), "{report:?}");
    }
}

#[test]
fn a_lock_table_with_another_key_is_reported() {
    let world = TestOutbox::configured(|builder| builder.lock_table_name(PEOPLE));
    let report = world.postbox.verify_table().unwrap();
    assert_eq!(subjects(&report), ["lock table"]);
    assert!(report.warnings[0].message.contains("ResourceId"), "{report:?}");
}

#[test]
fn a_table_that_cannot_be_used_in_its_state_is_rejected() {
    let in_status = |status: &str| Fault::Edit { pointer: "/Table/TableStatus", value: status.into() };
    let world = TestOutbox::new();
    for (status, expected) in [
        ("CREATING", "being created"),
        ("DELETING", "being deleted"),
        ("ARCHIVED", "KMS key"),
        ("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "KMS key"),
    ] {
        world.faults.next("DescribeTable", in_status(status));
        let error = world.postbox.verify_table().unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTable);
        assert!(error.reasons()[0].message.contains(expected), "{error:?}");
    }
    world.faults.next("DescribeTable", in_status("UPDATING"));
    world.postbox.verify_table().unwrap();
}

#[test]
fn a_global_table_with_strong_consistency_is_rejected() {
    let consistency = |value: &str| Fault::Edit { pointer: "/Table/MultiRegionConsistency", value: value.into() };
    let world = TestOutbox::new();
    world.faults.next("DescribeTable", consistency("STRONG"));
    let error = world.postbox.verify_table().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTable);
    assert!(error.reasons()[0].message.contains("supports neither transactions"), "{error:?}");
    world.faults.next("DescribeTable", consistency("EVENTUAL"));
    world.postbox.verify_table().unwrap();
}

#[test]
fn a_causation_index_with_any_projection_is_enough() {
    let mut indexes = brighters_indexes();
    indexes[0].2 = ProjectionType::KeysOnly;
    assert!(outbox_of(("MessageId", None), &indexes, kind).verify_table().unwrap().has_causation_index);
}

fn subjects(report: &TableReport) -> Vec<&str> {
    report.warnings.iter().map(|warning| warning.subject.as_str()).collect()
}

fn time_to_live(postbox: &Postbox, table: &'static str) -> Option<TimeToLiveStatus> {
    let ttl = sdk(postbox, |client| async move { client.describe_time_to_live().table_name(table).send().await });
    ttl.time_to_live_description().unwrap().time_to_live_status().cloned()
}

/// The template in docs/dynamodb.md, whose properties are those of CreateTable.
#[test]
fn the_tables_of_the_cloudformation_template_can_be_used() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dynamodb.md")).unwrap();
    let (_, template) = page.split_once("```json\n").unwrap();
    let template: serde_json::Value = serde_json::from_str(template.split("```").next().unwrap()).unwrap();
    let database = EmbeddedDatabase::open(":memory:").unwrap();
    for resource in template["Resources"].as_object().unwrap().values() {
        let mut properties = resource["Properties"].as_object().unwrap().clone();
        let time_to_live = properties.remove("TimeToLiveSpecification");
        let table = properties["TableName"].clone();
        database.execute("CreateTable", &serde_json::Value::from(properties).to_string()).unwrap();
        if let Some(specification) = time_to_live {
            let request = serde_json::json!({"TableName": table, "TimeToLiveSpecification": specification});
            database.execute("UpdateTimeToLive", &request.to_string()).unwrap();
        }
    }
    let builder = Postbox::builder().embedded(database).must_exist().dispatched_ttl(Duration::from_secs(60));
    let postbox = builder.default_producer(MemoryProducer::new()).open().unwrap();
    let report = postbox.verify_table().unwrap();
    assert!(report.warnings.is_empty() && report.has_causation_index, "{report:?}");
    assert!(postbox.post(Message::new("t", "x")).unwrap().is_success());
}
