//! An unreliable network: a TCP proxy that delays, cuts and blocks connections at random, from a seed.

use fastrand::Rng;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// The treatment of the bytes of one read.
#[derive(Clone, Copy, Debug)]
enum Weather {
    Pass,
    /// The bytes are delayed.
    Delay,
    /// The connection breaks before all of the bytes are forwarded.
    Cut,
    /// These and all later bytes of the same direction are dropped. The connection stays open.
    BlackHole,
}

/// A proxy on a port of 127.0.0.1. It has a thread for each direction of each connection; all end when it is dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    upstream: SocketAddr,
    chance: Mutex<Rng>,
    /// One of this many reads has a fault.
    one_in: u32,
    stopped: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    counts: [AtomicU64; 4],
}

impl Proxy {
    /// Creates a proxy in front of this URL. One of `one_in` reads has a fault.
    pub fn start(upstream: &str, one_in: u32, chance: Rng) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream: upstream.trim_start_matches("http://").parse().unwrap(),
            chance: Mutex::new(chance),
            one_in,
            stopped: AtomicBool::default(),
            open: Mutex::default(),
            counts: Default::default(),
        });
        let accepting = Arc::clone(&shared);
        let listener = std::thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                accepting.connect(client.unwrap());
            }
        });
        Self { shared, address, listener: Some(listener) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the numbers of delays, cuts and black holes.
    pub fn troubles(&self) -> [u64; 3] {
        [Weather::Delay, Weather::Cut, Weather::BlackHole].map(|kind| self.shared.count(kind).load(Ordering::SeqCst))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn count(&self, kind: Weather) -> &AtomicU64 {
        &self.counts[kind as usize]
    }

    fn draw(&self) -> Weather {
        let mut chance = self.chance.lock().unwrap();
        let weather = match chance.u32(..self.one_in) {
            0 => [Weather::Delay, Weather::Cut, Weather::BlackHole][chance.usize(..3)],
            _ => Weather::Pass,
        };
        self.count(weather).fetch_add(1, Ordering::SeqCst);
        weather
    }

    fn connect(self: &Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(self.upstream) else { return };
        self.open.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        for (from, to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
            let shared = Arc::clone(self);
            std::thread::spawn(move || shared.forward(from, to));
        }
    }

    fn forward(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        let mut is_hole = false;
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            let piece = &bytes[..length];
            let passed = match if is_hole { Weather::BlackHole } else { self.draw() } {
                Weather::Pass => to.write_all(piece),
                Weather::Delay => {
                    std::thread::sleep(Duration::from_millis(self.chance.lock().unwrap().u64(1..100)));
                    to.write_all(piece)
                }
                Weather::Cut => {
                    let _ = to.write_all(&piece[..self.chance.lock().unwrap().usize(..length)]);
                    break;
                }
                Weather::BlackHole => {
                    is_hole = true;
                    Ok(())
                }
            };
            if passed.is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
