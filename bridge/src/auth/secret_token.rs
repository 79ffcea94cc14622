//! Random tokens that are secrets by themselves (refresh tokens, tickets, keys of the API): made here, stored as hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Random part of a token, bytes.
const TOKEN_BYTES: usize = 24;
/// Longest token accepted from outside, bytes.
pub const MAX_TOKEN_BYTES: usize = 128;

/// 24 random bytes, URL-safe: 32 characters.
pub fn generate() -> String {
    random::<TOKEN_BYTES>()
}

/// So many random bytes, URL-safe.
pub fn random<const BYTES: usize>() -> String {
    let mut random = [0u8; BYTES];
    rand::fill(&mut random);
    URL_SAFE_NO_PAD.encode(random)
}

/// What is stored in a token's place: SHA-256, hex.
pub fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_distinct_and_stored_as_hashes() {
        let token = generate();
        assert!(token.len() == 32 && token != generate());
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
