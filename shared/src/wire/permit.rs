//! Permits: a call's place among those that a vendor's key serves at once. The bridge gives them with the config, for those that the call
//! begins with; a worker asks for another's before it goes to a fall-back
//! (`POST /api/v1/internal/calls/{session_id}/permits`), and says with every registration which its running call has. One that is not
//! said any more is free again. Decision 0081.

use serde::{Deserialize, Serialize};

use super::answers::Service;
use crate::ids::BotId;

/// Permits that a call may have, and longest name of one, bytes.
pub const MAX_PERMITS: usize = 16;
pub const MAX_PERMIT_NAME: usize = 128;

/// One vendor of a call whose key has a limit. The others need no permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    pub service: Service,
    /// Which of the config's list: 0 the vendor, 1 its first fall-back.
    pub place: usize,
    /// What is counted. Two vendors of a call may have the same.
    pub name: String,
    /// The call has it. Else it is asked for before the vendor is.
    #[serde(default)]
    pub held: bool,
    /// Requests that the call may make of this vendor in any minute, where its key has a limit of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
}

/// A worker wants one for its running call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitRequest {
    pub name: String,
    /// The bot of the config that the name is of: a call may be with another than it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_id: Option<BotId>,
}

/// Whether the call has it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitAnswer {
    pub granted: bool,
}

/// An ear beside the caller's. Its recogniser is a stream more of the same call, which the vendor counts; so it has a permit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Of the person of ours who talks with the caller.
    Aloud,
    /// Of whoever speaks to the bot alone.
    Whispered,
}

/// Between the name of a permit and whose it is.
const OF: &str = "::";

impl Beside {
    pub const ALL: [Self; 2] = [Self::Aloud, Self::Whispered];

    /// At the end of a permit's name, and of the call's where it is counted.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aloud => "aloud",
            Self::Whispered => "whispered",
        }
    }

    /// The ear's permit where the call's own has this name.
    pub fn name(self, name: &str) -> String {
        format!("{name}{OF}{}", self.as_str())
    }

    /// As whom the ear of a call is counted.
    pub fn member(self, session: &str) -> String {
        format!("{session}{OF}{}", self.as_str())
    }

    /// What a permit counts, and of which ear it is where it is not the call's own.
    pub fn of(name: &str) -> (&str, Option<Self>) {
        let own = |ear: &Self| name.strip_suffix(ear.as_str())?.strip_suffix(OF);
        let ears = Self::ALL.iter().find_map(|ear| Some((own(ear)?, Some(*ear))));
        ears.unwrap_or((name, None))
    }
}

/// Whether a text may be the name of a permit: what the bridge makes them of, and what the ears of a call make of those.
pub fn is_name(name: &str) -> bool {
    let (counted, _) = Beside::of(name);
    !counted.is_empty()
        && !counted.contains(OF)
        && name.len() <= MAX_PERMIT_NAME
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b':' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_of_the_least_words_is_not_held() {
        let least: Permit =
            serde_json::from_str(r#"{"service": "stt", "place": 1, "name": "vendor:stt:deepgram:00ff"}"#)
                .unwrap();
        assert!(!least.held && least.requests_per_minute.is_none() && is_name(&least.name));
        for name in ["", "a b", "Vendor", "vendor\n", &"x".repeat(MAX_PERMIT_NAME + 1)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn an_ear_has_a_permit_of_its_own_and_nobody_else_has() {
        let own = "vendor:stt:deepgram:00ff";
        for ear in Beside::ALL {
            let name = ear.name(own);
            assert!(is_name(&name), "{name}");
            assert_eq!(Beside::of(&name), (own, Some(ear)));
            assert_eq!(ear.member("call_1"), format!("call_1::{}", ear.as_str()));
        }
        assert_eq!(Beside::of(own), (own, None));
        for name in
            ["vendor:stt:a:00::second", "vendor:stt:a:00::aloud::aloud", "::aloud", "vendor::aloud::x"]
        {
            assert!(!is_name(name), "{name}");
        }
    }
}
