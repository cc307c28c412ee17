//! A host whose name cannot be resolved at first. The test uses the resolver of the C library, and runs in its own process,
//! in which a library that is loaded first decides whether the name has an address.

use crate::support::http::HttpDatabase;
use crate::support::processes::in_prepared_process;
use crate::support::{file, wait_until};
use postbox::{ErrorCode, MemoryProducer, Message, Postbox};
use std::process::Command;
use std::time::Duration;

/// The variable with the path of a file that exists while the host has an address.
const NAME: &str = "POSTBOX_TEST_NAME";

fn with_names(command: &mut Command) {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = directory.join("names.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/names.c");
    let flags = ["-std=c11", "-Wall", "-Werror", "-shared", "-fPIC", source, "-ldl", "-o"];
    assert!(Command::new("cc").args(flags).arg(&library).status().unwrap().success(), "{source} can be compiled");
    // The resolver of a machine without a network would otherwise wait for its servers.
    command.env("LD_PRELOAD", library).env(NAME, directory.join("name")).env("RES_OPTIONS", "timeout:1 attempts:1");
}

#[test]
fn calls_succeed_as_soon_as_the_name_of_the_host_can_be_resolved() {
    in_prepared_process(with_names, || {
        let name = std::env::var(NAME).unwrap();
        let _ = std::fs::remove_file(&name);
        let database = HttpDatabase::start();
        let endpoint = format!("http://dynamodb.invalid:{}", database.url().rsplit(':').next().unwrap());
        let producer = MemoryProducer::new();
        let builder = database.configure(Postbox::builder()).endpoint_url(&endpoint).max_request_attempts(1);
        let builder = builder.sweep_min_age(Duration::ZERO).sweep_interval(Duration::from_millis(100));
        let postbox = builder.default_producer(producer.clone()).open().unwrap();
        postbox.start_sweeper().unwrap();
        let mut work = postbox.unit_of_work();
        work.deposit_post(Message::new("t", "").with_id("during")).unwrap();

        let errors = [
            postbox.get_message("id").unwrap_err(),
            postbox.sweep().unwrap_err(),
            // The request was not sent, so the outcome is known.
            work.commit().unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Unreachable, true), "{error}");
            let text = error.message();
            assert!(text.contains(&endpoint) && text.contains("failed to lookup address information: "), "{error}");
        }

        file("name", "");
        postbox.create_table().unwrap();
        work.commit().unwrap();
        wait_until("the sweeper sends the message", || !producer.sent().is_empty());
        assert_eq!(producer.sent()[0].id(), "during");
    });
}
