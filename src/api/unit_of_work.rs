//! Units of work.

#[cfg(feature = "capi")]
use crate::api::operation::Operation;
use crate::api::operations;
use crate::delivery::presence::warn_if_nobody_sweeps;
use crate::engine::Engine;
use crate::engine::backlog_limit::Reserved;
use crate::engine::counters::Counters;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::message::Message;
use crate::outbox::action::{Action, ActionName, Target};
use crate::outbox::attribute::MESSAGE_ID;
use crate::outbox::size::{MAX_ITEM_BYTES, MAX_TRANSACTION_BYTES};
use crate::outbox::transaction::outcome_unknown;
use crate::sys::clock::Moment;
#[cfg(feature = "capi")]
use crate::{outbox::Outbox, runtime::Cancel};
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};
use std::sync::Arc;
use std::time::Duration;

/// The limit of DynamoDB for one transaction, as of November 2026.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const MAX_ACTIONS: usize = 100;
/// The time for which a commit can safely be sent again with the same idempotency token. DynamoDB remembers a token for
/// 10 minutes.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(9 * 60);

/// A DynamoDB transaction that collects writes and messages. Either all writes and messages take effect, or none.
///
/// Nothing is sent to DynamoDB before [`commit`](Self::commit), with two exceptions: [`get_item`](Self::get_item), and
/// a `DescribeTable` request when two items are put into one table whose key Postbox does not know yet. Dropping a unit
/// of work that was not committed discards its actions, as [`rollback`](Self::rollback) does.
///
/// An action that exceeds a limit of DynamoDB is rejected when it is added, and the unit of work is unchanged. The
/// limits are 100 actions, 400 KB per item, 4 MB in total, and one action per item.
///
/// ```
/// use postbox::{AttributeValue, Item, Message, Postbox};
/// # use aws_sdk_dynamodb::types::*;
///
/// # fn main() -> postbox::Result<()> {
/// # let postbox = Postbox::builder().embedded_path(":memory:").open()?;
/// # postbox.block_on(|client| async move {
/// #     client.create_table().table_name("People").billing_mode(BillingMode::PayPerRequest)
/// #         .attribute_definitions(AttributeDefinition::builder().attribute_name("Name").attribute_type(ScalarAttributeType::S).build().unwrap())
/// #         .key_schema(KeySchemaElement::builder().attribute_name("Name").key_type(KeyType::Hash).build().unwrap())
/// #         .send().await.unwrap();
/// # })?;
/// let mut work = postbox.unit_of_work();
/// work.put("People", Item::from([("Name".into(), AttributeValue::S("Ada".into()))]))?;
/// let id = work.deposit_post(Message::new("greeting.made", "Hello Ada"))?;
/// work.commit()?;
/// # assert!(postbox.get_message(&id)?.is_some());
/// # Ok(()) }
/// ```
#[must_use = "nothing is written unless commit is called"]
pub struct UnitOfWork {
    engine: Arc<Engine>,
    actions: Arc<Vec<Action>>,
    deposited: Vec<Message>,
    /// The reservation for the messages of this unit of work, which counts toward `max_outstanding` until the commit or
    /// the rollback.
    reserved: Reserved,
    bytes: usize,
    token: String,
    /// Whether no request may be sent before the commit.
    is_offline: bool,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    Open,
    /// The outcome of the last commit is unknown: it may have taken effect, or may still take effect. The value is the
    /// time after which the commit cannot safely be sent again with its token.
    InDoubt(Moment),
    Committed,
    RolledBack,
}

/// A commit that was [begun](UnitOfWork::begin_commit).
#[cfg(feature = "capi")]
pub(crate) struct Commit {
    engine: Arc<Engine>,
    operation: Operation<()>,
    pub(crate) token_ends: Moment,
}

#[cfg(feature = "capi")]
impl Commit {
    /// Starts the commit. `done` is called once with the result. If an error is returned, `done` is not called.
    pub(crate) fn start(self, done: impl FnOnce(Result<()>) + Send + 'static) -> Result<Cancel> {
        self.operation.start(&self.engine, done)
    }
}

impl UnitOfWork {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        let reserved = Reserved::none(&engine.limit);
        Self {
            engine,
            actions: Arc::default(),
            deposited: Vec::new(),
            reserved,
            bytes: 0,
            token: new_token(),
            is_offline: false,
            state: State::Open,
        }
    }

    /// Sends no request before the commit. Two puts of the same item into a table whose key is unknown are then detected
    /// only by DynamoDB.
    #[cfg(feature = "capi")]
    pub(crate) fn without_requests(self) -> Self {
        Self { is_offline: true, ..self }
    }

    /// Reads one item of any table immediately, with a consistent read. The read is not part of the transaction,
    /// because DynamoDB does not support reads in a write transaction. To detect that the item has changed before the
    /// commit, add a condition on the item.
    ///
    /// # Errors
    /// The same as for [`Postbox::get_item`](crate::Postbox::get_item).
    pub fn get_item(&self, table: impl Into<String>, key: Item) -> Result<Option<Item>> {
        operations::get_item(&self.engine, table.into(), key).run(&self.engine)
    }

    /// Adds a put of an item, which replaces an existing item. For a put with a condition, see [`add`](Self::add).
    ///
    /// # Errors
    /// [`ErrorCode::TooManyActions`], [`ErrorCode::ItemTooLarge`], [`ErrorCode::TransactionTooLarge`],
    /// [`ErrorCode::DuplicateItem`]; [`ErrorCode::UnitOfWorkClosed`].
    pub fn put(&mut self, table: impl Into<String>, item: Item) -> Result<()> {
        let put = Put::builder().table_name(table).set_item(Some(item)).build().map_err(incomplete)?;
        self.add(TransactWriteItem::builder().put(put).build())
    }

    /// Adds an update of one item by an update expression.
    ///
    /// # Errors
    /// The same as for [`put`](Self::put).
    pub fn update(&mut self, update: Update) -> Result<()> {
        self.add(TransactWriteItem::builder().update(update).build())
    }

    /// Adds a delete of the item with this key. A missing item is not an error. For a delete with a condition, see
    /// [`add`](Self::add).
    ///
    /// # Errors
    /// The same as for [`put`](Self::put).
    pub fn delete(&mut self, table: impl Into<String>, key: Item) -> Result<()> {
        let delete = Delete::builder().table_name(table).set_key(Some(key)).build().map_err(incomplete)?;
        self.add(TransactWriteItem::builder().delete(delete).build())
    }

    /// Adds a condition on an item that the unit of work does not write. The commit fails if the condition is not met.
    ///
    /// # Errors
    /// The same as for [`put`](Self::put).
    pub fn condition_check(&mut self, check: ConditionCheck) -> Result<()> {
        self.add(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Adds any action of a DynamoDB transaction.
    ///
    /// # Errors
    /// The same as for [`put`](Self::put), and [`ErrorCode::InvalidArgument`] if `item` does not contain exactly one
    /// action.
    pub fn add(&mut self, item: TransactWriteItem) -> Result<()> {
        self.check_usable()?;
        let target = Target::of(&item)?;
        let name = ActionName::new(target.verb, target.table, None);
        self.push(Action { item, name })
    }

    /// Adds a deposit of this message in the outbox, and returns the message id. After the commit, pass the id to
    /// [`clear_outbox`](crate::Postbox::clear_outbox) to send the message.
    ///
    /// # Errors
    /// The same as for [`put`](Self::put), [`ErrorCode::InvalidMessage`] and [`ErrorCode::OutboxLimitReached`].
    pub fn deposit_post(&mut self, message: Message) -> Result<String> {
        self.check_usable()?;
        let message = self.engine.traced(message);
        let item = self.engine.outbox.encode(&message)?;
        let action = self.engine.outbox.deposit_action(message.id(), item)?;
        let mut room = self.engine.reserve(1)?;
        self.push(action)?;
        self.reserved.append(&mut room);
        let id = message.id().to_owned();
        self.deposited.push(message);
        Ok(id)
    }

    /// Returns the number of actions that were added, including deposits.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Returns whether no action was added.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Commits all actions in one transaction: either all actions take effect, or none. If a request fails and is safe
    /// to repeat (after throttling, a conflict or a lost connection), it is repeated with the same token, so that the
    /// transaction takes effect at most once. A unit of work without actions commits without a request.
    ///
    /// # Errors
    /// - [`ErrorCode::TransactionCanceled`]: nothing was written. The error has a reason for each action that failed.
    ///   The unit of work stays open, and can be changed and committed again.
    /// - [`ErrorCode::DuplicateMessage`]: this call wrote nothing, because the outbox already has a message with the
    ///   same id. If the program uses the same message id each time it repeats an operation, this error means that an
    ///   earlier attempt at the operation succeeded.
    /// - [`ErrorCode::OutcomeUnknown`]: the transaction may or may not have taken effect, because Postbox received no
    ///   conclusive response to any of its requests. The error text and the reasons describe the last request. Call
    ///   `commit` again on the same unit of work to find out. This is safe for 9 minutes after the first commit. After
    ///   9 minutes, the error is not retryable, and `commit` sends no request. In this case, check whether the outbox
    ///   has the message.
    /// - [`ErrorCode::UnitOfWorkClosed`], or a [request error](crate::Postbox): nothing was written.
    pub fn commit(&mut self) -> Result<()> {
        let token_ends = self.token_end()?;
        if self.actions.is_empty() {
            self.note_commit();
            return Ok(());
        }
        let mut started = false;
        let sent = self.engine.run("commit", |outbox| {
            let (started, actions, token) = (&mut started, &self.actions, &self.token);
            async move {
                *started = true;
                outbox.commit(actions, token, token_ends).await
            }
        });
        self.end_commit(token_ends, started, sent)
    }

    /// Returns the operation that commits this unit of work. The unit of work must not be used until
    /// [`end_commit`](Self::end_commit) was called with the result.
    #[cfg(feature = "capi")]
    pub(crate) fn begin_commit(&self) -> Result<Commit> {
        let token_ends = self.token_end()?;
        let (actions, token) = (Arc::clone(&self.actions), self.token.clone());
        let request = |outbox: Arc<Outbox>| async move {
            if actions.is_empty() { Ok(()) } else { outbox.commit(&actions, &token, token_ends).await }
        };
        let operation = Operation::request(&self.engine, "commit", request);
        Ok(Commit { engine: Arc::clone(&self.engine), operation, token_ends })
    }

    /// Returns the time until which the commit can be sent with its token.
    fn token_end(&self) -> Result<Moment> {
        match self.state {
            State::InDoubt(token_ends) if token_ends.is_past() => Err(never_known(
                "DynamoDB no longer remembers the token of the transaction, so sending it again could write twice",
            )),
            State::InDoubt(token_ends) => Ok(token_ends),
            State::Open | State::Committed | State::RolledBack => {
                self.check_open().map(|()| Moment::now() + TOKEN_LIFE)
            }
        }
    }

    /// Notes the result of a commit. `started` is true if a request may have been sent.
    pub(crate) fn end_commit(&mut self, token_ends: Moment, started: bool, sent: Result<()>) -> Result<()> {
        let was_in_doubt = matches!(self.state, State::InDoubt(_));
        let Err(error) = sent else {
            self.note_commit();
            return Ok(());
        };
        let error = match error.code() {
            // The call was interrupted, and a request may have been sent.
            ErrorCode::Timeout | ErrorCode::Internal | ErrorCode::Closed | ErrorCode::Canceled if started => {
                outcome_unknown(&error)
            }
            // A delayed request of this commit can no longer take effect, because it would write a message that already
            // exists.
            ErrorCode::DuplicateMessage | ErrorCode::OutcomeUnknown => error,
            // This process can no longer determine the outcome, so a retry is useless.
            ErrorCode::Closed | ErrorCode::Forked if was_in_doubt => never_known(error.message()),
            _ if was_in_doubt => outcome_unknown(&error),
            _ => error,
        };
        if error.code() == ErrorCode::DuplicateMessage {
            Counters::add(&self.engine.counters.duplicates_avoided, 1);
        }
        if error.code() == ErrorCode::OutcomeUnknown {
            self.state = State::InDoubt(token_ends);
        } else {
            // Nothing was written, and the unit of work may change before it is committed again.
            self.state = State::Open;
            self.token = new_token();
        }
        Err(error)
    }

    /// Notes that the commit took effect.
    fn note_commit(&mut self) {
        let was_in_doubt = matches!(self.state, State::InDoubt(_));
        self.state = State::Committed;
        self.reserved.release();
        Counters::add(&self.engine.counters.deposited, self.deposited.len() as u64);
        if !self.deposited.is_empty() {
            warn_if_nobody_sweeps(&self.engine);
        }
        let ids = self.deposited.iter().map(|message| message.id().to_owned());
        let ids: Vec<String> = if self.engine.config.dispatch_after_commit { ids.collect() } else { Vec::new() };
        let deposited = self.deposited.drain(..);
        // If the outcome of the commit was unknown for a while, a sweeper may have sent the messages in the meantime.
        // The messages are then not kept in memory, because a clear would send them again from there.
        if !was_in_doubt {
            self.engine.recent.add(deposited);
        }
        self.engine.committed.add(ids);
        self.actions = Arc::default();
    }

    /// Discards the actions and closes the unit of work, without a request. Dropping a unit of work that was not committed
    /// has the same effect.
    ///
    /// # Errors
    /// [`ErrorCode::UnitOfWorkClosed`] if the unit of work was already committed or rolled back;
    /// [`ErrorCode::OutcomeUnknown`] if the last commit failed with this error, because the transaction may have taken
    /// effect.
    pub fn rollback(&mut self) -> Result<()> {
        if let State::InDoubt(_) = self.state {
            return Err(Error::new(
                ErrorCode::OutcomeUnknown,
                "a commit of this unit of work got no response, so it may have taken effect and cannot be rolled back: call commit again to find out",
            ));
        }
        self.check_open()?;
        self.state = State::RolledBack;
        self.reserved.release();
        self.actions = Arc::default();
        self.deposited.clear();
        Ok(())
    }

    /// Checks that an action may be added, and that the Postbox is still open and can send requests.
    fn check_usable(&self) -> Result<()> {
        self.check_open()?;
        self.engine.runtime.check_open()
    }

    fn check_open(&self) -> Result<()> {
        let problem = match self.state {
            State::Open => return Ok(()),
            State::InDoubt(_) => {
                "the outcome of the last commit is unknown; call commit again before changing this unit of work"
            }
            State::Committed => "this unit of work was committed; begin a new one",
            State::RolledBack => "this unit of work was rolled back; begin a new one",
        };
        Err(Error::new(ErrorCode::UnitOfWorkClosed, problem))
    }

    /// Adds the action if it is within the limits of DynamoDB. Otherwise the unit of work is unchanged.
    fn push(&mut self, action: Action) -> Result<()> {
        let target = Target::of(&action.item)?;
        target.check_limits()?;
        let (verb, bytes) = (target.verb, target.bytes());
        if self.actions.len() >= MAX_ACTIONS {
            return Err(Error::new(
                ErrorCode::TooManyActions,
                format!("the unit of work has too many actions: DynamoDB allows {MAX_ACTIONS} actions per transaction"),
            ));
        }
        if bytes > MAX_ITEM_BYTES {
            return Err(Error::new(
                ErrorCode::ItemTooLarge,
                format!(
                    "{verb} {}: the item has {bytes} bytes, but DynamoDB allows at most {MAX_ITEM_BYTES}",
                    target.table
                ),
            ));
        }
        if self.bytes + bytes > MAX_TRANSACTION_BYTES {
            return Err(Error::new(
                ErrorCode::TransactionTooLarge,
                format!(
                    "{verb} {}: the unit of work would have {} bytes, but DynamoDB allows at most {MAX_TRANSACTION_BYTES}",
                    target.table,
                    self.bytes + bytes
                ),
            ));
        }
        if let Some(index) = self.same_item(&target)? {
            return Err(Error::new(
                ErrorCode::DuplicateItem,
                format!(
                    "{verb} {}: action {index} ({}) is on the same item, and a DynamoDB transaction may contain only one action per item",
                    target.table, self.actions[index].name.subject
                ),
            ));
        }
        self.bytes += bytes;
        Arc::make_mut(&mut self.actions).push(action);
        Ok(())
    }

    /// Returns the index of an earlier action on the same item as the new action.
    fn same_item(&self, new: &Target<'_>) -> Result<Option<usize>> {
        let mut others = self.targets_in(new.table).peekable();
        if others.peek().is_none() {
            return Ok(None);
        }
        let Some(names) = self.key_names(new)? else {
            return Ok(None);
        };
        let is_same = |other: &Target<'_>| names.iter().all(|name| other.fields.get(name) == new.fields.get(name));
        Ok(others.find(|(_, target)| is_same(target)).map(|(index, _)| index))
    }

    /// Returns the names of the key attributes of the table. The names are known for the outbox table, and for a table
    /// of which an action contains a key. Otherwise, they are requested from DynamoDB. Returns `None` if DynamoDB does
    /// not return them. In this case, a conflict is detected at the commit.
    fn key_names(&self, new: &Target<'_>) -> Result<Option<Vec<String>>> {
        if new.table == self.engine.outbox.table() {
            return Ok(Some(vec![MESSAGE_ID.to_owned()]));
        }
        let mut others = self.targets_in(new.table).map(|(_, target)| target);
        let with_key = if new.is_key { Some(new.fields) } else { others.find(|it| it.is_key).map(|it| it.fields) };
        if let Some(key) = with_key {
            return Ok(Some(key.keys().cloned().collect()));
        }
        if self.is_offline {
            return Ok(self.engine.outbox.cached_key_names(new.table));
        }
        let table = new.table.to_owned();
        let asked =
            self.engine.run("describing the table", |outbox| async move { outbox.known_key_names(table).await });
        match asked {
            Ok(names) => Ok(Some(names)),
            Err(error) if error.code() == ErrorCode::TableNotFound => Err(error),
            Err(error) => {
                tracing::debug!(target: "postbox", { db.collection.name = %new.table, error.message = %error }, "the table's key is not known");
                Ok(None)
            }
        }
    }

    /// Returns the actions on this table, each with its index.
    fn targets_in<'a>(&'a self, table: &'a str) -> impl Iterator<Item = (usize, Target<'a>)> {
        let targets =
            self.actions.iter().enumerate().filter_map(|(at, action)| Some((at, Target::of(&action.item).ok()?)));
        targets.filter(move |(_, target)| target.table == table)
    }
}

impl std::fmt::Debug for UnitOfWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnitOfWork")
            .field("state", &self.state)
            .field("actions", &self.actions.iter().map(|action| &action.name.subject).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn new_token() -> String {
    crate::sys::random::id()
}

/// Returns the error of a commit whose outcome this unit of work can no longer determine.
fn never_known(why: &str) -> Error {
    Error::new(
        ErrorCode::OutcomeUnknown,
        format!(
            "the outcome of the transaction is unknown and can no longer be determined by retrying; check for the message id in the outbox. Cause: {why}"
        ),
    )
}

pub(crate) fn incomplete(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidArgument, format!("the action is incomplete: {error}"))
}
