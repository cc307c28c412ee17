//! One sweep: finds outstanding messages that are older than the minimum age, and delivers them.

use crate::clock;
use crate::dispatch::lease::{Lease, Obtained};
use crate::dispatch::report::{DispatchOutcome, DispatchReport};
use crate::dispatch::shards::sweep_shards;
use crate::dispatch::stats::Outstanding;
use crate::dispatch::topics::Topics;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::outbox::outstanding::{Oldest, Part, Sighting};
use crate::ticks::Ticks;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How many of the oldest messages are found at once: their ids bound the memory of a sweep.
const MOST_FOUND: usize = 20_000;

/// Whether a sweep had the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SweepLease {
    /// It had, to the end.
    Held,
    /// Another sweeper has it: nothing was done.
    HeldByAnother,
    /// It had, and lost it: it stopped at once.
    Lost,
    /// It ran without one, for this reason: other sweepers may send the same messages.
    Alone(String),
}

impl SweepLease {
    /// `held`, `held by another`, `lost` or `alone`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::HeldByAnother => "held by another",
            Self::Lost => "lost",
            Self::Alone(_) => "alone",
        }
    }
}

/// What a sweep did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepReport {
    /// Messages that the index showed as outstanding and old enough.
    pub found: u64,
    /// Messages that were sent, or accepted by their producer.
    pub dispatched: u64,
    /// Messages that somebody else had dispatched meanwhile: not sent.
    pub already_dispatched: u64,
    /// Messages that could not be sent.
    pub failed: u64,
    /// Messages that wait: behind one of their partition key, behind an open breaker, for their
    /// next attempt, behind the end of the sweep. One that waits may be counted again by a long sweep.
    pub held_back: u64,
    /// Whether it had the lease.
    pub lease: SweepLease,
}

impl SweepReport {
    pub(crate) fn new(lease: SweepLease) -> Self {
        Self { found: 0, dispatched: 0, already_dispatched: 0, failed: 0, held_back: 0, lease }
    }

    /// Messages that were found and left as they are.
    pub(crate) fn pass_over(&mut self, messages: u64) {
        self.found += messages;
        self.held_back += messages;
    }

    pub(crate) fn add(&mut self, report: &DispatchReport) {
        for entry in report.entries() {
            self.found += 1;
            *match entry.outcome {
                DispatchOutcome::Dispatched | DispatchOutcome::Accepted => &mut self.dispatched,
                DispatchOutcome::AlreadyDispatched | DispatchOutcome::NotFound | DispatchOutcome::Parked => {
                    &mut self.already_dispatched
                }
                DispatchOutcome::HeldBack | DispatchOutcome::BreakerOpen | DispatchOutcome::InProgress => {
                    &mut self.held_back
                }
                _ => &mut self.failed,
            } += 1;
        }
    }
}

/// Told what became of each batch of a sweep, on whichever of its threads sent it.
pub(crate) type Each<'e> = dyn FnMut(&DispatchReport) + Send + 'e;

/// Sweeps all topics, or one, until nothing old enough is left that can be sent, or until `stop`.
/// Hands what became of each batch to `each`.
pub(crate) fn sweep(
    engine: &Engine,
    topic: Option<&str>,
    stop: &AtomicBool,
    each: &mut Each<'_>,
) -> Result<SweepReport> {
    let report = match engine.config.sweep_leases.as_str() {
        "shards" => sweep_shards(engine, topic, stop, each)?,
        _ => sweep_all(engine, topic, stop, each)?,
    };
    engine.counters.swept(&report);
    if report.found > 0 {
        tracing::info!(
            target: "postbox", found = report.found, dispatched = report.dispatched, failed = report.failed,
            held_back = report.held_back, lease = report.lease.name(), "swept"
        );
    }
    Ok(report)
}

/// With one lease for all sweepers.
fn sweep_all(engine: &Engine, topic: Option<&str>, stop: &AtomicBool, each: &mut Each<'_>) -> Result<SweepReport> {
    let call = &engine.runtime.enter()?;
    let (lease, mut report) = match Lease::obtain(engine, &engine.resource("OutboxSweeper"))? {
        Obtained::HeldByAnother => return Ok(SweepReport::new(SweepLease::HeldByAnother)),
        Obtained::Held(lease) => (Some(lease), SweepReport::new(SweepLease::Held)),
        Obtained::Alone(why) => {
            tracing::warn!(target: "postbox", reason = %why, "sweeping without a lease: other sweepers may send the same messages");
            (None, SweepReport::new(SweepLease::Alone(why)))
        }
    };
    let lease = Mutex::new(lease);
    let is_held = || lease.lock().unwrap_or_else(PoisonError::into_inner).as_mut().is_none_or(Lease::is_held);
    let mut topics = Topics::new(engine, call);
    // After what was tried already: however many cannot be sent, they are not in the way of the rest.
    let mut after = None;
    loop {
        let oldest = find(engine, topic, after)?;
        after = oldest.next();
        let go_on = || !stop.load(Ordering::Relaxed) && is_held();
        let is_complete = topics.deliver(oldest.into_sorted(), None, (&mut report, each), &go_on);
        if stop.load(Ordering::Relaxed) {
            return Ok(report);
        }
        if !is_held() {
            report.lease = SweepLease::Lost;
            return Ok(report);
        }
        if !is_complete {
            // From the oldest again, with all that was held back: so it comes before what is younger.
            (after, topics) = (None, Topics::new(engine, call));
        } else if after.is_none() {
            return Ok(report);
        }
    }
}

/// Messages made before this are old enough to be swept.
pub(crate) fn minimum_age(engine: &Engine) -> Ticks {
    let age = Duration::from_millis(engine.config.sweep_min_age_ms);
    Ticks::from(clock::system_time().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH))
}

/// The oldest messages that are old enough, and come after this one.
fn find(engine: &Engine, topic: Option<&str>, after: Option<Sighting>) -> Result<Oldest> {
    let mut oldest = Oldest::new(MOST_FOUND, after);
    read_parts(engine, engine.outbox.outstanding_parts(topic, minimum_age(engine)), false, |page| {
        page.sightings.into_iter().for_each(|sighting| oldest.see(sighting));
    })?;
    Ok(oldest)
}

/// How many messages are outstanding, of one topic or of all, and since when.
pub(crate) fn count_outstanding(engine: &Engine, topic: Option<&str>) -> Result<Outstanding> {
    let mut count = 0;
    let mut oldest: Option<Ticks> = None;
    let parts = engine.outbox.outstanding_parts(topic, Ticks::LAST);
    read_parts(engine, parts, false, |page| {
        count += page.sightings.len() as u64;
        oldest = page.sightings.iter().map(|sighting| sighting.created).chain(oldest).min();
    })?;
    let counted = Outstanding { count, oldest: oldest.map(Ticks::to_system_time), counted_at: clock::system_time() };
    if topic.is_none() {
        engine.counters.counted(counted);
    }
    Ok(counted)
}

/// Counts for the limit of outstanding messages: without reading them.
pub(crate) fn refresh_count(engine: &Engine) -> Result<()> {
    let mut count = 0;
    read_parts(engine, engine.outbox.outstanding_parts(None, Ticks::LAST), true, |page| count += page.count)?;
    engine.counters.counted(Outstanding { count, oldest: None, counted_at: clock::system_time() });
    Ok(())
}

/// Reads parts of an index to their end, a round of pages at a time, each with the operation timeout.
pub(crate) fn read_parts(
    engine: &Engine,
    mut parts: Vec<Part>,
    count_only: bool,
    mut each: impl FnMut(crate::outbox::outstanding::Page),
) -> Result<()> {
    while !parts.is_empty() {
        let round = std::mem::take(&mut parts);
        let pages = engine.run("finding outstanding messages", |outbox| async move {
            Ok::<_, Error>(outbox.next_pages(round, count_only).await)
        })?;
        for page in pages {
            let mut page = page?;
            parts.extend(page.rest.take());
            each(page);
        }
    }
    Ok(())
}
