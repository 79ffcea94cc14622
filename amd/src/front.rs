//! Sound in, signs out: voice, tones, beeps and music, told apart.

use crate::HOP_MS;
use crate::beep::{Beep, Runs};
use crate::sign::What;
use crate::spectrum::{Hop, Hops};
use crate::tone::fax::Fax;
use crate::tone::progress::{Calls, Progress};
use crate::tone::sit::Sits;
use crate::tone::steady::{PURITY, Steady, looks_pure};
use crate::voice::{Edge, Voice};

/// Whoever has spoken for so long has greeted, and what beeps then is no tone of the network.
const GREETED_MS: u32 = 600;
/// The pitches of ringing and busy, Hz: without a greeting a beep of these is one of them until it is known better.
const NETWORK_HZ: std::ops::RangeInclusive<f32> = 375.0..=505.0;
/// The first two of the three tones of a carrier, Hz and ms: a beep like the first is held until the second would have begun.
const FIRST_OF_THREE_HZ: std::ops::RangeInclusive<f32> = 880.0..=1_020.0;
const FIRST_OF_THREE_MS: std::ops::RangeInclusive<u32> = 200..=440;
const SECOND_OF_THREE_HZ: std::ops::RangeInclusive<f32> = 1_330.0..=1_470.0;
const HELD_MS: u32 = 160;
/// Beeps are the rest of the three tones for so long.
const THREE_TONES_MS: u32 = 1_300;
/// What is shorter, and has speech before it or behind it without a pause, is a vowel. The pause behind it.
const IN_SPEECH_MS: u32 = 260;
const SHORT_HELD_MS: u32 = 80;
/// The end of a carrier's tone, or of ringing, is no beep.
const AFTER_TONE_MS: u32 = 400;

/// The ear.
pub struct Front {
    hops: Hops,
    now_ms: u32,
    voice: Voice,
    steady: Steady,
    sits: Sits,
    fax: Fax,
    calls: Calls,
    beeps: Runs,
    held: Option<(u32, Beep)>,
    no_beeps_until: u32,
    was_music: bool,
    was_on: bool,
}

impl Front {
    pub fn new(rate_hz: u32) -> Self {
        Self {
            hops: Hops::new(rate_hz),
            now_ms: 0,
            voice: Voice::default(),
            steady: Steady::default(),
            sits: Sits::default(),
            fax: Fax::default(),
            calls: Calls::default(),
            beeps: Runs::default(),
            held: None,
            no_beeps_until: 0,
            was_music: false,
            was_on: false,
        }
    }

    /// Take audio. [`Self::hop`] gives what it shows.
    pub fn push(&mut self, pcm: &[i16]) {
        self.hops.push(pcm);
    }

    /// The time that the next hop ends at, its mean magnitude, and its signs; `None` when there is no whole hop.
    pub fn hop(&mut self, signs: &mut Vec<What>) -> Option<(u32, f32)> {
        let hop = self.hops.next()?;
        self.now_ms += HOP_MS;
        let now_ms = self.now_ms;
        let tone = self.steady.hop(hop);
        let edge = self.voice.hop(now_ms, hop.level_db, tone.is_some(), looks_pure(&hop));
        if self.voice.heard_sound() && !std::mem::replace(&mut self.was_on, true) {
            signs.push(What::FirstSound);
        }
        signs.extend(edge.map(|edge| match edge {
            Edge::Began(since) => What::Began(since),
            Edge::Ended(since) => What::Ended(since),
            Edge::Retracted => What::Retracted,
        }));
        if let Some(kind) = self.sits.hop(&hop) {
            self.held = None;
            self.no_beeps_until = now_ms + AFTER_TONE_MS;
            signs.push(What::Sit(kind));
        }
        let has_greeted = self.voice.spoken_ms() >= GREETED_MS;
        if self.fax.hop(&hop, has_greeted) {
            self.no_beeps_until = now_ms + AFTER_TONE_MS;
            signs.push(What::Fax);
        }
        if let Some(progress) = self.calls.hop(now_ms, tone, has_greeted) {
            signs.push(match progress {
                Progress::Ringback => What::Ringback,
                Progress::Busy => What::Busy,
            });
        }
        let beep = self.beeps.hop(now_ms, &hop);
        self.beep(&hop, beep, signs);
        let is_music = self.steady.is_music();
        if is_music && !self.was_music {
            signs.push(What::Music);
        }
        self.was_music = is_music;
        Some((now_ms, hop.magnitude))
    }

    fn beep(&mut self, hop: &Hop, beep: Option<Beep>, signs: &mut Vec<What>) {
        let now_ms = self.now_ms;
        if let Some((until, held)) = self.held {
            let second = hop.peaks.filter(|peaks| peaks.purity >= PURITY);
            if may_be_first_of_three(&held)
                && second.is_some_and(|peaks| SECOND_OF_THREE_HZ.contains(&peaks.hertz))
            {
                self.held = None;
                self.no_beeps_until = now_ms + THREE_TONES_MS;
            } else if self.voice.is_voiced() && ms(&held) < IN_SPEECH_MS {
                self.held = None;
            } else if now_ms >= until {
                self.held = None;
                signs.push(what(&held));
            }
        }
        let Some(beep) = beep.filter(|_| now_ms >= self.no_beeps_until) else { return };
        let length_ms = ms(&beep);
        let ago_ms = (now_ms + length_ms).saturating_sub(beep.ended_ms);
        if length_ms < IN_SPEECH_MS && self.voice.spoke_before(ago_ms) {
            return;
        }
        let has_greeted = self.voice.spoken_ms() >= GREETED_MS;
        if !has_greeted && Fax::may_call(&beep) {
            if self.fax.calls(beep.ended_ms) {
                signs.push(What::Fax);
            }
        } else if !has_greeted && NETWORK_HZ.contains(&beep.hertz) {
            // The rhythm tells, or what is said afterwards.
        } else if may_be_first_of_three(&beep) {
            self.held = Some((now_ms + HELD_MS, beep));
        } else if length_ms < IN_SPEECH_MS {
            self.held = Some((now_ms + SHORT_HELD_MS, beep));
        } else {
            signs.push(what(&beep));
        }
    }
}

fn ms(beep: &Beep) -> u32 {
    beep.length.as_millis() as u32
}

fn may_be_first_of_three(beep: &Beep) -> bool {
    FIRST_OF_THREE_HZ.contains(&beep.hertz) && FIRST_OF_THREE_MS.contains(&ms(beep))
}

fn what(beep: &Beep) -> What {
    What::Beep { ended: beep.ended_ms, length: ms(beep), hertz: beep.hertz.round() as u32 }
}
