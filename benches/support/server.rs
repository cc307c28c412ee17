//! The servers, each in its own process. One responds with `{}` to everything, so that only the client is
//! measured; the other is dynoxide over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The environment variable with the kind of server that this process runs.
const ROLE: &str = "POSTBOX_BENCH_SERVER";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Stub,
    Dynoxide,
    /// The same as `Dynoxide`, on the first processor only.
    Pinned,
}

/// A server process, which ends when this is dropped.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn start(kind: Kind) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .env(ROLE, format!("{kind:?}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut url = String::new();
        let output = child.stdout.take().expect("the server's output is piped");
        BufReader::new(output).read_line(&mut url).expect("the server says where it is");
        Self { child, url: url.trim().to_owned() }
    }

    /// Returns the processor time that the server has used.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The 14th and the 15th field, after the name of the program in parentheses.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Restricts this thread, and the threads that it starts, to some of the processors.
pub fn pin(is_allowed: impl Fn(usize) -> bool) {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    // SAFETY: a cpu_set_t consists of integers, and the set is large enough for the given size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        (0..count).filter(|processor| is_allowed(*processor)).for_each(|processor| libc::CPU_SET(processor, &mut set));
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}

/// Runs the server if this process was started as one, and then never returns. The server ends with its parent.
pub fn serve_if_asked() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    if role == format!("{:?}", Kind::Pinned) {
        pin(|processor| processor == 0);
    }
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    println!("http://{}", listener.local_addr().expect("it has an address"));
    if role == format!("{:?}", Kind::Stub) {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || respond_to_all(connection));
        }
    } else {
        serve_dynoxide(listener);
    }
    std::process::exit(0);
}

/// Responds to each request with an empty object.
fn respond_to_all(mut connection: TcpStream) -> std::io::Result<()> {
    const RESPONSE: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}";
    connection.set_nodelay(true)?;
    let mut buffer = vec![0; 1 << 16];
    let mut filled = 0;
    loop {
        let end = loop {
            if let Some(end) = request_end(&buffer[..filled]) {
                break end;
            }
            let read = connection.read(&mut buffer[filled..])?;
            if read == 0 {
                return Ok(());
            }
            filled += read;
        };
        if end > filled {
            connection.read_exact(&mut buffer[filled..end])?;
            filled = end;
        }
        connection.write_all(RESPONSE)?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
}

/// Returns the end of the first request with its body, once its head has arrived.
fn request_end(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let length = std::str::from_utf8(&bytes[..head])
        .ok()?
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or(0);
    Some(head + length)
}

fn serve_dynoxide(listener: TcpListener) {
    listener.set_nonblocking(true).expect("the listener is ours");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("the listener is taken over");
        let database = dynoxide::Database::memory().expect("a database opens");
        dynoxide::server::serve_on(listener, database).await;
    });
}
