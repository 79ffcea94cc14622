//! Fax machines and modems: the called one's tone (2100 Hz, Bell's 2225 Hz), the calling one's (1100 Hz, half a second of every 3.5).
//!
//! ITU-T T.30 and V.25. The called tone may turn its phase every 450 ms, which costs a hop or two.

use std::collections::VecDeque;

use crate::beep::Beep;
use crate::spectrum::Hop;

use super::steady::PURITY;

const CALLED_HZ: std::ops::RangeInclusive<f32> = 2_050.0..=2_260.0;
/// So many hops of so many: about a second.
const AT_ONCE: (usize, usize) = (49, 54);
/// The same behind a greeting: longer than a beep, which may have this pitch. A fax that answers does so without a word, and its tone lasts
/// for 2.6 s at least.
const BEHIND_GREETING: (usize, usize) = (86, 94);
/// All of them within this, Hz: a voice is nowhere so still.
const SPAN_HZ: f32 = 40.0;
const CALLING_HZ: std::ops::RangeInclusive<f32> = 1_062.0..=1_138.0;
const CALLING_MS: std::ops::RangeInclusive<u32> = 400..=640;
const APART_MS: std::ops::RangeInclusive<u32> = 3_200..=3_800;

/// Listens for a fax.
#[derive(Default)]
pub struct Fax {
    last: VecDeque<Option<f32>>,
    called_before: bool,
    calling: Option<u32>,
}

impl Fax {
    /// Take a hop: whether a called fax is known now, once for each time.
    pub fn hop(&mut self, hop: &Hop, has_greeted: bool) -> bool {
        let (wanted, within) = if has_greeted { BEHIND_GREETING } else { AT_ONCE };
        if self.last.len() == BEHIND_GREETING.1 {
            self.last.pop_front();
        }
        let pure = hop.peaks.filter(|peaks| peaks.purity >= PURITY && CALLED_HZ.contains(&peaks.hertz));
        self.last.push_back(pure.map(|peaks| peaks.hertz));
        let found = || self.last.iter().rev().take(within).flatten().copied();
        let is_called = found().count() >= wanted
            && found().fold(f32::MIN, f32::max) - found().fold(f32::MAX, f32::min) <= SPAN_HZ;
        !std::mem::replace(&mut self.called_before, is_called) && is_called
    }

    /// Whether this beep may be a calling fax's tone.
    pub fn may_call(beep: &Beep) -> bool {
        CALLING_HZ.contains(&beep.hertz) && CALLING_MS.contains(&(beep.length.as_millis() as u32))
    }

    /// Take such a beep that ended then: whether it is the second in the rhythm.
    pub fn calls(&mut self, ended_ms: u32) -> bool {
        self.calling.replace(ended_ms).is_some_and(|before| APART_MS.contains(&(ended_ms - before)))
    }
}
