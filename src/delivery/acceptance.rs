//! Stores acceptances. An acceptance means that a producer has taken a message and will confirm later whether the
//! message was sent. While the stored acceptance is valid, no other process sends the message. If the confirmation
//! arrives soon, the acceptance is not stored.

use crate::delivery::blame::{Circumstances, Rules};
use crate::delivery::record::record;
use crate::engine::Engine;
use crate::model::fate::Fate;
use crate::model::ticks::Ticks;
use crate::outbox::attempts::Attempt;
use crate::outbox::change::Changed;
use crate::outbox::partiql::MAX_STATEMENTS;
use crate::runtime::Call;
use crate::sys::clock;
use std::sync::Arc;
use std::time::Duration;

/// The maximum number of messages of a topic that wait for their confirmations in one process.
pub(crate) const MAX_UNCONFIRMED: usize = 1000;
/// The time within which most confirmations arrive, so that no acceptance needs to be written.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(1);
/// The age from which a message may soon be found by a sweeper, measured at the end of the clear.
const SOON_SWEPT: Duration = Duration::from_secs(2);

/// A message that its producer accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) id: String,
    pub(crate) fate: Fate,
    pub(crate) is_keyed: bool,
    pub(crate) created: Ticks,
}

/// Stores the acceptances that are not confirmed yet.
pub(crate) fn store_acceptances(engine: &Engine, accepted: Vec<Accepted>, circumstances: Circumstances) {
    let rules = Rules::of(&engine.config);
    let unconfirmed = accepted.into_iter().filter(|accepted| engine.in_flight.is_accepted(&accepted.id));
    let attempts: Vec<_> = unconfirmed.map(|accepted| attempt(&rules, accepted, circumstances)).collect();
    record(engine, &attempts);
}

/// Stores the acceptances of a clear. The acceptances of messages that a sweeper may soon find are stored immediately.
/// The other acceptances are stored after a second, unless their messages are confirmed by then.
pub(crate) fn store_acceptances_of_clear(engine: &Engine, call: &Call, accepted: Vec<Accepted>) {
    let now = Ticks::now();
    let (old, young): (Vec<_>, Vec<_>) =
        accepted.into_iter().partition(|accepted| now.since(accepted.created) >= SOON_SWEPT);
    store_acceptances(engine, old, Circumstances::default());
    if young.is_empty() {
        return;
    }
    let (outbox, in_flight, rules) =
        (Arc::clone(&engine.outbox), Arc::clone(&engine.in_flight), Rules::of(&engine.config));
    engine.runtime.spawn(call, async move {
        clock::sleep(CONFIRMED_WITHIN).await;
        let unconfirmed: Vec<_> = young
            .into_iter()
            .filter(|accepted| in_flight.is_accepted(&accepted.id))
            .map(|accepted| attempt(&rules, accepted, Circumstances::default()))
            .collect();
        for attempts in unconfirmed.chunks(MAX_STATEMENTS) {
            for changed in Arc::clone(&outbox).record(attempts.to_vec()).await {
                if let Changed::Failed(error) = changed {
                    tracing::warn!(target: "postbox", { error.message = error.message() }, "an acceptance could not be stored: a sweeper may send its message again");
                }
            }
        }
    });
}

fn attempt(rules: &Rules, accepted: Accepted, circumstances: Circumstances) -> (String, Fate, Attempt) {
    let Accepted { id, fate, is_keyed, .. } = accepted;
    let attempt = rules.acceptance((&fate, is_keyed), circumstances, (Ticks::now(), fastrand::f64()));
    (id, fate, attempt)
}
