//! Tokens of calls (JWT, HS256): what a worker delivers for one call with. They are signed with a key of their own, made by HKDF of
//! the JWT secret, which no worker knows: neither can they be passed off as a person's token nor can a worker make one.
//! Decision 0051.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::hkdf::{HKDF_SHA256, Salt};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vox_shared::ids::{BotId, SessionId, TenantId};

use super::token::SigningFailed;

/// Life of a token, seconds: the longest call has an hour, and what it leaves may wait 30 days for the bridge. After that, as after
/// a change of the JWT secret, the worker's claim goes on without it.
pub const LIFE_SECONDS: i64 = (30 * 24 + 1) * 60 * 60;
/// How far clocks of replicas may differ, seconds.
const LEEWAY_SECONDS: i64 = 5;
const ISSUER: &str = "vox-bridge";
/// Who reads a token.
const AUDIENCE: &str = "vox-call";
/// Says what the key is for.
const DOMAIN: &[u8] = b"vox call tokens 1";
const KEY_BYTES: usize = 32;
/// Longest text looked at, bytes.
const MAX_TOKEN_BYTES: usize = 4096;

/// The one call that a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneCall {
    #[serde(rename = "sub")]
    pub session: SessionId,
    pub tenant: TenantId,
    pub bot: BotId,
}

/// Something that was signed, for whom, and how long it is good.
#[derive(Serialize, Deserialize)]
struct Signed<T> {
    #[serde(flatten)]
    what: T,
    exp: i64,
    iat: i64,
    iss: String,
    aud: String,
}

/// Signs and reads.
pub struct CallTokens {
    sign: EncodingKey,
    verify: DecodingKey,
}

impl CallTokens {
    /// With a key made of the JWT secret.
    pub fn new(jwt_secret: &SecretString) -> Self {
        let secret = Salt::new(HKDF_SHA256, DOMAIN).extract(jwt_secret.expose_secret().as_bytes());
        let mut key = [0; KEY_BYTES];
        let made = secret.expand(&[DOMAIN], HKDF_SHA256).and_then(|made| made.fill(&mut key));
        made.expect("a key is as long as what the function gives");
        Self { sign: EncodingKey::from_secret(&key), verify: DecodingKey::from_secret(&key) }
    }

    /// A token for a call that begins.
    pub fn issue(&self, call: &OneCall, now: Timestamp) -> Result<String, SigningFailed> {
        self.sign(call, AUDIENCE, (now, LIFE_SECONDS))
    }

    /// The call that a token is for, if it is ours and has not expired.
    pub fn read(&self, token: &str, now: Timestamp) -> Option<OneCall> {
        self.open(token, AUDIENCE, now)
    }

    /// Something for a worker to hold, and to show to this audience again.
    pub fn sign<T: Serialize>(
        &self,
        what: &T,
        audience: &str,
        (now, seconds): (Timestamp, i64),
    ) -> Result<String, SigningFailed> {
        let iat = now.as_second();
        let signed =
            Signed { what, exp: iat + seconds, iat, iss: ISSUER.to_owned(), aud: audience.to_owned() };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &signed, &self.sign)?)
    }

    /// What was signed for this audience, if it has not expired. It has a `sub`.
    pub fn open<T: DeserializeOwned>(&self, text: &str, audience: &str, now: Timestamp) -> Option<T> {
        if text.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Compared with the injected clock instead of the machine's.
        validation.validate_exp = false;
        let signed = jsonwebtoken::decode::<Signed<T>>(text, &self.verify, &validation).ok()?.claims;
        let now = now.as_second();
        (now < signed.exp + LEEWAY_SECONDS && signed.iat <= now + LEEWAY_SECONDS).then_some(signed.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::token::Tokens;

    #[test]
    fn a_token_names_its_call_until_it_expires_and_is_no_persons() {
        let secret = SecretString::from("kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN");
        let (tokens, people) = (CallTokens::new(&secret), Tokens::new(&secret));
        let call = OneCall {
            session: "call_1".parse().unwrap(),
            tenant: "default".parse().unwrap(),
            bot: "faq".parse().unwrap(),
        };
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let later = |seconds: i64| Timestamp::from_second(now.as_second() + seconds).unwrap();
        let token = tokens.issue(&call, now).unwrap();
        assert_eq!(tokens.read(&token, later(LIFE_SECONDS)), Some(call.clone()));
        assert_eq!(tokens.read(&token, later(LIFE_SECONDS + 6)), None, "it has expired");
        assert!(people.read(&token, now).is_none());
        assert!(tokens.read(&people.recording_link(&call.session, 0).unwrap(), now).is_none());
        let other = CallTokens::new(&SecretString::from("Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo"));
        assert_eq!(other.read(&token, now), None, "the secret was changed");
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character holds bits that mean nothing.
            assert!(at + 1 == token.len() || tokens.read(&changed, now).is_none(), "{at}");
        }
    }
}
