//! The selection of messages, by id or by state, topic and age, and the confirmation before they are changed.

use crate::outcome::{Exit, Failure, Outcome};
use crate::progress;
use crate::screen::{Screen, ask, note};
use crate::text::{lines, parse_age};
use clap::Args;
use postbox::{Cursor, MessageState, Postbox, Selection, StoredMessage};
use serde_json::json;
use std::io::{IsTerminal, Read};
use std::time::Duration;

/// The number of messages per page.
const PAGE: u32 = 500;

#[derive(Args, Clone, Debug, Default)]
pub struct Filter {
    /// Only messages of this topic
    #[arg(long)]
    pub topic: Option<String>,
    /// Only messages of at least this age, such as 500ms, 90s, 15m, 2h or 30d; the age of a dispatched message counts
    /// from its dispatch, and that of any other message from its creation
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    pub older_than: Option<Duration>,
    /// Only messages that are not older than this age, which is counted as for --older-than
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    pub younger_than: Option<Duration>,
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        self.topic.is_none() && self.older_than.is_none() && self.younger_than.is_none()
    }

    /// Returns the selection of the library, with this number of messages per page, after this cursor.
    pub fn selection(&self, limit: u32, cursor: Option<Cursor>) -> Selection {
        let mut selection = Selection::new().limit(limit);
        if let Some(topic) = &self.topic {
            selection = selection.topic(topic);
        }
        if let Some(age) = self.older_than {
            selection = selection.older_than(age);
        }
        if let Some(age) = self.younger_than {
            selection = selection.younger_than(age);
        }
        match cursor {
            Some(cursor) => selection.cursor(cursor),
            None => selection,
        }
    }
}

/// The confirmation of a command that can change many messages.
#[derive(Args, Clone, Copy, Debug)]
pub struct Caution {
    /// Show the affected messages without changing them
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub yes: bool,
}

impl Caution {
    /// Shows where the table is, and asks for confirmation on the terminal. Without a terminal `--yes` is required. Returns
    /// whether the question was asked.
    pub fn confirm(self, postbox: &Postbox, count: usize, question: &str) -> Result<bool, Failure> {
        if self.yes || count == 0 {
            return Ok(false);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "{question} There is no terminal to confirm on: pass --yes, or --dry-run to preview"
            )));
        }
        note(&postbox.location()?);
        match ask(question) {
            Ok(true) => Ok(true),
            _ => Err(Failure::usage("nothing was done")),
        }
    }
}

/// Returns the given ids; `-` reads them from stdin, one per line.
pub fn given_ids(ids: &[String]) -> Result<Vec<String>, Failure> {
    if ids != ["-"] {
        return Ok(ids.to_vec());
    }
    let failed = |error: &dyn std::fmt::Display| Failure::usage(format!("the ids on stdin cannot be read: {error}"));
    let mut text = Vec::new();
    std::io::stdin().lock().read_to_end(&mut text).map_err(|error| failed(&error))?;
    let ids: Result<Vec<&str>, _> = lines(&text).map(std::str::from_utf8).collect();
    let ids = ids.map_err(|error| failed(&error))?;
    Ok(ids.into_iter().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect())
}

/// Returns the ids of all messages of this state that match the filter, oldest first.
pub fn find(postbox: &Postbox, state: MessageState, filter: &Filter) -> Result<Vec<String>, Failure> {
    progress::spin("looking", || find_all(postbox, state, filter))
}

fn find_all(postbox: &Postbox, state: MessageState, filter: &Filter) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = postbox.select_messages(state, &filter.selection(PAGE, cursor.take()))?;
        let id = |stored: &StoredMessage| (stored.message.created_at(), stored.message.id().to_owned());
        found.extend(page.messages.iter().map(id));
        // A malformed item has no age and no topic, so a filter does not match it.
        if filter.is_empty() {
            found.extend(page.malformed.into_iter().map(|(id, _)| (std::time::UNIX_EPOCH, id)));
        }
        match page.next {
            None => break,
            next => cursor = next,
        }
    }
    found.sort();
    found.dedup();
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

/// Formats a count: `1 message`, `3 messages`.
pub fn messages(count: usize) -> String {
    format!("{count} message{}", if count == 1 { "" } else { "s" })
}

/// Shows the ids of the messages that a command would change.
pub fn dry_run(screen: &Screen, what: &str, ids: &[String]) -> Outcome {
    if screen.json {
        screen.object(&json!({"dry_run": true, "ids": ids}))?;
        return Ok(Exit::Done);
    }
    for id in ids {
        screen.line(id)?;
    }
    screen.line(format!("{} {what}", messages(ids.len())))?;
    Ok(Exit::Done)
}
