//! RSA private keys as vendors give them in files, and the tokens that are signed with them: JWTs, RS256 (RFC 7515, RFC 7518 3.3).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::Value;

/// An RSA key, 2048 bits or more.
#[derive(Debug)]
pub struct RsaKey(RsaKeyPair);

/// The text is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no RSA private key: give the whole file, from -----BEGIN PRIVATE KEY----- to its END line")]
pub struct BadKey;

impl RsaKey {
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

    /// A token with this head, whose `alg` must be `RS256`, and these claims. Takes milliseconds of a processor. `None` when the
    /// machine has no randomness left.
    pub fn sign(&self, head: &Value, claims: &Value) -> Option<String> {
        let head = URL_SAFE_NO_PAD.encode(head.to_string());
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
