//! Access tokens (JWT, HS256) and the tokens of recording links, both made from the JWT secret.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use vox_shared::ids::{SessionId, TenantId};

use super::secret_token;
use crate::store::Stored;
use crate::store::users::User;

/// Life of an access token, seconds.
pub const ACCESS_SECONDS: i64 = 60 * 60;
/// How far clocks of replicas may differ, seconds.
const LEEWAY_SECONDS: i64 = 5;
const ISSUER: &str = "vox-bridge";
const AUDIENCE: &str = "vox-api";
/// Who reads what a password earned before its code.
const CODE_AUDIENCE: &str = "vox-second-factor";
/// Time to type a code, seconds.
pub const CHALLENGE_SECONDS: i64 = 5 * 60;
/// Who reads what a browser holds while it is at a provider.
const SIGN_IN_AUDIENCE: &str = "vox-sign-in";
/// Time for it, seconds.
pub const SIGN_IN_SECONDS: i64 = 10 * 60;
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
    /// The person's `tokens_valid_from`: a new password ends it, in the same second too. Absent from before the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
}

/// What the right password of a person with a second factor earns. It opens nothing but the asking for the code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Challenge {
    /// The person's e-mail address.
    pub sub: String,
    pub user_id: String,
    /// The person's `tokens_valid_from`: a new password ends it.
    pub under: String,
    pub exp: i64,
    pub iss: String,
    pub aud: String,
}

/// A sign-in through a provider that is under way, in the browser that began it. The browser may read it: the secrets in it are the
/// browser's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Travelling {
    pub state: String,
    pub nonce: String,
    /// Of PKCE (RFC 7636).
    pub verifier: String,
    /// Whose provider; the deployment's without one.
    pub tenant: Option<TenantId>,
    pub return_to: Option<String>,
}

/// The same, signed.
#[derive(Serialize, Deserialize)]
struct Packed {
    #[serde(flatten)]
    travelling: Travelling,
    sub: String,
    exp: i64,
    iss: String,
    aud: String,
}

/// Signs and reads.
pub struct Tokens {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
    challenges: Validation,
    sign_ins: Validation,
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SigningFailed(#[from] jsonwebtoken::errors::Error);

impl Tokens {
    pub fn new(secret: &SecretString) -> Self {
        let bytes = secret.expose_secret().as_bytes();
        Self {
            sign: EncodingKey::from_secret(bytes),
            verify: DecodingKey::from_secret(bytes),
            validation: validation(AUDIENCE),
            challenges: validation(CODE_AUDIENCE),
            sign_ins: validation(SIGN_IN_AUDIENCE),
        }
    }

    /// The right password was given, and a code is to follow.
    pub fn challenge(&self, user: &Stored<User>, now: Timestamp) -> Result<String, SigningFailed> {
        let claims = Challenge {
            sub: user.value.email.clone(),
            user_id: user.id.clone(),
            under: user.value.tokens_valid_from.to_string(),
            exp: now.as_second() + CHALLENGE_SECONDS,
            iss: ISSUER.into(),
            aud: CODE_AUDIENCE.into(),
        };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)?)
    }

    /// A challenge that is ours and has not expired.
    pub fn read_challenge(&self, token: &str, now: Timestamp) -> Option<Challenge> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let claims = jsonwebtoken::decode::<Challenge>(token, &self.verify, &self.challenges).ok()?.claims;
        (now.as_second() < claims.exp).then_some(claims)
    }

    /// For the browser that begins a sign-in.
    pub fn travelling(&self, travelling: &Travelling, now: Timestamp) -> Result<String, SigningFailed> {
        let packed = Packed {
            travelling: travelling.clone(),
            sub: "sign-in".into(),
            exp: now.as_second() + SIGN_IN_SECONDS,
            iss: ISSUER.into(),
            aud: SIGN_IN_AUDIENCE.into(),
        };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &packed, &self.sign)?)
    }

    /// A sign-in that was begun here and not too long ago.
    pub fn read_travelling(&self, token: &str, now: Timestamp) -> Option<Travelling> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let packed = jsonwebtoken::decode::<Packed>(token, &self.verify, &self.sign_ins).ok()?.claims;
        (now.as_second() < packed.exp).then_some(packed.travelling)
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
            under: Some(user.tokens_valid_from.to_string()),
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

    /// The token that opens a call's recording; each number, from 0, is another. It can be made again, so only its hash is stored. The text that is signed
    /// holds a ':', which no JWT does: neither can be passed off as the other.
    pub fn recording_link(&self, call: &SessionId, number: u32) -> Result<String, SigningFailed> {
        let text = match number {
            0 => format!("recording:{call}"),
            // No call's id has a ':'.
            number => format!("recording:{call}:{number}"),
        };
        let mut token = jsonwebtoken::crypto::sign(text.as_bytes(), &self.sign, Algorithm::HS256)?;
        token.truncate(LINK_CHARS);
        Ok(token)
    }
}

fn validation(audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Compared with the injected clock instead of the machine's.
    validation.validate_exp = false;
    validation
}
