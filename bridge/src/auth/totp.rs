//! Codes of authenticator apps: TOTP (RFC 6238) with what all of them take: SHA-1, six digits, steps of thirty seconds.

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use ring::hmac;
use subtle::ConstantTimeEq;
use url::Url;

/// RFC 4226 (4, R6) wants 160 bits.
const SECRET_BYTES: usize = 20;
const STEP_SECONDS: i64 = 30;
const DIGITS: usize = 6;
/// Steps before and after the present one whose codes count, for clocks that differ and for slow typing (RFC 6238, 5.2).
const DRIFT_STEPS: i64 = 1;
const ISSUER: &str = "Vox";

/// A new secret, base32.
pub fn generate() -> String {
    let mut random = [0u8; SECRET_BYTES];
    rand::fill(&mut random);
    BASE32_NOPAD.encode(&random)
}

/// What an app reads from a QR code.
pub fn address(secret: &str, email: &str) -> String {
    let mut url = Url::parse("otpauth://totp/").expect("a constant that is an address");
    url.set_path(&format!("/{ISSUER}:{email}"));
    url.query_pairs_mut().append_pair("secret", secret).append_pair("issuer", ISSUER);
    url.into()
}

/// The step, later than the last one that was used, whose code this is.
pub fn find_step(secret: &str, code: &str, last_step: i64, now: Timestamp) -> Option<i64> {
    let present = now.as_second().div_euclid(STEP_SECONDS);
    let mut steps = (present - DRIFT_STEPS..=present + DRIFT_STEPS).filter(|step| *step > last_step);
    steps.find(|step| {
        self::code(secret, *step).is_some_and(|right| right.as_bytes().ct_eq(code.as_bytes()).into())
    })
}

/// The code of a step (RFC 4226, 5.3). `None` when the secret is no base32, which only damage makes it.
pub fn code(secret: &str, step: i64) -> Option<String> {
    let key = BASE32_NOPAD.decode(secret.as_bytes()).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let hash = tag.as_ref();
    let at = usize::from(hash[19] & 0xf);
    let number = u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]]);
    Some(format!("{:0DIGITS$}", number % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    fn secret() -> String {
        BASE32_NOPAD.encode(b"12345678901234567890")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (second, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(&secret(), second / 30).as_deref(), Some(expected));
            assert_eq!(find_step(&secret(), expected, 0, at(second)), Some(second / 30));
        }
    }

    #[test]
    fn a_code_counts_a_step_early_and_late_and_once() {
        let (secret, step) = (secret(), 1000);
        let code = code(&secret, step).unwrap();
        let found = |now: i64, last| find_step(&secret, &code, last, at(now * 30));
        assert_eq!(
            [998, 999, 1000, 1001, 1002].map(|now| found(now, 0).is_some()),
            [false, true, true, true, false]
        );
        assert_eq!((found(1000, 1000), found(1000, 999)), (None, Some(1000)));
        for odd in ["", "12345", "1234567", "abcdef"] {
            assert_eq!(find_step(&secret, odd, 0, at(30_000)), None);
        }
    }

    #[test]
    fn an_app_is_told_whose_it_is() {
        let address = address("ABC", "a+b@test");
        assert_eq!(address, "otpauth://totp/Vox:a+b@test?secret=ABC&issuer=Vox");
        assert_eq!(generate().len(), 32);
    }
}
