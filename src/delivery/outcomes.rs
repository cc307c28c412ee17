//! The outcomes of messages while they are being sent. Some outcomes are known, and others wait for the marks of their
//! messages.

use crate::model::report::{DispatchOutcome, DispatchReport};
use std::collections::BTreeMap;

/// The messages of a clear or drain, in the order of their places.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    next: usize,
    open: BTreeMap<usize, String>,
    settled: BTreeMap<usize, (String, DispatchOutcome, String)>,
}

impl Outcomes {
    /// Adds a message and returns its place.
    pub(crate) fn open(&mut self, id: &str) -> usize {
        let place = self.next;
        self.next += 1;
        self.open.insert(place, id.to_owned());
        place
    }

    /// Forgets a message that was not tried.
    pub(crate) fn forget(&mut self, place: usize) {
        self.open.remove(&place);
    }

    /// Sets the outcome of the message at this place.
    pub(crate) fn set(&mut self, place: usize, outcome: DispatchOutcome, detail: impl Into<String>) {
        if let Some(id) = self.open.remove(&place) {
            self.settled.insert(place, (id, outcome, detail.into()));
        }
    }

    /// Changes the outcome of a message from one value to another, unless the outcome was already taken.
    pub(crate) fn change(&mut self, id: &str, from: DispatchOutcome, to: DispatchOutcome) {
        let of_kind = |settled: &&mut (String, DispatchOutcome, String)| settled.0 == id && settled.1 == from;
        if let Some(settled) = self.settled.values_mut().find(of_kind) {
            settled.1 = to;
        }
    }

    /// Takes the known outcomes.
    pub(crate) fn take(&mut self) -> DispatchReport {
        DispatchReport::new(std::mem::take(&mut self.settled).into_values())
    }

    /// Takes all messages, and sets this outcome for messages that have none.
    pub(crate) fn take_all(&mut self, otherwise: DispatchOutcome, detail: &str) -> DispatchReport {
        for place in self.open.keys().copied().collect::<Vec<_>>() {
            self.set(place, otherwise, detail);
        }
        self.take()
    }
}
