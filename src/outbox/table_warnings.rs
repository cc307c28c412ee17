//! Properties of a usable table that cost more, or that make some functions unavailable.

use crate::model::error::{Error, ErrorCode};
use crate::model::table_report::TableWarning;
use crate::outbox::Outbox;
use crate::outbox::attribute::TOPIC_SHARD;
use crate::outbox::item::text;
use crate::outbox::lock_table::RESOURCE_ID;
use crate::sdk::failure::{explain, is_denied};
use aws_sdk_dynamodb::types::{BillingMode, KeyType, Select, TableDescription};

impl Outbox {
    /// Returns the warnings about a table that can serve as an outbox.
    pub(crate) async fn warnings(&self, table: &TableDescription, lock_table: &str) -> Vec<TableWarning> {
        [
            is_provisioned(table).then(|| ("billing mode", PROVISIONED.to_owned())),
            self.time_to_live_problem().await.map(|problem| ("time to live", problem)),
            self.lock_table_problem(lock_table).await.map(|problem| ("lock table", problem)),
            self.query_problem().await.map(|problem| ("permissions", problem)),
            self.scan_problem().await.map(|problem| ("permissions", problem)),
        ]
        .into_iter()
        .flatten()
        .map(|(subject, message)| TableWarning::new(subject, message))
        .collect()
    }

    async fn lock_table_problem(&self, name: &str) -> Option<String> {
        let table = match self.describe_table(name).await {
            Ok(table) => table,
            Err(error) if error.code() == ErrorCode::TableNotFound => {
                return Some(format!(
                    "table {name} does not exist: the first process that sweeps or archives creates it, which needs dynamodb:CreateTable"
                ));
            }
            Err(error) => {
                return Some(format!(
                    "table {name} cannot be checked, and sweeps need it for their leases: {}",
                    error.message()
                ));
            }
        };
        let keys: Vec<_> = table.key_schema().iter().map(|key| (key.attribute_name(), key.key_type())).collect();
        (keys != [(RESOURCE_ID, &KeyType::Hash)]).then(|| {
            format!(
                "the key of table {name} must be HASH {RESOURCE_ID}: until then sweeps get no lease and send nothing; set lock_table_name to another table"
            )
        })
    }

    async fn query_problem(&self) -> Option<String> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("Outstanding")
            .key_condition_expression(format!("{TOPIC_SHARD} = :none"))
            .expression_attribute_values(":none", text("-"))
            .select(Select::Count)
            .limit(1);
        let denied = request.send().await.map_err(|failure| explain("Query", &self.index("Outstanding"), failure));
        denial("dynamodb:Query", denied.err())
    }

    async fn scan_problem(&self) -> Option<String> {
        let request = self.client.scan().table_name(&self.table).index_name("OutstandingAllTopics");
        let response = request.select(Select::Count).limit(1).send().await;
        let denied = response.map_err(|failure| explain("Scan", &self.index("OutstandingAllTopics"), failure));
        denial("dynamodb:Scan", denied.err())
    }
}

const PROVISIONED: &str = "the capacity is provisioned, for the table and for each index separately: writes beyond it are throttled, and commits then fail with Throttled; use on-demand billing, or scale the table and every index together";

/// Returns whether the capacity of the table is provisioned. DynamoDB leaves the billing mode out of the description of a
/// table that was never on demand.
fn is_provisioned(table: &TableDescription) -> bool {
    match table.billing_mode_summary().and_then(|summary| summary.billing_mode()) {
        Some(mode) => *mode == BillingMode::Provisioned,
        None => table.provisioned_throughput().and_then(|units| units.write_capacity_units()).unwrap_or(0) > 0,
    }
}

fn denial(action: &str, error: Option<Error>) -> Option<String> {
    let error = error.filter(is_denied)?;
    Some(format!(
        "{action} on the indexes of the table is missing, so this process cannot sweep, and cannot list or count messages; a process that only deposits and clears does not need it: {}",
        error.message()
    ))
}
