//! A TLS server on 127.0.0.1, with a certificate of the test.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A certificate with its key.
pub struct Certificate {
    /// The certificate that a client must trust, in PEM.
    pub pem: String,
    config: Arc<ServerConfig>,
}

/// A server that responds to every request with an empty table and records the decrypted requests. Its thread ends
/// with the process of the test.
pub struct TlsServer {
    pub address: SocketAddr,
    /// The certificate that a client must trust, in PEM.
    pub pem: String,
    config: Arc<Mutex<Arc<ServerConfig>>>,
    requests: Mutex<Receiver<Result<String, String>>>,
}

impl Certificate {
    pub fn of(name: &str) -> Self {
        Self::with(CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// Creates a certificate that has expired.
    pub fn expired(name: &str) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(2020, 1, 1);
        Self::with(params)
    }

    /// Creates a certificate that a new CA with this name has signed.
    pub fn by(ca: &str, name: &str) -> Self {
        let (mut params, ca_key) = (CertificateParams::default(), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, ca);
        let root = params.self_signed(&ca_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new([name.to_owned()]).unwrap();
        Self::new(&root, &own.signed_by(&key, &Issuer::new(params, ca_key)).unwrap(), &key)
    }

    fn with(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self::new(&certificate, &certificate, &key)
    }

    fn new(root: &rcgen::Certificate, certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        Self { pem: certificate_pem(root.der()), config: Arc::new(config) }
    }
}

impl TlsServer {
    /// Starts a server with a certificate for this name.
    pub fn start(name: &str) -> Self {
        Self::with(&Certificate::of(name))
    }

    pub fn with(certificate: &Certificate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let config = Arc::new(Mutex::new(Arc::clone(&certificate.config)));
        let (shared, (seen, requests)) = (Arc::clone(&config), mpsc::channel());
        std::thread::spawn(move || serve(&listener, &shared, &seen));
        Self { address, pem: certificate.pem.clone(), config, requests: Mutex::new(requests) }
    }

    /// Uses this certificate for later connections.
    pub fn renew(&self, certificate: &Certificate) {
        *self.config.lock().unwrap() = Arc::clone(&certificate.config);
    }

    /// Returns the next request or failed handshake.
    pub fn next(&self) -> Result<String, String> {
        self.requests.lock().unwrap().recv_timeout(super::TEST_TIMEOUT).expect("somebody connects")
    }
}

fn serve(listener: &TcpListener, config: &Mutex<Arc<ServerConfig>>, seen: &Sender<Result<String, String>>) {
    for stream in listener.incoming() {
        let request = answer(stream.unwrap(), Arc::clone(&config.lock().unwrap())).map_err(|error| error.to_string());
        if seen.send(request).is_err() {
            return;
        }
    }
}

fn answer(mut stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut tls = rustls::Stream::new(&mut connection, &mut stream);
    let mut bytes = [0; 16 * 1024];
    let length = tls.read(&mut bytes)?;
    let body = r#"{"TableNames":[]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close";
    write!(tls, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
    tls.conn.send_close_notify();
    tls.flush()?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

fn certificate_pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
