//! AES-GCM as both layers use it: DTLS records in place, SRTP packets from one buffer into another.

use dimpl::crypto::{Aad, Buf, Cipher, Nonce, TmpBuf};
use dimpl::{CryptoError as DtlsFault, CryptoOperation};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad as RingAad, LessSafeKey, Nonce as RingNonce, UnboundKey};
use str0m::crypto::{AeadAes128GcmCipher, AeadAes256GcmCipher, CryptoError};

const TAG: usize = 16;

/// A key of 128 or 256 bits. The nonce comes from the caller: record and packet counters never repeat under one key.
pub(super) struct Gcm(LessSafeKey);

impl Gcm {
    /// `None` for a key that is neither 16 nor 32 bytes long.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            32 => &AES_256_GCM,
            _ => return None,
        };
        Some(Self(LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?)))
    }

    fn seal(&self, iv: &[u8; 12], aad: &[u8], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        let nonce = RingNonce::assume_unique_for_key(*iv);
        let (text, rest) =
            output.split_at_mut_checked(input.len()).ok_or_else(|| fault("no room for a packet"))?;
        let place = rest.get_mut(..TAG).ok_or_else(|| fault("no room for a packet's tag"))?;
        text.copy_from_slice(input);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, RingAad::from(aad), text)
            .map_err(|_| fault("a packet could not be sealed"))?;
        place.copy_from_slice(tag.as_ref());
        Ok(())
    }

    fn open(
        &self,
        iv: &[u8; 12],
        aads: &[&[u8]],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CryptoError> {
        let nonce = RingNonce::assume_unique_for_key(*iv);
        let mut text = input.to_vec();
        let plain = self
            .0
            .open_in_place(nonce, RingAad::from(aads.concat()), &mut text)
            .map_err(|_| fault("a packet is not authentic"))?;
        output.get_mut(..plain.len()).ok_or_else(|| fault("no room for a packet"))?.copy_from_slice(plain);
        Ok(plain.len())
    }
}

impl std::fmt::Debug for Gcm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gcm")
    }
}

impl Cipher for Gcm {
    fn encrypt(&mut self, plaintext: &mut Buf, aad: Aad, nonce: Nonce) -> Result<(), DtlsFault> {
        let nonce = RingNonce::assume_unique_for_key(nonce.0);
        self.0
            .seal_in_place_append_tag(nonce, RingAad::from(&aad[..]), plaintext)
            .map_err(|_| DtlsFault::OperationFailed(CryptoOperation::Encrypt))
    }

    fn decrypt(&mut self, ciphertext: &mut TmpBuf<'_>, aad: Aad, nonce: Nonce) -> Result<(), DtlsFault> {
        let nonce = RingNonce::assume_unique_for_key(nonce.0);
        let plain = self
            .0
            .open_in_place(nonce, RingAad::from(&aad[..]), ciphertext.as_mut())
            .map_err(|_| DtlsFault::OperationFailed(CryptoOperation::Decrypt))?;
        let length = plain.len();
        ciphertext.truncate(length);
        Ok(())
    }
}

impl AeadAes128GcmCipher for Gcm {
    fn encrypt(
        &mut self,
        iv: &[u8; 12],
        aad: &[u8],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.seal(iv, aad, input, output)
    }

    fn decrypt(
        &mut self,
        iv: &[u8; 12],
        aads: &[&[u8]],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CryptoError> {
        self.open(iv, aads, input, output)
    }
}

impl AeadAes256GcmCipher for Gcm {
    fn encrypt(
        &mut self,
        iv: &[u8; 12],
        aad: &[u8],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.seal(iv, aad, input, output)
    }

    fn decrypt(
        &mut self,
        iv: &[u8; 12],
        aads: &[&[u8]],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CryptoError> {
        self.open(iv, aads, input, output)
    }
}

fn fault(what: &str) -> CryptoError {
    CryptoError::Other(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_was_touched_is_refused() {
        let gcm = Gcm::new(&[7; 16]).unwrap();
        let mut sealed = [0; 20 + TAG];
        gcm.seal(&[1; 12], b"header", &[9; 20], &mut sealed).unwrap();
        let mut opened = [0; 20];
        assert_eq!(gcm.open(&[1; 12], &[b"hea", b"der"], &sealed, &mut opened).unwrap(), 20);
        assert_eq!(opened, [9; 20]);
        sealed[3] ^= 1;
        assert!(gcm.open(&[1; 12], &[b"header"], &sealed, &mut opened).is_err());
        assert!(gcm.open(&[1; 12], &[b"header"], &sealed[..4], &mut opened).is_err(), "shorter than a tag");
        assert!(gcm.seal(&[1; 12], b"", &[9; 20], &mut [0; 30]).is_err(), "no room");
        assert!(Gcm::new(&[0; 24]).is_none());
    }
}
