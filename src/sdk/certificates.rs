//! The CA certificates with which the servers of `https` endpoints are verified.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use once_cell::sync::OnceCell;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// A file of CA certificates that replaces those of the machine, as in the AWS CLI.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// The variable or property that names the file.
    pub(crate) origin: String,
    pub(crate) path: String,
}

/// The certificates of the machine. They are read once, because reading them takes milliseconds.
static OF_THE_MACHINE: OnceCell<String> = OnceCell::new();

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

/// Returns the TLS settings with the certificates of the bundle, or of the machine. The error is a text for the user.
pub(crate) fn context(bundle: Option<&Bundle>) -> Result<TlsContext, String> {
    let pem = match bundle {
        Some(bundle) => bundle.read()?,
        None => OF_THE_MACHINE.get_or_try_init(of_the_machine)?.clone(),
    };
    Ok(trusting(TrustStore::empty().with_pem_certificate(pem)))
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
