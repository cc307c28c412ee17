//! `watch`: shows rates, backlog and age at an interval.

use crate::inspect::{Fleet, pause_text, topic_texts};
use crate::interrupt;
use crate::options::Options;
use crate::outcome::{Exit, Failure, Outcome};
use crate::screen::{Column, Screen, note};
use crate::text::{age, parse_age, shown_duration};
use clap::Args;
use console::Term;
use postbox::{CountScope, MessageState, Postbox, TopicCount};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

#[derive(Args)]
pub struct WatchArgs {
    /// Time between two refreshes
    #[arg(long, value_name = "DURATION", value_parser = parse_age, default_value = "2s")]
    interval: Duration,
    /// Exit after this many refreshes
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

pub fn watch(options: &Options, screen: &Screen, args: &WatchArgs) -> Outcome {
    let postbox = options.open()?;
    interrupt::end_at_once();
    let terminal = Term::stdout();
    let redraws = terminal.is_term() && !screen.json;
    note(&postbox.location()?);
    let mut watched = Watched::begin(&postbox)?;
    let mut drawn = 0;
    for refresh in 1.. {
        match watched.refresh(&postbox) {
            Ok(()) if redraws => {
                terminal.clear_last_lines(drawn)?;
                drawn = watched.draw(screen)?;
            }
            Ok(()) if screen.json => screen.object(&watched.json())?,
            Ok(()) => screen.line(watched.line())?,
            // The command may run unattended, so it waits until DynamoDB is reachable again.
            Err(failure) if refresh > 1 => {
                failure.print();
                drawn = 0;
            }
            Err(failure) => return Err(failure),
        }
        if args.count == Some(refresh) {
            break;
        }
        std::thread::sleep(args.interval);
    }
    Ok(Exit::Done)
}

/// The results of the last two refreshes, and the current leases and sweepers. A topic appears as soon as a refresh has
/// found one of its messages.
struct Watched {
    topics: BTreeMap<String, Seen>,
    refreshed_at: Instant,
    fleet: Fleet,
}

#[derive(Clone, Default)]
struct Seen {
    count: TopicCount,
    /// The time up to which dispatched messages are counted.
    counted_to: Option<SystemTime>,
    sent: u64,
    /// Messages per second; `None` at the first refresh.
    rates: Option<Rates>,
}

#[derive(Clone, Copy, Default)]
struct Rates {
    deposited: f64,
    sent: f64,
}

impl Watched {
    /// Starts with the topics of a page of dispatched messages, because a topic whose messages are always sent
    /// immediately never has an outstanding message.
    fn begin(postbox: &Postbox) -> Result<Self, Failure> {
        let page = postbox.list_messages(MessageState::Dispatched, None, 1000, None)?;
        let topics = page.messages.iter().map(|stored| (stored.message.topic().to_owned(), Seen::default()));
        Ok(Self { topics: topics.collect(), refreshed_at: Instant::now(), fleet: Fleet::default() })
    }

    fn refresh(&mut self, postbox: &Postbox) -> Result<(), Failure> {
        let now = SystemTime::now();
        let elapsed = self.refreshed_at.elapsed().as_secs_f64();
        self.refreshed_at = Instant::now();
        let mut counts: BTreeMap<String, TopicCount> = postbox
            .topic_counts(CountScope::Outstanding)?
            .into_iter()
            .map(|count| (count.topic.clone(), count))
            .collect();
        self.fleet = Fleet::read(postbox)?;
        for topic in counts.keys() {
            self.topics.entry(topic.clone()).or_default();
        }
        for (topic, seen) in &mut self.topics {
            seen.refresh(postbox, topic, counts.remove(topic).unwrap_or_default(), now, elapsed)?;
        }
        Ok(())
    }

    fn total(&self) -> Seen {
        let mut total = Seen::default();
        for seen in self.topics.values() {
            total.count.outstanding += seen.count.outstanding;
            total.count.oldest = total.count.oldest.into_iter().chain(seen.count.oldest).min();
            total.sent += seen.sent;
            if let Some(rates) = seen.rates {
                let sum = total.rates.get_or_insert_default();
                sum.deposited += rates.deposited;
                sum.sent += rates.sent;
            }
        }
        total
    }

    /// Draws the view and returns its number of lines.
    fn draw(&self, screen: &Screen) -> Result<usize, Failure> {
        const COLUMNS: [Column; 5] = [
            Column::Text("TOPIC"),
            Column::Number("OUTSTANDING"),
            Column::Number("OLDEST"),
            Column::Number("IN/S"),
            Column::Number("OUT/S"),
        ];
        let total = self.total();
        let rows = self.topics.iter().map(|(topic, seen)| seen.row(topic));
        let lines = screen.table(&COLUMNS, rows.chain([total.row("all topics")]))?;
        let notices = self.notices();
        notices.iter().try_for_each(|notice| screen.cut_line(notice))?;
        screen.line("Press Ctrl-C to stop")?;
        Ok(lines + notices.len() + 1)
    }

    /// Describes failing and waiting messages, pauses, and a missing sweeper.
    fn notices(&self) -> Vec<String> {
        let topics = self.topics.values().flat_map(|seen| topic_texts(&seen.count));
        topics
            .chain(self.fleet.leases.iter().filter_map(pause_text))
            .chain(self.fleet.warning(self.total().count.oldest))
            .collect()
    }

    fn line(&self) -> String {
        let total = self.total();
        let Rates { deposited, sent } = total.rates.unwrap_or_default();
        let numbers = format!(
            "outstanding {}, oldest {}, in {deposited:.1}/s, out {sent:.1}/s",
            total.count.outstanding,
            total.oldest()
        );
        std::iter::once(numbers).chain(self.notices()).collect::<Vec<_>>().join("; ")
    }

    fn json(&self) -> serde_json::Value {
        let topics = self.topics.iter().map(|(topic, seen)| {
            json!({
                "topic": topic,
                "outstanding": seen.count.outstanding,
                "oldest_age_seconds": seen.count.oldest.map(|oldest| age(oldest).as_secs()),
                "in_per_second": seen.rates.map(|rates| rates.deposited),
                "out_per_second": seen.rates.map(|rates| rates.sent),
            })
        });
        json!({"topics": topics.collect::<Vec<_>>(), "notices": self.notices()})
    }
}

impl Seen {
    fn refresh(
        &mut self,
        postbox: &Postbox,
        topic: &str,
        count: TopicCount,
        now: SystemTime,
        elapsed: f64,
    ) -> Result<(), Failure> {
        if let Some(since) = self.counted_to {
            self.sent = postbox.dispatched_between(topic, since, now)?;
            // Deposited = sent + outstanding now - outstanding before.
            let change = count.outstanding as f64 - self.count.outstanding as f64;
            let per_second = |messages: f64| messages.max(0.0) / elapsed.max(0.001);
            self.rates =
                Some(Rates { deposited: per_second(change + self.sent as f64), sent: per_second(self.sent as f64) });
        }
        self.counted_to = Some(now);
        self.count = count;
        Ok(())
    }

    fn oldest(&self) -> String {
        self.count.oldest.map_or_else(|| "-".into(), |oldest| shown_duration(age(oldest)))
    }

    fn row(&self, topic: &str) -> Vec<String> {
        let rate = |rate: Option<f64>| rate.map_or_else(|| "-".into(), |rate| format!("{rate:.1}"));
        vec![
            topic.to_owned(),
            self.count.outstanding.to_string(),
            self.oldest(),
            rate(self.rates.map(|rates| rates.deposited)),
            rate(self.rates.map(|rates| rates.sent)),
        ]
    }
}
