//! The outbox table. It is created with the schema of Brighter's factory, and verified index by index.

use crate::model::error::{Error, ErrorCode, Reason, Result};
use crate::model::settings::TableEncryption;
use crate::model::table_report::{TableReport, TableWarning};
use crate::outbox::Outbox;
use crate::outbox::attribute::{CAUSATION_ID, DELIVERY_TIME, MESSAGE_ID, OUTSTANDING_CREATED_TIME, TOPIC_SHARD};
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, GlobalSecondaryIndexDescription, IndexStatus,
    KeySchemaElement, KeyType, MultiRegionConsistency, Projection, ProjectionType, ScalarAttributeType,
    SseSpecification, SseType, StreamSpecification, StreamViewType, TableDescription, TableStatus, Tag,
};
use std::time::Duration;

pub(crate) const POLL: Duration = Duration::from_millis(500);

/// An index of the outbox table.
struct Index {
    name: &'static str,
    hash: (&'static str, ScalarAttributeType),
    range: Option<(&'static str, ScalarAttributeType)>,
    /// Whether the outbox works without this index: tables of older versions of Brighter lack it.
    optional: bool,
    /// The consequence of a missing or different index.
    consequence: &'static str,
}

pub(crate) const CAUSATION: &str = "Causation";

const INDEXES: [Index; 5] = {
    use ScalarAttributeType::{N, S};
    [
        Index {
            name: "Outstanding",
            hash: (TOPIC_SHARD, S),
            range: Some((OUTSTANDING_CREATED_TIME, N)),
            optional: false,
            consequence: "the outstanding messages of a topic can be neither swept nor listed",
        },
        Index {
            name: "Delivered",
            hash: (TOPIC_SHARD, S),
            range: Some((DELIVERY_TIME, N)),
            optional: false,
            consequence: "the dispatched messages of a topic can be neither archived nor listed",
        },
        Index {
            name: "OutstandingAllTopics",
            hash: (OUTSTANDING_CREATED_TIME, N),
            range: Some((MESSAGE_ID, S)),
            optional: false,
            consequence: "a sweep cannot find messages",
        },
        Index {
            name: "DeliveredAllTopics",
            hash: (DELIVERY_TIME, N),
            range: Some((MESSAGE_ID, S)),
            optional: false,
            consequence: "the dispatched messages of all topics cannot be listed",
        },
        Index {
            name: CAUSATION,
            hash: (CAUSATION_ID, S),
            range: None,
            optional: true,
            consequence: "messages cannot be replayed by causation id",
        },
    ]
};

impl Outbox {
    /// Creates the table if it does not exist, waits until it is active, and checks it.
    pub(crate) async fn create_table(&self) -> Result<TableReport> {
        let created = match self.describe().await {
            Ok(_) => false,
            Err(error) if error.code() == ErrorCode::TableNotFound => {
                self.send_create_table().await?;
                true
            }
            Err(error) => return Err(error),
        };
        let mut report = self.wait_until_active().await?;
        if created {
            self.enable_time_to_live().await?;
        } else if let Some(problem) = self.time_to_live_problem().await {
            tracing::warn!(target: "postbox", { db.collection.name = %self.table }, "{problem}");
            report.warnings.push(TableWarning::new("time to live", problem));
        }
        Ok(report)
    }

    /// Checks that the table exists, is active, and has the keys and indexes of an outbox. Returns warnings about other
    /// properties.
    pub(crate) async fn verify_table(&self, lock_table: &str) -> Result<TableReport> {
        let table = self.describe().await?;
        let report = check(&table, &self.table)?;
        Ok(TableReport { warnings: self.warnings(&table, lock_table).await, ..report })
    }

    /// Returns whether the table has the index `Causation`.
    pub(crate) async fn has_causation_index(&self) -> Result<bool> {
        check(&self.describe().await?, &self.table).map(|report| report.has_causation_index)
    }

    /// Sends CreateTable. If the table already exists, another process has created it in the meantime, or the response to
    /// an earlier attempt of this request was lost.
    async fn send_create_table(&self) -> Result<()> {
        let build = |error| crate::outbox::internal("CreateTable", error);
        let mut request = self
            .client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key_element(MESSAGE_ID, KeyType::Hash).map_err(build)?)
            .tags(Tag::builder().key("outbox").value("brighter_outbox").build().map_err(build)?);
        request = request.set_sse_specification(self.sse_specification());
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewImage);
        request = request.stream_specification(stream.build().map_err(build)?);
        let mut attributes = vec![(MESSAGE_ID, ScalarAttributeType::S)];
        for index in INDEXES {
            attributes.push(index.hash.clone());
            attributes.extend(index.range.clone());
            request = request.global_secondary_indexes(index.definition().map_err(build)?);
        }
        attributes.sort_by_key(|(name, _)| *name);
        attributes.dedup();
        for (name, kind) in attributes {
            let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(kind);
            request = request.attribute_definitions(definition.build().map_err(build)?);
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(failure) if failure.code() == Some("ResourceInUseException") => Ok(()),
            Err(failure) => Err(explain("CreateTable", &self.subject(), failure)),
        }
    }

    /// Returns the encryption of a new table, or `None` for a key that DynamoDB owns.
    fn sse_specification(&self) -> Option<SseSpecification> {
        if self.encryption == TableEncryption::Owned {
            return None;
        }
        let specification = SseSpecification::builder().enabled(true);
        Some(match &self.kms_key {
            Some(key) => specification.sse_type(SseType::Kms).kms_master_key_id(key).build(),
            None => specification.build(),
        })
    }

    /// Polls DescribeTable until the table is active, or until the caller's deadline cancels the request.
    async fn wait_until_active(&self) -> Result<TableReport> {
        loop {
            match self.describe().await {
                // Just after CreateTable, DescribeTable may not know the table yet.
                Err(error) if error.code() == ErrorCode::TableNotFound || error.is_retryable() => {
                    tracing::debug!(target: "postbox", { db.collection.name = %self.table, error.message = %error }, "waiting for the table");
                }
                Err(error) => return Err(error),
                Ok(table) => match table.table_status() {
                    Some(TableStatus::Creating | TableStatus::Updating) => {}
                    _ => return check(&table, &self.table),
                },
            }
            crate::sys::clock::sleep(POLL).await;
        }
    }

    /// Returns whether a table is active.
    pub(crate) async fn is_active(&self, table: &str) -> Result<bool> {
        Ok(self.describe_table(table).await?.table_status() == Some(&TableStatus::Active))
    }

    pub(super) async fn describe(&self) -> Result<TableDescription> {
        self.describe_table(&self.table).await
    }

    pub(crate) async fn describe_table(&self, table: &str) -> Result<TableDescription> {
        let subject = format!("table {table}");
        self.client
            .describe_table()
            .table_name(table)
            .send()
            .await
            .map_err(|failure| explain("DescribeTable", &subject, failure))?
            .table
            .ok_or_else(|| {
                Error::new(
                    ErrorCode::ServiceError,
                    format!("DescribeTable on {subject}: the response has no table, check that endpoint_url is an endpoint of DynamoDB"),
                )
            })
    }

    /// Returns the names of the key attributes of a table if they were requested before.
    pub(crate) fn cached_key_names(&self, table: &str) -> Option<Vec<String>> {
        self.key_names.lock().get(table).cloned()
    }

    /// Returns the attribute names of a table's primary key. Requests them once and keeps them.
    pub(crate) async fn known_key_names(&self, table: String) -> Result<Vec<String>> {
        if let Some(names) = self.cached_key_names(&table) {
            return Ok(names);
        }
        let described = self.describe_table(&table).await?;
        let names: Vec<String> =
            described.key_schema().iter().map(|element| element.attribute_name().to_owned()).collect();
        self.key_names.lock().insert(table, names.clone());
        Ok(names)
    }
}

impl Index {
    fn definition(&self) -> Result<GlobalSecondaryIndex, aws_sdk_dynamodb::error::BuildError> {
        let mut index = GlobalSecondaryIndex::builder()
            .index_name(self.name)
            .projection(Projection::builder().projection_type(ProjectionType::All).build())
            .key_schema(key_element(self.hash.0, KeyType::Hash)?);
        if let Some((name, _)) = &self.range {
            index = index.key_schema(key_element(name, KeyType::Range)?);
        }
        index.build()
    }

    /// Returns the problem of the table's index, if it has one.
    fn fault(&self, found: Option<&GlobalSecondaryIndexDescription>) -> Option<String> {
        let Some(found) = found else {
            return (!self.optional).then(|| format!("the index is missing, so {}", self.consequence));
        };
        let mut expected = vec![(self.hash.0, KeyType::Hash)];
        expected.extend(self.range.as_ref().map(|(name, _)| (*name, KeyType::Range)));
        if keys(found.key_schema()) != expected {
            return Some(format!(
                "the key of the index is {}, it must be {}, so {}",
                shown(&keys(found.key_schema())),
                shown(&expected),
                self.consequence
            ));
        }
        // Of the optional index, only the message ids are read.
        if !self.optional && found.projection().and_then(|p| p.projection_type()) != Some(&ProjectionType::All) {
            return Some(
                "the index does not project ALL attributes, so Brighter cannot read messages from it".to_owned(),
            );
        }
        match found.index_status() {
            Some(IndexStatus::Creating) => Some("the index is still being built".to_owned()),
            Some(IndexStatus::Deleting) => Some("the index is being deleted".to_owned()),
            _ => None,
        }
    }
}

fn key_element(name: &str, kind: KeyType) -> Result<KeySchemaElement, aws_sdk_dynamodb::error::BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

fn keys(schema: &[KeySchemaElement]) -> Vec<(&str, KeyType)> {
    schema.iter().map(|element| (element.attribute_name(), element.key_type().clone())).collect()
}

fn shown(keys: &[(&str, KeyType)]) -> String {
    let shown: Vec<String> = keys.iter().map(|(name, kind)| format!("{} {name}", kind.as_str())).collect();
    shown.join(", ")
}

/// Returns the reason for which a table in this state, or of this kind, cannot be used.
fn table_fault(found: &TableDescription) -> Option<&'static str> {
    if found.multi_region_consistency() == Some(&MultiRegionConsistency::Strong) {
        return Some(
            "the table is a global table with multi-Region strong consistency, which supports neither transactions nor time to live, so no commit can succeed: use a table in one region",
        );
    }
    match found.table_status()? {
        TableStatus::Creating => Some("the table is being created: try again later"),
        TableStatus::Deleting => Some("the table is being deleted, and its messages are lost"),
        TableStatus::InaccessibleEncryptionCredentials | TableStatus::Archiving | TableStatus::Archived => Some(
            "DynamoDB cannot use the KMS key of the table, so nothing can be read or written: enable the key and its grants within 7 days, or restore the backup that DynamoDB makes of the table",
        ),
        _ => None,
    }
}

fn check(found: &TableDescription, table: &str) -> Result<TableReport> {
    let mut faults: Vec<(&str, String)> = Vec::new();
    faults.extend(table_fault(found).map(|fault| ("table", fault.to_owned())));
    let expected = vec![(MESSAGE_ID, KeyType::Hash)];
    if keys(found.key_schema()) != expected {
        let fault = format!("the key is {}, it must be {}", shown(&keys(found.key_schema())), shown(&expected));
        faults.push(("table", fault));
    }
    for definition in found.attribute_definitions() {
        let mut known = INDEXES.iter().flat_map(|index| [Some(&index.hash), index.range.as_ref()]).flatten();
        if let Some((name, kind)) = known.find(|(name, _)| *name == definition.attribute_name())
            && kind != definition.attribute_type()
        {
            faults.push((
                name,
                format!(
                    "the attribute has type {}, it must be {}",
                    definition.attribute_type().as_str(),
                    kind.as_str()
                ),
            ));
        }
    }
    let index_of = |name: &str| found.global_secondary_indexes().iter().find(|index| index.index_name() == Some(name));
    for index in &INDEXES {
        faults.extend(index.fault(index_of(index.name)).map(|fault| (index.name, fault)));
    }
    if faults.is_empty() {
        return Ok(TableReport { has_causation_index: index_of(CAUSATION).is_some(), warnings: Vec::new() });
    }
    let reasons: Vec<Reason> = faults
        .into_iter()
        .enumerate()
        .map(|(index, (subject, fault))| Reason::new(index, subject, "Schema", fault))
        .collect();
    Err(Error::new(
        ErrorCode::InvalidTable,
        format!("table {table} cannot serve as an outbox, problems: {}; create the table with create_table, or fix the problems", reasons.len()),
    )
    .with_reasons(reasons))
}
