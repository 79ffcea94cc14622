//! Whether sound stands out of what a line carries when nobody speaks.

use vox_audio::level::rms_db;

/// Nothing quieter is a sound, dBFS: the hiss of a silent line.
const QUIETEST_DB: f32 = -62.0;
/// How fast the floor follows a louder line, decibels per second.
const FLOOR_RISE_DB: f32 = 6.0;

/// The level of a line without speech. It falls at once and rises slowly.
#[derive(Debug)]
pub(super) struct Floor {
    above_db: f32,
    floor_db: f32,
}

impl Floor {
    /// A sound is so much louder than the floor.
    pub fn new(above_db: f32) -> Self {
        Self { above_db, floor_db: QUIETEST_DB }
    }

    /// Whether this piece of audio is louder.
    pub fn is_sound(&mut self, pcm: &[i16], rate_hz: u32) -> bool {
        let level = rms_db(pcm);
        let rise = FLOOR_RISE_DB * pcm.len() as f32 / rate_hz as f32;
        self.floor_db = level.min(self.floor_db + rise).max(QUIETEST_DB);
        level > self.floor_db + self.above_db
    }
}
