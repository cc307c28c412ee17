//! Calls on several messages by id: reading them, and marking them with a given time.

use crate::api::postbox::{Postbox, owned};
use crate::delivery::mark_dispatched::mark_dispatched_at;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::page::MessagePage;
use crate::model::report::{DispatchReport, distinct};
use crate::model::ticks::Ticks;
use crate::outbox::read::MAX_BATCH_GET;
use std::time::SystemTime;

impl Postbox {
    /// Reads stored messages by id, with consistent reads of up to 100 messages per request. The messages are in the
    /// order of the ids, and an id that is passed twice is read once. [`MessagePage::missing`] contains the ids that
    /// the outbox does not have, and [`MessagePage::malformed`] the messages that cannot be read.
    ///
    /// # Errors
    /// [Request errors](Postbox).
    pub fn get_messages(&self, ids: &[impl AsRef<str>]) -> Result<MessagePage> {
        self.engine.runtime.check_open()?;
        let ids = distinct(&owned(ids));
        let mut page = MessagePage::default();
        for part in ids.chunks(MAX_BATCH_GET) {
            let wanted = part.to_vec();
            let mut found = self.engine.run("get_messages", |outbox| async move {
                let (found, read) = outbox.get_batch(wanted).await;
                read.map(|()| found)
            })?;
            for id in part {
                match found.remove(id) {
                    Some(Ok(message)) => page.messages.push(message),
                    Some(Err(error)) => page.malformed.push((id.clone(), error)),
                    None => page.missing.push(id.clone()),
                }
            }
        }
        Ok(page)
    }

    /// Marks messages dispatched as [`mark_dispatched`](Self::mark_dispatched) does, with this dispatch time instead of
    /// the current time. The time is kept to 100 ns. `dispatched_ttl_seconds` and `archive_min_age_ms` are counted from it.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if the time is not within the years 1 to 9999; otherwise the same as for
    /// [`mark_dispatched`](Self::mark_dispatched).
    pub fn mark_dispatched_at(&self, ids: &[impl AsRef<str>], time: SystemTime) -> Result<DispatchReport> {
        // Brighter 9 has stored the dispatch time 0 with messages that were not sent.
        let Some(time) = Ticks::exactly(time).filter(|time| *time > Ticks::FIRST) else {
            return Err(Error::new(
                ErrorCode::InvalidArgument,
                "the dispatch time is not within the years 1 to 9999: pass the time at which the messages were sent",
            ));
        };
        mark_dispatched_at(&self.engine, &owned(ids), time)
    }
}
