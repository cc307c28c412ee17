//! Clear: send given outstanding messages now, and mark them dispatched.

use crate::dispatch::delivery::{Delivery, For};
use crate::dispatch::report::DispatchReport;
use crate::engine::Engine;
use crate::error::Result;

/// Sends the messages of these ids on this thread, in this order.
pub(crate) fn clear(engine: &Engine, ids: &[String]) -> Result<DispatchReport> {
    let call = &engine.runtime.enter()?;
    Ok(Delivery::new(engine, call, For::Clear).run(ids, || true))
}
