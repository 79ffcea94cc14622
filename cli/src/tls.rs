//! The TLS settings of every outgoing connection of the command line.

use rustls::{ClientConfig, RootCertStore};

/// TLS 1.2 and 1.3 over ring, trusting what the operating system trusts. Without any certificates (a bare container)
/// encrypted connections fail and plain ones work.
pub fn client_config() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    // A machine's store may hold certificates that rustls does not take; the others are enough.
    let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
