//! Finds the producer for the topic of a message.

use crate::model::config::invalid;
use crate::model::error::Result;
use crate::transport::Producer;
use crate::transport::route::Pattern;
use std::collections::HashMap;
use std::sync::Arc;

/// The producers of a Postbox, by topic.
#[derive(Default)]
pub(crate) struct Router {
    by_topic: HashMap<String, Arc<dyn Producer>>,
    /// Producers by prefix of the topic, the longest prefix first.
    by_prefix: Vec<(String, Arc<dyn Producer>)>,
    default: Option<Arc<dyn Producer>>,
}

impl Router {
    /// Adds a producer, which replaces an earlier producer of the same topic. A topic that ends in `*` stands for all topics
    /// with this prefix.
    pub(crate) fn add(&mut self, topic: String, producer: Arc<dyn Producer>) {
        match topic.strip_suffix('*') {
            None => drop(self.by_topic.insert(topic, producer)),
            Some("") => self.set_default(producer),
            Some(prefix) => self.add_prefix(prefix.to_owned(), producer),
        }
    }

    fn add_prefix(&mut self, prefix: String, producer: Arc<dyn Producer>) {
        self.by_prefix.retain(|(other, _)| *other != prefix);
        let place = self.by_prefix.partition_point(|(other, _)| other.len() >= prefix.len());
        self.by_prefix.insert(place, (prefix, producer));
    }

    pub(crate) fn set_default(&mut self, producer: Arc<dyn Producer>) {
        self.default = Some(producer);
    }

    /// Adds the producer of a route. Fails if another producer already has the topic, or is already the default.
    pub(crate) fn add_route(&mut self, pattern: Pattern, producer: Arc<dyn Producer>) -> Result<()> {
        let taken = match &pattern {
            Pattern::Exact(topic) => self.by_topic.contains_key(topic),
            Pattern::Default => self.default.is_some(),
            Pattern::Prefix(prefix) => self.by_prefix.iter().any(|(other, _)| other == prefix),
        };
        if taken {
            return Err(invalid(format!(
                "routes: the route for {pattern} can match nothing: a producer for {pattern} was added already"
            )));
        }
        match pattern {
            Pattern::Exact(topic) => self.add(topic, producer),
            Pattern::Default => self.set_default(producer),
            Pattern::Prefix(prefix) => self.add_prefix(prefix, producer),
        }
        Ok(())
    }

    /// Returns the topics that have a producer, sorted. An entry that ends in `*` stands for all topics with this
    /// prefix.
    pub(crate) fn patterns(&self) -> Vec<String> {
        let prefixes = self.by_prefix.iter().map(|(prefix, _)| format!("{prefix}*"));
        let default = self.default.iter().map(|_| "*".to_owned());
        let mut patterns: Vec<String> = self.by_topic.keys().cloned().chain(prefixes).chain(default).collect();
        patterns.sort();
        patterns
    }

    /// Returns the producer of the topic, or the producer of its longest matching prefix, or the default producer. An
    /// empty topic has no producer.
    pub(crate) fn route(&self, topic: &str) -> Option<&Arc<dyn Producer>> {
        if topic.is_empty() {
            return None;
        }
        let by_prefix = || self.by_prefix.iter().find(|(prefix, _)| topic.starts_with(prefix)).map(|(_, found)| found);
        self.by_topic.get(topic).or_else(by_prefix).or(self.default.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::MemoryProducer;

    #[test]
    fn topic_takes_precedence_over_prefix_and_long_prefix_over_short() {
        let mut router = Router::default();
        let mut add = |pattern: Pattern| {
            let producer: Arc<dyn Producer> = Arc::new(MemoryProducer::new());
            router.add_route(pattern, Arc::clone(&producer)).unwrap();
            producer
        };
        let short = add(Pattern::Prefix("orders.".into()));
        let long = add(Pattern::Prefix("orders.paid.".into()));
        let exact = add(Pattern::Exact("orders.paid.late".into()));
        let goes_to = |topic, producer| router.route(topic).is_some_and(|found| Arc::ptr_eq(found, producer));
        assert!(goes_to("orders.made", &short));
        assert!(goes_to("orders.paid.early", &long));
        assert!(goes_to("orders.paid.late", &exact));
        assert!(router.route("people.made").is_none() && router.route("orders").is_none());
        router.set_default(Arc::new(MemoryProducer::new()));
        assert!(router.route("people.made").is_some() && router.route("").is_none());
    }

    #[test]
    fn topic_of_a_producer_may_be_a_prefix() {
        let mut router = Router::default();
        let mut add = |topic: &str| {
            let producer: Arc<dyn Producer> = Arc::new(MemoryProducer::new());
            router.add(topic.into(), Arc::clone(&producer));
            producer
        };
        let (replaced, orders, rest) = (add("orders.*"), add("orders.*"), add("*"));
        let goes_to = |topic, producer| router.route(topic).is_some_and(|found| Arc::ptr_eq(found, producer));
        assert!(goes_to("orders.made", &orders) && goes_to("people.made", &rest) && !goes_to("orders.made", &replaced));
        assert_eq!(router.patterns(), ["*", "orders.*"]);
    }

    #[test]
    fn route_with_the_pattern_of_a_producer_is_rejected() {
        let mut router = Router::default();
        router.add("a".into(), Arc::new(MemoryProducer::new()));
        router.add("b*".into(), Arc::new(MemoryProducer::new()));
        router.set_default(Arc::new(MemoryProducer::new()));
        for pattern in [Pattern::Exact("a".into()), Pattern::Prefix("b".into()), Pattern::Default] {
            let error = router.add_route(pattern, Arc::new(MemoryProducer::new())).unwrap_err();
            assert!(error.message().contains("can match nothing"), "{error}");
        }
    }
}
