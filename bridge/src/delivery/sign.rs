//! Secrets of endpoints, and the signature over a message: HMAC-SHA256 over `id.timestamp.body`, as Standard Webhooks has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// What every secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// Random part of a secret, bytes; Standard Webhooks asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// A new secret, as it is shown and stored.
pub fn generate() -> String {
    let mut random = [0u8; SECRET_BYTES];
    rand::fill(&mut random);
    format!("{SECRET_PREFIX}{}", STANDARD.encode(random))
}

/// The value of `webhook-signature`: one signature for each secret.
pub fn signatures(secrets: &[&str], id: &str, at_second: i64, body: &str) -> String {
    let signed = format!("{id}.{at_second}.{body}");
    let of = |secret: &&str| {
        let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        Some(format!("v1,{}", STANDARD.encode(tag)))
    };
    secrets.iter().filter_map(of).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's libraries.
    #[test]
    fn a_signature_is_the_one_of_the_standard() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = r#"{"test": 2432232314}"#;
        let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        assert_eq!(signatures(&[secret], id, at, body), one);
        assert_eq!(signatures(&[secret, secret], id, at, body), format!("{one} {one}"));
    }

    #[test]
    fn secrets_are_long_and_distinct() {
        let secret = generate();
        let bytes = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX).unwrap()).unwrap();
        assert!(bytes.len() == SECRET_BYTES && secret != generate());
    }
}
