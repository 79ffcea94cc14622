//! DTLS 1.2, which every WebRTC stack speaks, with our cryptography beneath.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dimpl::Dtls;
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};

use super::{certificate, ecdsa, exchange, hash, suite};

/// After so long without an answer a handshake's packets go again; then after twice as long, and so on.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const RETRIES: usize = 7;

#[derive(Debug)]
pub(super) struct Provider;

impl DtlsProvider for Provider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        certificate::generate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        _version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(Instance(Dtls::new_12(settings(mtu)?, cert.clone(), now))))
    }
}

/// The stack tries the whole provider out whenever settings are made (about 2 ms): once a process is enough.
fn settings(mtu: Option<usize>) -> Result<Arc<dimpl::Config>, CryptoError> {
    static USUAL: OnceLock<Arc<dimpl::Config>> = OnceLock::new();
    if let (None, Some(usual)) = (mtu, USUAL.get()) {
        return Ok(Arc::clone(usual));
    }
    let crypto = dimpl::crypto::CryptoProvider {
        kx_groups: exchange::GROUPS,
        signature_verification: &ecdsa::Verifier,
        key_provider: &ecdsa::Keys,
        secure_random: &hash::Random,
        hash_provider: &hash::Hashes,
        hmac_provider: &hash::Hmacs,
        cipher_suites: suite::SUITES,
        dtls13_cipher_suites: suite::SUITES_13,
    };
    // ICE has shown that the other side receives what is sent to it: a cookie would only cost a round trip.
    let mut builder = dimpl::Config::builder()
        .with_crypto_provider(crypto)
        .use_server_cookie(false)
        // A second, as RFC 6347 (4.2.4.1) has it, is for sensors: with a fifth of the packets lost it made joining take 10 s and more.
        .flight_start_rto(FIRST_WAIT)
        .flight_retries(RETRIES);
    if let Some(mtu) = mtu {
        builder = builder.mtu(mtu);
    }
    let made = builder.build().map_err(|error| CryptoError::Other(format!("DTLS settings: {error}")))?;
    let made = Arc::new(made);
    if mtu.is_none() {
        return Ok(Arc::clone(USUAL.get_or_init(|| made)));
    }
    Ok(made)
}

struct Instance(Dtls);

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dtls")
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stack checks every part against its own vectors: hashes, pseudo-random function, suites, groups, signatures.
    #[test]
    fn the_stack_accepts_the_provider() {
        settings(None).unwrap();
        settings(Some(1200)).unwrap();
    }
}
