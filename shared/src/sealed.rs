//! A text that only processes with the deployment's secret can read, for what must outlive a process on the host's disk and is no
//! reader's of that disk: AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) makes of the secret, 32 random bytes and what the text
//! is. Each text has a key of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hkdf::{HKDF_SHA256, Salt};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::sealing::{FileKey, KEY_BYTES, Piece, Unopenable};

const SALT_BYTES: usize = 32;
/// The text is one piece.
const WHOLE: Piece = Piece { number: 0, is_last: true };

/// A sealed text: 32 random bytes and the cipher's, as base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Seal a text. `about` says what it is of, and is needed to open it.
    pub fn seal(secret: &SecretString, about: &[&[u8]], mut text: Vec<u8>) -> Self {
        let salt: [u8; SALT_BYTES] = rand::random();
        key(secret, &salt, about).seal(WHOLE, &mut text);
        Self(STANDARD.encode([&salt, text.as_slice()].concat()))
    }

    /// Open it.
    ///
    /// # Errors
    /// Another secret, something else that it is of, or changed bytes.
    pub fn open(&self, secret: &SecretString, about: &[&[u8]]) -> Result<Vec<u8>, Unopenable> {
        let bytes = STANDARD.decode(&self.0).map_err(|_| Unopenable)?;
        let (salt, sealed) = bytes.split_at_checked(SALT_BYTES).ok_or(Unopenable)?;
        let mut text = sealed.to_vec();
        key(secret, salt, about).open(WHOLE, &mut text)?;
        Ok(text)
    }
}

fn key(secret: &SecretString, salt: &[u8], about: &[&[u8]]) -> FileKey {
    let made = Salt::new(HKDF_SHA256, salt).extract(secret.expose_secret().as_bytes());
    let mut key = [0; KEY_BYTES];
    let filled = made.expand(about, HKDF_SHA256).and_then(|okm| okm.fill(&mut key));
    filled.expect("a key has as many bytes as one hash");
    FileKey::new(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_and_what_it_is_of_open_a_text() {
        let (secret, other) = (SecretString::from("a".repeat(32)), SecretString::from("b".repeat(32)));
        let about: [&[u8]; 2] = [b"config", b"call_1"];
        let sealed = Sealed::seal(&secret, &about, b"key of a vendor".to_vec());
        assert_ne!(sealed, Sealed::seal(&secret, &about, b"key of a vendor".to_vec()));
        assert!(!serde_json::to_string(&sealed).unwrap().contains("vendor"));
        assert_eq!(sealed.open(&secret, &about).unwrap(), b"key of a vendor");
        assert_eq!(sealed.open(&other, &about), Err(Unopenable));
        assert_eq!(sealed.open(&secret, &[b"config", b"call_2"]), Err(Unopenable));
        for changed in ["", "AAAA", "no base64!"] {
            assert_eq!(Sealed(changed.into()).open(&secret, &about), Err(Unopenable), "{changed}");
        }
    }
}
