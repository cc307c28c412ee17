//! The subcommands that only read: `status`, `list`, `show`.

use crate::options::Options;
use crate::outcome::{Exit, Failure, Outcome};
use crate::printable::is_printable;
use crate::progress;
use crate::screen::{Column, Screen, complain, note};
use crate::select::Filter;
use crate::text::{age, hex_dump, shown_age, shown_duration, stored_json};
use clap::{Args, ValueEnum};
use postbox::{
    CountScope, Cursor, LeaseInfo, MessagePage, MessageState, Postbox, StoredMessage, SweeperInfo, TopicCount,
};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// The age at which a sweep should already have sent an outstanding message.
const OLD: Duration = Duration::from_secs(60);
/// The time after the last recorded sweep of a process at which the process counts as no longer sweeping.
const ABSENT: Duration = Duration::from_secs(10 * 60);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum State {
    #[default]
    Outstanding,
    Dispatched,
    Parked,
}

impl From<State> for MessageState {
    fn from(state: State) -> Self {
        match state {
            State::Outstanding => Self::Outstanding,
            State::Dispatched => Self::Dispatched,
            State::Parked => Self::Parked,
        }
    }
}

#[derive(Args)]
pub struct StatusArgs {
    /// Count outstanding messages only, from their index, without reading the whole table
    #[arg(long)]
    outstanding: bool,
}

pub fn status(options: &Options, screen: &Screen, args: &StatusArgs) -> Outcome {
    let postbox = options.open()?;
    let whole_table = !args.outstanding;
    let scope = if whole_table { CountScope::All } else { CountScope::Outstanding };
    let topics = progress::spin("counting", || postbox.topic_counts(scope))?;
    let fleet = Fleet::read(&postbox)?;
    let total = total(&topics);
    let warning = fleet.warning(total.oldest);
    if screen.json {
        let mut object = status_json(&options.config()?.get("table_name")?, &topics, &fleet.leases, whole_table);
        object["location"] = postbox.location()?.into();
        object["sweepers"] = fleet.sweepers.iter().map(sweeper_json).collect();
        object["warning"] = warning.into();
        screen.object(&object)?;
        return Ok(Exit::Done);
    }
    screen.line(postbox.location()?)?;
    let mut columns = vec![Column::Text("TOPIC"), Column::Number("OUTSTANDING"), Column::Number("OLDEST")];
    if whole_table {
        columns.extend([Column::Number("DISPATCHED"), Column::Alarm("PARKED")]);
    }
    screen.table(&columns, topics.iter().chain([&total]).map(status_row))?;
    for text in topics.iter().flat_map(topic_texts) {
        screen.paragraph(text)?;
    }
    for lease in &fleet.leases {
        screen.paragraph(lease_text(lease))?;
    }
    if fleet.leases.is_empty() {
        screen.paragraph("no lease is held and no topic is paused at present")?;
    }
    for sweeper in &fleet.sweepers {
        screen.paragraph(sweeper_text(sweeper))?;
    }
    if let Some(warning) = warning {
        complain(&warning);
    }
    Ok(Exit::Done)
}

/// The leases and the processes that sweep.
#[derive(Default)]
pub struct Fleet {
    pub leases: Vec<LeaseInfo>,
    sweepers: Vec<SweeperInfo>,
}

impl Fleet {
    pub fn read(postbox: &Postbox) -> Result<Self, Failure> {
        Ok(Self { leases: postbox.leases()?, sweepers: postbox.sweepers()? })
    }

    /// Returns a warning if messages are old and no process has swept for some time. Brighter's sweepers are known only by
    /// their lease.
    pub fn warning(&self, oldest: Option<SystemTime>) -> Option<String> {
        let old = oldest.map(age).filter(|age| *age >= OLD)?;
        let now = SystemTime::now();
        let is_held = self.leases.iter().any(|lease| lease.paused.is_none() && lease.expires_at > now);
        if is_held || self.sweepers.iter().any(|sweeper| age(sweeper.last_sweep) < ABSENT) {
            return None;
        }
        let since = match self.sweepers.first() {
            Some(last) => format!("for {}", shown_duration(age(last.last_sweep))),
            None => "for a day".to_owned(),
        };
        Some(format!(
            "the oldest outstanding message is {} old, and no process of Postbox has swept {since}: start a sweeper, or run `postbox sweep`",
            shown_duration(old)
        ))
    }
}

/// Describes the messages of a topic that are not sent at present: since when they fail and why, how long they wait, and
/// which of their times are wrong.
pub fn topic_texts(count: &TopicCount) -> Vec<String> {
    let topic = &count.topic;
    let mut texts = Vec::new();
    if let Some(since) = count.failing_since {
        let why = count.last_error.as_deref().map_or_else(String::new, |error| format!(": {error}"));
        texts.push(format!(
            "topic {topic}: {} of its messages could not be sent, the first one since {}{why}",
            count.failing,
            shown_duration(age(since))
        ));
    }
    if let Some(next) = count.next_attempt {
        texts.push(format!(
            "topic {topic}: {} of its messages wait, the first one for another {}",
            count.waiting,
            shown_duration(time_left(next))
        ));
    }
    if count.invalid_times > 0 {
        texts.push(format!(
            "topic {topic}: {} of its messages have a time too far in the future, which is treated as past: check the clocks of the machines that deposit and sweep",
            count.invalid_times
        ));
    }
    texts
}

fn total(topics: &[TopicCount]) -> TopicCount {
    let mut total = TopicCount::default();
    total.topic = "all topics".into();
    for count in topics {
        total.outstanding += count.outstanding;
        total.dispatched += count.dispatched;
        total.parked += count.parked;
        total.oldest = total.oldest.into_iter().chain(count.oldest).min();
    }
    total
}

fn status_row(count: &TopicCount) -> Vec<String> {
    let oldest = count.oldest.map_or_else(|| "-".into(), shown_age);
    let [outstanding, dispatched, parked] =
        [count.outstanding, count.dispatched, count.parked].map(|number| number.to_string());
    vec![count.topic.clone(), outstanding, oldest, dispatched, parked]
}

fn lease_text(lease: &LeaseInfo) -> String {
    let LeaseInfo { resource, holder, expires_at, .. } = lease;
    if let Some(text) = pause_text(lease) {
        return text;
    }
    match expires_at.duration_since(SystemTime::now()) {
        Ok(left) if lease.is_ignored => format!(
            "{resource} of {holder} ends in {}, which is too far in the future to be right: the next process that needs it takes it",
            shown_duration(left)
        ),
        Ok(left) => format!("{resource} is held by {holder} for another {}", shown_duration(left)),
        Err(late) => {
            format!("{resource} expired {} ago; its last holder was {holder}", shown_duration(late.duration()))
        }
    }
}

fn sweeper_text(sweeper: &SweeperInfo) -> String {
    let holder = &sweeper.holder;
    let swept = format!("swept {} ago", shown_duration(age(sweeper.last_sweep)));
    let topics = match sweeper.topics.as_slice() {
        [] => "no topic".to_owned(),
        topics if topics.iter().any(|topic| topic == "*") => "all topics".to_owned(),
        topics => topics.join(", "),
    };
    if let Some(stopped) = sweeper.stopped_at {
        return format!("{holder} stopped {} ago ({topics})", shown_duration(age(stopped)));
    }
    match &sweeper.last_error {
        None => format!("{holder} {swept} ({topics})"),
        Some(error) => format!("{holder} {swept} and failed: {error} ({topics})"),
    }
}

fn sweeper_json(sweeper: &SweeperInfo) -> Value {
    json!({
        "holder": sweeper.holder,
        "version": sweeper.version,
        "topics": sweeper.topics,
        "last_sweep_seconds": age(sweeper.last_sweep).as_secs(),
        "last_success_seconds": sweeper.last_success.map(|time| age(time).as_secs()),
        "last_error": sweeper.last_error,
        "stopped_seconds": sweeper.stopped_at.map(|time| age(time).as_secs()),
    })
}

/// Describes a pause: its topic, its reason and its remaining time. Returns `None` for a lease.
pub fn pause_text(lease: &LeaseInfo) -> Option<String> {
    let (topic, why) = (lease.topic.as_deref()?, lease.paused.as_deref()?);
    let done = if why == "marks" { "marked" } else { "sent" };
    let left = lease
        .expires_at
        .duration_since(SystemTime::now())
        .map_or_else(|_| "until its next sweep".to_owned(), |left| format!("for another {}", shown_duration(left)));
    Some(format!("topic {topic} is paused {left}, because its messages cannot be {done} ({})", lease.resource))
}

/// Returns the time until then, or zero for a time that is past.
fn time_left(until: SystemTime) -> Duration {
    until.duration_since(SystemTime::now()).unwrap_or_default()
}

fn status_json(table: &str, topics: &[TopicCount], leases: &[LeaseInfo], whole_table: bool) -> Value {
    let topic = |count: &TopicCount| {
        let mut object = json!({
            "topic": count.topic,
            "outstanding": count.outstanding,
            "oldest_age_seconds": count.oldest.map(|oldest| age(oldest).as_secs()),
            "waiting": count.waiting,
            "next_attempt_seconds": count.next_attempt.map(|next| time_left(next).as_secs()),
            "failing": count.failing,
            "failing_seconds": count.failing_since.map(|since| age(since).as_secs()),
            "last_error": count.last_error,
            "invalid_times": count.invalid_times,
        });
        if whole_table {
            object["dispatched"] = count.dispatched.into();
            object["parked"] = count.parked.into();
        }
        object
    };
    let lease = |lease: &LeaseInfo| {
        json!({
            "resource": lease.resource,
            "holder": lease.holder,
            "topic": lease.topic,
            "paused": lease.paused,
            "seconds_left": time_left(lease.expires_at).as_secs(),
            "is_ignored": lease.is_ignored,
        })
    };
    json!({
        "table": table,
        "topics": topics.iter().map(topic).collect::<Vec<_>>(),
        "leases": leases.iter().map(lease).collect::<Vec<_>>(),
    })
}

#[derive(Args)]
pub struct ListArgs {
    /// The state of the messages; parked ones require a read of the whole table
    #[arg(long, value_enum, default_value = "outstanding")]
    state: State,
    #[command(flatten)]
    filter: Filter,
    /// Maximum number of messages (approximate)
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Continue where an earlier list with the same state and topic ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

pub fn list(options: &Options, screen: &Screen, args: &ListArgs) -> Outcome {
    let page = find_page(&options.open()?, args)?;
    if screen.json {
        let malformed = page.malformed.iter().map(|(id, error)| json!({"id": id, "error": error.message()}));
        screen.object(&json!({
            "messages": page.messages.iter().map(stored_json).collect::<Vec<_>>(),
            "malformed": malformed.collect::<Vec<_>>(),
            "next": page.next.as_ref().map(Cursor::as_str),
        }))?;
        return Ok(Exit::Done);
    }
    if page.messages.is_empty() {
        note(&format!("no {} messages", MessageState::from(args.state).name()));
    } else {
        screen.table(&list_columns(args.state), page.messages.iter().map(|stored| list_row(args.state, stored)))?;
    }
    for (_, error) in &page.malformed {
        complain(error.message());
    }
    if let Some(next) = &page.next {
        note(&format!("there may be more: --cursor '{}'", next.as_str()));
    }
    Ok(Exit::Done)
}

/// Reads pages until they have enough messages that match the filter.
fn find_page(postbox: &Postbox, args: &ListArgs) -> Result<MessagePage, Failure> {
    let mut wanted = args.limit;
    let mut next = args.cursor.as_deref().map(Cursor::from);
    let mut found: Option<MessagePage> = None;
    loop {
        let mut page = postbox.select_messages(args.state.into(), &args.filter.selection(wanted, next.take()))?;
        wanted = wanted.saturating_sub(u32::try_from(page.messages.len()).unwrap_or(u32::MAX));
        next = page.next.clone();
        let all = match found.take() {
            None => page,
            Some(mut all) => {
                all.messages.append(&mut page.messages);
                all.malformed.append(&mut page.malformed);
                all.next = page.next;
                all
            }
        };
        if wanted == 0 || next.is_none() {
            return Ok(sorted(all));
        }
        found = Some(all);
    }
}

fn sorted(mut page: MessagePage) -> MessagePage {
    page.messages.sort_by_key(|stored| stored.message.created_at());
    page
}

fn list_columns(state: State) -> Vec<Column> {
    let mut columns = vec![Column::Id("ID"), Column::Text("TOPIC"), Column::Text("KEY"), Column::Number("AGE")];
    columns.push(match state {
        State::Dispatched => Column::Number("SENT AFTER"),
        State::Outstanding | State::Parked => Column::Alarm("ATTEMPTS"),
    });
    columns
}

fn list_row(state: State, stored: &StoredMessage) -> Vec<String> {
    let message = &stored.message;
    let last = match state {
        State::Dispatched => {
            let took = stored.dispatched_at.and_then(|at| at.duration_since(message.created_at()).ok());
            shown_duration(took.unwrap_or_default())
        }
        State::Outstanding | State::Parked => stored.dispatch_attempts.to_string(),
    };
    let key = if message.partition_key().is_empty() { "-" } else { message.partition_key() };
    vec![message.id().to_owned(), message.topic().to_owned(), key.to_owned(), shown_age(message.created_at()), last]
}

#[derive(Args)]
pub struct ShowArgs {
    id: String,
    /// Show the body as hexadecimal digits even if it is text
    #[arg(long)]
    hex: bool,
    /// Write only the bytes of the body
    #[arg(long, conflicts_with = "hex")]
    body: bool,
}

pub fn show(options: &Options, screen: &Screen, args: &ShowArgs) -> Outcome {
    let Some(stored) = options.open()?.get_message(&args.id)? else {
        return Err(Failure::new(Exit::SomeFailed, format!("the outbox has no message {}", args.id)));
    };
    let body = stored.message.body();
    if args.body {
        screen.bytes(body)?;
        return Ok(Exit::Done);
    }
    if screen.json {
        screen.object(&stored_json(&stored))?;
        return Ok(Exit::Done);
    }
    let headers = stored.message.headers().map(|(name, value)| (name.to_owned(), value.into_owned()));
    let bag =
        stored.message.bag().iter().map(|(name, value)| {
            (format!("bag.{name}"), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
    let known = stored.fields().into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    for (name, value) in headers.chain(bag).chain(known) {
        screen.line(format!("{name:<18} {value}"))?;
    }
    screen.line(format!("{:<18} {} bytes", "body", body.len()))?;
    screen.line("")?;
    match std::str::from_utf8(body) {
        Ok(text) if !args.hex && is_printable(text) => screen.bytes(format!("{text}\n").as_bytes())?,
        _ => screen.bytes(hex_dump(body).as_bytes())?,
    }
    Ok(Exit::Done)
}
