//! A DynamoDB in memory on a port of this machine, for trying Postbox from any language. It prints its URL and ends with
//! its standard input.

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
