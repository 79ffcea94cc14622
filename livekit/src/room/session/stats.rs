//! What is counted.

use std::collections::BTreeMap;
use std::time::Instant;

use vox_audio::jitter::Counts;

use super::{Session, Voice};
use crate::room::net::RelayStats;

/// Sums over the life of a room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Of each voice that is heard, by the id of its track.
    pub voices: BTreeMap<String, VoiceStats>,
    /// Packets of our voice that were sent.
    pub sent: u64,
    /// The part of them that the server missed of late, 0 to 1.
    pub sent_loss: f32,
    /// Relays that this session has, or tried to have; none where a direct way was found.
    pub relays: Vec<RelayStats>,
    /// Times that the connection was had back in the same session, and in a new one.
    pub resumed: u32,
    pub rejoined: u32,
    /// Frames of sound that nobody read in time.
    pub unheard: u64,
}

/// One voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoiceStats {
    pub counts: Counts,
    /// How long sound waits in the buffer now, and how long it should, milliseconds.
    pub delay_ms: i64,
    pub target_ms: i64,
}

impl Session {
    pub(crate) fn stats(&self, now: Instant) -> Stats {
        let of = |voice: &Voice| {
            let (delay_ms, target_ms) = voice.player.delay_ms(now);
            VoiceStats { counts: voice.player.counts(), delay_ms, target_ms }
        };
        Stats {
            voices: self.voices.iter().map(|(sid, voice)| (sid.clone(), of(voice))).collect(),
            sent: self.sent,
            sent_loss: self.sent_loss,
            ..Stats::default()
        }
    }
}
