//! The command `postbox`, run as an operator runs it, on an embedded file or against `postbox serve`. The expected output is
//! in `expected/`.
//!
//! `POSTBOX_WRITE_EXPECTED=1` rewrites those files. Review them before a commit.
#![cfg(unix)]

mod bad_input;
#[path = "../support/canned.rs"]
mod canned;
mod documentation;
mod mending;
#[path = "../support/moto.rs"]
#[allow(dead_code)] // These tests use a part of it.
mod moto;
mod reading;
mod sending;
mod serving;
mod terminal;
mod transport;
mod untrusted;

use postbox::{Builder, Message, Postbox, SendOutcome, producer_fn};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

/// The time after which a test fails if an expected event does not come.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A directory for one test, with an outbox in a file. It is removed if the test succeeds.
pub struct Outbox {
    pub directory: PathBuf,
}

/// The result of a command: its exit code and output.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Run {
    /// Returns the output of a command, and fails the test unless the command succeeded.
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    pub fn json(self) -> Value {
        serde_json::from_str(&self.done()).expect("the output is one JSON object")
    }

    /// Checks the exit code of a failure, that stdout is empty, and that stderr contains these texts.
    pub fn failed(self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        for text in texts {
            assert!(self.err.contains(text), "\"{text}\" is missing: {self:?}");
        }
    }
}

impl Outbox {
    pub fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("postbox-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        Self { directory }
    }

    pub fn file(&self) -> String {
        self.path("outbox.db")
    }

    pub fn path(&self, name: &str) -> String {
        self.directory.join(name).to_str().unwrap().to_owned()
    }

    /// Opens the library on the same file.
    pub fn postbox(&self) -> Postbox {
        self.open(Postbox::builder())
    }

    pub fn open(&self, builder: Builder) -> Postbox {
        builder.embedded_path(self.file()).open().unwrap()
    }

    /// Returns the command `postbox` for this outbox, with an environment that is independent of this process.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare_command(&self.directory);
        command.env("POSTBOX_EMBEDDED_DB", self.file()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs the command with this input on stdin.
    pub fn pipe(&self, arguments: &[&str], input: &str) -> Run {
        let file = self.path("input");
        std::fs::write(&file, input).unwrap();
        self.command(arguments).stdin(std::fs::File::open(&file).unwrap()).output().unwrap().into()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--output", "json"]].concat()).json()
    }

    /// Returns the numbers of outstanding, dispatched and parked messages.
    pub fn counts(&self) -> [u64; 3] {
        let status = self.json(&["status"]);
        ["outstanding", "dispatched", "parked"]
            .map(|state| status["topics"].as_array().unwrap().iter().map(|topic| topic[state].as_u64().unwrap()).sum())
    }

    /// Parks a message with a producer that rejects it.
    pub fn park(&self, id: &str) {
        let rejecting = producer_fn(|_: &Message| SendOutcome::Reject("too large for the queue".into()));
        let postbox = self.open(Postbox::builder().default_producer(rejecting));
        assert!(!postbox.clear_outbox(&[id]).unwrap().is_success());
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("see {}", self.directory.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// Returns the command in this directory, where it finds no AWS configuration.
pub fn bare_command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postbox"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", directory)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .current_dir(directory);
    command
}

/// Returns the command for the endpoint at this URL. Its requests are not repeated.
pub fn at(outbox: &Outbox, url: &str) -> Command {
    let mut command = bare_command(&outbox.directory);
    command.env("POSTBOX_ENDPOINT_URL", url).env("AWS_REGION", "eu-central-1");
    command
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .args(["--set", "max_request_attempts=1"]);
    command
}

/// Returns a message of topic `greeting.made` that is this old. It is half a minute older, so that its displayed age does not
/// change while the test runs.
pub fn aged(id: &str, hours: u64) -> Message {
    let age = Duration::from_secs(hours * 3600 + 30);
    Message::new("greeting.made", format!("Hello {id}")).with_id(id).with_created_at(SystemTime::now() - age)
}

/// Compares the text with the file of this name in `expected/`, without the varying directory of the database.
pub fn assert_expected(name: &str, text: &str) {
    let text = without_directory(text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/expected").join(name);
    if std::env::var_os("POSTBOX_WRITE_EXPECTED").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "\n{text}\ndiffers from {}", path.display());
}

/// Removes the directory from the path of the database.
fn without_directory(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some((before, path)) = rest.split_once(" in /") {
        short += before;
        short += " in ";
        rest = path.split_once("/outbox.db").map_or(path, |_| &path[path.find("outbox.db").unwrap()..]);
    }
    short + rest
}

pub fn interrupt(child: &Child) {
    send(child, libc::SIGINT);
}

pub fn send(child: &Child, signal: libc::c_int) {
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: kill accesses no memory. The child was not waited for, so its pid cannot be reused.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}
