//! `serve`: serves the embedded database of a file as a DynamoDB endpoint on this machine.

use crate::interrupt::{self, Signals};
use crate::options::Options;
use crate::outcome::{Exit, Failure, Outcome};
use crate::screen::{Screen, note};
use clap::Args;
use serde_json::json;
use std::net::{Ipv4Addr, TcpListener};

#[derive(Args)]
pub struct ServeArgs {
    /// The port on 127.0.0.1; 0 chooses a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
}

pub fn serve(options: &Options, screen: &Screen, args: &ServeArgs) -> Outcome {
    let postbox = options.create()?;
    let Some(database) = postbox.embedded() else {
        return Err(Failure::usage("serve needs an embedded database: pass --embedded-db FILE"));
    };
    // The server listens on loopback only, because any program that can reach the socket can read and write all data.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).map_err(|error| {
        Failure::usage(format!("port {} of 127.0.0.1 cannot be used: {error}. Pass another --port", args.port))
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    interrupt::listen();
    if screen.json {
        screen.object(&json!({"url": url}))?;
    } else {
        screen.line(&url)?;
        note("Press Ctrl-C to stop. Credentials are not checked: any program on this machine has full access.");
    }
    database.serve(listener, asked())?;
    Ok(Exit::Done)
}

/// Waits for a signal on the runtime that serves. The signal may have arrived already.
async fn asked() {
    let mut signals = Signals::new();
    if !interrupt::is_asked() {
        signals.next().await;
    }
}
