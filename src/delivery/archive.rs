//! The archiver: hands old dispatched messages to an archive, then deletes them.

use crate::delivery::lease::{Lease, Obtained};
use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::dynamodb_json::item_to_json;
use crate::model::error::{Error, Result, panic_text};
use crate::model::item::Item;
use crate::model::report::{ArchiveReport, LeaseStatus};
use crate::model::stored_message::{MessageState, StoredMessage};
use crate::model::ticks::Ticks;
use crate::outbox::attribute::OUTSTANDING_CREATED_TIME;
use crate::outbox::delivered::ShardWalk;
use crate::outbox::item::{decode_and_keep, encode, message_id};
use crate::outbox::mark::dispatched_attributes;
use crate::outbox::read::MAX_BATCH_GET;
use crate::sys::clock::{self, Moment};
use crate::sys::sync::Mutex;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A store that receives dispatched messages before they are deleted from the outbox.
pub trait Archive: Send + Sync {
    /// Stores these messages durably and returns a result for each message. Only messages that were stored are deleted.
    /// A stored message that could not be deleted is passed to the archive again. Missing results count as failures.
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>>;

    /// Returns the maximum number of messages that are passed to one call. Archiving can be canceled between two calls.
    fn max_batch(&self) -> usize {
        MAX_BATCH_GET
    }
}

/// The result of a run of the archiver.
pub(crate) struct Archived {
    pub(crate) report: ArchiveReport,
    /// The time at which the next message is old enough to be archived, or `None` if the run stopped early or a message
    /// could not be archived.
    pub(crate) next: Option<SystemTime>,
}

/// Archives and deletes the messages that were dispatched at least `age` ago. A message that fails does not stop the
/// archiving of other messages.
pub(crate) fn archive(engine: &Engine, archive: &dyn Archive, age: Duration, cancel: &CancelToken) -> Result<Archived> {
    let _call = &engine.runtime.enter()?;
    let report = |lease| ArchiveReport { archived: 0, failed: 0, first_failure: None, lease };
    let (lease, report) = match Lease::obtain(engine, &engine.resource("Archiver"), None)? {
        Obtained::HeldElsewhere => return Ok(Archived { report: report(LeaseStatus::HeldElsewhere), next: None }),
        Obtained::Held(lease) => (Some(lease), report(LeaseStatus::Held)),
        Obtained::Unusable(why) => (None, report(LeaseStatus::Unavailable(why))),
    };
    let before = Ticks::from(clock::system_time().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH));
    let mut run = Run { engine, archive, before, cancel, lease, report, oldest_left: None };
    let is_finished = run.walk()?;
    let next = run.oldest_left.map_or_else(clock::system_time, Ticks::to_system_time).checked_add(age);
    let next = next.filter(|_| is_finished && run.report.failed == 0);
    Ok(Archived { report: run.report, next })
}

/// One run of an archiver.
struct Run<'a> {
    engine: &'a Engine,
    archive: &'a dyn Archive,
    before: Ticks,
    cancel: &'a CancelToken,
    lease: Option<Lease<'a>>,
    report: ArchiveReport,
    /// The dispatch time of the oldest message that is not old enough yet.
    oldest_left: Option<Ticks>,
}

impl Run<'_> {
    /// Walks through all shards of all topics. Returns `false` if it was canceled or the lease was lost.
    fn walk(&mut self) -> Result<bool> {
        let mut walk = Some(ShardWalk::default());
        while let Some(place) = walk.take() {
            if !self.goes_on() {
                return Ok(false);
            }
            let (shards, rest) = self.engine.run("finding dispatched messages", |outbox| async move {
                outbox.next_delivered_shards(place).await
            })?;
            walk = rest;
            for shard in shards {
                if shard.oldest > self.before {
                    self.leave(shard.oldest);
                } else if !self.archive_shard(&shard.name)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Archives the messages of one shard that are old enough. Returns `false` if it was canceled or the lease was
    /// lost.
    fn archive_shard(&mut self, shard: &str) -> Result<bool> {
        let before = self.before;
        let mut from = None;
        loop {
            if !self.goes_on() {
                return Ok(false);
            }
            let (name, start) = (shard.to_owned(), from.take());
            let (ids, next) = self.engine.run("finding dispatched messages", |outbox| async move {
                outbox.dispatched_until(name, before, start).await
            })?;
            for ids in ids.chunks(MAX_BATCH_GET) {
                if !self.goes_on() {
                    return Ok(false);
                }
                self.archive_batch(ids.to_vec())?;
            }
            match next {
                None => break,
                next => from = next,
            }
        }
        if !self.goes_on() {
            return Ok(false);
        }
        let name = shard.to_owned();
        let left = self.engine.run("finding dispatched messages", |outbox| async move {
            outbox.first_dispatched_after(name, before).await
        })?;
        left.into_iter().for_each(|at| self.leave(at));
        Ok(true)
    }

    fn leave(&mut self, dispatched: Ticks) {
        self.oldest_left = self.oldest_left.into_iter().chain([dispatched]).min();
    }

    /// Returns whether the lease is held and the run is not canceled. The run calls this before every request.
    fn goes_on(&mut self) -> bool {
        if !self.lease.as_mut().is_none_or(Lease::is_held) {
            self.report.lease = LeaseStatus::Lost;
            return false;
        }
        !self.cancel.is_canceled() && !self.engine.runtime.is_closing()
    }

    /// Archives the messages with these ids, and deletes those that were stored. Stops early if the run must end.
    fn archive_batch(&mut self, ids: Vec<String>) -> Result<()> {
        let engine = self.engine;
        let (items, read) = engine
            .run("reading dispatched messages", |outbox| async move { Ok::<_, Error>(outbox.get_items(ids).await) })?;
        read?;
        let mut batch = Vec::new();
        for item in items {
            let id = message_id(&item).unwrap_or_default().to_owned();
            match decode_and_keep(item) {
                // The message was replayed in the meantime, and the index lags behind the table.
                Ok(stored) if stored.state != MessageState::Dispatched => {}
                Ok(stored) => batch.push(stored),
                Err(error) => self.report.fail(&id, error.message()),
            }
        }
        let mut kept = Vec::new();
        for part in batch.chunks(self.archive.max_batch().max(1)) {
            if !self.goes_on() {
                break;
            }
            let Some(callback) = engine.runtime.enter_callback() else { break };
            let mut results = store(self.archive, part).into_iter();
            drop(callback);
            for stored in part {
                match results.next().unwrap_or_else(|| Err("the archive returned no result for the message".into())) {
                    Ok(()) => kept.push(stored.message.id().to_owned()),
                    Err(why) => self.report.fail(stored.message.id(), &why),
                }
            }
        }
        self.delete(kept)
    }

    /// Deletes messages that were stored, even while the Postbox is being closed.
    fn delete(&mut self, kept: Vec<String>) -> Result<()> {
        if kept.is_empty() {
            return Ok(());
        }
        let (ids, before) = (kept.clone(), self.before);
        let deleted = self.engine.run_to_end("deleting archived messages", |outbox| async move {
            Ok(outbox.delete_dispatched(ids, before).await)
        })?;
        for (id, deleted) in kept.iter().zip(deleted) {
            match deleted {
                Ok(true) => self.report.archived += 1,
                Ok(false) => {}
                Err(error) => self.report.fail(id, error.message()),
            }
        }
        Ok(())
    }
}

fn store(archive: &dyn Archive, batch: &[StoredMessage]) -> Vec<Result<(), String>> {
    catch_unwind(AssertUnwindSafe(|| archive.archive(batch)))
        .unwrap_or_else(|panic| vec![Err(format!("the archive panicked: {}", panic_text(panic.as_ref()))); batch.len()])
}

/// The schedule of the background archiver. A run is skipped if no message can be old enough yet.
#[derive(Default)]
pub(crate) struct Schedule(Mutex<Option<Moment>>);

impl Schedule {
    /// The maximum time between two runs. It is limited because a clock may be corrected, and because other processes
    /// may store earlier dispatch times.
    const LONGEST_REST: Duration = Duration::from_secs(3600);

    /// Archives messages, unless no message can be old enough yet.
    pub(crate) fn run(
        &self,
        engine: &Engine,
        archive: &dyn Archive,
        age: Duration,
        cancel: &CancelToken,
    ) -> Result<()> {
        let next = *self.0.lock();
        if next.is_some_and(|next| !next.is_past()) {
            return Ok(());
        }
        let archived = self::archive(engine, archive, age, cancel)?;
        let rest = archived.next.map(|next| next.duration_since(clock::system_time()).unwrap_or_default());
        *self.0.lock() = rest.map(|rest| Moment::now() + rest.min(Self::LONGEST_REST));
        Ok(())
    }
}

/// An archive in a file. Each line contains the item of one message as DynamoDB JSON. The file is synchronized to disk
/// before a message is deleted from the outbox.
pub struct JsonLinesArchive(Mutex<File>);

impl JsonLinesArchive {
    /// Opens the file for appending. A new file can be read and written only by its owner.
    ///
    /// # Errors
    /// Returns the error of the file system if the file cannot be opened or created.
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
            // An incomplete line would damage the next line. The error of the write is more useful than an error of the
            // truncation.
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
        match stored.item() {
            Some(item) => writeln!(writer, "{}", item_to_json(item))?,
            None => writeln!(writer, "{}", item_to_json(&item_of(stored)))?,
        }
    }
    writer.flush()?;
    // Dropping the writer would write its buffer again.
    drop(writer.into_parts());
    file.sync_data()
}

/// Builds the item of a message that was not read for an archive.
fn item_of(stored: &StoredMessage) -> Item {
    let mut item = encode(&stored.message, 1);
    item.remove(OUTSTANDING_CREATED_TIME);
    if let Some(at) = stored.dispatched_at {
        let times = dispatched_attributes(Ticks::from(at));
        item.extend(times.map(|(name, value)| (name.to_owned(), value)));
    }
    item
}

impl Archive for JsonLinesArchive {
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>> {
        let result = self.write(batch).map_err(|error| error.to_string());
        vec![result; batch.len()]
    }
}
