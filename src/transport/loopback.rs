//! A transport for the tests of routes. Every message fails with the address of its route as the reason.

use crate::model::error::Result;
use crate::transport::target::{Context, Target};
use crate::transport::{Producer, SendOutcome, producer_fn};
use std::sync::Arc;

#[derive(Debug)]
struct Loopback(String);

/// Parses an address, which can be any text that is not empty.
pub(super) fn parse(address: &str) -> Result<Box<dyn Target>, String> {
    match address {
        "" => Err("loopback needs a place".into()),
        place => Ok(Box::new(Loopback(place.to_owned()))),
    }
}

impl Target for Loopback {
    fn open(&self, _: &Context<'_>) -> Result<Arc<dyn Producer>> {
        let place = self.0.clone();
        Ok(Arc::new(producer_fn(move |_| SendOutcome::Retry(place.clone()))))
    }
}
