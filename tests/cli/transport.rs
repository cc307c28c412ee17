//! `clear` and `sweep` along routes to queues of a server process, and with a missing queue or server.

use crate::moto::{Moto, bodies};
use crate::{Outbox, Run};
use postbox::Message;

/// Runs the command with a configuration file that has routes and this server.
fn run(outbox: &Outbox, moto: &Moto, arguments: &[&str]) -> Run {
    let settings = format!(
        "transport_endpoint_url = {}\nregion = {}\nmax_request_attempts = 1\nroutes =\n  orders.* = sqs:orders\n  lost = sqs:lost\n",
        moto.url(),
        moto.region
    );
    let file = outbox.path("postbox.conf");
    std::fs::write(&file, settings).unwrap();
    let mut command = outbox.command(arguments);
    command.env("POSTBOX_CONFIG", file).env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    command.output().unwrap().into()
}

#[test]
fn messages_follow_their_routes_and_wait_for_the_transport() {
    let outbox = Outbox::new("routes");
    let mut moto = Moto::alone();
    let queue = moto.create_queue("orders");
    let deposit = |topic: &str, ids: &[&str]| {
        let messages: Vec<Message> = ids.iter().map(|id| Message::new(topic, *id).with_id(*id)).collect();
        outbox.postbox().deposit_posts(&messages).unwrap();
    };
    deposit("orders.placed", &["1", "2", "3", "4"]);
    deposit("lost", &["vanished"]);
    deposit("other", &["unrouted"]);

    assert_eq!(run(&outbox, &moto, &["clear", "1"]).done(), "1 message sent\n");
    let missing = run(&outbox, &moto, &["clear", "vanished"]);
    assert_eq!(missing.code, Some(3), "{missing:?}");
    assert!(missing.err.contains("message vanished: not sent: ") && missing.err.contains("lost"), "{missing:?}");

    let swept = run(&outbox, &moto, &["sweep", "--older-than", "0s", "--yes"]);
    assert_eq!((swept.code, swept.out.as_str()), (Some(1), "3 messages sent, 1 failed\n"), "{swept:?}");
    assert!(swept.err.contains("message vanished: ") && swept.err.contains("topic other: no route"), "{swept:?}");
    let mut received = bodies(&moto.drain(&queue));
    received.sort();
    assert_eq!(received, ["1", "2", "3", "4"]);

    moto.stop();
    deposit("orders.placed", &["5"]);
    let down = run(&outbox, &moto, &["clear", "5"]);
    assert_eq!((down.code, down.out.as_str()), (Some(3), "0 messages sent, 1 failed\n"), "{down:?}");
    assert_eq!(outbox.json(&["show", "5"])["state"], "outstanding");

    moto.restart();
    let queue = moto.create_queue("orders");
    assert_eq!(
        run(&outbox, &moto, &["sweep", "--topic", "orders.placed", "--older-than", "0s", "-y"]).done(),
        "1 message sent\n"
    );
    assert_eq!(bodies(&moto.drain(&queue)), ["5"]);

    // The option replaces the route, and the replay ends the wait for the next attempt.
    run(&outbox, &moto, &["replay", "vanished", "--yes"]).done();
    let printed = run(&outbox, &moto, &["clear", "vanished", "--to", "stdout"]);
    assert!(printed.done().contains("\"id\":\"vanished\""));
}
