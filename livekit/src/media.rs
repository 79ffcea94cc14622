//! Sound: the codec, the players that bring lossy streams back into time (the buffer itself is in `vox_audio::jitter`), and the mix. Nothing here has a socket or reads a clock.

pub(crate) mod microphone;
pub(crate) mod mix;
pub(crate) mod opus;
pub(crate) mod player;

/// Sampling rate of sound that goes in or comes out, mono. Opus takes and gives each of them without another resampler
/// (RFC 6716, 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rate {
    Hz8000,
    Hz16000,
    Hz24000,
    Hz48000,
}

impl Rate {
    /// Samples a second.
    pub const fn hz(self) -> u32 {
        match self {
            Self::Hz8000 => 8000,
            Self::Hz16000 => 16_000,
            Self::Hz24000 => 24_000,
            Self::Hz48000 => 48_000,
        }
    }

    /// The rate with so many samples a second, if it is one of them.
    pub const fn from_hz(hz: u32) -> Option<Self> {
        match hz {
            8000 => Some(Self::Hz8000),
            16_000 => Some(Self::Hz16000),
            24_000 => Some(Self::Hz24000),
            48_000 => Some(Self::Hz48000),
            _ => None,
        }
    }

    /// Samples in a frame of 20 ms.
    pub const fn frame(self) -> usize {
        (self.hz() / 50) as usize
    }
}

/// Length of every frame.
pub const FRAME: std::time::Duration = std::time::Duration::from_millis(20);

/// Ticks of the RTP clock in a frame: Opus counts 48 kHz whatever it codes (RFC 7587, 4.1).
pub(crate) const FRAME_TICKS: u64 = 960;
