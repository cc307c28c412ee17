//! The CA certificates with which the servers of `https` endpoints are verified.

use crate::sys::sync::Mutex;
use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::time::{Duration, Instant};

/// The minimum time between two checks whether certificates have changed, since reading them takes milliseconds.
const BETWEEN_READS: Duration = Duration::from_secs(1);

/// A file of CA certificates that replaces those of the machine, as in the AWS CLI.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// The variable or property that names the file.
    pub(crate) origin: String,
    pub(crate) path: String,
}

/// The certificates of the machine, which all clients share.
static OF_THE_MACHINE: Mutex<Option<String>> = Mutex::new(None);

/// The certificates that a client trusts: those of its bundle, or of the machine.
#[derive(Debug)]
pub(crate) struct Trust {
    bundle: Option<Bundle>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The certificates as PEM, and the TLS settings with them. They are read for the first connection with TLS.
    current: Option<(String, TlsContext)>,
    last_check: Option<Instant>,
}

impl Trust {
    pub(crate) fn new(bundle: Option<Bundle>) -> Self {
        Self { bundle, state: Mutex::default() }
    }

    /// Returns the TLS settings with the certificates. The error is a text for the user.
    pub(crate) fn context(&self) -> Result<TlsContext, String> {
        let mut state = self.state.lock();
        if let Some((_, context)) = &state.current {
            return Ok(context.clone());
        }
        let known = if self.bundle.is_none() { OF_THE_MACHINE.lock().clone() } else { None };
        let pem = known.map_or_else(|| self.read(), Ok)?;
        let context = trusting(TrustStore::empty().with_pem_certificate(pem.as_str()));
        state.current = Some((pem, context.clone()));
        Ok(context)
    }

    /// Reads the certificates again after the certificate of a server was rejected, unless they were checked a moment ago.
    /// Returns whether they have changed.
    pub(crate) fn has_changed(&self) -> bool {
        let mut state = self.state.lock();
        if state.last_check.is_some_and(|last| last.elapsed() < BETWEEN_READS) {
            return false;
        }
        state.last_check = Some(Instant::now());
        // A file that is being replaced may not be readable for a moment.
        let Ok(pem) = self.read() else { return false };
        if state.current.as_ref().is_some_and(|(current, _)| *current == pem) {
            return false;
        }
        tracing::info!(target: "postbox", "the CA certificates have changed and were read again");
        let context = trusting(TrustStore::empty().with_pem_certificate(pem.as_str()));
        state.current = Some((pem, context));
        true
    }

    fn read(&self) -> Result<String, String> {
        match &self.bundle {
            Some(bundle) => bundle.read(),
            None => of_the_machine().inspect(|pem| *OF_THE_MACHINE.lock() = Some(pem.clone())),
        }
    }
}

/// Reads the certificates of `SSL_CERT_FILE` and `SSL_CERT_DIR`, or those of the operating system.
fn of_the_machine() -> Result<String, String> {
    let found = rustls_native_certs::load_native_certs();
    let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
    pem(found.certs).ok_or_else(|| {
        let mut text = String::from(
            "no CA certificates were found on this machine: install the package ca-certificates, or set SSL_CERT_FILE or AWS_CA_BUNDLE",
        );
        if !errors.is_empty() {
            text += &format!(" ({})", errors.join(", "));
        }
        text
    })
}

/// Returns the TLS settings of connections without TLS.
pub(crate) fn no_context() -> TlsContext {
    trusting(TrustStore::empty())
}

fn trusting(store: TrustStore) -> TlsContext {
    TlsContext::builder().with_trust_store(store).build().expect("a context without other options is valid")
}

impl Bundle {
    fn read(&self) -> Result<String, String> {
        let Self { origin, path } = self;
        let bytes = std::fs::read(path).map_err(|error| {
            format!(
                "the CA certificates {path}, which {origin} names, cannot be read: {error}. Correct or unset {origin}"
            )
        })?;
        pem(CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok))
            .ok_or_else(|| format!("{path}, which {origin} names, has no CA certificates. Correct or unset {origin}"))
    }
}

/// Returns the valid certificates as PEM, or `None` if there are none. The HTTP client panics if it is given an invalid
/// one.
fn pem(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Option<String> {
    let is_valid = |certificate: &CertificateDer<'static>| RootCertStore::empty().add(certificate.clone()).is_ok();
    let pem: String = certificates
        .into_iter()
        .filter(is_valid)
        .map(|certificate| {
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64.encode(&certificate))
        })
        .collect();
    (!pem.is_empty()).then_some(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> String {
        let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        pem([certificate.der().clone()]).unwrap()
    }

    #[test]
    fn changed_certificates_are_read_at_a_limited_rate() {
        let path = std::env::temp_dir().join(format!("postbox-bundle-{}.pem", std::process::id()));
        let trust = Trust::new(Some(Bundle { origin: "AWS_CA_BUNDLE".into(), path: path.to_str().unwrap().into() }));
        std::fs::write(&path, certificate()).unwrap();
        trust.context().unwrap();
        std::fs::write(&path, certificate()).unwrap();
        assert!(trust.has_changed());
        std::fs::write(&path, certificate()).unwrap();
        assert!(!trust.has_changed(), "the file was read a moment ago");
        trust.state.lock().last_check = None;
        assert!(trust.has_changed());
        trust.state.lock().last_check = None;
        assert!(!trust.has_changed(), "the file is the same");
        std::fs::remove_file(&path).unwrap();
        trust.state.lock().last_check = None;
        assert!(!trust.has_changed() && trust.context().is_ok(), "the certificates in use are kept");
    }
}
