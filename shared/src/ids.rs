//! Identifiers: a prefix that says what it names and a ULID, so they sort by birth.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;

/// Longest identifier accepted from outside, bytes.
pub const MAX_ID_BYTES: usize = 96;

/// The text is no identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no {kind} id: 1 to {MAX_ID_BYTES} characters of a-z, A-Z, 0-9, '_', '-', '.'")]
pub struct BadId {
    kind: &'static str,
    text: String,
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && !text.starts_with('.')
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What a generated identifier starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier that nothing else carries.
            #[expect(clippy::disallowed_methods, reason = "identifiers are unique, not a clock")]
            pub fn generate() -> Self {
                let mut random = [0u8; 10];
                rand::fill(&mut random);
                let ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
                let mut wide = [0u8; 16];
                wide[..10].copy_from_slice(&random);
                let random = u128::from_le_bytes(wide);
                let ms = u64::try_from(ms).unwrap_or(0);
                Self(format!("{}_{}", $prefix, Ulid::from_parts(ms, random).to_string().to_lowercase()))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            /// Accepts identifiers of other systems too: the prefix is ours, not a rule.
            fn from_str(text: &str) -> Result<Self, BadId> {
                if is_id(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadId { kind: $prefix, text: text.chars().take(MAX_ID_BYTES).collect() })
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(/** A tenant: one customer of the deployment. */ TenantId, "ten");
id!(/** A person who may log in. */ UserId, "usr");
id!(/** A bot: the AI that answers. */ BotId, "bot");
id!(/** One call, from the first message to its terminal record. Also called the session id on the wire. */ SessionId, "call");
id!(/** A core worker process. */ WorkerId, "wrk");
id!(/** A plan: what a tenant may use in a period. */ PlanId, "plan");
id!(/** A price of a vendor. */ PriceId, "price");
id!(/** An invitation of a person, or a link that sets somebody's password anew. It names the link and is no secret. */ InvitationId, "inv");
id!(/** A key that opens the API to a program. It names the key and is no secret. */ ApiKeyId, "key");
id!(/** A piece of work that is kept until it is done. */ JobId, "job");
id!(/** An event of a tenant. The same on every delivery of it. */ EventId, "evt");
id!(/** An endpoint that events are sent to. */ WebhookId, "whk");
id!(/** One event on its way to one endpoint. */ DeliveryId, "dlv");
id!(/** A carrier of telephone calls. */ CarrierId, "car");
id!(/** A number of a carrier. */ DidId, "did");
id!(/** A voice that was made from a clip. In a bot's `tts.voice` its prefix tells it from a vendor's own ids. */ VoiceId, "voice");
id!(/** A sound that a tenant sent: music, a background, a phrase that a person has recorded. */ SoundId, "snd");
id!(/** A slot of a worker that is kept for a call that is about to be placed. */ ReservationId, "rsv");
id!(/** A campaign: a list of people whom a bot rings. */ CampaignId, "cmp");
id!(/** Somebody whom a campaign rings. Made of the campaign and of what tells its rows apart, so that a row that is imported again is the same contact. */ ContactId, "con");
id!(/** A file of contacts on its way into a campaign. */ ImportId, "imp");
id!(/** One try to reach a contact: the contact's id, a dot, and the number of the try. The room of the call is called the same. */ AttemptId, "att");

impl VoiceId {
    /// The voice that a bot's `tts.voice` names, if it is one of these: no vendor's own ids begin so.
    pub fn in_settings(voice: &str) -> Option<Self> {
        let rest = voice.strip_prefix(Self::PREFIX)?.strip_prefix('_')?;
        if rest.is_empty() { None } else { voice.parse().ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_are_prefixed_and_distinct() {
        let (a, b) = (BotId::generate(), BotId::generate());
        assert!(a.as_str().starts_with("bot_") && a != b);
        assert_eq!(a.to_string().parse::<BotId>(), Ok(a));
    }

    #[test]
    fn foreign_text_is_refused_when_it_could_hurt() {
        for bad in ["", "../x", "a/b", "a b", "é", ".hidden", &"x".repeat(97)] {
            assert!(bad.parse::<BotId>().is_err(), "{bad}");
        }
        assert!("42".parse::<BotId>().is_ok());
    }
}
