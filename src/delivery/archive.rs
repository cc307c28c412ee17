//! The archiver: hands old dispatched messages to an archive, then deletes them.

use crate::delivery::lease::{Lease, Obtained};
use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::dynamodb_json::item_to_json;
use crate::model::error::{Error, Result, panic_text};
use crate::model::report::{ArchiveReport, LeaseStatus};
use crate::model::stored_message::{MessageState, StoredMessage};
use crate::model::ticks::Ticks;
use crate::outbox::item::attribute::OUTSTANDING_CREATED_TIME;
use crate::outbox::item::encode;
use crate::outbox::mark::dispatched_attributes;
use crate::outbox::read::MAX_BATCH_GET;
use crate::sys::clock;
use crate::sys::sync::Mutex;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Where dispatched messages go before they are deleted from the outbox.
pub trait Archive: Send + Sync {
    /// Keeps these messages, durably, and says for each whether it did: only those are deleted.
    /// One that is kept and could not be deleted comes again. Missing results count as failures.
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>>;
}

/// Archives and deletes what was dispatched before the given age. One failure does not stop the rest.
pub(crate) fn archive(
    engine: &Engine,
    archive: &dyn Archive,
    age: Duration,
    cancel: &CancelToken,
) -> Result<ArchiveReport> {
    let _call = &engine.runtime.enter()?;
    let report = |lease| ArchiveReport { archived: 0, failed: 0, first_failure: None, lease };
    let (mut lease, mut report) = match Lease::obtain(engine, &engine.resource("Archiver"), None)? {
        Obtained::HeldElsewhere => return Ok(report(LeaseStatus::HeldElsewhere)),
        Obtained::Held(lease) => (Some(lease), report(LeaseStatus::Held)),
        Obtained::Unusable(why) => (None, report(LeaseStatus::Unavailable(why))),
    };
    let before = Ticks::from(clock::system_time().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH));
    let mut from = None;
    loop {
        let (ids, next) = engine
            .run("finding dispatched messages", |outbox| async move { outbox.dispatched_before(before, from).await })?;
        for ids in ids.chunks(MAX_BATCH_GET) {
            if !lease.as_mut().is_none_or(Lease::is_held) {
                report.lease = LeaseStatus::Lost;
                return Ok(report);
            }
            if cancel.is_canceled() {
                return Ok(report);
            }
            archive_batch(engine, archive, ids.to_vec(), before, &mut report)?;
        }
        match next {
            None => return Ok(report),
            next => from = next,
        }
    }
}

fn archive_batch(
    engine: &Engine,
    archive: &dyn Archive,
    ids: Vec<String>,
    before: Ticks,
    report: &mut ArchiveReport,
) -> Result<()> {
    let (found, read) = engine
        .run("reading dispatched messages", |outbox| async move { Ok::<_, Error>(outbox.get_batch(ids).await) })?;
    read?;
    let mut batch = Vec::new();
    for (id, stored) in found {
        match stored {
            // Replayed meanwhile: the index lags.
            Ok(stored) if stored.state != MessageState::Dispatched => {}
            Ok(stored) => batch.push(stored),
            Err(error) => report.fail(&id, error.message()),
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    let mut results = catch_unwind(AssertUnwindSafe(|| archive.archive(&batch)))
        .unwrap_or_else(|panic| vec![Err(format!("the archive panicked: {}", panic_text(panic.as_ref()))); batch.len()])
        .into_iter();
    let mut kept = Vec::new();
    for stored in &batch {
        match results.next().unwrap_or_else(|| Err("the archive gave no result for it".into())) {
            Ok(()) => kept.push(stored.message.id().to_owned()),
            Err(why) => report.fail(stored.message.id(), &why),
        }
    }
    let ids = kept.clone();
    let deleted = engine
        .run("deleting archived messages", |outbox| async move { Ok(outbox.delete_dispatched(ids, before).await) })?;
    for (id, deleted) in kept.iter().zip(deleted) {
        match deleted {
            Ok(true) => report.archived += 1,
            Ok(false) => {}
            Err(error) => report.fail(id, error.message()),
        }
    }
    Ok(())
}

/// An archive in a file: one message a line, as DynamoDB JSON of its item, on the disk before it is deleted from the outbox.
pub struct JsonLinesArchive(Mutex<File>);

impl JsonLinesArchive {
    /// Opens the file, which is made if it is missing, for its owner only, and appended to.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: impl AsRef<Path>) -> std::io::Result<Self> {
        let mut options = File::options();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(|file| Self(Mutex::new(file)))
    }

    fn write(&self, batch: &[StoredMessage]) -> std::io::Result<()> {
        let file = self.0.lock();
        let length = file.metadata()?.len();
        let written = append(&file, batch);
        if written.is_err() {
            // Half a line would spoil the next one. Why it was not written is what is to be told.
            if let Err(error) = file.set_len(length) {
                tracing::warn!(target: "postbox", %error, "the archive file may end in half a line");
            }
        }
        written
    }
}

fn append(file: &File, batch: &[StoredMessage]) -> std::io::Result<()> {
    let mut writer = BufWriter::new(file);
    for stored in batch {
        let mut item = encode(&stored.message, 1);
        item.remove(OUTSTANDING_CREATED_TIME);
        if let Some(at) = stored.dispatched_at {
            let times = dispatched_attributes(Ticks::from(at));
            item.extend(times.map(|(name, value)| (name.to_owned(), value)));
        }
        writeln!(writer, "{}", item_to_json(&item))?;
    }
    writer.flush()?;
    // Not again when it is dropped: what could not be written is given up.
    drop(writer.into_parts());
    file.sync_data()
}

impl Archive for JsonLinesArchive {
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>> {
        let result = self.write(batch).map_err(|error| error.to_string());
        vec![result; batch.len()]
    }
}
