//! Marks messages dispatched. An earlier dispatch time is never overwritten.

use crate::model::error::Error;
use crate::model::fate::Fate;
use crate::model::item::{AttributeValue, Item};
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{
    ACCEPTED_AT, DELIVERED_AT, DELIVERY_TIME, EXPIRES_AT, FIRST_FAILED_AT, NEXT_ATTEMPT_AT, OUTSTANDING_CREATED_TIME,
    PARKED_AT, REPLAYED_AT,
};
use crate::outbox::change::{Change, Changed, Condition};
use crate::outbox::item;
use crate::sys::simulation::{Mutation, mutated};
use std::sync::Arc;

/// The update that marks a sent message dispatched, and the values on which the update is conditional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) id: String,
    pub(crate) at: Ticks,
    /// The time of the last replay of the message when it was read, or `Some(None)` if it was never replayed. The
    /// update has no effect if the message was replayed since then. `None` if only the id of the message is known. The
    /// update then takes effect whether or not the message was replayed.
    pub(crate) replayed: Option<Option<Ticks>>,
    pub(crate) has_zero_delivery: bool,
    /// Whether the message was sent at its first attempt. The update then removes `FirstFailedAt`, which a claim has
    /// set.
    pub(crate) first_try: bool,
}

impl Mark {
    /// Returns the mark of a message that was read with this fate and then sent.
    pub(crate) fn of(id: &str, fate: &Fate, at: Ticks) -> Self {
        Self {
            id: id.to_owned(),
            at,
            replayed: Some(fate.replayed),
            has_zero_delivery: fate.has_zero_delivery,
            first_try: !fate.is_retried(at),
        }
    }

    /// Returns the mark of a message if only its id is known.
    pub(crate) fn by_name(id: &str, at: Ticks) -> Self {
        Self { id: id.to_owned(), at, replayed: None, has_zero_delivery: false, first_try: false }
    }
}

/// The result of a mark.
#[derive(Clone, Debug)]
pub(crate) enum Marked {
    Dispatched,
    /// The message is no longer outstanding: another process dispatched or parked it. The item is unchanged.
    AlreadyDispatched,
    Missing,
    /// The message was replayed and stays outstanding.
    Replayed,
    Failed(Error),
}

impl Outbox {
    /// Marks up to 25 different messages dispatched with one request. Returns one result for each message, in the same
    /// order.
    pub(crate) async fn mark_once(self: Arc<Self>, marks: Vec<Mark>) -> Vec<Marked> {
        let changes = marks.iter().map(|mark| self.mark_change(mark)).collect();
        let results = self.apply_once(changes).await.into_iter().zip(&marks);
        results
            .map(|(changed, mark)| if is_repeated(&changed, mark) { Marked::Dispatched } else { marked(changed) })
            .collect()
    }

    /// Marks up to 25 different messages dispatched, and retries after transient failures.
    pub(crate) async fn mark_dispatched(self: Arc<Self>, marks: Vec<Mark>) -> Vec<Marked> {
        let changes = marks.iter().map(|mark| self.mark_change(mark)).collect();
        self.apply(changes).await.into_iter().map(marked).collect()
    }

    /// Returns the change of a mark. Only a mark sets `ExpiresAt`, so that an unsent message never expires.
    fn mark_change(&self, mark: &Mark) -> Change {
        let mut set = Vec::from(dispatched_attributes(mark.at));
        if let Some(lifetime) = self.dispatched_ttl {
            set.push((EXPIRES_AT, item::number(mark.at.unix_seconds().saturating_add(lifetime.as_secs()))));
        }
        let mut remove = vec![OUTSTANDING_CREATED_TIME, NEXT_ATTEMPT_AT, ACCEPTED_AT, PARKED_AT];
        if mark.first_try {
            remove.push(FIRST_FAILED_AT);
        }
        let mut conditions = vec![match mark.has_zero_delivery {
            true => Condition::Equals(DELIVERY_TIME, item::number(0)),
            false => Condition::Missing(DELIVERY_TIME),
        }];
        let replayed = mark.replayed.filter(|_| !mutated(Mutation::MarkOverReplay));
        conditions.extend(replayed.map(|replayed| Condition::same(REPLAYED_AT, replayed)));
        Change { id: mark.id.clone(), set, remove, conditions, outstanding: -1 }
    }
}

/// Converts the result of a change. If a condition failed, the reason is determined from the current item.
fn marked(changed: Changed) -> Marked {
    match changed {
        Changed::Done => Marked::Dispatched,
        Changed::Refused(None) => Marked::Missing,
        Changed::Refused(Some(item)) if item.contains_key(OUTSTANDING_CREATED_TIME) && !was_delivered(&item) => {
            Marked::Replayed
        }
        Changed::Refused(Some(_)) => Marked::AlreadyDispatched,
        Changed::Failed(error) => Marked::Failed(error),
    }
}

/// Returns whether the condition of a mark failed because the mark had taken effect before. This happens if its response was
/// lost and the request was repeated.
fn is_repeated(changed: &Changed, mark: &Mark) -> bool {
    matches!(changed, Changed::Refused(Some(item)) if item.get(DELIVERY_TIME) == Some(&item::number(mark.at.raw())))
}

fn was_delivered(item: &Item) -> bool {
    item.get(DELIVERY_TIME).and_then(|time| time.as_n().ok()).is_some_and(|time| time != "0")
}

/// Returns the two forms of a dispatch time.
pub(crate) fn dispatched_attributes(at: Ticks) -> [(&'static str, AttributeValue); 2] {
    [(DELIVERY_TIME, item::number(at.raw())), (DELIVERED_AT, item::text(at.to_text()))]
}
