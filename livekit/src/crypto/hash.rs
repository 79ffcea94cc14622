//! Hashes and message authentication.

use dimpl::crypto::{Buf, HashAlgorithm, HashContext, HashProvider, HmacProvider, SecureRandom};
use dimpl::{CryptoError, CryptoOperation};
use ring::rand::SecureRandom as _;
use ring::{digest, hmac};
use str0m::crypto::{Sha1HmacProvider, Sha1Provider, Sha256Provider};

/// SHA-1, which old fingerprints use.
#[derive(Debug)]
pub(super) struct Sha1;

impl Sha1Provider for Sha1 {
    fn sha1(&self, data: &[u8]) -> [u8; 20] {
        fixed(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref())
    }
}

/// The message integrity of STUN (RFC 8489, 14.5) and of SRTP's counter mode (RFC 3711, 4.2.1).
#[derive(Debug)]
pub(super) struct Sha1Hmac;

impl Sha1HmacProvider for Sha1Hmac {
    fn sha1_hmac(&self, key: &[u8], payloads: &[&[u8]]) -> [u8; 20] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key));
        payloads.iter().for_each(|part| context.update(part));
        fixed(context.sign().as_ref())
    }
}

#[derive(Debug)]
pub(super) struct Sha256;

impl Sha256Provider for Sha256 {
    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        fixed(digest::digest(&digest::SHA256, data).as_ref())
    }
}

/// The running hash over a handshake.
struct Transcript(digest::Context);

impl std::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transcript")
    }
}

impl HashContext for Transcript {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn clone_and_finalize(&self, out: &mut Buf) {
        out.clear();
        out.extend_from_slice(self.0.clone().finish().as_ref());
    }
}

#[derive(Debug)]
pub(super) struct Hashes;

impl HashProvider for Hashes {
    fn create_hash(&self, algorithm: HashAlgorithm) -> Box<dyn HashContext> {
        let of = match algorithm {
            HashAlgorithm::SHA384 => &digest::SHA384,
            // The only other one that our suites name.
            _ => &digest::SHA256,
        };
        Box::new(Transcript(digest::Context::new(of)))
    }
}

#[derive(Debug)]
pub(super) struct Hmacs;

impl HmacProvider for Hmacs {
    fn hmac(
        &self,
        hash: HashAlgorithm,
        key: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, CryptoError> {
        let of = match hash {
            HashAlgorithm::SHA256 => hmac::HMAC_SHA256,
            HashAlgorithm::SHA384 => hmac::HMAC_SHA384,
            other => return Err(CryptoError::UnsupportedHmacHash(other)),
        };
        let tag = hmac::sign(&hmac::Key::new(of, key), data);
        let tag = tag.as_ref();
        let place =
            out.get_mut(..tag.len()).ok_or(CryptoError::OperationFailed(CryptoOperation::ComputeHmac))?;
        place.copy_from_slice(tag);
        Ok(tag.len())
    }
}

/// The system's random numbers.
#[derive(Debug)]
pub(super) struct Random;

impl SecureRandom for Random {
    fn fill(&self, buf: &mut [u8]) -> Result<(), CryptoError> {
        let filled = ring::rand::SystemRandom::new().fill(buf);
        filled.map_err(|_| CryptoError::OperationFailed(CryptoOperation::FillRandom))
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the algorithm's length")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202, test cases 1 and 2.
    #[test]
    fn the_keyed_hash_is_that_of_the_standard() {
        let tag = Sha1Hmac.sha1_hmac(&[0x0b; 20], &[b"Hi ", b"There"]);
        assert_eq!(tag[..4], [0xb6, 0x17, 0x31, 0x86]);
        let tag = Sha1Hmac.sha1_hmac(b"Jefe", &[b"what do ya want for nothing?"]);
        assert_eq!(tag[..4], [0xef, 0xfc, 0xdf, 0x6a]);
    }
}
