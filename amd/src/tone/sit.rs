//! Special information tones: three in a row before a carrier's announcement. Their lengths and pitches say why the call failed.
//!
//! ITU-T E.180 / Q.35 (950, 1400, 1800 Hz, a third of a second each) and Bellcore SR-2275 (two pitches for the first and the second, two
//! lengths for each).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::spectrum::{Hop, Peaks};

use super::steady::PURITY;

/// Hops that are looked at: 1.5 s.
const WITHIN_HOPS: usize = 75;
/// Hops of each tone, at least.
const HOPS_EACH: usize = 7;
/// Of the three, Hz.
const BANDS_HZ: [std::ops::RangeInclusive<f32>; 3] = [880.0..=1_020.0, 1_330.0..=1_470.0, 1_740.0..=1_830.0];
/// A tone that lasts so many hops is long: 274 ms are 13.7, 380 ms are 19.
const LONG_HOPS: usize = 17;
/// Between Bellcore's low and high ones lie ITU's.
const FIRST_HZ: (f32, f32) = (935.0, 965.0);
const SECOND_HZ: (f32, f32) = (1_385.0, 1_415.0);
/// Of the steady height: the window is half in the tone.
const HALF_IN: f32 = 0.25;

/// Why the call failed, by the tones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SitKind {
    /// The number was changed or is not in service.
    Intercept,
    /// No such number.
    VacantCode,
    /// Busy exchange, same area.
    ReorderLocal,
    /// No line free, same area.
    NoCircuitLocal,
    /// Busy exchange, long distance.
    ReorderLong,
    /// No line free, long distance.
    NoCircuitLong,
    /// For later use.
    ReservedOne,
    /// For later use.
    ReservedTwo,
    /// The tones of other countries, which do not say why.
    Itu,
}

impl SitKind {
    /// Whether the number itself is at fault; otherwise the network is, or it is not said.
    pub const fn is_invalid_number(self) -> bool {
        matches!(self, Self::Intercept | Self::VacantCode)
    }

    /// Whether no line was free, or an exchange was busy: the call may come through a little later.
    pub const fn is_congestion(self) -> bool {
        matches!(self, Self::ReorderLocal | Self::NoCircuitLocal | Self::ReorderLong | Self::NoCircuitLong)
    }
}

/// Listens for the three tones.
#[derive(Default)]
pub struct Sits {
    last: VecDeque<Option<Peaks>>,
    /// Hops since the last kind was told: each is told once.
    quiet: usize,
}

impl Sits {
    /// Take a hop: the kind, once the third tone has ended.
    pub fn hop(&mut self, hop: &Hop) -> Option<SitKind> {
        if self.last.len() == WITHIN_HOPS {
            self.last.pop_front();
        }
        self.last.push_back(hop.peaks);
        self.quiet = self.quiet.saturating_sub(1);
        let goes_on =
            hop.peaks.is_some_and(|peaks| peaks.purity > PURITY && BANDS_HZ[2].contains(&peaks.hertz));
        if self.quiet > 0 || goes_on || !self.has_all_three() {
            return None;
        }
        self.quiet = WITHIN_HOPS;
        self.kind()
    }

    fn has_all_three(&self) -> bool {
        BANDS_HZ.iter().all(|band| self.pure(band).take(HOPS_EACH).count() == HOPS_EACH)
    }

    fn pure<'a>(
        &'a self,
        band: &'a std::ops::RangeInclusive<f32>,
    ) -> impl Iterator<Item = (usize, Peaks)> + 'a {
        let all = self.last.iter().enumerate().filter_map(|(at, peaks)| peaks.map(|peaks| (at, peaks)));
        all.filter(|(_, peaks)| peaks.purity > PURITY && band.contains(&peaks.hertz))
    }

    fn kind(&self) -> Option<SitKind> {
        let mut hertz = [0.0; 3];
        let mut is_long = [false; 3];
        let mut before = 0;
        for (i, band) in BANDS_HZ.iter().enumerate() {
            let pure: Vec<(usize, Peaks)> = self.pure(band).collect();
            let middle = pure.get(pure.len() / 2)?;
            // They come one after the other.
            if i > 0 && middle.0 <= before {
                return None;
            }
            before = middle.0;
            let mut all: Vec<f32> = pure.iter().map(|(_, peaks)| peaks.hertz).collect();
            all.sort_by(f32::total_cmp);
            hertz[i] = all[all.len() / 2];
            let height = pure.iter().map(|(_, peaks)| peaks.height).fold(0.0, f32::max);
            // From its first hop to its last: one between them may have been lost.
            let is_filled = |peaks: &Option<Peaks>| {
                peaks.is_some_and(|peaks| band.contains(&peaks.hertz) && peaks.height >= HALF_IN * height)
            };
            let first = self.last.iter().position(is_filled)?;
            let last = self.last.iter().rposition(is_filled)?;
            is_long[i] = last - first + 1 >= LONG_HOPS;
        }
        Some(kind_of(hertz, is_long))
    }
}

fn kind_of(hertz: [f32; 3], is_long: [bool; 3]) -> SitKind {
    let is_high = |hertz: f32, (low, high): (f32, f32)| match hertz {
        hertz if hertz <= low => Some(false),
        hertz if hertz >= high => Some(true),
        _ => None,
    };
    let (Some(first), Some(second)) = (is_high(hertz[0], FIRST_HZ), is_high(hertz[1], SECOND_HZ)) else {
        return SitKind::Itu;
    };
    match (is_long, first, second) {
        ([false, false, true], false, false) => SitKind::Intercept,
        ([true, false, true], true, false) => SitKind::VacantCode,
        ([false, true, true], false, false) => SitKind::ReorderLocal,
        ([true, true, true], true, true) => SitKind::NoCircuitLocal,
        ([false, true, true], true, false) => SitKind::ReorderLong,
        ([true, true, true], false, false) => SitKind::NoCircuitLong,
        ([true, false, false], false, true) => SitKind::ReservedOne,
        ([false, false, true], true, true) => SitKind::ReservedTwo,
        _ => SitKind::Itu,
    }
}
