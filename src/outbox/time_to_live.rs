//! Time to live of the outbox table, with which DynamoDB deletes dispatched messages.

use crate::model::error::{Error, Result};
use crate::outbox::Outbox;
use crate::outbox::attribute::EXPIRES_AT;
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::types::{TimeToLiveSpecification, TimeToLiveStatus};

impl Outbox {
    /// Returns the attribute on which time to live is enabled, or `None` if it is not enabled.
    async fn time_to_live(&self) -> Result<Option<String>> {
        let response = self.client.describe_time_to_live().table_name(&self.table).send().await;
        let response = response.map_err(|failure| explain("DescribeTimeToLive", &self.subject(), failure))?;
        Ok(response.time_to_live_description.and_then(|found| match found.time_to_live_status {
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => found.attribute_name,
            _ => None,
        }))
    }

    /// Enables time to live for a new table, unless another process has already enabled it.
    pub(crate) async fn enable_time_to_live(&self) -> Result<()> {
        if self.expires().await {
            return Ok(());
        }
        match self.request_time_to_live().await {
            // The response to an earlier request may have been lost.
            Err(_) if self.expires().await => Ok(()),
            result => result,
        }
    }

    async fn expires(&self) -> bool {
        self.time_to_live().await.is_ok_and(|attribute| attribute.as_deref() == Some(EXPIRES_AT))
    }

    async fn request_time_to_live(&self) -> Result<()> {
        let build = |error| crate::outbox::internal("UpdateTimeToLive", error);
        let specification = TimeToLiveSpecification::builder().attribute_name(EXPIRES_AT).enabled(true);
        let request = self.client.update_time_to_live().table_name(&self.table);
        let request = request.time_to_live_specification(specification.build().map_err(build)?);
        request.send().await.map(drop).map_err(|failure| {
            let error = explain("UpdateTimeToLive", &self.subject(), failure);
            Error::new(
                error.code(),
                format!(
                    "table {} was created and can be used, but time to live on {EXPIRES_AT} could not be enabled: enable it with the AWS CLI, or nothing expires; {}",
                    self.table,
                    error.message()
                ),
            )
        })
    }

    /// Returns the reason for which dispatched messages do not expire, if `dispatched_ttl_seconds` is set. Time to live of
    /// a table of others is not enabled: Brighter can set `ExpiresAt` at deposit, and unsent messages would be deleted.
    pub(crate) async fn time_to_live_problem(&self) -> Option<String> {
        self.dispatched_ttl?;
        let found = match self.time_to_live().await {
            Ok(Some(attribute)) if attribute == EXPIRES_AT => return None,
            Ok(Some(attribute)) => format!("time to live is enabled on {attribute}, not on {EXPIRES_AT}"),
            Ok(None) => format!("time to live is not enabled on {EXPIRES_AT}"),
            Err(error) => {
                return Some(format!(
                    "time to live cannot be checked, so dispatched messages may be kept forever: {}",
                    error.message()
                ));
            }
        };
        Some(format!(
            "{found}, so dispatched messages are kept forever in spite of dispatched_ttl_seconds: enable it with the AWS CLI, unless a Brighter that sets a time to live at deposit uses the table, because DynamoDB would then delete unsent messages"
        ))
    }
}
