//! The TLS settings of every outgoing connection.

use std::sync::{Arc, LazyLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Checks certificates against those that the operating system trusts. Reading these costs some milliseconds and, for a
/// moment, half a megabyte: once in a process, when the first certificate is to be checked. `None` when there are none.
static TRUSTED: LazyLock<Option<Arc<WebPkiServerVerifier>>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (trusted, ignored) = roots.add_parsable_certificates(native.certs);
    if trusted == 0 {
        tracing::warn!(
            ignored,
            errors = native.errors.len(),
            "no CA certificates on this machine: encrypted connections will fail; install ca-certificates"
        );
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok()
});

/// TLS 1.2 and 1.3 over ring, trusting the certificates that the operating system trusts. A system without any (a bare
/// container) trusts nobody: the handshake then fails, plain addresses still work.
pub fn client_config() -> ClientConfig {
    let provider = provider();
    let verifier = Arc::new(OnceNeeded { provider: provider.clone() });
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        // No danger: it is rustls' own verifier, made later.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// [`TRUSTED`], from the first certificate on.
#[derive(Debug)]
struct OnceNeeded {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OnceNeeded {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &*TRUSTED {
            Some(trusted) => {
                trusted.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
