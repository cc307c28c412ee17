//! Messages through SNS and SQS, of a server process: what arrives, and what happens when it does not.

#[path = "support/moto.rs"]
mod moto;
mod support;

use moto::{Moto, attributes, bodies};
use postbox::{Builder, Postbox};
use support::*;

/// A Postbox on a fresh embedded database whose transports are on this server.
fn open(moto: &Moto, configure: impl FnOnce(Builder) -> Builder) -> Postbox {
    configure(moto.configure(Postbox::builder().embedded_path(":memory:"))).open().unwrap()
}

#[test]
fn messages_arrive_in_a_queue_by_url_name_and_arn() {
    let moto = Moto::start();
    let url = moto.create_queue("orders");
    for target in [format!("sqs:{url}"), "sqs:orders".into(), "sqs:arn:aws:sqs:eu-central-1:123456789012:orders".into()]
    {
        let postbox = open(&moto, |builder| builder.route("t", &target));
        let ids = postbox.deposit_posts(&messages(25)).unwrap();
        let report = postbox.clear_outbox(&ids).unwrap();
        assert!(report.is_success(), "{target}: {report:?}");
        let received = moto.drain(&url);
        let mut found = bodies(&received);
        found.sort_by_key(|body| body.parse::<usize>().unwrap());
        assert_eq!(found, numbers(0..25), "{target}");
        let sent = attributes(&received[0]);
        assert_eq!((sent["topic"].as_str(), sent.len()), (url.as_str(), 7), "{sent:?}");
    }
}
