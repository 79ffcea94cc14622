//! The cryptography of WebRTC by *ring*, which is the platform's one provider: DTLS 1.2 (RFC 6347), SRTP (RFC 3711, RFC 7714),
//! and the hashes of STUN and of fingerprints.
//!
//! The media stack takes its cryptography as a set of traits and ships with providers that bring a second C library (aws-lc,
//! openssl) or fifty crates along. What *ring* does not offer, a bare AES block, comes from `aes`: key derivation and the counter
//! mode of RFC 3711 are made of it.

mod aead;
mod certificate;
mod dtls;
mod ecdsa;
mod exchange;
mod hash;
mod srtp;
mod suite;

use std::sync::{Arc, OnceLock};

use str0m::crypto::CryptoProvider;

/// How many bytes the public key of a certificate has, if it can be read.
pub(crate) fn public_key_of(certificate: &[u8]) -> Option<usize> {
    certificate::public_key(certificate).ok().map(|(_, point)| point.len())
}

/// The provider to build every connection with. Made once a process.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let made = || {
        Arc::new(CryptoProvider {
            srtp_provider: &srtp::Srtp,
            sha1_hmac_provider: &hash::Sha1Hmac,
            sha1_provider: &hash::Sha1,
            sha256_provider: &hash::Sha256,
            dtls_provider: &dtls::Provider,
        })
    };
    Arc::clone(PROVIDER.get_or_init(made))
}
