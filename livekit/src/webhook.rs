//! What a server tells by webhook: a POST whose `Authorization` is a JSON Web Token (without `Bearer`) over the SHA-256 of the body. Nothing
//! in a body is to be believed, or even parsed, before [`verify`] has said so.
//!
//! The order of events is not kept, the same one may come twice (each has an `id`), and some may never come.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// By how much clocks may differ, seconds.
const LEEWAY: u64 = 60;
/// Longest token, bytes: the server's own has some 300.
const MAX_TOKEN: usize = 4 * 1024;

/// Why a body is not the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    #[error("there is no token")]
    NoToken,
    #[error("the token is none of HMAC-SHA256")]
    Malformed,
    #[error("the token is signed under another key")]
    OtherKey,
    #[error("the token's signature is wrong")]
    BadSignature,
    #[error("the token is not good now: look at the clocks")]
    NotNow,
    #[error("the token is about another body")]
    OtherBody,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    #[serde(default)]
    nbf: u64,
    exp: u64,
    sha256: String,
}

/// An event, as far as it matters here. Bodies hold more, a room's TURN password among it: they are not to be logged or kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// `participant_joined`, `room_finished`, …
    pub event: String,
    /// `EV_…`; the same when it is told again.
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub room: Option<OfRoom>,
    #[serde(default)]
    pub participant: Option<OfPerson>,
}

/// The room of an event.
#[derive(Clone, Debug, Deserialize)]
pub struct OfRoom {
    #[serde(default)]
    pub sid: String,
    #[serde(default)]
    pub name: String,
}

/// The participant of an event.
#[derive(Clone, Debug, Deserialize)]
pub struct OfPerson {
    #[serde(default)]
    pub identity: String,
    /// `SIP`, `AGENT`, …; a person's is left out.
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// Whether the server with this key and secret sent this body now. `now` is the time since 1970.
pub fn verify(
    authorization: Option<&str>,
    body: &[u8],
    (key, secret): (&str, &str),
    now: Duration,
) -> Result<(), Forged> {
    let token = authorization.map(str::trim).filter(|text| !text.is_empty()).ok_or(Forged::NoToken)?;
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    if token.len() > MAX_TOKEN {
        return Err(Forged::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Forged::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Forged::Malformed)?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| Forged::Malformed)?;
    // In constant time. Before anything that is signed is looked at.
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&secret, signed.as_bytes(), &signature).map_err(|_| Forged::BadSignature)?;
    let header: Header = part(header)?;
    if header.alg != "HS256" {
        return Err(Forged::Malformed);
    }
    let claims: Claims = part(claims)?;
    if claims.iss != key {
        return Err(Forged::OtherKey);
    }
    let now = now.as_secs();
    if claims.nbf > now.saturating_add(LEEWAY) || claims.exp.saturating_add(LEEWAY) < now {
        return Err(Forged::NotNow);
    }
    let hash = BASE64_STANDARD.encode(digest(&SHA256, body));
    if !bool::from(hash.as_bytes().ct_eq(claims.sha256.as_bytes())) {
        return Err(Forged::OtherBody);
    }
    Ok(())
}

fn part<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, Forged> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Forged::Malformed)?;
    serde_json::from_slice(&text).map_err(|_| Forged::Malformed)
}

/// The `Authorization` of a body, as the server makes it: for whoever plays the server.
pub fn sign(body: &[u8], (key, secret): (&str, &str), now: Duration) -> String {
    let hash = BASE64_STANDARD.encode(digest(&SHA256, body));
    let nbf = now.as_secs();
    crate::token::seal(&serde_json::json!({"iss": key, "nbf": nbf, "exp": nbf + 300, "sha256": hash}), secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: (&str, &str) = ("devkey", "secret");
    const NOW: Duration = Duration::from_secs(1_795_254_100);

    #[test]
    fn only_the_server_itself_is_believed() {
        let body = br#"{"event":"room_started"}"#;
        let good = sign(body, KEY, NOW);
        assert_eq!(verify(Some(&good), body, KEY, NOW), Ok(()));
        assert_eq!(verify(Some(&format!("Bearer {good}")), body, KEY, NOW), Ok(()));
        let later = |seconds: u64| NOW + Duration::from_secs(seconds);
        assert_eq!(verify(Some(&good), body, KEY, later(360)), Ok(()));
        let none = "eyJhbGciOiJub25lIn0.e30.";
        for (token, sent, key, at, why) in [
            (None, &body[..], KEY, NOW, Forged::NoToken),
            (Some(""), body, KEY, NOW, Forged::NoToken),
            (Some("x"), body, KEY, NOW, Forged::Malformed),
            (Some(none), body, KEY, NOW, Forged::BadSignature),
            (Some(good.as_str()), b"{}", KEY, NOW, Forged::OtherBody),
            (Some(&good), body, ("devkey", "secret2"), NOW, Forged::BadSignature),
            (Some(&good), body, ("other", "secret"), NOW, Forged::OtherKey),
            (Some(&good), body, KEY, later(361), Forged::NotNow),
            (Some(&good), body, KEY, NOW - Duration::from_secs(61), Forged::NotNow),
        ] {
            assert_eq!(verify(token, sent, key, at), Err(why), "{token:?}");
        }
    }

    #[test]
    fn a_body_is_read_as_it_was_seen() {
        let told: Told = serde_json::from_str(
            r#"{"event":"participant_joined","room":{"sid":"RM_1","name":"call-_+15550100_2nWqmHoLSJ4K","creationTime":"1795254626","turnPassword":"x"},
            "participant":{"sid":"PA_1","identity":"sip_+15550100","state":"ACTIVE","kind":"SIP","joinedAt":"1795254626","attributes":{"sip.phoneNumber":"+15550100"}},
            "id":"EV_1","createdAt":"1795254626"}"#,
        )
        .unwrap();
        let person = told.participant.unwrap();
        assert_eq!((told.id.as_str(), person.kind.as_str()), ("EV_1", "SIP"));
        assert_eq!(person.attributes["sip.phoneNumber"], "+15550100");
    }
}
