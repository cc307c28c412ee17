//! What sends: `clear` and `sweep`.

use crate::interrupt;
use crate::mend::dry_run;
use crate::options::Options;
use crate::outcome::{Exit, Failure, Outcome};
use crate::progress;
use crate::screen::{Screen, complain, note, printable};
use crate::select::{Caution, Filter, find, given_ids, messages};
use crate::text::{message_json, outcome_text, parse_age, shown_duration};
use clap::{Args, ValueEnum};
use postbox::{DispatchOutcome, DispatchReport, MessageState, Postbox, SendOutcome, SweepLease, producer_fn};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

/// Where messages go instead of along their routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// One JSON object a line, on stdout
    Stdout,
}

#[derive(Args)]
struct To {
    /// Send the messages there instead of along the routes of the settings
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

    /// The report goes where the messages do not.
    fn tell(&self, tally: &Tally, screen: &Screen) -> Outcome {
        match self.to {
            None => tally.tell(screen, "sent"),
            Some(Target::Stdout) => {
                tally.tell_failures();
                note(&tally.summary("sent"));
                Ok(tally.exit())
            }
        }
    }
}

fn print(message: &postbox::Message) -> SendOutcome {
    let line = format!("{}\n", Value::Object(message_json(message)));
    let mut out = std::io::stdout().lock();
    match out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => SendOutcome::Sent,
        Err(error) => SendOutcome::Retry(format!("stdout cannot be written: {error}")),
    }
}

#[derive(Args)]
pub struct ClearArgs {
    /// Their ids, in the order in which they are to be sent; `-`: from stdin, one a line
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
            if postbox.get(&id)?.is_some_and(|stored| stored.state == MessageState::Outstanding) {
                outstanding.push(id);
            }
        }
        return dry_run(screen, "would be sent", &outstanding);
    }
    if ids.len() > 1 {
        args.caution.confirm(ids.len(), &format!("Send {}?", messages(ids.len())))?;
    }
    let stop = interrupt::listen();
    let position = || {
        let stats = postbox.stats();
        stats.dispatched + stats.failed + stats.duplicates_avoided
    };
    let clear = || postbox.clear_outbox_until(&ids, stop);
    let mut tally = Tally::default();
    tally.add(&progress::follow(ids.len(), "sending", position, clear)?);
    args.to.tell(&tally, screen)
}

#[derive(Args)]
pub struct SweepArgs {
    /// Only messages of this topic
    #[arg(long)]
    topic: Option<String>,
    /// Only messages made at least so long ago, such as 0s or 15m [default: the setting sweep_min_age_ms]
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    older_than: Option<Duration>,
    #[command(flatten)]
    to: To,
    #[command(flatten)]
    caution: Caution,
}

pub fn sweep(options: &Options, screen: &Screen, args: &SweepArgs) -> Outcome {
    let postbox = args.to.open(options, |builder| match args.older_than {
        Some(age) => builder.sweep_min_age_ms(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        None => builder,
    })?;
    let topic = args.topic.as_deref();
    if args.caution.dry_run {
        let least = match args.older_than {
            Some(age) => age,
            // The number was checked when it was set.
            None => Duration::from_millis(options.config()?.get("sweep_min_age_ms")?.parse().unwrap_or(0)),
        };
        let filter = Filter { topic: args.topic.clone(), older_than: Some(least), younger_than: None };
        return dry_run(screen, "would be sent", &find(&postbox, MessageState::Outstanding, &filter)?);
    }
    let outstanding = usize::try_from(postbox.outstanding(topic)?.count).unwrap_or(usize::MAX);
    args.caution.confirm(outstanding, &format!("Send up to {}?", messages(outstanding)))?;
    let stop = interrupt::listen();
    let bar = progress::bar(outstanding, "sending");
    let mut tally = Tally::default();
    let report = postbox.sweep_until(topic, stop, |batch| {
        tally.add(batch);
        bar.inc(batch.entries().len() as u64);
    })?;
    bar.finish_and_clear();
    for (topic, state) in postbox.stats().breakers {
        note(&format!("the breaker of topic {} is {}", printable(&topic), state.name()));
    }
    if interrupt::is_asked() {
        tally.left(outstanding);
    }
    match report.lease {
        SweepLease::HeldByAnother => Err(Failure::new(Exit::SomeFailed, another_sweeps(&postbox))),
        SweepLease::Lost => {
            complain("the lease was lost, so the sweep stopped: what it has not sent is outstanding");
            args.to.tell(&tally, screen).map(|_| Exit::SomeFailed)
        }
        SweepLease::Alone(why) => {
            note(&format!("without a lease, so that another sweeper may have sent the same: {why}"));
            args.to.tell(&tally, screen)
        }
        _ => args.to.tell(&tally, screen),
    }
}

fn another_sweeps(postbox: &Postbox) -> String {
    let leases = postbox.leases().unwrap_or_default();
    let left = leases.iter().find_map(|lease| lease.expires_at.elapsed().err()).map(|left| left.duration());
    let until = left.map(|left| format!("; its lease runs for another {}", shown_duration(left))).unwrap_or_default();
    format!("another sweeper is at work{until}: nothing was done")
}

/// What became of the messages that a command was to work on.
#[derive(Debug, Default)]
pub struct Tally {
    pub done: usize,
    /// Sent before, by somebody else.
    before: usize,
    /// By id: a sweep may come to a message more than once.
    failed: BTreeMap<String, Failed>,
    /// Not tried, since the command was interrupted.
    left: usize,
}

#[derive(Debug)]
struct Failed {
    why: String,
    /// The transport, or the table, could not be used.
    unreachable: bool,
}

impl Tally {
    pub fn add(&mut self, report: &DispatchReport) {
        for entry in report.entries() {
            self.failed.remove(&entry.id);
            match entry.outcome {
                DispatchOutcome::AlreadyDispatched => self.before += 1,
                outcome if outcome.is_success() => self.done += 1,
                DispatchOutcome::HeldBack if interrupt::is_asked() => self.left += 1,
                outcome => {
                    let what = outcome_text(outcome);
                    let why = match entry.outcome {
                        // Its detail speaks to a programmer.
                        DispatchOutcome::NoProducer => what.to_owned(),
                        _ if entry.detail.is_empty() => what.to_owned(),
                        _ => format!("{what}: {}", entry.detail),
                    };
                    let unreachable = matches!(
                        outcome,
                        DispatchOutcome::Failed
                            | DispatchOutcome::NotRead
                            | DispatchOutcome::HeldBack
                            | DispatchOutcome::BreakerOpen
                    );
                    self.failed.insert(entry.id.clone(), Failed { why, unreachable });
                }
            }
        }
    }

    pub fn fail(&mut self, id: &str, why: String) {
        self.failed.insert(id.to_owned(), Failed { why, unreachable: false });
    }

    /// Those of so many messages that nothing became of were not tried.
    pub fn left(&mut self, total: usize) -> &mut Self {
        self.left = total.saturating_sub(self.done + self.before + self.failed.len());
        self
    }

    fn exit(&self) -> Exit {
        if self.left > 0 {
            return Exit::Interrupted;
        }
        match self.failed.is_empty() {
            true => Exit::Done,
            false if self.done + self.before == 0 && self.failed.values().all(|failed| failed.unreachable) => {
                Exit::Unreachable
            }
            false => Exit::SomeFailed,
        }
    }

    fn summary(&self, what: &str) -> String {
        let mut summary = format!("{} {what}", messages(self.done));
        for (count, what) in [(self.before, "sent before"), (self.failed.len(), "failed"), (self.left, "not tried")] {
            if count > 0 {
                summary += &format!(", {count} {what}");
            }
        }
        summary
    }

    fn tell_failures(&self) {
        for (id, failed) in &self.failed {
            complain(&format!("message {}: {}", printable(id), printable(&failed.why)));
        }
        if self.left > 0 {
            complain(&format!("interrupted: {} not tried, as they were", messages(self.left)));
        }
    }

    pub fn tell(&self, screen: &Screen, what: &str) -> Outcome {
        self.tell_failures();
        if screen.json {
            let failed = self.failed.iter().map(|(id, failed)| json!({"id": id, "why": failed.why}));
            screen.object(&json!({
                "done": self.done, "sent_before": self.before, "not_tried": self.left,
                "failed": failed.collect::<Vec<_>>(),
            }))?;
        } else {
            screen.line(self.summary(what))?;
        }
        Ok(self.exit())
    }
}
