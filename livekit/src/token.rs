//! Access tokens: who may join which room as what. JSON Web Tokens with HMAC-SHA256 (RFC 7515, RFC 7519).

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Map, Value, json};

use crate::event::Kind;

/// What a token says. [`sign`](Self::sign) makes it one.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// Unique in the room: a second one throws the first one out.
    pub identity: String,
    pub room: String,
    pub name: String,
    pub kind: Kind,
    pub metadata: String,
    pub attributes: BTreeMap<String, String>,
    pub grants: Grants,
}

/// What the holder may do in the room besides being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants {
    pub publish: bool,
    /// Of all that may be published a microphone alone.
    pub microphone_only: bool,
    pub subscribe: bool,
    pub publish_data: bool,
    /// Change one's own name, metadata and attributes.
    pub update_own: bool,
    /// Not seen by others.
    pub hidden: bool,
    /// Remove others, mute them, send them data by the server's API.
    pub admin: bool,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            publish: true,
            microphone_only: false,
            subscribe: true,
            publish_data: true,
            update_own: true,
            hidden: false,
            admin: false,
        }
    }
}

impl AccessToken {
    /// A participant with the usual grants.
    pub fn new(room: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            identity: identity.into(),
            room: room.into(),
            name: String::new(),
            kind: Kind::Standard,
            metadata: String::new(),
            attributes: BTreeMap::new(),
            grants: Grants::default(),
        }
    }

    /// The token, good from a minute ago (clocks differ) until `valid_for` from `now`, which is the time since 1970.
    pub fn sign(&self, key: &str, secret: &str, now: Duration, valid_for: Duration) -> String {
        let kind = match self.kind {
            Kind::Sip => "sip",
            Kind::Agent => "agent",
            Kind::Ingress => "ingress",
            Kind::Egress => "egress",
            Kind::Standard | Kind::Other => "standard",
        };
        let grants = self.grants;
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), key.into());
        claims.insert("sub".to_owned(), self.identity.as_str().into());
        claims.insert("nbf".to_owned(), now.as_secs().saturating_sub(60).into());
        claims.insert("exp".to_owned(), (now + valid_for).as_secs().into());
        claims.insert("kind".to_owned(), kind.into());
        for (name, value) in [("name", &self.name), ("metadata", &self.metadata)] {
            if !value.is_empty() {
                claims.insert(name.to_owned(), value.as_str().into());
            }
        }
        if !self.attributes.is_empty() {
            claims.insert("attributes".to_owned(), json!(self.attributes));
        }
        let mut video = json!({
            "roomJoin": true,
            "room": self.room,
            "canPublish": grants.publish,
            "canSubscribe": grants.subscribe,
            "canPublishData": grants.publish_data,
            "canUpdateOwnMetadata": grants.update_own,
            "hidden": grants.hidden,
            "roomAdmin": grants.admin,
        });
        if grants.microphone_only {
            video["canPublishSources"] = json!(["microphone"]);
        }
        claims.insert("video".to_owned(), video);
        seal(&Value::Object(claims), secret)
    }
}

/// Sign claims as they are.
pub(crate) fn seal(claims: &Value, secret: &str) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_who_and_where() {
        let mut token = AccessToken::new("room", "bot");
        token.kind = Kind::Agent;
        let signed = token.sign("key", "secret", Duration::from_secs(1000), Duration::from_secs(60));
        let parts: Vec<_> = signed.split('.').collect();
        let claims: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        assert_eq!(
            (&claims["iss"], &claims["sub"], &claims["kind"]),
            (&json!("key"), &json!("bot"), &json!("agent"))
        );
        assert_eq!((&claims["nbf"], &claims["exp"]), (&json!(940), &json!(1060)));
        assert_eq!(claims["video"]["room"], "room");
        assert_eq!(claims["video"]["roomAdmin"], false);
        assert!(claims.get("metadata").is_none() && claims["video"].get("canPublishSources").is_none());
    }

    /// The example of RFC 7515, appendix A.1, has the same algorithm.
    #[test]
    fn the_signature_covers_both_parts() {
        let one = seal(&json!({"a": 1}), "secret");
        let other = seal(&json!({"a": 1}), "another");
        assert_eq!(one.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().0);
        assert_ne!(one, other);
    }
}
