//! Usage errors, and failures of DynamoDB: each has a clear message, the right exit code, and nothing on stdout.

use crate::canned::{CannedServer, dynamodb};
use crate::serving::Server;
use crate::{Outbox, Run, at, bare_command, send};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn usage_errors_exit_with_2() {
    let outbox = Outbox::new("usage");
    outbox.run(&["create-table"]).done();
    for (arguments, texts) in [
        (&["lst"][..], &["unrecognized subcommand", "list"][..]),
        (&["list", "--stat", "parked"], &["--stat"]),
        (&["list", "--state", "lost"], &["outstanding, dispatched, parked"]),
        (&["list", "--older-than", "5"], &["a number and a unit"]),
        (&["list", "--limit", "0"], &["--limit"]),
        (&["list", "--cursor", "nonsense"], &["cursor"]),
        (&["show"], &["<ID>"]),
        (&["status", "--set", "max_request_attempts"], &["NAME=VALUE"]),
        (&["status", "--set", "max_request_attempts=many"], &["max_request_attempts", "0 to 100"]),
        (&["status", "--set", "max_request_attemps=1"], &["max_request_attempts"]),
        (&["status", "--table", "no/slash"], &["letters"]),
        (&["status", "--endpoint-url", "http://127.0.0.1:1"], &["exclude each other"]),
        (&["deposit", "t", "/no/such/file"], &["/no/such/file", "cannot be read"]),
        (&["deposit", "t", "-H", "topics=x"], &["topic"]),
        (&["deposit", "t", "-H", "created_at=yesterday"], &["created_at"]),
        (&["deposit", ""], &["topic is empty"]),
        (&["completions", "ksh"], &["bash, elvish, fish, powershell, zsh"]),
        (&["serve", "--port", "70000"], &["70000"]),
        (&["status", "--set", "routes=a = kafka:x"], &["routes", "\"kafka\" is not a transport", "sns: or sqs:"]),
        (&["status", "--set", "routes=a"], &["TOPIC = sns:"]),
        (&["status", "--set", "routes=a = sns:arn:aws-cn:sns:eu-central-1:123456789012:t"], &["partition \"aws-cn\""]),
    ] {
        outbox.run(arguments).failed(2, texts);
    }
}

#[test]
fn a_configuration_file_is_checked_by_line() {
    let outbox = Outbox::new("config");
    outbox.run(&["create-table"]).done();
    let file = outbox.path("postbox.conf");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        outbox.run(&["verify", "--config", &file])
    };
    check("# the outbox\n\ntable_name =\n   brighter_outbox \nmax_request_attempts=2\n").done();
    check("max_request_attempts = 2\ntabel_name = x")
        .failed(2, &["postbox.conf, line 2", "\"tabel_name\"", "table_name"]);
    check("\nmax_request_attempts = 101").failed(2, &["postbox.conf, line 2", "0 to 100"]);
    check("max_request_attempts").failed(2, &["postbox.conf, line 1", "NAME = VALUE"]);
    outbox.run(&["verify", "--config", "/no/such/file"]).failed(2, &["/no/such/file", "cannot be read"]);
}

#[test]
fn secrets_on_the_command_line_cause_a_warning() {
    let outbox = Outbox::new("secrets");
    let set = |settings: &[&str]| {
        let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        outbox.run(&[&["create-table"], &arguments[..]].concat())
    };
    let key = ["access_key_id=any", "secret_access_key = hush"];
    let run = set(&key);
    let warning = "postbox: --set secret_access_key: other users of this machine can read it in the list of processes: use the environment variable AWS_SECRET_ACCESS_KEY, a profile or a configuration file\n";
    assert_eq!((run.code, run.err.as_str()), (Some(0), warning));
    let run = set(&[key[0], key[1], "session_token=hush"]);
    assert!(run.err.contains("AWS_SECRET_ACCESS_KEY") && run.err.contains("AWS_SESSION_TOKEN"), "{run:?}");
    assert!(run.err.lines().count() == 2 && !run.err.contains("hush"), "{run:?}");
    let run = set(&["region=eu-central-1"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

#[test]
fn an_open_configuration_file_with_secrets_causes_a_warning() {
    let outbox = Outbox::new("open-secrets");
    let file = outbox.path("postbox.conf");
    let create = |text: &str, mode: u32| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let run = outbox.run(&["create-table", "--config", &file]);
        assert_eq!(run.code, Some(0), "{run:?}");
        run.err
    };
    let secret = "access_key_id = any\nsecret_access_key = hush\n";
    let warning = format!(
        "postbox: the configuration file {file} contains credentials, and other users can access it: run chmod 600 {file}\n"
    );
    for mode in [0o644, 0o640, 0o604, 0o620] {
        assert_eq!(create(secret, mode), warning, "{mode:o}");
    }
    assert_eq!(create(secret, 0o600), "");
    assert_eq!(create("# secret_access_key = none\nregion = eu-central-1\n", 0o644), "");
}

#[test]
fn a_configuration_file_can_be_a_pipe() {
    let outbox = Outbox::new("pipe");
    let mut command = outbox.command(&["create-table", "--config", "/dev/stdin", "--output", "json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"table_name = orders_outbox\n").unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(run.json()["table"], "orders_outbox");
}

#[test]
fn options_can_be_set_by_the_environment() {
    let outbox = Outbox::new("environment");
    let run = |arguments: &[&str]| -> crate::Run {
        let mut command = outbox.command(arguments);
        command.env("POSTBOX_TABLE", "orders_outbox").env("POSTBOX_OUTPUT", "json").output().unwrap().into()
    };
    assert_eq!(run(&["create-table"]).json()["table"], "orders_outbox");
    assert_eq!(run(&["create-table", "--table", "mine"]).json()["table"], "mine");
}

/// A file is created neither by a command that reads nor by one that changes messages, and neither is a table.
#[test]
fn only_some_commands_create_an_outbox() {
    let outbox = Outbox::new("missing");
    let commands: &[&[&str]] = &[
        &["status"],
        &["list"],
        &["show", "id"],
        &["verify"],
        &["watch", "--count", "1"],
        &["clear", "id"],
        &["sweep", "--to", "stdout", "--yes"],
        &["unpark", "id"],
        &["replay", "id"],
        &["delete", "id", "--yes"],
        &["archive", "--file", "archive.jsonl", "--yes"],
    ];
    for command in commands {
        outbox.run(command).failed(3, &["outbox.db does not exist", "create-table"]);
        assert!(!std::path::Path::new(&outbox.file()).exists(), "{command:?}");
    }
    outbox.run(&["create-table"]).done();
    for command in commands {
        let run = outbox.run(&[*command, &["--table", "typo"]].concat());
        assert_ne!(run.code, Some(0), "{command:?}");
        assert!(run.err.contains("table typo"), "{command:?}: {run:?}");
    }
    let tables = outbox.postbox().embedded().unwrap().execute("ListTables", "{}").unwrap();
    assert_eq!(tables, r#"{"TableNames":["brighter_outbox"]}"#, "no command has created a table or a lock table");
}

/// Options take precedence over the environment, and the environment over the file.
#[test]
fn the_order_of_options_environment_and_file_is_the_same_for_all_settings() {
    let outbox = Outbox::new("order");
    let file = outbox.path("postbox.conf");
    let layers = |n: usize| [format!("table-{n}"), format!("region-{n}"), format!("http://127.0.0.1:{n}")];
    let [table, region, url] = layers(1);
    std::fs::write(&file, format!("table_name = {table}\nregion = {region}\nendpoint_url = {url}\n")).unwrap();
    for last in 1..=4 {
        let mut command = bare_command(&outbox.directory);
        command.args(["delete", "id", "--yes", "--config", &file, "--set", "max_request_attempts=1"]);
        command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any").env("AWS_REGION", "region-0");
        let [table, region, url] = layers(2);
        if last >= 2 {
            command.env("POSTBOX_TABLE", table).env("POSTBOX_REGION", region).env("POSTBOX_ENDPOINT_URL", url);
        }
        let [table, region, url] = layers(3);
        if last >= 3 {
            command.args(["--table", &table, "--region", &region, "--endpoint-url", &url]);
        }
        for (name, value) in ["table_name", "region", "endpoint_url"].into_iter().zip(layers(4)) {
            if last == 4 {
                command.args(["--set", &format!("{name}={value}")]);
            }
        }
        let run = crate::Run::from(command.output().unwrap());
        let [table, region, url] = layers(last);
        assert!(run.err.starts_with(&format!("table {table} at {url}, region {region}\n")), "{run:?}");
    }
}

#[test]
fn an_unknown_id_exits_with_1() {
    let outbox = Outbox::new("no-id");
    outbox.run(&["create-table"]).done();
    outbox.run(&["show", "nobody"]).failed(1, &["the outbox has no message nobody"]);
    for command in ["clear", "replay", "unpark"] {
        let run = outbox.run(&[command, "nobody"]);
        assert!(run.code == Some(1) && run.err.contains("message nobody"), "{command}: {run:?}");
    }
    let long = "x".repeat(3000);
    assert_eq!(outbox.run(&["clear", &long]).code, Some(1));
}

#[test]
fn an_oversized_message_exits_with_2_and_stores_nothing() {
    let outbox = Outbox::new("large");
    outbox.pipe(&["deposit", "t"], &"x".repeat(410_000)).failed(2, &["more than the maximum of 408576"]);
    assert_eq!(outbox.counts(), [0, 0, 0]);
}

#[test]
fn a_file_without_a_database_exits_with_3() {
    let outbox = Outbox::new("no-database");
    std::fs::write(outbox.file(), "this is a letter to a friend, and not a database of any kind").unwrap();
    outbox.run(&["status"]).failed(3, &["outbox.db", "could not be opened"]);
    let run = bare_command(&outbox.directory).args(["status", "--embedded-db", "/no/such/directory/o.db"]).output();
    crate::Run::from(run.unwrap()).failed(3, &["/no/such/directory/o.db"]);
}

#[test]
fn an_invalid_table_exits_with_3_and_lists_its_problems() {
    let outbox = Outbox::new("no-outbox");
    let database = outbox.postbox().embedded().unwrap().clone();
    let table = r#"{"TableName": "people", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "Name", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "Name", "KeyType": "HASH"}]}"#;
    database.execute("CreateTable", table).unwrap();
    let faults = ["cannot serve as an outbox", "the key is HASH Name", "Delivered: Schema: the index is missing"];
    outbox.run(&["verify", "--table", "people"]).failed(3, &faults);
}

/// Runs `status` with an endpoint.
fn status(outbox: &Outbox, url: &str, variables: &[(&str, &str)], more: &[&str]) -> crate::Run {
    let mut command = bare_command(&outbox.directory);
    command.args(["status", "--endpoint-url", url, "--set", "max_request_attempts=1"]).args(more);
    command.envs(variables.iter().copied()).output().unwrap().into()
}

const ANY: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "any"), ("AWS_SECRET_ACCESS_KEY", "any"), ("AWS_REGION", "eu-central-1")];

#[test]
fn an_unusable_database_exits_with_3() {
    let outbox = Outbox::new("unreachable");
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    status(&outbox, &closed, &ANY, &[]).failed(3, &["could not be reached", "endpoint_url"]);
    status(&outbox, &closed, &ANY[..2], &[]).failed(3, &["region"]);
    status(&outbox, &closed, &ANY[2..], &[]).failed(3, &["credentials", "AWS_ACCESS_KEY_ID"]);
    let server = Server::start(&outbox);
    status(&outbox, &server.url, &ANY, &["--table", "other_outbox"]).failed(3, &["other_outbox", "create it"]);
}

#[test]
fn expired_credentials_exit_with_3() {
    let outbox = Outbox::new("expired");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // The response of DynamoDB to an expired token.
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 65536]).unwrap();
        let body = r##"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token included in the request is expired"}"##;
        write!(
            stream,
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    });
    status(&outbox, &url, &ANY, &["--outstanding"]).failed(3, &["expired", "Renew or correct the AWS credentials"]);
    answering.join().unwrap();
}

/// Returns an endpoint whose queries and scans have no items and no end. The function returns the number in the last key of
/// each page, and the number of evaluated items.
fn endless(page: impl Fn(usize) -> (usize, usize) + Send + Sync + 'static) -> CannedServer {
    let pages = AtomicUsize::new(0);
    CannedServer::start(move |operation, _| {
        let (last, evaluated) = page(pages.fetch_add(1, Ordering::SeqCst));
        let key = json!({"MessageId": {"S": format!("m-{last}")}});
        match operation {
            "Scan" | "Query" => dynamodb(
                "200 OK",
                &json!({"Items": [], "Count": 0, "ScannedCount": evaluated, "LastEvaluatedKey": key}),
            ),
            _ => dynamodb("200 OK", &json!({})),
        }
    })
}

#[test]
fn endless_pages_end_with_an_error() {
    let outbox = Outbox::new("endless");
    let commands = [
        &["list"][..],
        &["list", "--state", "parked"],
        &["list", "--state", "dispatched", "--topic", "t"],
        &["status"],
        &["status", "--outstanding"],
        &["sweep", "--yes"],
        &["watch", "--count", "1"],
        &["unpark", "--all", "--yes"],
    ];
    for arguments in commands {
        for (server, why) in [
            (endless(|_| (0, 0)), "a page ends where an earlier page ended"),
            (endless(|page| (page % 3, 1)), "a page ends where an earlier page ended"),
            (endless(|page| (page, 0)), "all pages are empty"),
        ] {
            let run = Run::from(at(&outbox, &server.url).args(arguments).output().unwrap());
            run.failed(3, &["does not end", why, "Check that the endpoint is DynamoDB"]);
            assert!(server.requests() <= 1000, "{arguments:?}: {} requests", server.requests());
        }
    }
}

#[test]
fn a_long_read_can_be_ended() {
    let outbox = Outbox::new("long-read");
    // The server cannot be distinguished from one with a very large table.
    let (reached, reading) = std::sync::mpsc::channel();
    let server = endless(move |page| {
        let _ = reached.send(page);
        (page, 1)
    });
    let mut child = at(&outbox, &server.url).args(["status"]).stderr(Stdio::null()).spawn().unwrap();
    assert!(reading.iter().any(|page| page == 200));
    // A process that a shell has started in the background ignores SIGINT, as do its children.
    send(&child, libc::SIGTERM);
    assert!(!child.wait().unwrap().success());
}
