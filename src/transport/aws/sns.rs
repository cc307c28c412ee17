//! Amazon SNS.

use crate::sdk::own_retry_budget;
use crate::transport::Producer;
use crate::transport::aws::address::Address;
use crate::transport::aws::batch::{Numbered, results};
use crate::transport::aws::failure::{Failure, Refusal};
use crate::transport::aws::producer::Service;
use crate::transport::aws::wire::{STRING, Transport};
use crate::transport::aws::{Connection, producer};
use crate::transport::target::{Context, Target};
use aws_sdk_sns::Client;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use std::sync::Arc;

/// Parses the name or ARN of a topic.
pub(in crate::transport) fn parse(address: &str) -> Result<Box<dyn Target>, String> {
    Ok(Box::new(Topic(Address::of_topic(address)?)))
}

#[derive(Debug)]
struct Topic(Address);

impl Target for Topic {
    fn open(&self, context: &Context<'_>) -> crate::model::error::Result<Arc<dyn Producer>> {
        let Connection { sdk, region, endpoint, rejected_signature } = Connection::to("SNS", &self.0, context)?;
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

impl Service for Sns {
    const TRANSPORT: Transport = Transport::Sns;

    /// Reads the list of topics until the topic is found, because SNS has no look-up by name.
    async fn find(&self, address: &Address) -> Result<Option<String>, Failure> {
        let Address::Name(name) = address else {
            return Ok(Some(address.text().to_owned()));
        };
        let mut topics = self.0.list_topics().into_paginator().items().send();
        while let Some(topic) = topics.next().await {
            let topic = topic.map_err(|error| Failure::of("ListTopics", &format!("topic {name}"), &error))?;
            if let Some(arn) = topic.topic_arn.filter(|arn| arn.rsplit(':').next() == Some(name)) {
                return Ok(Some(arn));
            }
        }
        Ok(None)
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
        .set_subject(entry.subject.clone());
    for (name, value) in &entry.attributes {
        let value = MessageAttributeValue::builder().data_type(STRING).string_value(value).build()?;
        request = request.message_attributes(*name, value);
    }
    if let Some(fifo) = &entry.fifo {
        request = request.message_group_id(&fifo.group).message_deduplication_id(&fifo.deduplication);
    }
    Ok(request.build()?)
}
