//! From the topic of a message to the producer that sends it.

use crate::transport::Producer;
use std::collections::HashMap;
use std::sync::Arc;

/// The producers of a Postbox, by topic.
#[derive(Default)]
pub(crate) struct Router {
    by_topic: HashMap<String, Arc<dyn Producer>>,
    default: Option<Arc<dyn Producer>>,
}

impl Router {
    pub(crate) fn add(&mut self, topic: String, producer: Arc<dyn Producer>) {
        self.by_topic.insert(topic, producer);
    }

    pub(crate) fn set_default(&mut self, producer: Arc<dyn Producer>) {
        self.default = Some(producer);
    }

    /// The producer of the topic, else the default one.
    pub(crate) fn route(&self, topic: &str) -> Option<&Arc<dyn Producer>> {
        self.by_topic.get(topic).or(self.default.as_ref())
    }
}
