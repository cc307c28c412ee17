//! The subcommands that change stored messages: `unpark`, `replay`, `delete`.

use crate::inspect::State;
use crate::interrupt;
use crate::options::Options;
use crate::outcome::{Failure, Outcome};
use crate::progress;
use crate::screen::{Screen, note};
use crate::select::{Caution, Filter, dry_run, find, given_ids, messages};
use crate::tally::Tally;
use clap::Args;
use postbox::{ErrorCode, MessageState, Postbox};

/// The number of messages replayed between two checks for an interruption.
const CHUNK: usize = 100;

#[derive(Args)]
pub struct UnparkArgs {
    /// Message ids, or `-` to read them from stdin, one per line
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// Every parked message that matches the filters; reads the whole table
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    caution: Caution,
}

pub fn unpark(options: &Options, screen: &Screen, args: &UnparkArgs) -> Outcome {
    let postbox = options.open()?;
    let ids = chosen(&postbox, &args.ids, MessageState::Parked, &args.filter)?;
    if args.caution.dry_run {
        return dry_run(screen, "would be released", &ids);
    }
    let asks = args.all || ids.len() > 1;
    let question = format!("Make {} outstanding again?", messages(ids.len()));
    show_location(&postbox, asks && args.caution.confirm(&postbox, ids.len(), &question)?)?;
    one_by_one(&ids, "releasing", |id| postbox.unpark(id).map(|()| Ok(())))?.report(screen, "released")
}

#[derive(Args)]
pub struct ReplayArgs {
    /// Message ids, or `-` to read them from stdin, one per line
    #[arg(required_unless_present_any = ["all", "causation"], conflicts_with_all = ["all", "causation"])]
    ids: Vec<String>,
    /// Every dispatched message that matches the filters
    #[arg(long, conflicts_with = "causation")]
    all: bool,
    /// Every message with this causation id
    #[arg(long, value_name = "ID", conflicts_with_all = ["topic", "older_than", "younger_than", "dry_run"])]
    causation: Option<String>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    caution: Caution,
}

pub fn replay(options: &Options, screen: &Screen, args: &ReplayArgs) -> Outcome {
    let postbox = options.open()?;
    let mut tally = Tally::default();
    if let Some(cause) = &args.causation {
        let question = format!("Send every message with the causation id {cause} again?");
        show_location(&postbox, args.caution.confirm(&postbox, 1, &question)?)?;
        tally.add(&postbox.replay_causation(cause)?);
        return tally.report(screen, "outstanding again");
    }
    let ids = chosen(&postbox, &args.ids, MessageState::Dispatched, &args.filter)?;
    if args.caution.dry_run {
        return dry_run(screen, "would be sent again", &ids);
    }
    let asks = args.all || ids.len() > 1;
    let question = format!("Send {} again?", messages(ids.len()));
    show_location(&postbox, asks && args.caution.confirm(&postbox, ids.len(), &question)?)?;
    let cancel = interrupt::listen();
    let bar = progress::bar(ids.len(), "replaying");
    for chunk in ids.chunks(CHUNK) {
        if cancel.is_canceled() {
            break;
        }
        tally.add(&postbox.replay(chunk)?);
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    tally.skip_rest_of(ids.len()).report(screen, "outstanding again")
}

#[derive(Args)]
pub struct DeleteArgs {
    /// Message ids, or `-` to read them from stdin, one per line
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// Every message of the state that matches the filters
    #[arg(long, requires = "state")]
    all: bool,
    /// Only messages of this state; a deleted outstanding message is never sent
    #[arg(long, value_enum)]
    state: Option<State>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    caution: Caution,
}

pub fn delete(options: &Options, screen: &Screen, args: &DeleteArgs) -> Outcome {
    let postbox = options.open()?;
    let state = args.state.map(MessageState::from);
    let ids = chosen(&postbox, &args.ids, state.unwrap_or(MessageState::Parked), &args.filter)?;
    if args.caution.dry_run {
        return dry_run(screen, "would be deleted", &ids);
    }
    let question = format!("Delete {} permanently?", messages(ids.len()));
    show_location(&postbox, args.caution.confirm(&postbox, ids.len(), &question)?)?;
    one_by_one(&ids, "deleting", |id| delete_one(&postbox, id, state))?.report(screen, "deleted")
}

/// Deletes a message in the given state, or in its current state if none is given.
fn delete_one(postbox: &Postbox, id: &str, state: Option<MessageState>) -> postbox::Result<Result<(), String>> {
    let state = match state {
        Some(state) => state,
        None => match postbox.get_message(id) {
            Ok(Some(stored)) => stored.state,
            Ok(None) => return Ok(Err("not found".into())),
            Err(error) if error.code() == ErrorCode::MalformedItem => {
                return Ok(Err(format!("{}; pass --state to delete it", error.message())));
            }
            Err(error) => return Err(error),
        },
    };
    Ok(if postbox.delete_message(id, state)? { Ok(()) } else { Err(format!("not found, or not {}", state.name())) })
}

/// Returns the given ids, or the ids of all messages in this state that match the filter.
fn chosen(postbox: &Postbox, ids: &[String], state: MessageState, filter: &Filter) -> Result<Vec<String>, Failure> {
    if ids.is_empty() {
        return find(postbox, state, filter);
    }
    if !filter.is_empty() {
        return Err(Failure::usage("--topic, --older-than and --younger-than require --all"));
    }
    given_ids(ids)
}

/// Shows where the table is, unless a question has shown it.
fn show_location(postbox: &Postbox, was_asked: bool) -> Result<(), Failure> {
    if !was_asked {
        note(&postbox.location()?);
    }
    Ok(())
}

/// Changes each message with a separate request. If a message fails, the command continues with the next message. If
/// the database cannot be reached, the command stops.
fn one_by_one(
    ids: &[String],
    what: &str,
    mut change: impl FnMut(&str) -> postbox::Result<Result<(), String>>,
) -> Result<Tally, Failure> {
    let cancel = interrupt::listen();
    let bar = progress::bar(ids.len(), what);
    let mut tally = Tally::default();
    for id in ids {
        if cancel.is_canceled() {
            break;
        }
        match change(id) {
            Ok(Ok(())) => tally.done += 1,
            Ok(Err(error)) => tally.fail(id, error),
            Err(error) if error.code() == ErrorCode::InvalidArgument => tally.fail(id, error.message().to_owned()),
            Err(error) => {
                bar.finish_and_clear();
                let done = messages(tally.done);
                let failure = Failure::from(error);
                return Err(failure.after(format!("{done} of {} done before the failure", ids.len())));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    tally.skip_rest_of(ids.len());
    Ok(tally)
}
