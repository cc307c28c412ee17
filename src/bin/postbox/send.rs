//! The subcommands that send: `clear` and `sweep`.

use crate::inspect::pause_text;
use crate::interrupt;
use crate::options::Options;
use crate::outcome::{Exit, Failure, Outcome};
use crate::printable::json_line;
use crate::progress;
use crate::screen::{Screen, complain, note};
use crate::select::{Caution, Filter, dry_run, find, given_ids, messages};
use crate::tally::Tally;
use crate::text::{message_json, parse_age, shown_duration};
use clap::{Args, ValueEnum};
use postbox::{LeaseStatus, MessageState, Postbox, SendOutcome, SweepOptions, producer_fn};
use serde_json::Value;
use std::io::Write;
use std::time::Duration;

/// A destination that replaces the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// One JSON object per line on stdout
    Stdout,
}

#[derive(Args)]
struct To {
    /// Send the messages to this destination instead of along the routes of the settings
    #[arg(long, value_enum)]
    to: Option<Target>,
}

impl To {
    fn open(
        &self,
        options: &Options,
        set: impl FnOnce(postbox::Builder) -> postbox::Builder,
    ) -> Result<Postbox, Failure> {
        let builder = set(options.builder()?);
        Ok(match self.to {
            None => builder.open()?,
            Some(Target::Stdout) => builder.routes("").default_producer(producer_fn(print)).open()?,
        })
    }

    /// Reports on stdout, or on stderr if the messages are on stdout.
    fn report(&self, tally: &Tally, screen: &Screen) -> Outcome {
        match self.to {
            None => tally.report(screen, "sent"),
            Some(Target::Stdout) => {
                tally.report_failures();
                note(&tally.summary("sent"));
                Ok(tally.exit())
            }
        }
    }
}

fn print(message: &postbox::Message) -> SendOutcome {
    let line = format!("{}\n", json_line(&Value::Object(message_json(message))));
    let mut out = std::io::stdout().lock();
    match out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => SendOutcome::Sent,
        Err(error) => SendOutcome::Retry(format!("stdout cannot be written: {error}")),
    }
}

#[derive(Args)]
pub struct ClearArgs {
    /// Message ids in the order of sending, or `-` to read them from stdin, one per line
    #[arg(required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    to: To,
    #[command(flatten)]
    caution: Caution,
}

pub fn clear(options: &Options, screen: &Screen, args: &ClearArgs) -> Outcome {
    let ids = given_ids(&args.ids)?;
    let postbox = args.to.open(options, |builder| builder)?;
    if args.caution.dry_run {
        let mut outstanding = Vec::new();
        for id in ids {
            if postbox.get_message(&id)?.is_some_and(|stored| stored.state == MessageState::Outstanding) {
                outstanding.push(id);
            }
        }
        return dry_run(screen, "would be sent", &outstanding);
    }
    if ids.len() > 1 {
        args.caution.confirm(&postbox, ids.len(), &format!("Send {}?", messages(ids.len())))?;
    }
    let cancel = interrupt::listen();
    let position = || {
        let stats = postbox.stats();
        stats.dispatched + stats.failed + stats.duplicates_avoided
    };
    let clear = || postbox.clear_outbox_with(&ids, &cancel);
    let mut tally = Tally::default();
    tally.add(&progress::follow(ids.len(), "sending", position, clear)?);
    args.to.report(&tally, screen)
}

#[derive(Args)]
pub struct SweepArgs {
    /// Only messages of this topic
    #[arg(long)]
    topic: Option<String>,
    /// Minimum age of the messages, such as 0s or 15m [default: the setting sweep_min_age_ms]
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    older_than: Option<Duration>,
    #[command(flatten)]
    to: To,
    #[command(flatten)]
    caution: Caution,
}

pub fn sweep(options: &Options, screen: &Screen, args: &SweepArgs) -> Outcome {
    let postbox = args.to.open(options, |builder| match args.older_than {
        Some(age) => builder.sweep_min_age(age),
        None => builder,
    })?;
    let topic = args.topic.as_deref();
    if args.caution.dry_run {
        let least = match args.older_than {
            Some(age) => age,
            // Parsing does not fail, because the value was checked when the setting was set.
            None => Duration::from_millis(options.config()?.get("sweep_min_age_ms")?.parse().unwrap_or(0)),
        };
        let filter = Filter { topic: args.topic.clone(), older_than: Some(least), younger_than: None };
        return dry_run(screen, "would be sent", &find(&postbox, MessageState::Outstanding, &filter)?);
    }
    let outstanding = usize::try_from(postbox.count_outstanding(topic)?.count).unwrap_or(usize::MAX);
    args.caution.confirm(&postbox, outstanding, &format!("Send up to {}?", messages(outstanding)))?;
    let cancel = interrupt::listen();
    let bar = progress::bar(outstanding, "sending");
    let mut tally = Tally::default();
    let mut sweep = SweepOptions::new().cancel(&cancel).on_batch(|batch| {
        tally.add(batch);
        bar.inc(batch.entries().len() as u64);
    });
    if let Some(topic) = topic {
        sweep = sweep.topic(topic);
    }
    let report = postbox.sweep_with(sweep)?;
    bar.finish_and_clear();
    for topic in &report.topics_without_producer {
        complain(&format!("topic {topic}: no route for it, so its messages stay outstanding"));
    }
    if report.held_back > 0 {
        note_pauses(&postbox);
    }
    if interrupt::is_asked() {
        tally.skip_rest_of(outstanding);
    }
    match report.lease {
        LeaseStatus::HeldElsewhere => Err(Failure::new(Exit::SomeFailed, another_sweeps(&postbox))),
        LeaseStatus::Lost => {
            complain(
                "the sweep stopped because its lease was lost: messages that it did not send are still outstanding",
            );
            args.to.report(&tally, screen).map(|_| Exit::SomeFailed)
        }
        LeaseStatus::Unavailable(reason) if report.dispatched + report.failed == 0 => Err(Failure::new(
            Exit::SomeFailed,
            format!(
                "nothing was sent, since no lease can be obtained: {reason}; sweep_without_lease = true sends without one"
            ),
        )),
        LeaseStatus::Unavailable(reason) => {
            note(&format!(
                "the sweep ran without a lease, so another sweeper may have sent the same messages: {reason}"
            ));
            args.to.report(&tally, screen)
        }
        _ => {
            let exit = args.to.report(&tally, screen)?;
            Ok(if report.topics_without_producer.is_empty() || exit != Exit::Done { exit } else { Exit::SomeFailed })
        }
    }
}

/// Prints the paused topics, each with the remaining time of its pause.
fn note_pauses(postbox: &Postbox) {
    for text in postbox.leases().unwrap_or_default().iter().filter_map(pause_text) {
        note(&text);
    }
}

fn another_sweeps(postbox: &Postbox) -> String {
    let leases = postbox.leases().unwrap_or_default();
    let left = leases.iter().find_map(|lease| lease.expires_at.elapsed().err()).map(|left| left.duration());
    let until = left.map(|left| format!(" for another {}", shown_duration(left))).unwrap_or_default();
    format!("another sweeper holds the lease{until}: nothing was sent")
}
