//! Marks the messages dispatched that one clear or one drain of a lane has sent. Until a sent message is marked, this
//! process keeps its claim on the message, so that no other thread sends the message.

use crate::delivery::outcomes::Outcomes;
use crate::engine::Engine;
use crate::engine::in_flight::Claim;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::fate::Fate;
use crate::model::message::Message;
use crate::model::report::DispatchOutcome;
use crate::model::settings::ClearMarks;
use crate::model::ticks::Ticks;
use crate::outbox::item;
use crate::outbox::mark::{Mark, Marked};
use crate::outbox::partiql::MAX_STATEMENTS;
use crate::outbox::state::fate;
use crate::runtime::Call;
use crate::sys::clock;
use std::collections::HashMap;
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// If this number of sent messages is unmarked, no further message is sent until some are marked. Before the first mark
/// has succeeded, one unmarked message is enough.
const MOST_UNANSWERED: usize = 200;

/// The result of a mark, with the place of its message in the report.
type Answer = (usize, Marked);

/// The sent messages whose marks have no result yet, and the channel for the results.
pub(crate) struct Marking<'a> {
    engine: &'a Engine,
    call: &'a Call,
    /// The sent messages, by their places in the report.
    sent: HashMap<usize, Sent<'a>>,
    answers: (UnboundedSender<Answer>, UnboundedReceiver<Answer>),
    /// Whether a mark of this clear or drain has succeeded.
    pub(crate) has_worked: bool,
    /// The messages whose marks failed. Each entry contains the id of the message, its fate when the message was read,
    /// and the reason for the failure. The fate is the set of attributes that decide when the message is sent next.
    pub(crate) failed: Vec<(String, Fate, String)>,
}

/// A sent message. Until it is marked, it looks outstanding to every reader of the table.
pub(crate) struct Sent<'a> {
    pub(crate) mark: Mark,
    pub(crate) fate: Fate,
    pub(crate) _claim: Claim<'a>,
}

impl<'a> Marking<'a> {
    pub(crate) fn new(engine: &'a Engine, call: &'a Call) -> Self {
        Self { engine, call, sent: HashMap::new(), answers: unbounded_channel(), has_worked: false, failed: Vec::new() }
    }

    /// Marks messages that were sent together, with their places in the report.
    pub(crate) fn add(&mut self, sent: Vec<(usize, Sent<'a>)>) {
        let marks: Vec<(usize, Mark)> = sent.iter().map(|(index, sent)| (*index, sent.mark.clone())).collect();
        self.sent.extend(sent);
        self.engine.marker.mark(&self.engine.runtime, self.call, marks, &self.answers.0);
    }

    /// Returns whether a message that was just sent may be marked in the background. This is the case if the message is
    /// too young for sweepers and few other marks are open.
    pub(crate) fn may_be_left_to_the_background(&self, message: &Message) -> bool {
        let config = &self.engine.config;
        config.clear_marks == ClearMarks::Background
            && Ticks::now().since(message.created()) < config.background_mark_age()
            && self.engine.marker.has_room()
    }

    /// Marks a message in the background.
    pub(crate) fn leave_to_the_background(&self, mark: Mark, claim: Claim<'a>) {
        claim.keep_until_marked(self.engine.mark_timeout());
        self.engine.marker.mark_in_background(&self.engine.runtime, self.call, vec![mark]);
    }

    /// Waits until few enough marks are open that further messages may be sent. Before the first mark has succeeded, no
    /// mark may be open.
    pub(crate) fn make_room(&mut self, outcomes: &mut Outcomes) {
        while let Ok(answer) = self.answers.1.try_recv() {
            self.take(answer, outcomes);
        }
        let most = if self.has_worked { MOST_UNANSWERED } else { 0 };
        self.wait(most, outcomes);
    }

    /// Waits for all marks.
    pub(crate) fn finish(&mut self, outcomes: &mut Outcomes) {
        self.wait(0, outcomes);
    }

    fn wait(&mut self, most: usize, outcomes: &mut Outcomes) {
        let patience = self.engine.mark_timeout();
        while self.sent.len() > most {
            let answer = self.engine.runtime.run_inside("marking", patience, self.answers.1.recv());
            match answer {
                Ok(Some(answer)) => self.take(answer, outcomes),
                Ok(None) => return self.give_up("the Postbox was closed", outcomes),
                Err(error) => return self.give_up(error.message(), outcomes),
            }
        }
    }

    fn give_up(&mut self, why: &str, outcomes: &mut Outcomes) {
        for index in std::mem::take(&mut self.sent).into_keys() {
            outcomes.set(index, DispatchOutcome::MarkFailed, why);
        }
    }

    fn take(&mut self, (index, marked): Answer, outcomes: &mut Outcomes) {
        let sent = self.sent.remove(&index);
        self.has_worked |= !matches!(marked, Marked::Failed(_));
        let detail = match &marked {
            Marked::Dispatched => "",
            Marked::AlreadyDispatched => "another sender had dispatched it meanwhile",
            Marked::Missing => "the item of the message was deleted meanwhile",
            Marked::Replayed => "the message was replayed meanwhile and will be sent again",
            Marked::Failed(error) => {
                self.failed.extend(sent.map(|sent| (sent.mark.id, sent.fate, error.message().to_owned())));
                return outcomes.set(index, DispatchOutcome::MarkFailed, error.message());
            }
        };
        outcomes.set(index, DispatchOutcome::Dispatched, detail);
    }
}

/// Waits until every mark in the background has a result.
///
/// # Errors
/// [`ErrorCode::MarkIncomplete`] with the number of messages that are not marked.
pub(crate) fn flush_marks(engine: &Engine, deadline: Instant) -> Result<()> {
    if engine.marker.open() == 0 {
        return Ok(());
    }
    let time = deadline.saturating_duration_since(clock::now());
    let answered = engine.runtime.run_inside("marking", time, engine.marker.clone().all_answered());
    let left = engine.marker.open();
    if answered.is_ok() || left == 0 {
        return Ok(());
    }
    let text =
        format!("the Postbox was closed with messages that were sent and not marked: {left}; a sweep sends them again");
    Err(Error::new(ErrorCode::MarkIncomplete, text))
}

/// Marks the messages that this process has sent and could not mark before. Returns whether marks succeed, so that
/// further messages may be sent.
pub(crate) fn catch_up(engine: &Engine, call: &Call) -> bool {
    let overdue = engine.marker.overdue();
    let patience = engine.mark_timeout();
    for batch in overdue.chunks(MAX_STATEMENTS) {
        let Ok(marks) = unless_replayed(engine, batch) else { return false };
        if marks.is_empty() {
            continue;
        }
        let (answers, mut answered) = unbounded_channel();
        engine.marker.mark(&engine.runtime, call, marks.into_iter().enumerate(), &answers);
        drop(answers);
        let collect = async move {
            let mut works = false;
            while let Some((_, marked)) = answered.recv().await {
                // An error of a single item does not show that other marks fail.
                works |= !matches!(&marked, Marked::Failed(error) if error.code() != ErrorCode::ServiceError);
            }
            works
        };
        if !engine.runtime.run_inside("marking", patience, collect).unwrap_or(false) {
            return false;
        }
    }
    engine.marker.trust();
    true
}

/// Adds to each mark the condition that the message was not replayed after it was sent. For a message that was
/// confirmed by its id, the time of the last replay is read. The result does not contain messages that were replayed
/// since then, which will be sent again, or whose items were deleted.
fn unless_replayed(engine: &Engine, marks: &[Mark]) -> Result<Vec<Mark>> {
    let (by_id, mut conditional): (Vec<Mark>, Vec<Mark>) =
        marks.iter().cloned().partition(|mark| mark.replayed.is_none());
    if by_id.is_empty() {
        return Ok(conditional);
    }
    let ids = by_id.iter().map(|mark| mark.id.clone()).collect();
    let items = engine.run("reading messages to mark", |outbox| async move {
        let (items, read) = outbox.get_items(ids).await;
        read.map(|()| items)
    })?;
    let fates: HashMap<&str, Fate> =
        items.iter().filter_map(|item| Some((item::message_id(item)?, fate(item)))).collect();
    for mark in by_id {
        match fates.get(&*mark.id).filter(|fate| fate.replayed.is_none_or(|replayed| replayed <= mark.at)) {
            Some(fate) => conditional.push(Mark { replayed: Some(fate.replayed), ..mark }),
            None => engine.marker.forget(&mark.id),
        }
    }
    Ok(conditional)
}
