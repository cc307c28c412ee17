//! Security: no secrets in logs or errors, no TLS without verification, no sockets of the embedded database, and bounded
//! responses.
//!
//! Tests of a whole process run the test [`process`] of this binary.

use crate::support::http::HttpDatabase;
use crate::support::processes::{in_own_process, rerun};
use crate::support::tls::TlsServer;
use crate::support::trace_recorder::TraceRecorder;
use crate::support::*;
use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use postbox::{Builder, ErrorCode, JsonLinesArchive, MemoryProducer, Message, Postbox, SendOutcome, producer_fn};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;
use std::time::Duration;

const ROLE: &str = "POSTBOX_SECURITY_ROLE";
const ENDPOINT: &str = "POSTBOX_SECURITY_ENDPOINT";
/// A string that is part of every value that must not be shown, and of no other value.
const SECRET: &str = "hush-hush";
const SECRET_KEY: &str = "hush-hush-key";
const TOKEN: &str = "hush-hush-token";

/// Runs as one of the processes if the environment names a role. Otherwise it is no test and does nothing.
#[test]
fn process() {
    match std::env::var(ROLE).as_deref() {
        Ok("embedded without sockets") => {
            forbid_sockets();
            use_an_embedded_database();
            println!("done");
        }
        Ok("a forbidden socket") => {
            forbid_sockets();
            let _ = TcpListener::bind("127.0.0.1:0");
            println!("done");
        }
        Ok("list tables") => match list_tables(&std::env::var(ENDPOINT).unwrap()) {
            Ok(()) => println!("done"),
            Err(error) => println!("{error}"),
        },
        _ => {}
    }
}

fn run(role: &str, environment: &[(&str, &str)]) -> Output {
    // AWS_CA_BUNDLE would replace the certificates of SSL_CERT_FILE.
    let mut process = rerun(process);
    process.env_remove("AWS_CA_BUNDLE").env(ROLE, role).envs(environment.iter().copied()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn with_credentials(builder: Builder) -> Builder {
    builder.access_key_id("AKIDEXAMPLE").secret_access_key(SECRET_KEY).session_token(TOKEN).region("eu-central-1")
}

/// Causes every kind of error, with logs at the lowest level.
#[test]
fn logs_and_errors_contain_no_secrets_or_bodies() {
    in_own_process(|| {
        let recorder = TraceRecorder::install();
        let mut database = HttpDatabase::start();
        let builder = with_credentials(Postbox::builder().endpoint_url(database.url()).max_request_attempts(2))
            .producer("down", producer_fn(|_| SendOutcome::Retry("no line".into())))
            .producer("refused", producer_fn(|_| SendOutcome::Reject("no such topic".into())))
            .default_producer(MemoryProducer::new());
        let mut config = postbox::Config::default();
        config.set("secret_access_key", SECRET_KEY).unwrap();
        let mut shown = vec![format!("{config:?}")];
        let postbox = builder.open().unwrap();
        postbox.create_table().unwrap();
        create_people(&postbox);
        shown.extend(errors_of(&postbox));
        database.stop();
        shown.extend(errors_without_a_server(&postbox));
        shown.push(format!("{:?}", postbox.stats()));
        assert!(shown.len() > 20, "{shown:#?}");
        let errors: Vec<_> = shown.iter().filter(|text| text.contains(SECRET)).collect();
        assert!(errors.is_empty(), "{errors:#?}");

        let ours = recorder.lines_of_postbox();
        assert!(ours.len() > 20, "{ours:#?}");
        let leaks: Vec<_> = ours.iter().filter(|line| line.contains(SECRET)).collect();
        assert!(leaks.is_empty(), "{leaks:#?}");
        // The SDK's own events at TRACE contain responses, and so bodies (SECURITY.md), but never credentials.
        let lines = recorder.lines();
        assert!(lines.iter().any(|line| line.contains("aws_")), "the recorder also sees the SDK's events");
        let keys: Vec<_> = lines.iter().filter(|line| line.contains(SECRET_KEY) || line.contains(TOKEN)).collect();
        assert!(keys.is_empty(), "{keys:#?}");
    });
}

/// Formats an error as programs log it: display, debug, and with its causes.
fn forms(error: &postbox::Error) -> [String; 3] {
    [error.to_string(), format!("{error:?}"), DisplayErrorContext(error).to_string()]
}

/// Returns errors and reports that occur while the database responds.
fn errors_of(postbox: &Postbox) -> Vec<String> {
    let secret = |topic: &str| {
        Message::new(topic, format!("{SECRET} body"))
            .with_bag_entry("h", format!("{SECRET} bag"))
            .with_partition_key("k")
    };
    let ada = || item([("Name", text("Ada")), ("Notes", text(format!("{SECRET} notes")))]);
    let mut shown = vec![format!("{:?}", secret("t"))];
    let mut work = postbox.unit_of_work();
    work.put(PEOPLE, ada()).unwrap();
    work.deposit_post(secret("t").with_id("once")).unwrap();
    shown.push(format!("{work:?}"));
    work.commit().unwrap();
    shown.push(format!("{:?}", postbox.clear_outbox(&["once"]).unwrap()));
    shown.push(format!("{:?}", postbox.get_message("once").unwrap().unwrap()));

    // Cancelled, with the unchanged item.
    let mut work = postbox.unit_of_work();
    let put =
        Put::builder().table_name(PEOPLE).set_item(Some(ada())).condition_expression("attribute_not_exists(Notes)");
    let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    work.add(aws_sdk_dynamodb::types::TransactWriteItem::builder().put(put.build().unwrap()).build()).unwrap();
    work.deposit_post(secret("t")).unwrap();
    let cancelled = work.commit().unwrap_err();
    assert!(cancelled.reasons()[0].item.is_some(), "{cancelled}");
    shown.extend(forms(&cancelled));

    // Rejected before the request is sent.
    let mut work = postbox.unit_of_work();
    shown.extend(forms(&work.put(PEOPLE, large_person(SECRET, 500_000)).unwrap_err()));
    shown.extend(forms(&work.put("nowhere", ada()).and_then(|_| work.commit()).unwrap_err()));
    shown.extend(forms(&postbox.deposit_post(secret("t").with_body(vec![b'x'; 500_000])).unwrap_err()));
    shown.extend(forms(&postbox.deposit_post(secret("t").with_baggage(SECRET)).unwrap_err()));
    shown.extend(forms(
        &postbox::dynamodb_json::item_from_json(&format!("{{\"A\":{{\"N\":[\"{SECRET}\"]}}}}")).unwrap_err(),
    ));
    shown.extend(forms(&Postbox::builder().secret_access_key(SECRET.repeat(40)).open().unwrap_err()));

    // Not sent, parked, malformed, archived.
    for topic in ["down", "refused"] {
        let report = postbox.post(secret(topic)).unwrap();
        shown.push(format!("{report:?}"));
        shown.extend(forms(&report.into_result().unwrap_err()));
    }
    let broken = item([
        ("MessageId", text("broken")),
        ("Topic", text("t")),
        ("HeaderBag", text(format!("{{\"{SECRET}"))),
        ("Body", text(format!("{SECRET} body"))),
    ]);
    sdk(postbox, |client| async move { client.put_item().table_name(OUTBOX).set_item(Some(broken)).send().await });
    shown.extend(forms(&postbox.get_message("broken").unwrap_err()));
    shown.push(format!("{:?}", postbox.clear_outbox(&["broken"]).unwrap()));
    shown.push(format!("{:?}", postbox.sweep().unwrap()));
    shown
}

fn errors_without_a_server(postbox: &Postbox) -> Vec<String> {
    let mut shown = Vec::new();
    let message = || Message::new("t", format!("{SECRET} body")).with_bag_entry("h", format!("{SECRET} bag"));
    shown.extend(forms(&postbox.deposit_post(message()).unwrap_err()));
    shown.extend(forms(&postbox.get_message("once").unwrap_err()));
    shown.extend(forms(&postbox.sweep().unwrap_err()));
    let mut work = postbox.unit_of_work();
    work.deposit_post(message()).unwrap();
    shown.extend(forms(&work.commit().unwrap_err()));
    shown
}

fn list_tables(endpoint: &str) -> postbox::Result<()> {
    let postbox = with_credentials(Postbox::builder()).endpoint_url(endpoint).max_request_attempts(1).open()?;
    postbox.get_message("any").map(|_| ())
}

#[test]
fn an_untrusted_certificate_gets_no_request() {
    let server = TlsServer::start("127.0.0.1");
    let error = list_tables(&format!("https://{}", server.address)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unreachable, "{error}");
    assert!(error.message().contains("invalid peer certificate"), "{error}");
    let handshake = server.next();
    assert!(handshake.is_err(), "the request was sent: {handshake:?}");
}

/// A trusted server receives the request only if its certificate has the name under which the server is called.
#[test]
fn a_certificate_is_accepted_only_for_its_name() {
    for (name, is_used) in [("127.0.0.1", true), ("db.example.com", false)] {
        let server = TlsServer::start(name);
        let pem =
            std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.pem", std::process::id()));
        std::fs::write(&pem, &server.pem).unwrap();
        let endpoint = format!("https://{}", server.address);
        let output = run("list tables", &[(ENDPOINT, &endpoint), ("SSL_CERT_FILE", pem.to_str().unwrap())]);
        std::fs::remove_file(&pem).unwrap();
        let request = server.next();
        assert_eq!(request.is_ok(), is_used, "{name}: {request:?}, {}", said(&output));
        if is_used {
            assert!(request.unwrap().to_ascii_lowercase().contains("dynamodb_20120810.getitem"));
            assert!(said(&output).contains("done"), "{}", said(&output));
        } else {
            assert!(said(&output).contains("certificate not valid for name"), "{}", said(&output));
        }
    }
}

fn use_an_embedded_database() {
    let path = std::env::temp_dir().join(format!("postbox-no-socket-{}", std::process::id()));
    for path in [":memory:", path.to_str().unwrap()] {
        let postbox = Postbox::builder().embedded_path(path).default_producer(MemoryProducer::new());
        let postbox =
            postbox.sweep_min_age(Duration::from_millis(0)).sweep_interval(Duration::from_millis(10)).open().unwrap();
        create_people(&postbox);
        let mut work = postbox.unit_of_work();
        work.put(PEOPLE, person("Ada")).unwrap();
        let id = work.deposit_post(Message::new("t", "body")).unwrap();
        work.commit().unwrap();
        postbox.clear_outbox(&[id]).unwrap().into_result().unwrap();
        postbox.deposit_posts(&messages(30)).unwrap();
        assert_eq!(postbox.sweep().unwrap().dispatched, 30);
        postbox.close().unwrap();
    }
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
}

/// Makes the system kill this process with all its threads at the next call of `socket`.
fn forbid_sockets() {
    use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter, sock_fprog};
    const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;
    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
    let step = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    let mut steps = [
        // The number of the system call is the first field of the filter's input.
        step(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, libc::SYS_socket as u32),
        step(BPF_RET | BPF_K, 0, 0, KILL),
        step(BPF_RET | BPF_K, 0, 0, ALLOW),
    ];
    let program = sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: the program is valid for the time of the call, which copies it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let flags = libc::SECCOMP_FILTER_FLAG_TSYNC;
        assert_eq!(libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &program), 0);
    }
}

#[test]
fn the_embedded_database_opens_no_socket() {
    let output = run("embedded without sockets", &[]);
    assert!(output.status.success() && said(&output).contains("done"), "{}: {}", output.status, said(&output));
    // Checks that the filter kills a process that opens a socket.
    let output = run("a forbidden socket", &[]);
    assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{}", said(&output));
}

#[test]
fn archive_files_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("archive-{}", std::process::id()));
    JsonLinesArchive::open(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&path).unwrap();
}

/// The error text of a failed send is stored with the message, up to 1000 characters.
#[test]
fn a_producers_error_text_is_truncated() {
    let world = TestOutbox::configured(|builder| {
        builder
            .sweep_min_age(Duration::from_millis(0))
            .default_producer(producer_fn(|_| SendOutcome::Retry("\u{e9}".repeat(1_000_000))))
    });
    let ids = world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    let stored = world.postbox.get_message(&ids[0]).unwrap().unwrap();
    assert_eq!(stored.last_error.unwrap().len(), 600, "there is always room for it in the item");
}

/// Runs a server whose response never ends.
#[test]
fn an_oversized_response_is_rejected() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").unwrap();
        let bytes = vec![b' '; 1 << 20];
        let mut megabytes = 0;
        while stream.write_all(&bytes).is_ok() {
            megabytes += 1;
            assert!(megabytes < 1000, "the client reads without a limit");
        }
    });
    let postbox = with_credentials(Postbox::builder()).endpoint_url(endpoint).max_request_attempts(1);
    let postbox = postbox
        .attempt_timeout(Duration::from_millis(60_000))
        .operation_timeout(Duration::from_millis(60_000))
        .open()
        .unwrap();
    let error = postbox.get_message("any").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unreachable, "{error}");
    assert!(error.message().contains("larger than"), "{error}");
    server.join().unwrap();
}
