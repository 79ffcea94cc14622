//! Whether somebody speaks, by level alone: fast, the same for every language, and deaf to tones.

use std::collections::VecDeque;

use crate::HOP_MS;

/// The floor is this percentile of the last two seconds, and never above the cap (a line that begins in mid-speech).
const FLOOR_HOPS: usize = 100;
const FLOOR_SHARE: f32 = 0.15;
const FLOOR_CAP_DB: f32 = -28.0;
/// Below is digital silence, dBFS.
pub const SOUND_DB: f32 = -72.0;
/// Speech is so much above the floor to begin, and to go on.
const ON_DB: f32 = 9.0;
const OFF_DB: f32 = 6.0;
/// Nobody speaks so softly, dBFS.
const QUIETEST_DB: f32 = -50.0;
/// Who speaks is within this of the loudest so far; what is softer is behind the speaker. The loudest is forgotten by 1 dB a second.
const BEHIND_DB: f32 = 16.0;
const FORGOTTEN_DB: f32 = 0.02;
/// Hops until it counts as speech, and until it counts as over.
const BEGINS_HOPS: u32 = 3;
const ENDS_HOPS: u32 = 7;
/// Six hops are needed to know a tone. What began within so many hops before was the tone itself.
const TONE_HOPS: u32 = 9;
const TONE_KNOWN_HOPS: u32 = 6;

/// A sound begins a hop earlier or later than it is told; and so many hops before it are looked at.
const ONSET_HOPS: usize = 2;
const BEFORE_HOPS: usize = 6;

/// A change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Somebody speaks, since then (ms).
    Began(u32),
    /// Nobody has, since then (ms).
    Ended(u32),
    /// What had begun was a tone.
    Retracted,
}

/// Hears when somebody speaks.
#[derive(Default)]
pub struct Voice {
    levels: VecDeque<f32>,
    sorted: Vec<f32>,
    peak_db: Option<f32>,
    on: u32,
    off: u32,
    speaks: bool,
    began: u32,
    last: u32,
    heard_sound: bool,
    /// Hops of speech so far.
    spoken: u32,
    /// Of the last hops, the newest last, whether each was as loud as a voice and no tone.
    voiced: VecDeque<bool>,
}

impl Voice {
    /// The hop that ends at `now_ms`. `tonal`: it belongs to a tone; `pure`: it may, which is not known yet.
    pub fn hop(&mut self, now_ms: u32, level_db: f32, tonal: bool, pure: bool) -> Option<Edge> {
        self.heard_sound |= level_db > SOUND_DB;
        if !self.heard_sound {
            return None;
        }
        let floor = self.floor(level_db);
        let above = if self.on > 0 || self.speaks { OFF_DB } else { ON_DB };
        let is_behind = self.peak_db.is_some_and(|peak| level_db < peak - BEHIND_DB);
        let is_voice = level_db >= floor + above && level_db >= QUIETEST_DB && !is_behind && !tonal;
        if self.voiced.len() == FLOOR_HOPS {
            self.voiced.pop_front();
        }
        self.voiced.push_back(is_voice);
        if tonal && self.speaks && now_ms - self.began <= TONE_HOPS * HOP_MS {
            self.speaks = false;
            (self.on, self.off) = (0, 0);
            return Some(Edge::Retracted);
        }
        if tonal {
            // The hops before were the tone already.
            self.last = self.last.min(now_ms.saturating_sub(TONE_KNOWN_HOPS * HOP_MS));
        }
        if is_voice && (self.speaks || !pure) {
            (self.on, self.off) = (self.on + 1, 0);
        } else {
            (self.on, self.off) = (0, self.off + 1);
        }
        if self.speaks {
            self.spoken += 1;
            if is_voice {
                self.last = now_ms;
                self.peak_db = Some(self.peak_db.unwrap_or(level_db).max(level_db));
            }
            self.peak_db = self.peak_db.map(|peak| peak - FORGOTTEN_DB);
            if self.off >= ENDS_HOPS {
                self.speaks = false;
                return Some(Edge::Ended(self.last.max(self.began)));
            }
        } else if self.on >= BEGINS_HOPS {
            self.speaks = true;
            self.began = now_ms - BEGINS_HOPS * HOP_MS;
            self.last = now_ms;
            return Some(Edge::Began(self.began));
        }
        None
    }

    /// Whether the line has carried any sound.
    pub fn heard_sound(&self) -> bool {
        self.heard_sound
    }

    /// Whether somebody spoke in the 120 ms before what began so long ago.
    pub fn spoke_before(&self, ago_ms: u32) -> bool {
        let hops = (ago_ms / HOP_MS) as usize;
        self.voiced.iter().rev().skip(hops + ONSET_HOPS).take(BEFORE_HOPS).any(|voiced| *voiced)
    }

    /// Whether the last hop was as loud as a voice, and no tone.
    pub fn is_voiced(&self) -> bool {
        self.voiced.back() == Some(&true)
    }

    /// How much was spoken so far, milliseconds.
    pub fn spoken_ms(&self) -> u32 {
        self.spoken * HOP_MS
    }

    fn floor(&mut self, level_db: f32) -> f32 {
        if self.levels.len() == FLOOR_HOPS {
            self.levels.pop_front();
        }
        self.levels.push_back(level_db.max(SOUND_DB));
        self.sorted.clear();
        self.sorted.extend(&self.levels);
        let at = (self.sorted.len() as f32 * FLOOR_SHARE) as usize;
        let (_, floor, _) = self.sorted.select_nth_unstable_by(at, f32::total_cmp);
        floor.min(FLOOR_CAP_DB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Edges of levels (dBFS, hops), at the ends of their hops.
    fn edges(levels: &[(f32, u32)]) -> Vec<(u32, Edge)> {
        let mut voice = Voice::default();
        let hops = levels.iter().flat_map(|(level, hops)| std::iter::repeat_n(*level, *hops as usize));
        let found = hops.enumerate().filter_map(|(i, level)| {
            let now_ms = (i as u32 + 1) * HOP_MS;
            // A line's noise is never quite level.
            voice.hop(now_ms, level + (i % 3) as f32 * 0.5, false, false).map(|edge| (now_ms, edge))
        });
        found.collect()
    }

    #[test]
    fn speech_begins_and_ends_where_it_does() {
        let heard = edges(&[(-60.0, 50), (-22.0, 30), (-60.0, 20)]);
        assert_eq!(heard, [(1_060, Edge::Began(1_000)), (1_740, Edge::Ended(1_600))]);
    }

    #[test]
    fn noise_is_no_speech_even_from_the_first_sound_on() {
        assert_eq!(edges(&[(-96.0, 100), (-40.0, 200)]), []);
        assert_eq!(edges(&[(-96.0, 10), (-52.0, 100), (-48.0, 100)]), []);
    }

    #[test]
    fn who_speaks_far_behind_is_not_heard() {
        let heard = edges(&[(-60.0, 50), (-18.0, 30), (-60.0, 50), (-44.0, 50)]);
        assert_eq!(heard.len(), 2, "{heard:?}");
    }

    #[test]
    fn a_tone_that_was_taken_for_speech_is_taken_back() {
        let mut voice = Voice::default();
        let mut heard = Vec::new();
        for i in 0..60_u32 {
            let level = if i < 20 { -60.0 } else { -20.0 };
            heard.extend(voice.hop((i + 1) * HOP_MS, level, i >= 26, false));
        }
        assert_eq!(heard, [Edge::Began(400), Edge::Retracted]);
    }
}
