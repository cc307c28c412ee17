//! Amazon SNS.

use crate::sdk::own_retry_budget;
use crate::transport::Producer;
use crate::transport::aws::address::Address;
use crate::transport::aws::batch::{Numbered, results};
use crate::transport::aws::failure::{Failure, Refusal};
use crate::transport::aws::limits::{MAXIMUM_MESSAGE_SIZE, TOPIC_BYTES};
use crate::transport::aws::producer::{Limit, Service};
use crate::transport::aws::wire::{STRING, Transport};
use crate::transport::aws::{Connection, producer};
use crate::transport::target::{Context, Target};
use aws_sdk_sns::Client;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use std::collections::HashMap;
use std::sync::Arc;

/// Parses the name or ARN of a topic.
pub(in crate::transport) fn parse(address: &str) -> Result<Box<dyn Target>, String> {
    Ok(Box::new(Topic(Address::of_topic(address)?)))
}

#[derive(Debug)]
struct Topic(Address);

impl Target for Topic {
    fn open(&self, context: &Context<'_>) -> crate::model::error::Result<Arc<dyn Producer>> {
        let Connection { sdk, region, endpoint, rejected_signature } =
            Connection::to(Transport::Sns, &self.0, context)?;
        let mut settings = aws_sdk_sns::config::Builder::from(&sdk)
            .region(region)
            .retry_classifier(rejected_signature)
            .retry_partition(own_retry_budget());
        if let Some(endpoint) = endpoint {
            settings = settings.endpoint_url(endpoint);
        }
        Ok(producer(Sns(Client::from_conf(settings.build())), &self.0, context))
    }
}

struct Sns(Client);

impl Sns {
    async fn attributes(&self, topic: &str) -> Result<HashMap<String, String>, Failure> {
        let response = self.0.get_topic_attributes().topic_arn(topic).send().await;
        let response =
            response.map_err(|error| Failure::of("GetTopicAttributes", &format!("topic {topic}"), &error))?;
        Ok(response.attributes.unwrap_or_default())
    }
}

impl Service for Sns {
    const TRANSPORT: Transport = Transport::Sns;
    const KNOWN_BYTES: usize = TOPIC_BYTES;

    /// Reads the limit from the attributes of the topic.
    async fn limit(&self, topic: &str) -> Result<Limit, Failure> {
        match self.attributes(topic).await {
            Ok(attributes) => Ok(Limit {
                bytes: attributes.get(MAXIMUM_MESSAGE_SIZE).and_then(|size| size.parse().ok()).unwrap_or(TOPIC_BYTES),
                advice: "increase the topic's MaximumMessageSize to up to 1 MiB, or send a reference to the body",
            }),
            Err(failure) if failure.is_denied() => Ok(Limit {
                bytes: TOPIC_BYTES,
                advice: "allow sns:GetTopicAttributes if the topic's MaximumMessageSize is larger, or send a reference to the body",
            }),
            Err(failure) => Err(failure),
        }
    }

    /// Returns the ARN of the topic with this name. SNS has no look-up by name, and an account can have 100,000 topics,
    /// so only the first page of the list is read. All topics of the list are in the same account and region, so the
    /// ARN follows from any other ARN. Whether the topic exists is then asked by its ARN.
    async fn find(&self, address: &Address) -> Result<Option<String>, Failure> {
        let Address::Name(name) = address else {
            return Ok(Some(address.text().to_owned()));
        };
        let page = self.0.list_topics().send().await;
        let page = page.map_err(|error| Failure::of("ListTopics", &format!("topic {name}"), &error))?;
        let arns: Vec<&str> = page.topics().iter().filter_map(|topic| topic.topic_arn()).collect();
        let named = |arn: &str| Some(format!("{}:{name}", arn.rsplit_once(':')?.0));
        let Some(arn) = arns.first().and_then(|arn| named(arn)) else { return Ok(None) };
        if arns.contains(&arn.as_str()) {
            return Ok(Some(arn));
        }
        if page.next_token().is_none() {
            return Ok(None);
        }
        match self.attributes(&arn).await {
            Err(failure) if failure.is_missing() => Ok(None),
            // If the topic does not exist, the first message that is sent to it reports that.
            Err(failure) if failure.is_denied() => Ok(Some(arn)),
            Err(failure) => Err(failure),
            Ok(_) => Ok(Some(arn)),
        }
    }

    async fn create(&self, name: &str) -> Result<String, Failure> {
        let mut request = self.0.create_topic().name(name);
        if name.ends_with(".fifo") {
            request = request.attributes("FifoTopic", "true");
        }
        let subject = format!("topic {name}");
        let created = request.send().await.map_err(|error| Failure::of("CreateTopic", &subject, &error))?;
        created.topic_arn.ok_or_else(|| Failure::new(format!("CreateTopic on {subject}: the response has no ARN")))
    }

    async fn send(&self, destination: &str, batch: &[Numbered]) -> Result<Vec<Result<(), Refusal>>, Failure> {
        let entries = batch.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
        let response =
            self.0.publish_batch().topic_arn(destination).set_publish_batch_request_entries(Some(entries)).send().await;
        let response =
            response.map_err(|error| Failure::of("PublishBatch", &format!("topic {destination}"), &error))?;
        let sent = response.successful().iter().filter_map(|entry| entry.id());
        let failed = response.failed().iter().map(|entry| {
            let message = entry.message().unwrap_or_default().to_owned();
            (entry.id(), Refusal { code: entry.code().to_owned(), message, sender_fault: entry.sender_fault() })
        });
        Ok(results(batch.len(), sent, failed))
    }
}

fn entry((position, numbered): (usize, &Numbered)) -> Result<PublishBatchRequestEntry, Failure> {
    let entry = &numbered.entry;
    let mut request = PublishBatchRequestEntry::builder()
        .id(position.to_string())
        .message(&entry.body)
        .set_subject(entry.subject.clone())
        .set_message_group_id(entry.group.clone())
        .set_message_deduplication_id(entry.deduplication.clone());
    for (name, value) in &entry.attributes {
        let value = MessageAttributeValue::builder().data_type(STRING).string_value(value).build()?;
        request = request.message_attributes(*name, value);
    }
    Ok(request.build()?)
}
