//! The private key of an application at a vendor (Vonage), and the short-lived tokens that requests are signed with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;

use crate::rsa::{BadKey, RsaKey};

/// How long a token is good, seconds: one request is made with it.
const LIFE_SECS: i64 = 60;
/// Bytes of a token's name.
const JTI_BYTES: usize = 16;

/// An application's key.
#[derive(Debug)]
pub struct ApplicationKey(RsaKey);

impl ApplicationKey {
    /// From PEM, as [`RsaKey::from_pem`] reads it.
    pub fn from_pem(pem: &str) -> Result<Self, BadKey> {
        RsaKey::from_pem(pem).map(Self)
    }

    /// A token of this application for a request that is made now. `None` when the machine has no randomness left.
    pub fn token(&self, application_id: &str, now: Timestamp) -> Option<String> {
        let issued = now.as_second();
        let jti = URL_SAFE_NO_PAD.encode(rand::random::<[u8; JTI_BYTES]>());
        let claims =
            json!({"application_id": application_id, "iat": issued, "exp": issued + LIFE_SECS, "jti": jti});
        self.0.sign(&json!({"alg": "RS256", "typ": "JWT"}), &claims)
    }
}

#[cfg(test)]
mod tests;
