//! A DynamoDB in memory behind a port of this machine, for programs in any language to try Postbox on: prints its URL, and
//! ends with its standard input.

#[path = "../tests/support/http.rs"]
#[allow(dead_code)]
mod http;

use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let database = http::HttpDatabase::start();
    println!("{}", database.url());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
