//! Tones that last: six hops of one frequency, or of the same two.

use std::collections::VecDeque;

use crate::spectrum::Hop;

/// Hops that have to agree.
pub const HOPS: usize = 6;
/// Share of the energy about the peak, and about both.
pub const PURITY: f32 = 0.62;
const BOTH: f32 = 0.80;
/// How far apart the frequencies may lie, Hz.
const SPAN_HZ: f32 = 14.0;
const LOWER_SPAN_HZ: f32 = 40.0;
/// A second tone counts from this share of the first on, by power.
const SECOND: f32 = 0.1;
/// dBFS.
const QUIETEST_DB: f32 = -48.0;
/// A window that alone looks like a tone: nothing of it begins speech.
const ALONE: f32 = 0.85;
const BOTH_ALONE: f32 = 0.93;

/// Music is so steady for so much of three seconds, without a pause: 0.6 to 0.9 of it, and speech of seven voices 0.10 at most.
const MUSIC_HOPS: usize = 150;
const MUSIC_STEADY: usize = 45;
const MUSIC_AUDIBLE: usize = 146;
const AUDIBLE_DB: f32 = -50.0;
/// Pitches of music, at least, and how far they are apart, Hz.
const MUSIC_PITCHES: usize = 3;
const OTHER_PITCH_HZ: f32 = 15.0;

/// A lasting tone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// Of the lower one, Hz.
    pub low: f32,
    /// Of the higher one, if there are two.
    pub high: Option<f32>,
}

/// Listens for tones that last, and for music.
#[derive(Default)]
pub struct Steady {
    last: VecDeque<Hop>,
    /// Whether a hop was audible, and the strongest tone if it lasted.
    music: VecDeque<(bool, Option<f32>)>,
}

impl Steady {
    /// Take a hop: the tone that lasts now.
    pub fn hop(&mut self, hop: Hop) -> Option<Tone> {
        if self.last.len() == HOPS {
            self.last.pop_front();
        }
        self.last.push_back(hop);
        let peaks: Vec<_> =
            self.last.iter().filter(|hop| hop.window_db >= QUIETEST_DB).filter_map(|hop| hop.peaks).collect();
        let all = peaks.len() == HOPS;
        let lower = |i: usize| {
            if peaks[i].second >= SECOND { peaks[i].hertz.min(peaks[i].second_hertz) } else { peaks[i].hertz }
        };
        let strongest = all.then(|| span((0..HOPS).map(|i| peaks[i].hertz)));
        let lasts = strongest.is_some_and(|span| span <= SPAN_HZ);
        if self.music.len() == MUSIC_HOPS {
            self.music.pop_front();
        }
        let pitch = peaks.last().map(|peaks| peaks.hertz).filter(|_| lasts);
        self.music.push_back((hop.level_db > AUDIBLE_DB, pitch));
        if !all {
            return None;
        }
        let one = lasts && peaks.iter().all(|peaks| peaks.purity >= PURITY);
        let two = peaks.iter().all(|peaks| peaks.both >= BOTH) && span((0..HOPS).map(lower)) <= LOWER_SPAN_HZ;
        let newest = peaks[HOPS - 1];
        let high = (newest.second >= SECOND).then_some(newest.hertz.max(newest.second_hertz));
        (one || two)
            .then(|| Tone { low: lower(HOPS - 1), high: high.filter(|_| !one || newest.purity < PURITY) })
    }

    /// Whether the last three seconds were music: no pause, and the strongest tone rests again and again, at several pitches. Speech
    /// glides, and takes breath; a network's tones have two pitches.
    pub fn is_music(&self) -> bool {
        if self.music.len() < MUSIC_HOPS
            || self.music.iter().filter(|(audible, _)| *audible).count() < MUSIC_AUDIBLE
            || self.music.iter().filter(|(_, pitch)| pitch.is_some()).count() < MUSIC_STEADY
        {
            return false;
        }
        let mut pitches: Vec<f32> = self.music.iter().filter_map(|(_, pitch)| *pitch).collect();
        pitches.sort_by(f32::total_cmp);
        1 + pitches.windows(2).filter(|two| two[1] - two[0] > OTHER_PITCH_HZ).count() >= MUSIC_PITCHES
    }
}

/// Whether the window alone looks like one tone or two.
pub fn looks_pure(hop: &Hop) -> bool {
    hop.peaks
        .is_some_and(|peaks| peaks.purity >= ALONE || (peaks.second >= SECOND && peaks.both >= BOTH_ALONE))
}

fn span(values: impl Iterator<Item = f32>) -> f32 {
    let (low, high) =
        values.fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(value), high.max(value)));
    high - low
}
