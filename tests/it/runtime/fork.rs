//! After a fork, every call in the child fails at once, and nothing hangs. A child inherits the locks that all threads
//! of its parent hold, but only one of these threads, so each test has a process of its own.
#![allow(unsafe_code)]

use crate::support::fault::Fault;
use crate::support::processes::in_own_process;
use crate::support::*;
use postbox::{Error, ErrorCode, Message, Postbox, SendOutcome};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// Runs the function in a forked child. Fails if the function returns an error, panics or hangs.
fn in_child(child: impl FnOnce() -> Result<(), String>) {
    let mut pipe = [0; 2];
    // SAFETY: the array has room for two descriptors.
    assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
    let [reader, writer] = pipe;
    // SAFETY: the child calls _exit before it could return into the parent's stack frames.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork failed");
    if pid == 0 {
        let said = match catch_unwind(AssertUnwindSafe(child)) {
            Ok(Ok(())) => "fine".to_owned(),
            Ok(Err(text)) => text,
            Err(_) => "the child panicked".to_owned(),
        };
        // SAFETY: the length is that of the buffer; _exit runs no code of the parent.
        unsafe {
            libc::write(writer, said.as_ptr().cast(), said.len());
            libc::_exit(0);
        }
    }
    let mut wanted = libc::pollfd { fd: reader, events: libc::POLLIN, revents: 0 };
    let mut said = vec![0u8; 4096];
    // SAFETY: there is one descriptor, the length is that of the buffer, and the child belongs to this function.
    let length = unsafe {
        libc::close(writer);
        let in_time = libc::poll(&mut wanted, 1, TEST_TIMEOUT.as_millis().try_into().unwrap()) == 1;
        let length = if in_time { libc::read(reader, said.as_mut_ptr().cast(), said.len()) } else { -1 };
        libc::kill(pid, libc::SIGKILL);
        libc::waitpid(pid, std::ptr::null_mut(), 0);
        libc::close(reader);
        length
    };
    assert!(length >= 0, "the child hangs");
    said.truncate(length.try_into().unwrap());
    assert_eq!(String::from_utf8_lossy(&said), "fine");
}

fn expect_forked<T>(what: &str, result: Result<T, Error>) -> Result<(), String> {
    match result {
        Err(error) if error.code() == ErrorCode::Forked && !error.is_retryable() => Ok(()),
        Err(error) => Err(format!("{what} gave {error:?}")),
        Ok(_) => Err(format!("{what} succeeded")),
    }
}

#[test]
fn calls_in_a_forked_child_fail_and_the_parent_continues() {
    in_own_process(|| {
        let world = TestOutbox::configured(|builder| builder.max_request_attempts(2));
        let ids = world.deposit(2);
        let mut work = world.postbox.unit_of_work();
        work.put(PEOPLE, person("Ada")).unwrap();
        let id = work.deposit_post(Message::new("t", "from the parent")).unwrap();
        world.faults.next_times(2, "TransactWriteItems", Fault::AnswerLost);
        let mut in_doubt = world.postbox.unit_of_work();
        in_doubt.put(PEOPLE, person("Bob")).unwrap();
        assert_eq!(in_doubt.commit().unwrap_err().code(), ErrorCode::OutcomeUnknown);
        world.faults.forget();
        in_child(|| {
            let postbox = &world.postbox;
            expect_forked("deposit_post", postbox.deposit_post(Message::new("t", "")))?;
            expect_forked("deposit_posts", postbox.deposit_posts(&messages(2)))?;
            expect_forked("post", postbox.post(Message::new("t", "")))?;
            expect_forked("clear_outbox", postbox.clear_outbox(&ids))?;
            expect_forked("mark_dispatched", postbox.mark_dispatched(&ids))?;
            expect_forked("confirm sent", postbox.confirm(&ids[0], SendOutcome::Sent))?;
            expect_forked("confirm retry", postbox.confirm(&ids[0], SendOutcome::Retry(String::new())))?;
            expect_forked("get", postbox.get_message(&ids[0]))?;
            expect_forked("get_item", postbox.get_item(PEOPLE, person("Ada")))?;
            expect_forked("create_table", postbox.create_table())?;
            expect_forked("verify_table", postbox.verify_table())?;
            expect_forked("block_on", postbox.block_on(|_| async {}))?;
            expect_forked("commit", work.commit())?;
            expect_forked("commit again", work.commit())?;
            match in_doubt.commit() {
                Err(error) if error.code() == ErrorCode::OutcomeUnknown && !error.is_retryable() => {}
                other => return Err(format!("a commit in doubt gave {other:?}")),
            }
            if world.faults.requests().is_empty() { Ok(()) } else { Err("the child sent a request".into()) }
        });
        // The calls of the child do not affect the parent.
        work.commit().unwrap();
        in_doubt.commit().unwrap();
        world.clear(&[id]);
        world.clear(&ids);
        assert_eq!(world.sent(), ["from the parent", "0", "1"]);
    });
}

#[test]
fn close_in_a_forked_child_fails_and_drop_returns() {
    in_own_process(|| {
        let closed = TestOutbox::new();
        let dropped = TestOutbox::new();
        let work = dropped.postbox.unit_of_work();
        dropped.deposit(1);
        let (closed, dropped, work) = (Mutex::new(Some(closed)), Mutex::new(Some(dropped)), Mutex::new(Some(work)));
        in_child(|| {
            let (closed, dropped) = (closed.lock().unwrap().take().unwrap(), dropped.lock().unwrap().take().unwrap());
            expect_forked("close", closed.postbox.close())?;
            drop(dropped);
            drop(work.lock().unwrap().take());
            Ok(())
        });
        let dropped = dropped.into_inner().unwrap().unwrap();
        dropped.clear(&dropped.deposit(1));
        closed.into_inner().unwrap().unwrap().postbox.close().unwrap();
    });
}

#[test]
fn a_forked_child_can_open_a_new_postbox() {
    in_own_process(|| {
        let world = TestOutbox::new();
        in_child(|| {
            let producer = postbox::MemoryProducer::new();
            let own = Postbox::builder().embedded_path(":memory:").default_producer(producer.clone()).open();
            let own = own.map_err(|error| format!("open gave {error:?}"))?;
            let report = own.post(Message::new("t", "")).map_err(|error| format!("post gave {error:?}"))?;
            own.close().map_err(|error| format!("close gave {error:?}"))?;
            if report.is_success() && producer.sent().len() == 1 { Ok(()) } else { Err(format!("{report:?}")) }
        });
        world.clear(&world.deposit(1));
    });
}
