//! The private key of an application at a vendor (Vonage), and the short-lived tokens that requests are signed with: JWTs,
//! RS256 (RFC 7515, RFC 7518 3.3).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;

/// How long a token is good, seconds: one request is made with it.
const LIFE_SECS: i64 = 60;
/// Bytes of a token's name.
const JTI_BYTES: usize = 16;

/// An RSA key, 2048 bits or more.
#[derive(Debug)]
pub struct ApplicationKey(RsaKeyPair);

/// The text is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no RSA private key: give the whole file, from -----BEGIN PRIVATE KEY----- to its END line")]
pub struct BadKey;

impl ApplicationKey {
    /// From PEM: PKCS #8 (`PRIVATE KEY`) or PKCS #1 (`RSA PRIVATE KEY`). Line feeds may have become spaces or `\n`.
    pub fn from_pem(pem: &str) -> Result<Self, BadKey> {
        let pem = pem.replace("\\n", "\n");
        let body = |kind: &str| {
            let (_, rest) = pem.split_once(&format!("-----BEGIN {kind}-----"))?;
            let (body, _) = rest.split_once(&format!("-----END {kind}-----"))?;
            STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
        };
        let pair = match (body("PRIVATE KEY"), body("RSA PRIVATE KEY")) {
            (Some(der), _) => RsaKeyPair::from_pkcs8(&der),
            (None, Some(der)) => RsaKeyPair::from_der(&der),
            (None, None) => return Err(BadKey),
        };
        pair.map(Self).map_err(|_| BadKey)
    }

    /// A token of this application for a request that is made now. `None` when the machine has no randomness left.
    pub fn token(&self, application_id: &str, now: Timestamp) -> Option<String> {
        let issued = now.as_second();
        let jti = URL_SAFE_NO_PAD.encode(rand::random::<[u8; JTI_BYTES]>());
        let claims =
            json!({"application_id": application_id, "iat": issued, "exp": issued + LIFE_SECS, "jti": jti});
        let head = URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "typ": "JWT"}).to_string());
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests;
