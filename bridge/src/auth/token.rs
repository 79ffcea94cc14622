//! Access tokens (JWT, HS256) and the tokens of recording links, both made from the JWT secret.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use vox_shared::ids::SessionId;

use super::secret_token;
use crate::store::users::User;

/// Life of an access token, seconds.
pub const ACCESS_SECONDS: i64 = 60 * 60;
/// How far clocks of replicas may differ, seconds.
const LEEWAY_SECONDS: i64 = 5;
const ISSUER: &str = "vox-bridge";
const AUDIENCE: &str = "vox-api";
/// Longest token looked at, bytes.
const MAX_TOKEN_BYTES: usize = 4096;
/// Characters of a recording token: 24 bytes URL-safe.
const LINK_CHARS: usize = 32;

/// What an access token says. The role is for the client's eyes: the server reads it from the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The person's e-mail address.
    pub sub: String,
    pub role: String,
    pub name: String,
    pub exp: i64,
    pub iat: i64,
    pub iss: String,
    pub aud: String,
    pub jti: String,
}

/// Signs and reads.
pub struct Tokens {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SigningFailed(#[from] jsonwebtoken::errors::Error);

impl Tokens {
    pub fn new(secret: &SecretString) -> Self {
        let bytes = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Compared with the injected clock below instead of the machine's.
        validation.validate_exp = false;
        Self { sign: EncodingKey::from_secret(bytes), verify: DecodingKey::from_secret(bytes), validation }
    }

    /// An access token for a person.
    pub fn issue(&self, user: &User, now: Timestamp) -> Result<String, SigningFailed> {
        let iat = now.as_second();
        let claims = Claims {
            sub: user.email.clone(),
            role: user.role.as_str().into(),
            name: user.name.clone(),
            exp: iat + ACCESS_SECONDS,
            iat,
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            jti: secret_token::generate(),
        };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)?)
    }

    /// The claims of a token that is ours and has not expired.
    pub fn read(&self, token: &str, now: Timestamp) -> Option<Claims> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verify, &self.validation).ok()?.claims;
        let now = now.as_second();
        (now < claims.exp + LEEWAY_SECONDS && claims.iat <= now + LEEWAY_SECONDS).then_some(claims)
    }

    /// The token that opens a call's recording. It can be made again, so only its hash is stored. The text that is signed
    /// holds a ':', which no JWT does: neither can be passed off as the other.
    pub fn recording_link(&self, call: &SessionId) -> Result<String, SigningFailed> {
        let text = format!("recording:{call}");
        let mut token = jsonwebtoken::crypto::sign(text.as_bytes(), &self.sign, Algorithm::HS256)?;
        token.truncate(LINK_CHARS);
        Ok(token)
    }
}
