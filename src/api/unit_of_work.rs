//! One DynamoDB transaction being collected: the caller's writes and the messages that go with them.

use crate::engine::Engine;
use crate::engine::counters::Counters;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::message::Message;
use crate::outbox::action::{Action, Target};
use crate::outbox::item::attribute::MESSAGE_ID;
use crate::outbox::size::{MAX_ITEM_BYTES, MAX_TRANSACTION_BYTES};
use crate::outbox::transaction::outcome_unknown;
use crate::sys::clock;
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// DynamoDB's limit for one transaction.
const MAX_ACTIONS: usize = 100;
/// DynamoDB remembers a token for 10 minutes; after this long, sending it again is no longer safe.
const TOKEN_LIFE: Duration = Duration::from_secs(9 * 60);

/// Collects writes and messages, and commits them in one DynamoDB transaction: both or neither.
///
/// Nothing is sent before [`commit`](Self::commit), but for a `DescribeTable` when two items are
/// put into one table whose key is not known yet. Dropping an open unit of work, like
/// [`rollback`](Self::rollback), sends nothing. It belongs to one thread at a time.
///
/// What DynamoDB would refuse is refused when it is added, and the unit stays as it was: over
/// 100 actions, an item over 400 KB, over 4 MB in all, the same item twice.
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
/// # assert!(postbox.get(&id)?.is_some());
/// # Ok(()) }
/// ```
#[must_use = "nothing is written unless commit is called"]
pub struct UnitOfWork {
    engine: Arc<Engine>,
    actions: Vec<Action>,
    deposited: Vec<Message>,
    bytes: usize,
    token: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open,
    /// A commit had no answer; since when its token is in use.
    InDoubt(Instant),
    Committed,
    RolledBack,
}

impl UnitOfWork {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, actions: Vec::new(), deposited: Vec::new(), bytes: 0, token: new_token(), state: State::Open }
    }

    /// Reads one item of any table, consistently and at once: a read of the transaction's own
    /// is not possible on DynamoDB. To be sure that it has not changed by the commit, add a
    /// condition.
    ///
    /// # Errors
    /// As [`Postbox::get_item`](crate::Postbox::get_item).
    pub fn get_item(&self, table: impl Into<String>, key: Item) -> Result<Option<Item>> {
        let table = table.into();
        self.engine.run("get_item", |outbox| async move { outbox.get_item(table, key).await })
    }

    /// Adds: put this item, whatever was there. For a put with a condition, see [`add`](Self::add).
    ///
    /// # Errors
    /// The limits, see above; [`ErrorCode::UnitOfWorkClosed`].
    pub fn put(&mut self, table: impl Into<String>, item: Item) -> Result<()> {
        let put = Put::builder().table_name(table).set_item(Some(item)).build().map_err(incomplete)?;
        self.add(TransactWriteItem::builder().put(put).build())
    }

    /// Adds: update one item by an update expression.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn update(&mut self, update: Update) -> Result<()> {
        self.add(TransactWriteItem::builder().update(update).build())
    }

    /// Adds: delete the item of this key, if it is there. For a condition, see [`add`](Self::add).
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn delete(&mut self, table: impl Into<String>, key: Item) -> Result<()> {
        let delete = Delete::builder().table_name(table).set_key(Some(key)).build().map_err(incomplete)?;
        self.add(TransactWriteItem::builder().delete(delete).build())
    }

    /// Adds: commit only if this condition holds for an item that the unit does not write.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn condition_check(&mut self, check: ConditionCheck) -> Result<()> {
        self.add(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Adds any action of a DynamoDB transaction.
    ///
    /// # Errors
    /// As [`put`](Self::put); [`ErrorCode::InvalidArgument`] if it does not hold exactly one action.
    pub fn add(&mut self, item: TransactWriteItem) -> Result<()> {
        self.check_usable()?;
        let target = Target::of(&item)?;
        let subject = format!("{} {}", target.verb, target.table);
        self.push(Action { item, subject, message_id: None })
    }

    /// Adds: deposit this message in the outbox. Gives its id, for
    /// [`clear_outbox`](crate::Postbox::clear_outbox) after the commit.
    ///
    /// # Errors
    /// As [`put`](Self::put); [`ErrorCode::InvalidMessage`].
    pub fn deposit_post(&mut self, message: Message) -> Result<String> {
        self.check_usable()?;
        self.engine.check_limit()?;
        let item = self.engine.outbox.encode(&message)?;
        let action = self.engine.outbox.deposit_action(message.id(), item)?;
        self.push(action)?;
        let id = message.id().to_owned();
        self.deposited.push(message);
        Ok(id)
    }

    /// How many actions were added, deposits included.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Sends everything in one transaction: all of it takes effect, or none. What is safe to
    /// try again (throttling, conflicts, lost connections) is tried again with the same token.
    /// An empty unit of work commits without a request.
    ///
    /// # Errors
    /// - [`ErrorCode::TransactionCanceled`]: nothing was written; the reasons tell, action by
    ///   action, why. The unit stays open: mend it or try again.
    /// - [`ErrorCode::DuplicateMessage`]: nothing was written; a message id is in the outbox
    ///   already, so this command took effect before.
    /// - [`ErrorCode::OutcomeUnknown`]: no answer came. Call `commit` again on this unit: that
    ///   is safe for 9 minutes, after which the error is no longer retryable.
    /// - [`ErrorCode::UnitOfWorkClosed`], and those of any request: nothing was written.
    pub fn commit(&mut self) -> Result<()> {
        let since = match self.state {
            State::InDoubt(since) if clock::since(since) > TOKEN_LIFE => {
                return Err(never_known(
                    "DynamoDB has forgotten its token, so that sending it again could write twice",
                ));
            }
            State::InDoubt(since) => since,
            State::Open => clock::now(),
            State::Committed | State::RolledBack => return self.check_open(),
        };
        if self.actions.is_empty() {
            self.check_open()?;
        } else {
            self.send(since)?;
        }
        self.state = State::Committed;
        Counters::add(&self.engine.counters.deposited, self.deposited.len() as u64);
        self.engine.recent.add(self.deposited.drain(..));
        self.actions.clear();
        Ok(())
    }

    fn send(&mut self, since: Instant) -> Result<()> {
        let was_in_doubt = matches!(self.state, State::InDoubt(_));
        let mut started = false;
        let sent = self.engine.run("commit", |outbox| {
            let (started, actions, token) = (&mut started, &self.actions, &self.token);
            async move {
                *started = true;
                outbox.commit(actions, token, since + TOKEN_LIFE).await
            }
        });
        let Err(error) = sent else {
            return Ok(());
        };
        let error = match error.code() {
            // Cut off in the middle: a request may be on its way.
            ErrorCode::Timeout | ErrorCode::Internal | ErrorCode::Closed if started => outcome_unknown(&error),
            ErrorCode::TransactionCanceled | ErrorCode::DuplicateMessage if !error.is_retryable() => error,
            ErrorCode::OutcomeUnknown => error,
            // Whoever could find out is gone: trying again is of no use.
            ErrorCode::Closed | ErrorCode::Forked if was_in_doubt => never_known(error.message()),
            _ if was_in_doubt => outcome_unknown(&error),
            _ => error,
        };
        if error.code() == ErrorCode::DuplicateMessage {
            Counters::add(&self.engine.counters.duplicates_avoided, 1);
        }
        if error.code() == ErrorCode::OutcomeUnknown {
            self.state = State::InDoubt(since);
        } else {
            // Nothing was written, and the unit may change before it is sent again.
            self.state = State::Open;
            self.token = new_token();
        }
        Err(error)
    }

    /// Closes the unit of work without sending anything; so does dropping it.
    ///
    /// # Errors
    /// [`ErrorCode::UnitOfWorkClosed`] if it was committed or rolled back before;
    /// [`ErrorCode::OutcomeUnknown`] if a commit had no answer, since then it may have taken effect.
    pub fn rollback(&mut self) -> Result<()> {
        if let State::InDoubt(_) = self.state {
            return Err(Error::new(
                ErrorCode::OutcomeUnknown,
                "a commit of this unit of work had no answer, so it may have taken effect and cannot be rolled back: call commit again to find out",
            ));
        }
        self.check_open()?;
        self.state = State::RolledBack;
        self.actions.clear();
        self.deposited.clear();
        Ok(())
    }

    /// Whether an action may be added, with a Postbox behind it that could send it.
    fn check_usable(&self) -> Result<()> {
        self.check_open()?;
        self.engine.runtime.check_open()
    }

    fn check_open(&self) -> Result<()> {
        let why = match self.state {
            State::Open => return Ok(()),
            State::InDoubt(_) => "had a commit without an answer and cannot be changed: call commit again",
            State::Committed => "was committed: begin a new one",
            State::RolledBack => "was rolled back: begin a new one",
        };
        Err(Error::new(ErrorCode::UnitOfWorkClosed, format!("this unit of work {why}")))
    }

    /// Adds the action if DynamoDB would take it; else everything stays as it was.
    fn push(&mut self, action: Action) -> Result<()> {
        let target = Target::of(&action.item)?;
        let (verb, bytes) = (target.verb, target.bytes());
        if self.actions.len() >= MAX_ACTIONS {
            return Err(Error::new(
                ErrorCode::TooManyActions,
                format!(
                    "the unit of work has {MAX_ACTIONS} actions, which is all that one DynamoDB transaction takes: commit it and begin another, or deposit fewer messages"
                ),
            ));
        }
        if bytes > MAX_ITEM_BYTES {
            return Err(Error::new(
                ErrorCode::ItemTooLarge,
                format!("{verb} {}: the item has {bytes} bytes, DynamoDB takes {MAX_ITEM_BYTES} at most", target.table),
            ));
        }
        if self.bytes + bytes > MAX_TRANSACTION_BYTES {
            return Err(Error::new(
                ErrorCode::TransactionTooLarge,
                format!(
                    "{verb} {}: the unit of work would have {} bytes, DynamoDB takes {MAX_TRANSACTION_BYTES} at most",
                    target.table,
                    self.bytes + bytes
                ),
            ));
        }
        if let Some(index) = self.same_item(&target)? {
            return Err(Error::new(
                ErrorCode::DuplicateItem,
                format!(
                    "{verb} {}: action {index} ({}) is on the same item, and a DynamoDB transaction may touch an item once only",
                    target.table, self.actions[index].subject
                ),
            ));
        }
        self.bytes += bytes;
        self.actions.push(action);
        Ok(())
    }

    /// The action that is on the same item already.
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

    /// The names of the table's key: known for the outbox and from an action with a key, else
    /// asked for. `None` if DynamoDB does not tell; it will check at the commit then.
    fn key_names(&self, new: &Target<'_>) -> Result<Option<Vec<String>>> {
        if new.table == self.engine.outbox.table() {
            return Ok(Some(vec![MESSAGE_ID.to_owned()]));
        }
        let mut others = self.targets_in(new.table).map(|(_, target)| target);
        let with_key = if new.is_key { Some(new.fields) } else { others.find(|it| it.is_key).map(|it| it.fields) };
        if let Some(key) = with_key {
            return Ok(Some(key.keys().cloned().collect()));
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

    /// The actions on this table, each with its place.
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
            .field("actions", &self.actions.iter().map(|action| &action.subject).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn new_token() -> String {
    crate::sys::random::id()
}

/// The error of a commit of which this unit of work can no longer find out whether it took effect.
fn never_known(why: &str) -> Error {
    Error::new(
        ErrorCode::OutcomeUnknown,
        format!(
            "it is not known whether the transaction took effect, and committing again cannot tell: read the data, or ask the outbox for the message id, to find out. Cause: {why}"
        ),
    )
}

fn incomplete(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidArgument, format!("the action is incomplete: {error}"))
}
