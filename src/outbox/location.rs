//! The location of the outbox table: its account, region, endpoint or file.

use crate::outbox::Outbox;
use crate::sdk::Server;

impl Outbox {
    /// Describes where the table is. The number of the account is known only if the table can be described.
    pub(crate) async fn location(&self) -> String {
        let table = &self.table;
        match &self.server {
            Server::Embedded(Some(file)) => format!("table {table} in {file}"),
            Server::Embedded(None) => format!("table {table} in an embedded database"),
            Server::Endpoint { url, region } => format!("table {table} at {url}, region {region}"),
            Server::Amazon { region } => match self.account().await {
                Some(account) => format!("table {table} of account {account}, region {region}"),
                None => format!("table {table} of an unknown account, region {region}"),
            },
        }
    }

    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self.server, Server::Embedded(_))
    }

    /// Returns the account of the table, from its ARN `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME`.
    async fn account(&self) -> Option<String> {
        let described = self.describe().await.ok()?;
        described.table_arn()?.split(':').nth(4).map(str::to_owned)
    }
}
