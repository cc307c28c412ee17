//! The embedded database behind a socket, so that Postbox reaches the database through the real network stack.

use dynoxide::Database;
use postbox::Builder;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The variable with the endpoint of another implementation of DynamoDB, on which the tests then run.
const ENDPOINT: &str = "POSTBOX_TEST_ENDPOINT";

/// A server on 127.0.0.1. It has its own thread, and stops when this value is dropped. If `POSTBOX_TEST_ENDPOINT` is set, the
/// server behind that endpoint.
pub struct HttpDatabase {
    /// The database that is served, unless it belongs to another program.
    database: Option<Database>,
    url: String,
    /// The access key. DynamoDB Local has a database for each key, so that each test has its own tables.
    key: String,
    server: Option<Server>,
}

struct Server {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl HttpDatabase {
    /// Serves a new database in memory on a free port.
    pub fn start() -> Self {
        if let Some(url) = endpoint() {
            let key = format!("test{:016x}", fastrand::u64(..));
            return Self { database: None, url, key, server: None };
        }
        let database = Database::memory().unwrap();
        let (server, address) = serve(database.clone(), SocketAddr::from(([127, 0, 0, 1], 0)));
        Self { database: Some(database), url: format!("http://{address}"), key: "test".into(), server: Some(server) }
    }

    /// Stops the server and closes every connection. The data stays.
    pub fn stop(&mut self) {
        if let Some(Server { stop, thread }) = self.server.take() {
            let _ = stop.send(());
            thread.join().unwrap();
        }
    }

    /// Serves the same data again on the same port.
    pub fn restart(&mut self) {
        self.stop();
        let database = self.database.clone().expect("only an embedded database can be restarted");
        let address = self.url.trim_start_matches("http://").parse().unwrap();
        self.server = Some(serve(database, address).0);
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Adds the settings of this database.
    pub fn configure(&self, builder: Builder) -> Builder {
        configure(builder, &self.url).access_key_id(&self.key)
    }
}

/// Returns the endpoint of another implementation of DynamoDB, if the tests are to run on one.
pub fn endpoint() -> Option<String> {
    std::env::var(ENDPOINT).ok()
}

/// Adds the settings of the database at this URL, which can be in another process.
pub fn configure(builder: Builder, url: &str) -> Builder {
    builder.endpoint_url(url).region("eu-central-1").access_key_id("test").secret_access_key("test")
}

impl Drop for HttpDatabase {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(database: Database, address: SocketAddr) -> (Server, SocketAddr) {
    let (stop, stopping) = oneshot::channel();
    let (bound, binding) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind(address).await.unwrap();
            bound.send(listener.local_addr().unwrap()).unwrap();
            let stopped = async {
                let _ = stopping.await;
            };
            dynoxide::server::serve_with_shutdown(listener, database, stopped).await.unwrap();
        });
    });
    let address = binding.recv().expect("the port can be bound");
    (Server { stop, thread }, address)
}
