//! The keys of the scripted provider. Everybody knows them: making an RSA key takes longer than a test should.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// RSA, 2048 bits: PKCS #1, DER.
const RSA: &str = "MIIEogIBAAKCAQEAzaxePKRynXpZTWqQ38ZyqRKouUzZYnIUA0CfRJMTx1bywy6ryuFUcxa6We60lbhaql3J+vPq5cuJ6zbYAI87NpVYaqN0lKsTbUNLSyIA/i4Tp9GT0fK4Kh8lmHSCttRiX7wlqZc8dkGK5wuofENQKbvty7J6urCmsiO5K+4a0bZRTOnXqb3hs3fcbBuV6uCdfaT44if7NjCiZFnx39ZY5G1Zsr43JoUJDIaHMPW6Jtf/YKt96HbicxM4cA9iunPWVFYkZunXEA6QMDL6B+EiwVSXeSfjQXZDZqkGp8LJDR7sIiOD8lAah5BGXIUFlFlQdUwdpmp4JfeKvMCZM9OFdQIDAQABAoIBAGR0AJ7rztMdc8p89v9kxJHRfDjs0OvlPeMMx/1NPIbK78zm2Z9AiOehPSk5jlfl79pv7nu0cJEF5XnNkphLXKdfMAz9gq4uFFH0YSz0EboTtSPtF56eRtbD2a/pkAJOHzIVCewX4r77aiVIq2Tt15Rapl0r8geGyhQNoJ5VMCImYsjgCQ7saOX6i+FT/+Z+GIOMMe9vu3aMoJEdvbXHpGtItmP5kB6NujnjrWJgYuWVoWmoj8jQH4Hpkc6E3A2Yrx8uJS6LbJEa/a2ws/OrYvWc0eMFOrRbHElwK1MKRTZ+YW0MYSzWH/aG0zauTh/LWOKEh1XZbyBnMmRWXPhr1i0CgYEA6QKV9c9oAYzVlFDi1Y2qB7ZUJsha2F+/S2ke+416x9K1yxbwnsqOvmuDqC/hX0H6gvn8C//3rgSjyYujxSquASC+luSkZwRoUhP+reS71FlCEQ/gAxVUW4qYqZT413Exs4GNRFq+fuWEnSRUbbjQtfb2s/LQaZ74jf3Lv38HZiMCgYEA4fdN8MDFWYOAD3ee44zfMY/GDk2EdhmZYCYakpwN2+OFXaQQrfXQ51826QhwdHiWYMIyH+mJjzCINmMv+L+Rxxg2rFGVhrkPZhXiDSj3I2L6xIn/pnKskMiiPIdkK55gkL46ZoPwnWUxPpjxRMCLoROj7ZDB5tgCu1wrkY1gw4cCgYB1T3L2bbR8S05gPJTnVUpMVbRqTibGlvX1XnhVx3YQUnpqRCNinrJdFj4Tl/+MeOhJttf5pqYo+3cGioIqSwGN2dF6oKRQpTxsTlrDa8xQ7ZtAgdCTXNK6v716a2EY/ok6Sbg4uML9mko430iOcSTK6ApusInTE1EqE6PXxnmQJwKBgEnWTMKZyyL35FWpieLjOl9wkpBD5j/NF6Aic1Zq5eBvVToHDWg6xduE8mVtW4nDiafubQCeiFOg0TGscZV/y7vZ/quKMSkHua9rASW5uB/5DOZCDaavHBJnbRQITcQvCXDiqCStgmd8FH5W7afAnx+wUkWjoqiy9xmQAbCbGP5rAoGATrqK6vNuwyrevxa4KaN8HzgkPKAq4Kf8vbKsKTx8m7uNeyxLoyKvQD0qx+V4JfyyUNkPjIKhjngrRklSRtN50dR8xaS1x5xlRTcDpquevTF1CfXBOCnfAQ0pRmY7drwKWh/SFgxeHkORHblszw/8XYXII1iS3umpf7mBHXLBYyY=";
/// Its modulus, as a JWK has it.
const RSA_N: &str = "zaxePKRynXpZTWqQ38ZyqRKouUzZYnIUA0CfRJMTx1bywy6ryuFUcxa6We60lbhaql3J-vPq5cuJ6zbYAI87NpVYaqN0lKsTbUNLSyIA_i4Tp9GT0fK4Kh8lmHSCttRiX7wlqZc8dkGK5wuofENQKbvty7J6urCmsiO5K-4a0bZRTOnXqb3hs3fcbBuV6uCdfaT44if7NjCiZFnx39ZY5G1Zsr43JoUJDIaHMPW6Jtf_YKt96HbicxM4cA9iunPWVFYkZunXEA6QMDL6B-EiwVSXeSfjQXZDZqkGp8LJDR7sIiOD8lAah5BGXIUFlFlQdUwdpmp4JfeKvMCZM9OFdQ";
/// P-256: PKCS #8, DER.
const EC: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3jUMVTfe6jqTYjWIzbwgMy2JxcX7r4BBP2qoRMr/Kz6hRANCAAQ3p0Af2jrq012suo0xNHS2YGwpK9+U/iMqHKgiMPsgYT4Fu/SiS5IdS6xTNU3NtYDYwq79dXavvhA/43qVfYIi";
const EC_X: &str = "N6dAH9o66tNdrLqNMTR0tmBsKSvflP4jKhyoIjD7IGE";
const EC_Y: &str = "PgW79KJLkh1LrFM1Tc21gNjCrv11dq--ED_jepV9giI";

/// One of the provider's two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    Rs256,
    Es256,
}

impl Signer {
    pub fn kid(self) -> &'static str {
        match self {
            Self::Rs256 => "rsa-1",
            Self::Es256 => "ec-1",
        }
    }

    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
        }
    }

    pub fn key(self) -> EncodingKey {
        let bytes = |text: &str| STANDARD.decode(text).expect("it was written by hand");
        match self {
            Self::Rs256 => EncodingKey::from_rsa_der(&bytes(RSA)),
            Self::Es256 => EncodingKey::from_ec_der(&bytes(EC)),
        }
    }

    /// As it is published.
    pub fn jwk(self) -> Value {
        match self {
            Self::Rs256 => {
                json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid(), "n": RSA_N, "e": "AQAB"})
            }
            Self::Es256 => {
                json!({"kty": "EC", "use": "sig", "alg": "ES256", "kid": self.kid(), "crv": "P-256", "x": EC_X, "y": EC_Y})
            }
        }
    }

    /// What everybody can read of it, as bytes: what a forger would take for a shared secret.
    pub fn public_bytes(self) -> &'static [u8] {
        match self {
            Self::Rs256 => RSA_N.as_bytes(),
            Self::Es256 => EC_X.as_bytes(),
        }
    }
}
