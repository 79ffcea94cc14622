//! Whether an ID token (OpenID Connect Core 1.0, section 3.1.3.7) is a provider's word for us, for this sign-in, now.

use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq;

/// How far the provider's clock may differ, seconds.
const LEEWAY_SECONDS: i64 = 60;
/// Longest token looked at, bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Longest subject (section 2).
const MAX_SUBJECT: usize = 255;

/// What a provider says of a person.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    pub sub: String,
    aud: Value,
    exp: f64,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    email_verified: Value,
    #[serde(default)]
    pub name: Option<String>,
}

/// What the token must be made for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now: Timestamp,
}

/// Why a token is not taken. For the log: whoever brings it is told nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum BadToken {
    #[error("it is too long")]
    TooLong,
    #[error("its header makes no sense: {0}")]
    Header(jsonwebtoken::errors::Error),
    #[error("it is signed with {0:?}; only RS256 and ES256 are taken")]
    Algorithm(Algorithm),
    /// The keys may be older than the token.
    #[error("it is signed with a key that the provider does not publish")]
    UnknownKey,
    #[error("signature, issuer or audience are wrong, or something is missing: {0}")]
    Refused(#[from] jsonwebtoken::errors::Error),
    #[error("it has expired, or is from the future")]
    Time,
    #[error("it was made for another sign-in")]
    Nonce,
    #[error("it was made for another client")]
    AuthorizedParty,
    #[error("it names nobody")]
    Subject,
}

impl Claims {
    /// The address, when the provider has seen that it is this person's. Some write the truth as text.
    pub fn verified_email(&self) -> Option<&str> {
        let is_verified = match &self.email_verified {
            Value::Bool(verified) => *verified,
            Value::String(text) => text == "true",
            _ => false,
        };
        self.email.as_deref().filter(|email| is_verified && !email.is_empty())
    }
}

/// The claims of a token that one of these keys has signed.
pub fn read(token: &str, keys: &[Jwk], expected: Expected<'_>) -> Result<Claims, BadToken> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(BadToken::TooLong);
    }
    let header = jsonwebtoken::decode_header(token).map_err(BadToken::Header)?;
    // Never what the token asks for: with a shared secret's algorithm a public key would be the secret.
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
        return Err(BadToken::Algorithm(header.alg));
    }
    let key = key_of(&header, keys).ok_or(BadToken::UnknownKey)?;
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Compared with the injected clock below.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_jwk(key)?, &validation)?.claims;
    check(claims, expected)
}

fn check(claims: Claims, expected: Expected<'_>) -> Result<Claims, BadToken> {
    let (now, leeway) = (expected.now.as_second() as f64, LEEWAY_SECONDS as f64);
    if claims.exp.is_nan() || now >= claims.exp + leeway || claims.iat.is_some_and(|iat| iat > now + leeway) {
        return Err(BadToken::Time);
    }
    let nonce = claims.nonce.as_deref().unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(BadToken::Nonce);
    }
    let is_for_many = claims.aud.as_array().is_some_and(|audience| audience.len() > 1);
    match claims.azp.as_deref() {
        Some(party) if party != expected.client_id => return Err(BadToken::AuthorizedParty),
        None if is_for_many => return Err(BadToken::AuthorizedParty),
        _ => {}
    }
    if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT {
        return Err(BadToken::Subject);
    }
    Ok(claims)
}

/// The key that the header names, or the only one there is when it names none.
fn key_of<'k>(header: &Header, keys: &'k [Jwk]) -> Option<&'k Jwk> {
    let mut fitting = keys.iter().filter(|key| fits(key, header.alg));
    match &header.kid {
        Some(kid) => fitting.find(|key| key.common.key_id.as_ref() == Some(kid)),
        None => {
            let only = fitting.next()?;
            fitting.next().is_none().then_some(only)
        }
    }
}

/// Whether a key is there for signatures of this kind.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => algorithm == Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(_) => algorithm == Algorithm::ES256,
        _ => false,
    };
    let is_for_signatures =
        key.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
    let is_named = key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
    is_kind && is_for_signatures && is_named
}
