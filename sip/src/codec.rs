//! The codecs of telephones that are spoken here.

use vox_audio::g711;

/// A codec: 8,000 samples a second, a byte each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 mu-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// As in `rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// Ticks of the RTP clock in a second.
    pub const fn clock_hz(self) -> u32 {
        8000
    }

    /// The payload type that it has without being told (RFC 3551, 6).
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// A byte's sample.
    pub(crate) fn decode(self, code: u8) -> i16 {
        match self {
            Self::Pcmu => g711::ulaw_to_linear(code),
            Self::Pcma => g711::alaw_to_linear(code),
        }
    }

    /// A sample's byte.
    pub(crate) fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Pcmu => g711::linear_to_ulaw(sample),
            Self::Pcma => g711::linear_to_alaw(sample),
        }
    }
}
