//! AES-256-GCM (NIST SP 800-38D), the one place that has to do with the cipher. A nonce is 96 random bits, made here for each
//! sealing and nowhere else, so no caller can use one twice.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};

/// Length of a key, bytes.
pub const KEY_BYTES: usize = 32;

/// A key. Its bytes are wiped when it goes; the cipher's own schedule of one use is not.
pub struct Key(SecretBox<[u8; KEY_BYTES]>);

/// Another key, other associated data, or a changed byte: which, the cipher cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not open: its key, its place or its bytes are not those that it was sealed with")]
pub struct Unopenable;

impl Key {
    /// 256 random bits.
    pub fn generate() -> Self {
        Self(SecretBox::init_with_mut(|bytes: &mut [u8; KEY_BYTES]| rand::fill(bytes)))
    }

    /// `None` when there are not as many bytes as a key has.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let mut key = SecretBox::new(Box::new([0; KEY_BYTES]));
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.expose_secret_mut().copy_from_slice(bytes);
        Some(Self(key))
    }

    /// The bytes, to be wrapped by another key.
    pub fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// Nonce, ciphertext and tag. `bound` is not in it and must be the same to open it.
    pub fn seal(&self, bound: &[u8], clear: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce);
        let mut sealed = Vec::with_capacity(NONCE_LEN + clear.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        let mut text = clear.to_vec();
        let tag = self
            .cipher()
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut text)
            .expect("a text of a document is far below the 64 GiB that the cipher allows");
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// What was sealed.
    pub fn open(&self, bound: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unopenable> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unopenable)?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.cipher().open_in_place(nonce, Aad::from(bound), &mut text);
        let length = opened.map_err(|_| Unopenable)?.len();
        text.truncate(length);
        Ok(text)
    }

    fn cipher(&self) -> LessSafeKey {
        let key =
            UnboundKey::new(&AES_256_GCM, self.bytes()).expect("it has as many bytes as the cipher wants");
        LessSafeKey::new(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_is_refused_wherever_it_is() {
        let key = Key::generate();
        let sealed = key.seal(b"place", b"sk-0123456789abcdef");
        assert_eq!(key.open(b"place", &sealed).unwrap(), b"sk-0123456789abcdef");
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(key.open(b"place", &changed), Err(Unopenable), "byte {at}, bit {bit}");
            }
        }
        for length in 0..sealed.len() {
            assert_eq!(key.open(b"place", &sealed[..length]), Err(Unopenable), "cut to {length}");
        }
        assert_eq!(key.open(b"elsewhere", &sealed), Err(Unopenable));
        assert_eq!(Key::generate().open(b"place", &sealed), Err(Unopenable));
    }

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        let key = Key::generate();
        let sealed: std::collections::BTreeSet<_> =
            (0..1_000).map(|_| key.seal(b"", b"x")[..NONCE_LEN].to_vec()).collect();
        assert_eq!(sealed.len(), 1_000);
    }

    /// Test case 16 of the cipher's first paper (McGrew and Viega 2005), which NIST's vectors repeat.
    #[test]
    fn it_is_the_cipher_that_it_says() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let key = Key::of(&hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")).unwrap();
        let sealed = hex(concat!(
            "cafebabefacedbaddecaf888",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            "76fc6ece0f4e1768cddf8853bb2d551b"
        ));
        let clear = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
        let bound = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        assert_eq!(key.open(&bound, &sealed), Ok(hex(clear)));
    }
}
