//! SRTP's ciphers: AES in counter mode with a separate tag (RFC 3711), and AES-GCM (RFC 7714).

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256, Block};
use str0m::crypto::{
    AeadAes128GcmCipher, AeadAes256GcmCipher, Aes128CmSha1_80Cipher, CryptoError, SrtpProvider,
    SupportedAeadAes128Gcm, SupportedAeadAes256Gcm, SupportedAes128CmSha1_80,
};

use super::aead::Gcm;

#[derive(Debug)]
pub(super) struct Srtp;

impl SrtpProvider for Srtp {
    fn aes_128_cm_sha1_80(&self) -> &'static dyn SupportedAes128CmSha1_80 {
        &Ciphers
    }

    fn aead_aes_128_gcm(&self) -> &'static dyn SupportedAeadAes128Gcm {
        &Ciphers
    }

    fn aead_aes_256_gcm(&self) -> &'static dyn SupportedAeadAes256Gcm {
        &Ciphers
    }

    fn srtp_aes_128_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        let cipher = Aes128::new_from_slice(key).expect("a key of 16 bytes");
        round(&cipher, input, output);
    }

    fn srtp_aes_256_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        let cipher = Aes256::new_from_slice(key).expect("a key of 32 bytes");
        round(&cipher, input, output);
    }
}

/// One block. A longer output, which other providers fill with padding, is left as it is behind it.
fn round(
    cipher: &impl BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
    input: &[u8],
    output: &mut [u8],
) {
    let mut block = Block::try_from(&input[..16]).expect("16 bytes");
    cipher.encrypt_block(&mut block);
    output[..16].copy_from_slice(&block);
}

#[derive(Debug)]
struct Ciphers;

impl SupportedAes128CmSha1_80 for Ciphers {
    fn create_cipher(&self, key: [u8; 16], _encrypt: bool) -> Box<dyn Aes128CmSha1_80Cipher> {
        Box::new(Counter(Aes128::new(&key.into())))
    }
}

impl SupportedAeadAes128Gcm for Ciphers {
    fn create_cipher(&self, key: [u8; 16], _encrypt: bool) -> Box<dyn AeadAes128GcmCipher> {
        Box::new(Gcm::new(&key).expect("16 bytes"))
    }
}

impl SupportedAeadAes256Gcm for Ciphers {
    fn create_cipher(&self, key: [u8; 32], _encrypt: bool) -> Box<dyn AeadAes256GcmCipher> {
        Box::new(Gcm::new(&key).expect("32 bytes"))
    }
}

/// Counter mode (RFC 3711, 4.1.1): the key stream is the encrypted counter, which starts at the vector and runs over all of it.
struct Counter(Aes128);

impl std::fmt::Debug for Counter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counter")
    }
}

impl Counter {
    fn apply(&self, iv: &[u8; 16], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        let output = output
            .get_mut(..input.len())
            .ok_or_else(|| CryptoError::Other("no room for a packet".to_owned()))?;
        let mut counter = u128::from_be_bytes(*iv);
        for (text, place) in input.chunks(16).zip(output.chunks_mut(16)) {
            let mut block = Block::from(counter.to_be_bytes());
            self.0.encrypt_block(&mut block);
            for ((byte, place), key) in text.iter().zip(place).zip(block) {
                *place = byte ^ key;
            }
            counter = counter.wrapping_add(1);
        }
        Ok(())
    }
}

impl Aes128CmSha1_80Cipher for Counter {
    fn encrypt(&mut self, iv: &[u8; 16], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        self.apply(iv, input, output)
    }

    fn decrypt(&mut self, iv: &[u8; 16], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        self.apply(iv, input, output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3711, B.2: the key stream of AES-CM.
    #[test]
    fn the_key_stream_is_that_of_the_standard() {
        let key = 0x2B7E151628AED2A6ABF7158809CF4F3C_u128.to_be_bytes();
        let iv = 0xF0F1F2F3F4F5F6F7F8F9FAFBFCFD0000_u128.to_be_bytes();
        let mut stream = [0; 40];
        Counter(Aes128::new(&key.into())).apply(&iv, &[0; 40], &mut stream).unwrap();
        assert_eq!(stream[..16], 0xE03EAD0935C95E80E166B16DD92B4EB4_u128.to_be_bytes());
        assert_eq!(stream[16..32], 0xD23513162B02D0F72A43A2FE4A5F97AB_u128.to_be_bytes());
        assert_eq!(stream[32..], 0x41E95B3BB0A2E8DD477901E4FCA894C0_u128.to_be_bytes()[..8]);
    }

    /// FIPS 197, appendix C.
    #[test]
    fn a_block_is_that_of_the_standard() {
        let block = 0x00112233445566778899AABBCCDDEEFF_u128.to_be_bytes();
        let key: Vec<u8> = (0..32).collect();
        let mut out = [0; 16];
        Srtp.srtp_aes_128_ecb_round(&key[..16], &block, &mut out);
        assert_eq!(out, 0x69C4E0D86A7B0430D8CDB78070B4C55A_u128.to_be_bytes());
        Srtp.srtp_aes_256_ecb_round(&key, &block, &mut out);
        assert_eq!(out, 0x8EA2B7CA516745BFEAFC49904B496089_u128.to_be_bytes());
    }
}
