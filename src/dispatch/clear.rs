//! Clear: send given outstanding messages now, and mark them dispatched.

use crate::dispatch::delivery::{Delivery, For};
use crate::dispatch::report::DispatchReport;
use crate::engine::Engine;
use crate::error::Result;
use std::sync::atomic::{AtomicBool, Ordering};

/// Sends the messages of these ids on this thread, in this order, until `stop`.
pub(crate) fn clear(engine: &Engine, ids: &[String], stop: &AtomicBool) -> Result<DispatchReport> {
    let call = &engine.runtime.enter()?;
    Ok(Delivery::new(engine, call, For::Clear).run(ids, || !stop.load(Ordering::Relaxed)))
}
