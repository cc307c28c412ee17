//! What sends messages: the trait, and the producers that come with Postbox. Knows no DynamoDB.

mod memory;
mod producer;
mod router;

pub use memory::MemoryProducer;
pub(crate) use producer::send_batch;
pub use producer::{Producer, SendOutcome, producer_fn};
pub(crate) use router::Router;
