//! Messages as actions of a transaction that another client sends, such as an AWS SDK.

use crate::api::postbox::Postbox;
#[cfg(doc)]
use crate::model::error::ErrorCode;
use crate::model::error::{Error, Result};
use crate::model::item::Item;
use crate::model::message::Message;
use crate::outbox::action::{ActionName, Target};
use crate::outbox::item::message_id;
use crate::outbox::transaction::cancellation_error;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};

impl Postbox {
    /// Returns the action that deposits this message, for a transaction that the program sends itself, for example with
    /// the AWS SDK. Nothing is stored before the program sends the transaction.
    ///
    /// The message is checked as [`deposit_post`](Self::deposit_post) checks it. The action is a `Put` in the outbox table
    /// with the condition that the table has no message with this id. It must be sent unchanged.
    ///
    /// After the transaction has succeeded, pass the message id to [`clear_outbox`](Self::clear_outbox) or to
    /// [`notify_committed`](Self::notify_committed), to send the message. If the program does neither, a sweep sends it.
    /// If the transaction is cancelled, [`cancellation_error`](Self::cancellation_error) returns an error with the
    /// cause. The idempotency token, retries and unknown outcomes of the transaction are the program's
    /// responsibility; see `docs/aws-sdk.md`.
    ///
    /// ```
    /// use postbox::aws_sdk_dynamodb::types::{Put, TransactWriteItem};
    /// use postbox::{AttributeValue, Message, Postbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let postbox = Postbox::builder().embedded_path(":memory:").open()?;
    /// # postbox.embedded().unwrap().execute("CreateTable", r#"{"TableName":"People","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"Name","AttributeType":"S"}],"KeySchema":[{"AttributeName":"Name","KeyType":"HASH"}]}"#)?;
    /// # let client = postbox.block_on(|client| async { client })?;
    /// let person = Put::builder().table_name("People").item("Name", AttributeValue::S("Ada".into())).build()?;
    /// let message = Message::new("greeting.made", "Hello Ada");
    /// client // of the AWS SDK
    ///     .transact_write_items()
    ///     .transact_items(TransactWriteItem::builder().put(person).build())
    ///     .transact_items(postbox.message_to_put(&message)?)
    ///     .send()
    ///     .await?;
    /// postbox.notify_committed(&[message.id()])?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorCode::InvalidMessage`], [`ErrorCode::ItemTooLarge`], [`ErrorCode::OutboxLimitReached`].
    pub fn message_to_put(&self, message: &Message) -> Result<TransactWriteItem> {
        let item = self.message_to_item(message)?;
        Ok(self.engine.outbox.deposit_action(message.id(), item)?.item)
    }

    /// Returns the item that stores this message, for programs that write it in a way of their own. The message is
    /// checked as [`deposit_post`](Self::deposit_post) checks it.
    ///
    /// Put the item with the condition `attribute_not_exists(MessageId)`, as the action of
    /// [`message_to_put`](Self::message_to_put) does. Without the condition, a message that was sent becomes outstanding
    /// again, and is sent a second time.
    ///
    /// # Errors
    /// The same as for [`message_to_put`](Self::message_to_put).
    pub fn message_to_item(&self, message: &Message) -> Result<Item> {
        self.engine.runtime.check_open()?;
        let traced = self.engine.traced_all(std::slice::from_ref(message));
        let item = self.engine.outbox.encode(traced.first().unwrap_or(message))?;
        // The message counts toward max_outstanding only when it is stored, which this process does not observe.
        drop(self.engine.reserve(1)?);
        Ok(item)
    }

    /// Returns the error of a transaction of another client that DynamoDB cancelled. It is the error that
    /// [`UnitOfWork::commit`](crate::UnitOfWork::commit) would return: [`ErrorCode::DuplicateMessage`] if the outbox had one
    /// of the messages already, and [`ErrorCode::TransactionCanceled`] otherwise, with a reason for each action that failed.
    /// `actions` are the actions of the transaction, and `reasons` the reasons of the cancellation, in the same order.
    ///
    /// If the program uses the same message id each time it repeats an operation, [`ErrorCode::DuplicateMessage`] means
    /// that an earlier attempt at the operation succeeded.
    ///
    /// ```
    /// use postbox::aws_sdk_dynamodb::types::CancellationReason;
    /// use postbox::{ErrorCode, Message, Postbox};
    ///
    /// # fn main() -> postbox::Result<()> {
    /// let postbox = Postbox::builder().embedded_path(":memory:").open()?;
    /// let actions = [postbox.message_to_put(&Message::new("greeting.made", "Hello").with_id("42"))?];
    /// // From TransactionCanceledException::cancellation_reasons:
    /// let reasons = [CancellationReason::builder().code("ConditionalCheckFailed").build()];
    /// let error = postbox.cancellation_error(&actions, &reasons);
    /// assert_eq!(error.code(), ErrorCode::DuplicateMessage);
    /// # Ok(()) }
    /// ```
    pub fn cancellation_error(&self, actions: &[TransactWriteItem], reasons: &[CancellationReason]) -> Error {
        let names = actions.iter().map(|action| match Target::of(action) {
            Ok(target) => (target.verb, target.table, action.put().and_then(|put| message_id(put.item()))),
            Err(_) => ("", "", None),
        });
        self.cancellation_error_of(names, reasons)
    }

    /// Returns the same error for actions of which only the verb, the table, and the message id of a put are given.
    pub(crate) fn cancellation_error_of<'a>(
        &self,
        actions: impl Iterator<Item = (&'a str, &'a str, Option<&'a str>)>,
        reasons: &[CancellationReason],
    ) -> Error {
        let outbox = self.engine.outbox.table();
        let names = actions.map(|(verb, table, id)| ActionName::new(verb, table, id.filter(|_| table == outbox)));
        cancellation_error(&names.collect::<Vec<_>>(), reasons)
    }
}
