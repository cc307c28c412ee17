//! Amazon SQS.

use crate::sdk::own_retry_budget;
use crate::transport::Producer;
use crate::transport::aws::address::Address;
use crate::transport::aws::batch::{Numbered, results};
use crate::transport::aws::failure::{Failure, Refusal};
use crate::transport::aws::limits::MAX_BYTES;
use crate::transport::aws::producer::{Limit, Service};
use crate::transport::aws::wire::{STRING, Transport};
use crate::transport::aws::{Connection, producer};
use crate::transport::target::{Context, Target};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use std::sync::Arc;

/// Parses the name, ARN or URL of a queue.
pub(in crate::transport) fn parse(address: &str) -> Result<Box<dyn Target>, String> {
    Ok(Box::new(Queue(Address::of_queue(address)?)))
}

#[derive(Debug)]
struct Queue(Address);

impl Target for Queue {
    fn open(&self, context: &Context<'_>) -> crate::model::error::Result<Arc<dyn Producer>> {
        let Connection { sdk, region, endpoint, rejected_signature } =
            Connection::to(Transport::Sqs, &self.0, context)?;
        let mut settings = aws_sdk_sqs::config::Builder::from(&sdk)
            .region(region)
            .retry_classifier(rejected_signature)
            .retry_partition(own_retry_budget());
        if let Some(endpoint) = endpoint {
            settings = settings.endpoint_url(endpoint);
        }
        Ok(producer(Sqs(Client::from_conf(settings.build())), &self.0, context))
    }
}

struct Sqs(Client);

impl Service for Sqs {
    const TRANSPORT: Transport = Transport::Sqs;
    const KNOWN_BYTES: usize = MAX_BYTES;

    /// Returns the limit of every queue. A queue whose own `MaximumMessageSize` is smaller rejects the message.
    async fn limit(&self, _: &str) -> Result<Limit, Failure> {
        Ok(Limit { bytes: MAX_BYTES, advice: "send a reference to the body" })
    }

    async fn find(&self, address: &Address) -> Result<Option<String>, Failure> {
        let (name, account) = match address {
            Address::Url(url) => return Ok(Some(url.text.clone())),
            Address::Arn(arn) => (&arn.name, Some(arn.account.clone())),
            Address::Name(name) => (name, None),
        };
        match self.0.get_queue_url().queue_name(name).set_queue_owner_aws_account_id(account).send().await {
            Ok(found) => Ok(found.queue_url),
            Err(error) => {
                let failure = Failure::of("GetQueueUrl", &format!("queue {name}"), &error);
                if failure.is_missing() { Ok(None) } else { Err(failure) }
            }
        }
    }

    async fn create(&self, name: &str) -> Result<String, Failure> {
        let mut request = self.0.create_queue().queue_name(name);
        if name.ends_with(".fifo") {
            request = request.attributes(QueueAttributeName::FifoQueue, "true");
        }
        let subject = format!("queue {name}");
        let created = request.send().await.map_err(|error| Failure::of("CreateQueue", &subject, &error))?;
        created.queue_url.ok_or_else(|| Failure::new(format!("CreateQueue on {subject}: the response has no URL")))
    }

    async fn send(&self, destination: &str, batch: &[Numbered]) -> Result<Vec<Result<(), Refusal>>, Failure> {
        let entries = batch.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
        let response = self.0.send_message_batch().queue_url(destination).set_entries(Some(entries)).send().await;
        let response =
            response.map_err(|error| Failure::of("SendMessageBatch", &format!("queue {destination}"), &error))?;
        let sent = response.successful().iter().map(|entry| entry.id());
        let failed = response.failed().iter().map(|entry| {
            let message = entry.message().unwrap_or_default().to_owned();
            (entry.id(), Refusal { code: entry.code().to_owned(), message, sender_fault: entry.sender_fault() })
        });
        Ok(results(batch.len(), sent, failed))
    }
}

fn entry((position, numbered): (usize, &Numbered)) -> Result<SendMessageBatchRequestEntry, Failure> {
    let entry = &numbered.entry;
    let mut request = SendMessageBatchRequestEntry::builder()
        .id(position.to_string())
        .message_body(&entry.body)
        .set_message_group_id(entry.group.clone())
        .set_message_deduplication_id(entry.deduplication.clone())
        .set_delay_seconds(entry.delay_seconds);
    for (name, value) in &entry.attributes {
        let value = MessageAttributeValue::builder().data_type(STRING).string_value(value).build()?;
        request = request.message_attributes(*name, value);
    }
    if let Some(trace) = &entry.trace_header {
        let value = MessageSystemAttributeValue::builder().data_type(STRING).string_value(trace).build()?;
        request = request.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
    }
    Ok(request.build()?)
}
