//! A supervisor in a running call: what they are there, and the seat that the worker gives them.

use serde::{Deserialize, Serialize};

use crate::redact::Redacted;

/// Longest name of a supervisor, characters: an id of the bridge's.
pub const LONGEST_SUPERVISOR_CHARS: usize = 100;

/// What a supervisor is in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Hears everybody, and is seen and heard by nobody.
    Listen,
    /// The same, and speaks into the bot's ear.
    WhisperToBot,
    /// The same, and speaks into the ears of the agents in the call.
    WhisperToAgent,
    /// Talks with everybody.
    Barge,
    /// Talks with the caller as the call's agent: whispers to agents reach them.
    TakeOver,
}

impl Part {
    pub const ALL: [Self; 5] =
        [Self::Listen, Self::WhisperToBot, Self::WhisperToAgent, Self::Barge, Self::TakeOver];

    /// The word on the wire, in events and in figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::WhisperToBot => "whisper_to_bot",
            Self::WhisperToAgent => "whisper_to_agent",
            Self::Barge => "barge",
            Self::TakeOver => "take_over",
        }
    }

    /// Whether the caller hears them.
    pub const fn is_aloud(self) -> bool {
        matches!(self, Self::Barge | Self::TakeOver)
    }
}

/// A seat in a call: the rooms to join, all of them, and what opens each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeatGiven {
    /// Who they are in the rooms.
    pub identity: String,
    pub part: Part,
    pub rooms: Vec<RoomGiven>,
    /// The tokens are to be used within so many seconds; a seat that nobody takes until then is given up.
    pub seconds: u32,
}

/// One room of a seat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomGiven {
    pub room: String,
    /// Opens this room, for this identity, with these rights alone.
    pub token: Redacted<String>,
    pub speaks: bool,
    pub listens: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_one_word_everywhere() {
        for part in Part::ALL {
            assert_eq!(serde_json::to_value(part).unwrap(), part.as_str());
        }
    }

    #[test]
    fn a_seat_of_the_first_version_is_read_and_its_tokens_are_not_shown() {
        let seat: SeatGiven = serde_json::from_str(include_str!("supervision_v1.golden.json")).unwrap();
        assert_eq!((seat.part, seat.rooms.len(), seat.seconds), (Part::WhisperToBot, 2, 60));
        assert!(!seat.rooms[0].speaks && seat.rooms[1].speaks && !seat.rooms[1].listens);
        assert_eq!(seat.rooms[1].token.expose(), "a.b.d");
        assert!(!format!("{seat:?}").contains("a.b"));
    }
}
