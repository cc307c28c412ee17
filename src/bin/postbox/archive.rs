//! `archive`: moves old dispatched messages from the table to a file.

use crate::interrupt;
use crate::options::Options;
use crate::outcome::{Exit, Failure, Outcome};
use crate::progress;
use crate::screen::{Screen, complain};
use crate::select::{Caution, dry_run, messages};
use crate::text::{age, parse_age};
use clap::Args;
use indicatif::ProgressBar;
use postbox::{Archive, JsonLinesArchive, LeaseStatus, MessageState, Postbox, StoredMessage};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub struct ArchiveArgs {
    /// The file to append to, with one message per line as DynamoDB JSON of its item
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Minimum age since dispatch, such as 30d [default: the setting archive_min_age_ms]
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    older_than: Option<Duration>,
    #[command(flatten)]
    caution: Caution,
}

pub fn archive(options: &Options, screen: &Screen, args: &ArchiveArgs) -> Outcome {
    let mut config = options.config()?;
    if let Some(age) = args.older_than {
        config.set("archive_min_age_ms", &age.as_millis().to_string())?;
    }
    // Parsing does not fail, because the value was checked when the setting was set.
    let least = Duration::from_millis(config.get("archive_min_age_ms")?.parse().unwrap_or(u64::MAX));
    let postbox = Postbox::builder().config(config).must_exist().open()?;
    let ids = old_enough(&postbox, least)?;
    if args.caution.dry_run {
        return dry_run(screen, "would be archived", &ids);
    }
    let file = args.file.display();
    args.caution.confirm(&postbox, ids.len(), &format!("Move {} to {file}?", messages(ids.len())))?;
    let cannot = |error| Failure::usage(format!("the file {file} cannot be written: {error}"));
    let kept = Counted {
        file: JsonLinesArchive::open(&args.file).map_err(cannot)?,
        bar: progress::bar(ids.len(), "archiving"),
    };
    let report = postbox.archive_with(&kept, &interrupt::listen())?;
    kept.bar.finish_and_clear();
    if report.lease == LeaseStatus::HeldElsewhere {
        return Err(Failure::new(Exit::SomeFailed, "another archiver holds the lease: nothing was archived"));
    }
    if let Some(reason) = &report.first_failure {
        complain(&format!(
            "{} failed; the first: {reason}",
            messages(usize::try_from(report.failed).unwrap_or(usize::MAX))
        ));
    }
    if screen.json {
        screen.object(&json!({"archived": report.archived, "failed": report.failed}))?;
    } else {
        screen
            .line(format!("{} archived in {file}", messages(usize::try_from(report.archived).unwrap_or(usize::MAX))))?;
    }
    if interrupt::is_asked() {
        complain("interrupted: the remaining messages stay in the outbox");
        return Ok(Exit::Interrupted);
    }
    Ok(if report.failed > 0 || report.lease == LeaseStatus::Lost { Exit::SomeFailed } else { Exit::Done })
}

/// Returns the ids of the messages that were dispatched at least this long ago.
fn old_enough(postbox: &Postbox, least: Duration) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    let mut cursor = None;
    loop {
        let page = postbox.list_messages(MessageState::Dispatched, None, 500, cursor.as_ref())?;
        let old = page.messages.iter().filter(|stored| stored.dispatched_at.is_some_and(|at| age(at) >= least));
        ids.extend(old.map(|stored| stored.message.id().to_owned()));
        match page.next {
            None => return Ok(ids),
            next => cursor = next,
        }
    }
}

/// An archive file with a bar that shows how many messages were written.
struct Counted {
    file: JsonLinesArchive,
    bar: ProgressBar,
}

impl Archive for Counted {
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>> {
        let kept = self.file.archive(batch);
        self.bar.inc(batch.len() as u64);
        kept
    }
}
