//! The outcomes of the messages that a command worked on, and their summary.

use crate::outcome::{Exit, Outcome};
use crate::screen::{Screen, complain};
use crate::select::messages;
use crate::text::outcome_text;
use postbox::{DispatchOutcome, DispatchReport};
use serde_json::json;
use std::collections::BTreeMap;

/// The outcomes of the messages that a command worked on.
#[derive(Debug, Default)]
pub struct Tally {
    pub done: usize,
    /// Messages that were already dispatched.
    already_dispatched: usize,
    /// Failed messages by id, because a sweep can try a message more than once.
    failed: BTreeMap<String, Failed>,
    /// Messages that were not tried because the command was interrupted.
    skipped: usize,
}

#[derive(Debug)]
struct Failed {
    error: String,
    /// Whether the transport or the table could not be used.
    unreachable: bool,
}

impl Tally {
    pub fn add(&mut self, report: &DispatchReport) {
        for entry in report.entries() {
            self.failed.remove(&entry.id);
            match entry.outcome {
                DispatchOutcome::AlreadyDispatched => self.already_dispatched += 1,
                outcome if outcome.is_success() => self.done += 1,
                DispatchOutcome::Skipped => self.skipped += 1,
                outcome => {
                    let what = outcome_text(outcome);
                    let error = match entry.outcome {
                        // The detail of this outcome is written for programmers, so it is not shown.
                        DispatchOutcome::NoProducer => what.to_owned(),
                        _ if entry.detail.is_empty() => what.to_owned(),
                        _ => format!("{what}: {}", entry.detail),
                    };
                    let unreachable = matches!(
                        outcome,
                        DispatchOutcome::Failed
                            | DispatchOutcome::ReadFailed
                            | DispatchOutcome::HeldBack
                            | DispatchOutcome::BreakerOpen
                    );
                    self.failed.insert(entry.id.clone(), Failed { error, unreachable });
                }
            }
        }
    }

    pub fn fail(&mut self, id: &str, error: String) {
        self.failed.insert(id.to_owned(), Failed { error, unreachable: false });
    }

    /// Counts the messages without an outcome as skipped. `total` is the number of all messages.
    pub fn skip_rest_of(&mut self, total: usize) -> &mut Self {
        self.skipped = total.saturating_sub(self.done + self.already_dispatched + self.failed.len());
        self
    }

    pub fn exit(&self) -> Exit {
        if self.skipped > 0 {
            return Exit::Interrupted;
        }
        match self.failed.is_empty() {
            true => Exit::Done,
            false
                if self.done + self.already_dispatched == 0
                    && self.failed.values().all(|failed| failed.unreachable) =>
            {
                Exit::Unreachable
            }
            false => Exit::SomeFailed,
        }
    }

    pub fn summary(&self, what: &str) -> String {
        let mut summary = format!("{} {what}", messages(self.done));
        for (count, what) in
            [(self.already_dispatched, "already dispatched"), (self.failed.len(), "failed"), (self.skipped, "skipped")]
        {
            if count > 0 {
                summary += &format!(", {count} {what}");
            }
        }
        summary
    }

    pub fn report_failures(&self) {
        for (id, failed) in &self.failed {
            complain(&format!("message {id}: {}", failed.error));
        }
        if self.skipped > 0 {
            complain(&format!("interrupted: {} not sent", messages(self.skipped)));
        }
    }

    pub fn report(&self, screen: &Screen, what: &str) -> Outcome {
        self.report_failures();
        if screen.json {
            let failed = self.failed.iter().map(|(id, failed)| json!({"id": id, "error": failed.error}));
            screen.object(&json!({
                "done": self.done, "already_dispatched": self.already_dispatched, "skipped": self.skipped,
                "failed": failed.collect::<Vec<_>>(),
            }))?;
        } else {
            screen.line(self.summary(what))?;
        }
        Ok(self.exit())
    }
}
