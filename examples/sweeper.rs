//! One process commits messages and is killed; another process sends them.
//!
//! ```sh
//! cargo run --example sweeper [database-file]
//! ```
//!
//! Both work on one embedded database, in a file of the temporary directory unless one is given.
//! The first process is this program again, started as a child and killed before it has sent all.

use postbox::{AttributeValue, ErrorCode, Item, Message, Postbox, Result, SendOutcome, producer_fn};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The line that the child prints when it has committed everything and sent the first message only.
const READY: &str = "ready to be killed";

fn open(path: &Path, who: &'static str) -> Result<Postbox> {
    // A real producer would pass the message to a broker.
    let producer = producer_fn(move |message: &Message| {
        println!("  {who} sends: {}", String::from_utf8_lossy(message.body()));
        SendOutcome::Sent
    });
    Postbox::builder()
        .embedded_path(path.to_string_lossy())
        .producer("greeting.made", producer)
        // The defaults are 5 s each. A sweep leaves younger messages to the process that committed them.
        .sweep_min_age(Duration::from_millis(500))
        .sweep_interval(Duration::from_millis(200))
        .open()
}

/// Creates the table of the program if it does not exist.
fn make_people(postbox: &Postbox) -> Result<()> {
    let database = postbox.embedded().expect("this program works on the embedded database");
    match database.execute("DescribeTable", r#"{"TableName":"People"}"#) {
        Err(error) if error.code() == ErrorCode::TableNotFound => {}
        described => return described.map(drop),
    }
    let table = r#"{"TableName":"People","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"Name","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"Name","KeyType":"HASH"}]}"#;
    database.execute("CreateTable", table).map(drop)
}

/// Puts a person and a message about it into one transaction.
fn greet(postbox: &Postbox, name: &str) -> Result<String> {
    let mut work = postbox.unit_of_work();
    work.put("People", Item::from([("Name".into(), AttributeValue::S(name.into()))]))?;
    let id =
        work.deposit_post(Message::new("greeting.made", format!("Hello {name}")).with_content_type("text/plain"))?;
    work.commit()?;
    println!("  The first process committed: {name} and a message.");
    Ok(id)
}

/// The first process.
fn commit_and_wait_for_death(path: &Path) -> Result<()> {
    let postbox = open(path, "The first process")?;
    make_people(&postbox)?;
    let ids = ["Ada", "Grace", "Barbara"].map(|name| greet(&postbox, name));
    let [first, ..] = ids;
    postbox.clear_outbox(&[first?])?.into_result()?;
    println!("{READY}");
    loop {
        std::thread::park();
    }
}

/// Starts the first process, shows its output, and kills it.
fn run_and_kill_the_first_process(path: &Path) -> std::io::Result<()> {
    let mut child = Command::new(std::env::current_exe()?).arg("--first").arg(path).stdout(Stdio::piped()).spawn()?;
    let said = BufReader::new(child.stdout.take().expect("its output is piped"));
    for line in said.lines() {
        match line? {
            line if line == READY => break,
            line => println!("{line}"),
        }
    }
    // SIGKILL, so that the process cannot clean up.
    child.kill()?;
    let status = child.wait()?;
    println!("The first process was killed ({status}) before it sent the rest.");
    Ok(())
}

/// The second process: sweeps until nothing is outstanding.
fn deliver(path: &Path) -> Result<()> {
    let postbox = open(path, "The sweeper of the second process")?;
    println!("The second process finds {} messages outstanding.", postbox.count_outstanding(None)?.count);
    postbox.start_sweeper()?;
    while postbox.count_outstanding(None)?.count > 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    postbox.stop_sweeper()?;
    println!("No message is outstanding any longer; the sweeper sent {} messages.", postbox.stats().dispatched);
    postbox.close()
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match &arguments[..] {
        [first, path] if first == "--first" => commit_and_wait_for_death(Path::new(path))?,
        [path] => {
            run_and_kill_the_first_process(Path::new(path))?;
            deliver(Path::new(path))?;
        }
        _ => {
            let directory = std::env::temp_dir().join(format!("postbox-sweeper-{}", std::process::id()));
            std::fs::create_dir_all(&directory)?;
            let path = directory.join("outbox.db");
            let delivered =
                run_and_kill_the_first_process(&path).map_err(Into::into).and_then(|()| Ok(deliver(&path)?));
            std::fs::remove_dir_all(&directory)?;
            return delivered;
        }
    }
    Ok(())
}
