//! Embedded databases that are filled quickly, with the items that Postbox stores.

use crate::support::request::OUTBOX;
use dynoxide::ImportOptions;
use postbox::{EmbeddedDatabase, Postbox};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// DynamoDB's limit for one BatchWriteItem.
const MAX_BATCH: usize = 25;
/// The number of items that are imported in one transaction.
const MAX_IMPORT: usize = 2_000;

/// A database in a file, which is deleted when this is dropped.
pub struct FileDatabase {
    path: PathBuf,
}

impl FileDatabase {
    /// Creates a database with these items in the outbox table.
    pub fn create(name: &str, items: impl IntoIterator<Item = Value>) -> Self {
        let path = std::env::temp_dir().join(format!("postbox-bench-{}-{name}.db", std::process::id()));
        let file = Self { path };
        create_tables(&file.open());
        let database = dynoxide::Database::new(&file.path.to_string_lossy()).expect("the database opens");
        database.enable_bulk_loading().expect("the database loads in bulk");
        let mut items = items.into_iter().map(|item| serde_json::from_value(item).expect("an item")).peekable();
        while items.peek().is_some() {
            let some = items.by_ref().take(MAX_IMPORT).collect();
            database.import_items(OUTBOX, some, ImportOptions::default()).expect("the items are imported");
        }
        database.disable_bulk_loading().expect("the database is used as before");
        file
    }

    /// Copies the database to another file.
    pub fn copy(&self, name: &str) -> Self {
        let copy = Self { path: self.path.with_extension(name) };
        std::fs::copy(&self.path, &copy.path).expect("the file is copied");
        copy
    }

    pub fn open(&self) -> EmbeddedDatabase {
        EmbeddedDatabase::open(&self.path.to_string_lossy()).expect("the database opens")
    }
}

impl Drop for FileDatabase {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.path.display()));
        }
    }
}

/// Opens a database in memory with the outbox table and the lock table.
pub fn in_memory() -> EmbeddedDatabase {
    let database = EmbeddedDatabase::open(":memory:").expect("the database opens");
    create_tables(&database);
    database
}

fn create_tables(database: &EmbeddedDatabase) {
    let postbox = Postbox::builder().embedded(database.clone()).open().expect("the Postbox opens");
    let lock_table = json!({
        "TableName": "brighter_distributed_lock", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "ResourceId", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "ResourceId", "KeyType": "HASH"}],
    });
    database.execute("CreateTable", &lock_table.to_string()).expect("the lock table is created");
    postbox.close().expect("the Postbox closes");
}

/// Returns the ticks of a time before now, as they are stored in items.
pub fn ticks_before(age: Duration) -> u128 {
    let unix = (SystemTime::now() - age).duration_since(UNIX_EPOCH).unwrap_or_default();
    621_355_968_000_000_000 + unix.as_nanos() / 100
}

/// Returns a body of this size as base64, for the functions that return items.
pub fn body(bytes: usize) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, vec![b'x'; bytes])
}

/// Returns the item of an outstanding message, whose body is encoded as base64.
pub fn outstanding(id: usize, topic: &str, shard: usize, created: u128, body: &str) -> Value {
    json!({
        "MessageId": {"S": format!("0190a000-0000-7000-8000-{id:012}")}, "Topic": {"S": topic},
        "TopicShard": {"S": format!("{topic}_{shard}")}, "PartitionKey": {"S": format!("key-{shard}-{}", id % 1000)},
        "MessageType": {"S": "MT_EVENT"}, "Body": {"B": body}, "CharacterEncoding": {"S": "UTF8"},
        "ContentType": {"S": "application/json; charset=utf-8"}, "HeaderBag": {"S": "{}"},
        "CreatedAt": {"S": "2025-01-01T00:00:00.000Z"}, "CreatedTime": {"N": created.to_string()},
        "OutstandingCreatedTime": {"N": created.to_string()}, "Source": {"S": "http://goparamore.io"},
        "SpecVersion": {"S": "1.0"}, "HandledCount": {"N": "0"}, "DelayedMilliseconds": {"N": "0"},
    })
}

/// Returns the item of a dispatched message, whose body is encoded as base64.
pub fn dispatched(id: usize, topic: &str, shard: usize, at: u128, body: &str) -> Value {
    let mut item = outstanding(id, topic, shard, at, body);
    let attributes = item.as_object_mut().expect("an item");
    attributes.remove("OutstandingCreatedTime");
    attributes.insert("DeliveryTime".into(), json!({"N": at.to_string()}));
    attributes.insert("DeliveredAt".into(), json!({"S": "2025-01-01T00:00:00.000Z"}));
    item
}

/// Writes items to the outbox table.
pub fn fill(database: &EmbeddedDatabase, items: impl IntoIterator<Item = Value>) {
    let mut items = items.into_iter().map(|item| json!({"PutRequest": {"Item": item}})).peekable();
    while items.peek().is_some() {
        let puts: Vec<Value> = items.by_ref().take(MAX_BATCH).collect();
        let request = json!({"RequestItems": {OUTBOX: puts}});
        database.execute("BatchWriteItem", &request.to_string()).expect("the items are written");
    }
}
