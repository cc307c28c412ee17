//! `deposit`: puts messages into the outbox by hand.

use crate::interrupt;
use crate::options::{Options, split};
use crate::outcome::{Exit, Failure, Outcome};
use crate::progress;
use crate::screen::{Screen, complain};
use crate::select::messages;
use crate::text::lines;
use clap::Args;
use postbox::Message;
use serde_json::json;
use std::io::Read;
use std::path::Path;

/// The number of messages stored between two checks for an interruption.
const CHUNK: usize = 100;

#[derive(Args)]
pub struct DepositArgs {
    topic: String,
    /// The file with the body; `-` or no file reads stdin
    file: Option<String>,
    /// A header field of CONFIGURATION.md, or bag.NAME=VALUE; may be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// Deposit each line as a message of its own
    #[arg(long)]
    lines: bool,
}

pub fn deposit(options: &Options, screen: &Screen, args: &DepositArgs) -> Outcome {
    let body = read_body(args.file.as_deref().unwrap_or("-"))?;
    if !args.lines {
        let id = options.create()?.deposit_post(message(args, body)?)?;
        report(screen, &id)?;
        return Ok(Exit::Done);
    }
    let all: Vec<Message> = lines(&body).map(|line| message(args, line.to_vec())).collect::<Result<_, _>>()?;
    let postbox = options.create()?;
    let cancel = interrupt::listen();
    let bar = progress::bar(all.len(), "storing");
    let mut stored = 0;
    for chunk in all.chunks(CHUNK) {
        if cancel.is_canceled() {
            complain(&format!("interrupted: {} stored, {} not", messages(stored), all.len() - stored));
            return Ok(Exit::Interrupted);
        }
        for id in postbox.deposit_posts(chunk)? {
            report(screen, &id)?;
        }
        stored += chunk.len();
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    Ok(Exit::Done)
}

fn report(screen: &Screen, id: &str) -> std::io::Result<()> {
    if screen.json { screen.object(&json!({"id": id})) } else { screen.line(id) }
}

fn message(args: &DepositArgs, body: Vec<u8>) -> Result<Message, Failure> {
    let mut message = Message::new(args.topic.as_str(), body);
    for header in &args.headers {
        let (name, value) =
            split(header).ok_or_else(|| Failure::usage(format!("--header takes NAME=VALUE, not \"{header}\"")))?;
        message.set_header(name, value)?;
    }
    Ok(message)
}

fn read_body(file: &str) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = match file {
        "-" => std::io::stdin().lock().read_to_end(&mut body).map(drop),
        path => std::fs::read(Path::new(path)).map(|bytes| body = bytes),
    };
    read.map_err(|error| Failure::usage(format!("the body cannot be read from {file}: {error}")))?;
    Ok(body)
}
