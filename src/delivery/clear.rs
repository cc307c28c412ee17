//! Clear: send given outstanding messages now, and mark them dispatched.

use crate::delivery::sender::{Delivery, For};
use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::error::Result;
use crate::model::report::DispatchReport;

/// Sends the messages of these ids on this thread, in this order, until the token is canceled.
pub(crate) fn clear(engine: &Engine, ids: &[String], cancel: &CancelToken) -> Result<DispatchReport> {
    let call = &engine.runtime.enter()?;
    Ok(Delivery::new(engine, call, For::Clear).run(ids, || !cancel.is_canceled()))
}
