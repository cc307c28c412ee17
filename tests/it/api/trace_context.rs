//! The trace context of the depositing thread.

use crate::support::*;
use postbox::{Message, TraceContext};
use std::cell::Cell;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

thread_local! {
    static IN_SPAN: Cell<bool> = const { Cell::new(false) };
}

#[test]
fn a_message_gets_the_trace_context_of_the_thread_that_deposits_it() {
    let world = TestOutbox::configured(|builder| {
        builder.trace_context(|| IN_SPAN.get().then(|| TraceContext::new(PARENT, "vendor=1").unwrap()))
    });
    let outside = world.postbox.deposit_post(Message::new("t", "outside")).unwrap();
    IN_SPAN.set(true);
    let single = world.postbox.deposit_post(Message::new("t", "single")).unwrap();
    let many = world.postbox.deposit_posts(&[Message::new("t", "many")]).unwrap().remove(0);
    let mut work = world.postbox.unit_of_work();
    let together = work.deposit_post(Message::new("t", "together")).unwrap();
    work.commit().unwrap();
    let own = world.postbox.deposit_post(Message::new("t", "own").with_trace_parent("own")).unwrap();
    let put = world.postbox.message_to_item(&Message::new("t", "put")).unwrap();
    let elsewhere = std::thread::scope(|threads| {
        threads.spawn(|| world.postbox.deposit_post(Message::new("t", "elsewhere"))).join().unwrap()
    });

    for id in [&single, &many, &together] {
        let message = world.postbox.get_message(id).unwrap().unwrap().message;
        assert_eq!((message.trace_parent(), message.trace_state()), (PARENT, "vendor=1"));
    }
    assert_eq!((&put["TraceParent"], &put["TraceState"]), (&text(PARENT), &text("vendor=1")));
    for (id, parent) in [(&outside, ""), (&elsewhere.unwrap(), ""), (&own, "own")] {
        let message = world.postbox.get_message(id).unwrap().unwrap().message;
        assert_eq!((message.trace_parent(), message.trace_state()), (parent, ""));
    }

    // A message that is sent from memory has the context too.
    world.clear(&[&together]);
    assert_eq!(world.producer.sent()[0].trace_parent(), PARENT);
}
