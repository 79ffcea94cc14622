//! The TLS settings of every outgoing connection.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// TLS 1.2 and 1.3 over ring, trusting the certificates that the operating system trusts. A system without any (a bare
/// container) yields a store that trusts nobody: the handshake then fails, plain addresses still work.
pub fn client_config() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (trusted, ignored) = roots.add_parsable_certificates(native.certs);
    if trusted == 0 {
        tracing::warn!(
            ignored,
            errors = native.errors.len(),
            "no CA certificates on this machine: encrypted vendor connections will fail; install ca-certificates"
        );
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
