//! A DynamoDB in this process. It implements the HTTP client interface of the AWS SDK, so that the SDK calls it
//! directly.

#[cfg(feature = "server")]
mod server;
mod tokens;

use crate::model::error::{Error, ErrorCode, Result};
use crate::sdk::failure::{is_about_a_full_disk, service_error};
use crate::sys::fork::without_fork;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use dynoxide::actions::execute_transaction::{ExecuteTransactionRequest, ExecuteTransactionResponse};
use dynoxide::actions::transact_write_items::{TransactWriteItemsRequest, TransactWriteItemsResponse};
use dynoxide::{Database, DynoxideError};
use std::borrow::Cow;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokens::Tokens;

/// The path of a database in memory.
const IN_MEMORY: &str = ":memory:";

/// A DynamoDB in this process: the `dynoxide-rs` crate, which uses SQLite, in memory or in a file.
///
/// All of the real client code runs, and no socket is opened. The database is intended for development, tests, demos
/// and programs on a single machine. It differs from Amazon DynamoDB: idempotency tokens are kept in memory and lost
/// when the process ends, requests are never throttled and are executed one at a time, an index never lags behind its
/// table, and tables have no streams. If another process locks the file, a request waits for up to 5 seconds, even if its
/// timeout is shorter.
/// A process that has opened the file with Postbox must not open it otherwise, such as with another copy of SQLite or to
/// copy it: closing the file would release the locks of Postbox. If the write-ahead log is removed in this way, all
/// further requests fail.
///
/// Clones are handles of the same database. Pass one to each Postbox that should share it.
///
/// ```
/// use postbox::{EmbeddedDatabase, Postbox};
///
/// # fn main() -> postbox::Result<()> {
/// let database = EmbeddedDatabase::open(":memory:")?;
/// let one = Postbox::builder().embedded(database.clone()).open()?;
/// let other = Postbox::builder().embedded(database).open()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct EmbeddedDatabase(Handle);

/// A handle of the database engine, which is dropped as carefully as it is used.
#[derive(Clone)]
struct Handle {
    /// The engine, or `None` while the handle is dropped.
    database: Option<Database>,
    log: Option<Arc<Log>>,
    writes: Arc<Tokens<TransactWriteItemsResponse>>,
    statements: Arc<Tokens<ExecuteTransactionResponse>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        without_fork(|| drop(self.database.take()));
    }
}

/// The write-ahead log of a database in a file. If another copy of SQLite in this process closes the file, it removes
/// the log, because the locks of a file belong to the process. Data that is written to a removed log is lost.
struct Log {
    path: String,
    /// The device and the inode of the log when the database was opened.
    file: (u64, u64),
}

impl Log {
    fn of(database: &str) -> Option<Self> {
        let path = format!("{database}-wal");
        identity(&path).map(|file| Self { path, file })
    }

    /// Checks that the log was not removed or replaced. The error is a text for the user.
    fn check(&self) -> Result<(), String> {
        if identity(&self.path) == Some(self.file) {
            return Ok(());
        }
        Err(format!(
            "{} was removed while the embedded database was open, for example because this process has opened and closed the database with another copy of SQLite: open a new Postbox, and access the file only through Postbox",
            self.path
        ))
    }
}

#[cfg(unix)]
fn identity(path: &str) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

// An open file cannot be removed on other systems.
#[cfg(not(unix))]
fn identity(_: &str) -> Option<(u64, u64)> {
    None
}

impl Deref for Handle {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database.as_ref().expect("a handle that was not dropped")
    }
}

// These methods take the place of those of the engine, whose tokens make each transaction slower than the one before.
impl Handle {
    fn transact_write_items(
        &self,
        mut request: TransactWriteItemsRequest,
    ) -> Result<TransactWriteItemsResponse, DynoxideError> {
        let actions = serde_json::to_value(&request.transact_items);
        self.writes.execute_once(request.client_request_token.take(), actions, |token| {
            request.client_request_token = token;
            Database::transact_write_items(self, request)
        })
    }

    fn execute_transaction(
        &self,
        mut request: ExecuteTransactionRequest,
    ) -> Result<ExecuteTransactionResponse, DynoxideError> {
        let statements = serde_json::to_value(&request.transact_statements);
        self.statements.execute_once(request.client_request_token.take(), statements, |token| {
            request.client_request_token = token;
            Database::execute_transaction(self, request)
        })
    }
}

impl EmbeddedDatabase {
    /// Opens the database in this file. If the file does not exist, it is created so that only its owner can access it.
    /// The path `:memory:` opens a database in memory, which is discarded with its last handle.
    ///
    /// # Errors
    /// [`ErrorCode::EmbeddedUnavailable`] if the file cannot be opened or is not an embedded database.
    pub fn open(path: &str) -> Result<Self> {
        let opened = if path == IN_MEMORY {
            without_fork(Database::memory)
        } else {
            create_private(path)?;
            without_fork(|| Database::new(path))
        };
        let log = || Log::of(path).filter(|_| path != IN_MEMORY).map(Arc::new);
        opened
            .map(|database| {
                Self(Handle {
                    database: Some(database),
                    log: log(),
                    writes: Arc::default(),
                    statements: Arc::default(),
                })
            })
            .map_err(|error| {
                Error::new(
                    ErrorCode::EmbeddedUnavailable,
                    format!("the embedded database {path} could not be opened: {error}"),
                )
            })
    }

    /// Checks that the file of a database exists. A database in memory does not exist before it is opened.
    pub(crate) fn check_exists(path: &str) -> Result<()> {
        if path == IN_MEMORY || std::path::Path::new(path).exists() {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::EmbeddedUnavailable,
            format!(
                "the embedded database {path} does not exist: correct embedded_path, or create it with `postbox create-table`"
            ),
        ))
    }

    /// Runs one DynamoDB operation by name, with its request and response as JSON. Programs use this method in
    /// development, for example to create their own tables.
    ///
    /// ```
    /// let database = postbox::EmbeddedDatabase::open(":memory:")?;
    /// database.execute("CreateTable", r#"{
    ///     "TableName": "People",
    ///     "AttributeDefinitions": [{"AttributeName": "Name", "AttributeType": "S"}],
    ///     "KeySchema": [{"AttributeName": "Name", "KeyType": "HASH"}],
    ///     "BillingMode": "PAY_PER_REQUEST"
    /// }"#)?;
    /// # Ok::<(), postbox::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorCode::TableNotFound`] or [`ErrorCode::ServiceError`], with the error code and message that DynamoDB
    /// returned.
    pub fn execute(&self, operation: &str, request: &str) -> Result<String> {
        let (status, response) = self.respond(operation, request.as_bytes());
        if status == 200 {
            return Ok(response);
        }
        let error: serde_json::Value = serde_json::from_str(&response).unwrap_or_default();
        let member = |names: &[&str]| names.iter().find_map(|name| error[name].as_str()).unwrap_or_default();
        let code = member(&["__type"]).rsplit('#').next().unwrap_or_default();
        Err(service_error(operation, "the embedded database", code, member(&["message", "Message"]), status))
    }

    /// Returns the status and the JSON of the response to one request.
    fn respond(&self, target: &str, body: &[u8]) -> (u16, String) {
        let answer = || -> Result<String, DynoxideError> {
            // Nothing was written yet, so this error is not retried.
            self.check_log().map_err(DynoxideError::ValidationException)?;
            let response = self.dispatch(target, body).map_err(without_effect)?;
            self.check_log().map_err(DynoxideError::InternalServerError)?;
            Ok(response)
        };
        match catch_unwind(AssertUnwindSafe(|| without_fork(answer))) {
            Ok(Ok(json)) => (200, json),
            Ok(Err(error)) => (error.status_code(), error.to_json()),
            Err(_) => {
                let error = DynoxideError::InternalServerError("the embedded database panicked".into());
                (error.status_code(), error.to_json())
            }
        }
    }

    fn check_log(&self) -> Result<(), String> {
        self.0.log.as_ref().map_or(Ok(()), |log| log.check())
    }

    fn dispatch(&self, target: &str, body: &[u8]) -> Result<String, DynoxideError> {
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body = match operation {
            "CreateTable" | "UpdateTable" => without_stream(body),
            _ => Cow::Borrowed(body),
        };
        /// Reads the request, calls the method of the database, and writes the response.
        macro_rules! operations {
            ($operation:expr; $($name:literal => $method:ident,)*) => {
                match $operation {
                    $($name => {
                        let request = serde_json::from_slice(&body)
                            .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
                        let response = self.0.$method(request)?;
                        serde_json::to_string(&response)
                            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
                    })*
                    other => Err(DynoxideError::ValidationException(format!(
                        "the embedded database does not have the operation {other}"
                    ))),
                }
            };
        }
        operations! { operation;
            "CreateTable" => create_table,
            "DeleteTable" => delete_table,
            "DescribeTable" => describe_table,
            "UpdateTable" => update_table,
            "ListTables" => list_tables,
            "TagResource" => tag_resource,
            "UntagResource" => untag_resource,
            "ListTagsOfResource" => list_tags_of_resource,
            "UpdateTimeToLive" => update_time_to_live,
            "DescribeTimeToLive" => describe_time_to_live,
            "PutItem" => put_item,
            "GetItem" => get_item,
            "DeleteItem" => delete_item,
            "UpdateItem" => update_item,
            "Query" => query,
            "Scan" => scan,
            "BatchGetItem" => batch_get_item,
            "BatchWriteItem" => batch_write_item,
            "TransactWriteItems" => transact_write_items,
            "TransactGetItems" => transact_get_items,
            "ExecuteStatement" => execute_statement,
            "ExecuteTransaction" => execute_transaction,
            "BatchExecuteStatement" => batch_execute_statement,
        }
    }
}

/// Replaces the server error for a full disk, which would leave the effect of the request unknown. SQLite has rolled the
/// request back.
fn without_effect(error: DynoxideError) -> DynoxideError {
    let text = error.to_string();
    if is_about_a_full_disk(&text) { DynoxideError::ValidationException(text) } else { error }
}

/// Removes the stream from the request for a table. The engine numbers a record of a stream by reading all records, so each
/// write would take longer than the one before.
fn without_stream(body: &[u8]) -> Cow<'_, [u8]> {
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body) {
        Ok(mut request) => {
            request.remove("StreamSpecification");
            Cow::Owned(serde_json::to_vec(&request).unwrap_or_default())
        }
        Err(_) => Cow::Borrowed(body),
    }
}

impl std::fmt::Debug for EmbeddedDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmbeddedDatabase")
    }
}

impl HttpConnector for EmbeddedDatabase {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let (status, json) = self.respond(target, request.body().bytes().unwrap_or_default());
        HttpConnectorFuture::ready(match StatusCode::try_from(status) {
            Ok(status) => {
                let mut response = HttpResponse::new(status, SdkBody::from(json));
                response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
                Ok(response)
            }
            Err(error) => Err(ConnectorError::other(error.into(), None)),
        })
    }
}

impl HttpClient for EmbeddedDatabase {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Creates the file with access for its owner only, because SQLite would use the umask of the process.
fn create_private(path: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ()).map_err(|error| {
        Error::new(
            ErrorCode::EmbeddedUnavailable,
            format!("the file {path} of the embedded database could not be opened: {error}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_known_to_have_prevented_the_write() {
        let full = || DynoxideError::InternalServerError("backend: database or disk is full".into());
        let error = without_effect(full());
        assert!(error.status_code() < 500 && full().status_code() >= 500);
        let error = service_error("PutItem", "table orders", "ValidationException", &error.to_string(), 400);
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::NoResources, true));
        assert!(error.message().contains("Nothing was written. Free space on the disk"), "{error}");
        let other = without_effect(DynoxideError::InternalServerError("backend: disk I/O error".into()));
        assert!(other.status_code() >= 500);
    }
}
