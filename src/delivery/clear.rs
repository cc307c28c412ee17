//! Clear: sends outstanding messages that the caller names, and marks them dispatched.

use crate::delivery::acceptance::store_acceptances_of_clear;
use crate::delivery::marking::catch_up;
use crate::delivery::reading::Reading;
use crate::delivery::sender::{For, Held, Sender};
use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::error::Result;
use crate::model::report::{DispatchReport, distinct};
use crate::outbox::read::MAX_BATCH_GET;
use std::collections::{BTreeMap, VecDeque};

/// Sends the messages with these ids on the calling thread, in the given order. Stops early if `cancel` is canceled.
pub(crate) fn clear(engine: &Engine, ids: &[String], cancel: &CancelToken) -> Result<DispatchReport> {
    let call = &engine.runtime.enter()?;
    let ids = distinct(ids);
    let (mut held, mut tallies) = (Held::default(), BTreeMap::new());
    let go_on = || go_on_with(engine, cancel);
    let mut sender = Sender::new(engine, call, For::Clear, (&mut held, &mut tallies), &go_on);
    let mut waiting: VecDeque<(usize, String)> = VecDeque::with_capacity(ids.len());
    waiting.extend(ids.into_iter().map(|id| (sender.outcomes.open(&id), id)));
    let mut at_once = MAX_BATCH_GET;
    catch_up(engine, call);
    while !waiting.is_empty() && go_on_with(engine, cancel) {
        let next = waiting.len().min(at_once);
        let reading = Reading::start(engine, call, For::Clear, waiting.drain(..next).collect::<Vec<_>>(), Some(cancel));
        let mut candidates = reading.finish(&mut sender).0.into_iter();
        let mut handled = 0;
        while let Some(candidate) = candidates.next() {
            if handled > 0 && candidate.is_stale() {
                // A sweeper may have sent the remaining messages in the meantime. They are read again in smaller
                // batches, so that a whole batch can be sent before its reads are too old.
                let rest: Vec<_> = std::iter::once(candidate).chain(candidates).map(|it| it.place()).collect();
                rest.into_iter().rev().for_each(|place| waiting.push_front(place));
                at_once = handled;
                break;
            }
            sender.offer(candidate);
            handled += 1;
        }
        sender.flush();
    }
    let report = sender.finish();
    engine.runtime.check()?;
    for tally in tallies.values_mut() {
        tally.park_rejected(engine);
        store_acceptances_of_clear(engine, call, std::mem::take(&mut tally.accepted));
    }
    Ok(report)
}

/// Returns whether the clear may continue. The sender calls this function before each call to a producer.
fn go_on_with(engine: &Engine, cancel: &CancelToken) -> bool {
    !cancel.is_canceled() && !engine.runtime.is_closing()
}
