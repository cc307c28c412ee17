//! The blocking interface. It works on any thread and inside any runtime, its calls are bounded in time, and calls
//! during and after `close` return clear errors.

use crate::support::fault::{Fault, Gate};
use crate::support::*;
use postbox::{
    Config, DispatchOutcome, EmbeddedDatabase, Error, ErrorCode, LeaseStatus, MemoryProducer, Message, MessageState,
    Postbox, UnitOfWork,
};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

#[test]
fn handles_are_send_and_sync() {
    fn send_and_sync<T: Send + Sync>() {}
    fn send<T: Send>() {}
    send_and_sync::<Postbox>();
    send_and_sync::<EmbeddedDatabase>();
    send_and_sync::<MemoryProducer>();
    send_and_sync::<Error>();
    send_and_sync::<Message>();
    send::<UnitOfWork>();
}

/// Opens, commits, clears, rolls back and closes.
fn whole_life() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let id = work.deposit_post(Message::new("t", "body")).unwrap();
    work.commit().unwrap();
    world.clear(&[id]);
    assert_eq!(world.sent(), ["body"]);
    world.deposit(3);
    let mut open = world.postbox.unit_of_work();
    open.deposit_post(Message::new("t", "never")).unwrap();
    let other = world.another();
    assert!(other.post(Message::new("t", "other")).unwrap().is_success());
    drop(other);
    drop(open);
    world.postbox.close().unwrap();
}

#[test]
fn calls_work_inside_a_current_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { whole_life() });
}

#[test]
fn calls_work_inside_a_multi_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        whole_life();
        let tasks: Vec<_> = (0..4).map(|_| tokio::spawn(async { whole_life() })).collect();
        for task in tasks {
            task.await.unwrap();
        }
        tokio::task::spawn_blocking(whole_life).await.unwrap();
    });
}

#[test]
fn many_threads_share_one_postbox() {
    let world = TestOutbox::new();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let world = &world;
            scope.spawn(move || {
                for n in 0..10 {
                    let name = format!("{thread}-{n}");
                    let mut work = world.postbox.unit_of_work();
                    work.put(PEOPLE, person(&name)).unwrap();
                    let id = work.deposit_post(Message::new("t", name.clone())).unwrap();
                    work.commit().unwrap();
                    world.clear(&[&id]);
                    assert_eq!(world.postbox.get_message(&id).unwrap().unwrap().state, MessageState::Dispatched);
                    assert!(world.person(&name).is_some());
                }
            });
        }
    });
    let mut sent = world.sent();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 160);
    assert_eq!(world.producer.sent().len(), 160);
}

#[test]
fn a_unit_of_work_can_move_to_another_thread_and_outlive_its_handle() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let mut work = std::thread::spawn(move || {
        work.commit().unwrap();
        work
    })
    .join()
    .unwrap();
    assert!(world.person("Ada").is_some());
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::UnitOfWorkClosed);
}

#[test]
fn a_hanging_request_ends_with_the_operation_timeout() {
    let world =
        TestOutbox::in_process(|builder| builder.operation_timeout(Duration::from_millis(100)).cache_max_messages(0));
    let ids = world.deposit(2);
    for operation in ["GetItem", "PutItem", "BatchGetItem", "DescribeTable", "ListTables"] {
        world.faults.always(operation, Fault::Hang);
    }
    let errors = [
        world.postbox.get_message(&ids[0]).unwrap_err(),
        world.postbox.get_item(PEOPLE, person("Ada")).unwrap_err(),
        world.postbox.unit_of_work().get_item(PEOPLE, person("Ada")).unwrap_err(),
        world.postbox.deposit_post(Message::new("t", "")).unwrap_err(),
        world.postbox.verify_table().unwrap_err(),
        world.postbox.block_on(|client| async move { client.list_tables().send().await.is_ok() }).unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Timeout, true), "{error}");
        assert!(error.message().contains("operation_timeout_ms (100 ms)"), "{error}");
    }
    let report = world.postbox.clear_outbox(&ids).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::ReadFailed; 2]);
    assert!(report.entries()[0].detail.contains("operation_timeout_ms"), "{report:?}");

    world.faults.always("BatchExecuteStatement", Fault::Hang);
    assert_eq!(outcomes(&world.postbox.mark_dispatched(&ids).unwrap()), [DispatchOutcome::MarkFailed; 2]);
    world.faults.heal();
    world.clear(&ids);
}

#[test]
fn a_hanging_mark_does_not_block_the_clear() {
    let world = TestOutbox::in_process(|builder| builder.operation_timeout(Duration::from_millis(100)));
    let ids = world.deposit(2);
    world.faults.next("BatchExecuteStatement", Fault::HangAfter);
    // While marks fail, nothing more is sent until the sent messages are marked.
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::MarkFailed, DispatchOutcome::HeldBack]);
    let again = world.outcomes(&ids);
    assert_eq!(again, [DispatchOutcome::AlreadyDispatched, DispatchOutcome::Dispatched], "the mark had taken effect");
}

#[test]
fn a_waiting_request_does_not_delay_other_calls() {
    let world = TestOutbox::new();
    let gate = Gate::new();
    world.faults.next("GetItem", Fault::Wait(gate.clone()));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.postbox.get_message("waiting"));
        world.faults.wait_for(1, "GetItem");
        assert!(world.postbox.get_message("other").unwrap().is_none());
        world.clear(&world.deposit(30));
        gate.open();
        assert!(waiting.join().unwrap().unwrap().is_none());
    });
    assert_eq!(world.faults.count("GetItem"), 2);
}

#[test]
fn close_is_bounded_and_fails_a_hanging_request() {
    let world = TestOutbox::configured(|builder| {
        builder.close_timeout(Duration::from_millis(50)).operation_timeout(Duration::from_millis(600_000))
    });
    world.faults.always("TransactWriteItems", Fault::Hang);
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let committing = std::thread::spawn(move || (work.commit(), work));
    world.faults.wait_for(1, "TransactWriteItems");
    let error = world.postbox.close().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(error.message().contains("close_timeout_ms (50 ms)"), "{error}");
    let (committed, mut work) = committing.join().unwrap();
    assert_eq!(committed.unwrap_err().code(), ErrorCode::OutcomeUnknown, "its request may be on its way");
    let error = work.commit().unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    assert!(!error.is_retryable(), "a caller that retries until the outcome is known would never end: {error}");
}

#[test]
fn a_sweep_that_close_abandons_releases_its_lease() {
    let world = TestOutbox::configured(|builder| {
        builder.sweep_min_age(Duration::ZERO).operation_timeout(Duration::from_millis(600_000))
    });
    world.deposit(1);
    world.faults.when(|request| (bodies_asked(request) > 0).then_some(Fault::Hang));
    std::thread::scope(|scope| {
        let sweeping = scope.spawn(|| world.postbox.sweep());
        wait_until("the message was not read", || world.faults.requests().iter().any(|it| bodies_asked(it) > 0));
        assert_eq!(world.postbox.close_within(Duration::ZERO).unwrap_err().code(), ErrorCode::Timeout);
        assert_eq!(sweeping.join().unwrap().unwrap().dispatched, 0);
    });
    world.faults.heal();
    let other = world.backend.open(eager(Postbox::builder()).default_producer(world.producer.clone()), &world.faults);
    let report = other.sweep().unwrap();
    assert_eq!((report.lease, report.dispatched), (LeaseStatus::Held, 1));
}

#[test]
fn drop_is_bounded_while_a_request_hangs() {
    let world = TestOutbox::configured(|builder| {
        builder.close_timeout(Duration::from_millis(0)).operation_timeout(Duration::from_millis(600_000))
    });
    world.faults.always("GetItem", Fault::Hang);
    let work = world.postbox.unit_of_work();
    let reading = std::thread::spawn(move || work.get_item(PEOPLE, person("Ada")));
    world.faults.wait_for(1, "GetItem");
    drop(world);
    assert_eq!(reading.join().unwrap().unwrap_err().code(), ErrorCode::Closed);
}

#[test]
fn close_waits_for_running_calls() {
    let world = TestOutbox::new();
    let gate = Gate::new();
    world.faults.next("TransactWriteItems", Fault::Wait(gate.clone()));
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let reader = world.another();
    let committing = std::thread::spawn(move || work.commit());
    world.faults.wait_for(1, "TransactWriteItems");
    let mut later = world.postbox.unit_of_work();
    later.put(PEOPLE, person("Bob")).unwrap();
    let closing = std::thread::spawn(move || world.postbox.close());
    // A rejected call shows that the close has started.
    while later.get_item(PEOPLE, person("Bob")).is_ok() {
        std::thread::yield_now();
    }
    gate.open();
    committing.join().unwrap().unwrap();
    closing.join().unwrap().unwrap();
    assert!(reader.get_item(PEOPLE, person("Ada")).unwrap().is_some());
}

#[test]
fn a_unit_of_work_cannot_be_used_after_close() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    work.deposit_post(Message::new("t", "")).unwrap();
    world.postbox.close().unwrap();
    let refused = [
        work.commit().unwrap_err(),
        work.get_item(PEOPLE, person("Ada")).unwrap_err(),
        work.put(PEOPLE, person("Bob")).unwrap_err(),
        work.deposit_post(Message::new("t", "")).unwrap_err(),
        work.commit().unwrap_err(),
    ];
    for error in refused {
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Closed, false));
        assert!(error.message().contains("open a new one"), "{error}");
    }
    work.rollback().unwrap();
    assert_eq!(world.faults.operations(), [""; 0]);
}

#[test]
fn a_reentrant_call_on_the_runtime_thread_is_rejected() {
    let world = TestOutbox::new();
    let postbox = Arc::new(world.postbox);
    let inner = Arc::clone(&postbox);
    let codes = postbox
        .block_on(|_| async move {
            let report = inner.clear_outbox(&["id"]).map(|_| ());
            [inner.get_message("id").map(|_| ()), report, inner.deposit_posts(&messages(1)).map(|_| ())]
                .map(|result| result.unwrap_err().code())
        })
        .unwrap();
    assert_eq!(codes, [ErrorCode::ReentrantCall; 3]);
}

#[test]
fn a_panic_in_block_on_is_returned_as_an_error() {
    let world = TestOutbox::new();
    let error = world.postbox.block_on::<(), _>(|_| async { panic!("the caller's") }).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    world.clear(&world.deposit(1));
}

#[test]
fn messages_of_a_finished_process_are_sent_by_the_next() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    let id = work.deposit_post(Message::new("t", "body")).unwrap();
    work.commit().unwrap();
    let next = world.another();
    world.postbox.close().unwrap();
    assert!(next.clear_outbox(&[id]).unwrap().is_success());
    assert_eq!(world.producer.sent().len(), 1);
}

#[test]
fn open_rejects_invalid_settings() {
    let cases = [
        (Postbox::builder().table_name("a"), "table_name"),
        (Postbox::builder().table_name("with space"), "table_name"),
        (Postbox::builder().number_of_shards(21), "number_of_shards"),
        (Postbox::builder().max_request_attempts(101), "max_request_attempts"),
        (Postbox::builder().endpoint_url("localhost:8000"), "endpoint_url"),
        (Postbox::builder().access_key_id("only this"), "secret_access_key"),
        (Postbox::builder().embedded_path(":memory:").endpoint_url("http://localhost"), "embedded_path"),
    ];
    for (builder, named) in cases {
        let error = builder.open().unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidSetting);
        assert!(error.message().contains(named), "{error}");
    }
}

#[test]
fn settings_by_name_match_the_builder() {
    let mut config = Config::default();
    config.set("embedded_path", ":memory:").unwrap();
    config.set("table_name", "mine").unwrap();
    let postbox = Postbox::builder().config(config).open().unwrap();
    assert_eq!(describe(&postbox, "mine").table_name(), Some("mine"));
}

#[test]
fn errors_and_debug_output_contain_no_secrets_or_bodies() {
    let backend = Backend::over_http();
    let Backend::Http(database) = &backend else { unreachable!() };
    let builder = database.configure(Postbox::builder()).secret_access_key("TOP-SECRET").session_token("TOP-SECRET");
    let postbox = builder.open().unwrap();
    let mut work = postbox.unit_of_work();
    work.deposit_post(Message::new("t", "TOP-SECRET")).unwrap();
    let error = work.commit().unwrap_err();
    assert!(!format!("{error} {error:?} {work:?} {postbox:?}").contains("TOP-SECRET"));
}

#[test]
fn a_slow_response_within_the_timeout_succeeds() {
    let world = TestOutbox::new();
    world.faults.next("GetItem", Fault::Delay(Duration::from_millis(20)));
    assert!(world.postbox.get_message("id").unwrap().is_none());
    assert_eq!(world.faults.count("GetItem"), 1);
}

#[test]
fn producers_are_dropped_with_the_last_handle() {
    struct Ended(mpsc::Sender<()>);
    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (sender, ended) = mpsc::channel();
    let ended_with = Ended(sender);
    let world = TestOutbox::configured(|builder| {
        builder.producer(
            "t",
            postbox::producer_fn(move |_| {
                let _ = &ended_with;
                postbox::SendOutcome::Sent
            }),
        )
    });
    let work = world.postbox.unit_of_work();
    world.postbox.close().unwrap();
    drop(world);
    assert!(ended.try_recv().is_err(), "a unit of work still holds it");
    drop(work);
    ended.try_recv().expect("the producer was dropped");
}

#[test]
fn no_producer_is_called_after_close_has_given_up() {
    for sweeps in [false, true] {
        let (began, begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let (began, released) = (Mutex::new(began), Mutex::new(released));
        let world = TestOutbox::configured(|builder| {
            builder
                .number_of_shards(1)
                .sweep_min_age(Duration::ZERO)
                .close_timeout(Duration::from_millis(50))
                .default_producer(postbox::producer_fn(move |_| {
                    began.lock().unwrap().send(()).unwrap();
                    let _ = released.lock().unwrap().recv();
                    postbox::SendOutcome::Sent
                }))
        });
        let ids = world.deposit(3);
        std::thread::scope(|scope| {
            let sending = scope.spawn(|| match sweeps {
                true => drop(world.postbox.sweep()),
                false => drop(world.postbox.clear_outbox(&ids)),
            });
            begun.recv_timeout(TEST_TIMEOUT).unwrap();
            assert_eq!(world.postbox.close().unwrap_err().code(), ErrorCode::Timeout);
            drop(release);
            sending.join().unwrap();
        });
        assert!(begun.try_recv().is_err(), "a producer was called, sweeps: {sweeps}");
    }
}
