//! What DTLS is offered: ECDHE with ECDSA and AES-GCM, in the words of version 1.2.
//!
//! The suites of version 1.3 are here because the stack asks for one at least; connections speak 1.2 (`dtls.rs`).

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use dimpl::crypto::{
    Cipher, Dtls12CipherSuite, Dtls13CipherSuite, HashAlgorithm, SupportedDtls12CipherSuite,
    SupportedDtls13CipherSuite,
};
use dimpl::{CryptoError, CryptoOperation};

use super::aead::Gcm;

/// In the order of preference.
pub(super) static SUITES: &[&dyn SupportedDtls12CipherSuite] = &[&Aes128, &Aes256];
pub(super) static SUITES_13: &[&dyn SupportedDtls13CipherSuite] = &[&Aes128];

#[derive(Debug)]
struct Aes128;
#[derive(Debug)]
struct Aes256;

fn cipher(key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
    let gcm = Gcm::new(key).ok_or(CryptoError::OperationFailed(CryptoOperation::CreateCipher))?;
    Ok(Box::new(gcm))
}

impl SupportedDtls12CipherSuite for Aes128 {
    fn suite(&self) -> Dtls12CipherSuite {
        Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }

    fn key_lengths(&self) -> (usize, usize, usize) {
        (0, 16, 4)
    }

    fn explicit_nonce_len(&self) -> usize {
        8
    }

    fn tag_len(&self) -> usize {
        16
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        cipher(key)
    }
}

impl SupportedDtls12CipherSuite for Aes256 {
    fn suite(&self) -> Dtls12CipherSuite {
        Dtls12CipherSuite::ECDHE_ECDSA_AES256_GCM_SHA384
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA384
    }

    fn key_lengths(&self) -> (usize, usize, usize) {
        (0, 32, 4)
    }

    fn explicit_nonce_len(&self) -> usize {
        8
    }

    fn tag_len(&self) -> usize {
        16
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        cipher(key)
    }
}

impl SupportedDtls13CipherSuite for Aes128 {
    fn suite(&self) -> Dtls13CipherSuite {
        Dtls13CipherSuite::AES_128_GCM_SHA256
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }

    fn key_len(&self) -> usize {
        16
    }

    fn iv_len(&self) -> usize {
        12
    }

    fn tag_len(&self) -> usize {
        16
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        cipher(key)
    }

    fn encrypt_sn(&self, sn_key: &[u8], sample: &[u8; 16]) -> [u8; 16] {
        let cipher = aes::Aes128::new_from_slice(sn_key).expect("a key of 16 bytes");
        let mut block = aes::Block::from(*sample);
        cipher.encrypt_block(&mut block);
        block.into()
    }
}
