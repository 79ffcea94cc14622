//! Ringing, busy and congestion, by pitch and rhythm.
//!
//! Frequencies and rhythms of ITU-T E.180, supplement 2. Where the pitch alone is that of a country's voicemail beep too, two whole
//! periods have to be heard.

use super::steady::Tone;

/// Where the tones of all these countries lie, Hz; busy in North America has a second one above.
const LOW_HZ: std::ops::RangeInclusive<f32> = 375.0..=505.0;
const BUSY_HIGH_HZ: std::ops::RangeInclusive<f32> = 590.0..=650.0;
/// So long and it rings, whatever the country: a beep there is shorter.
const RINGS_MS: u32 = 1_200;
/// After a greeting it is ringing only if it is longer than a beep can be.
const RINGS_AFTER_GREETING_MS: u32 = 1_700;
const BUSY_MS: u32 = 420;
/// A tone is known after so long, and noticed to have ended as late as it began: what the window and the six hops add.
const BEFORE_KNOWN_MS: u32 = 138;
const AFTER_END_MS: u32 = 26;
/// Holes in a tone, hops.
const HOLE_HOPS: u32 = 4;
/// Of each length in a rhythm.
const TOLERANCE_MS: u32 = 60;
const TOLERANCE_SHARE: f32 = 0.1;
/// Tones that are remembered: two periods of two.
const REMEMBERED: usize = 5;

/// What a rhythm means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It rings.
    Ringback,
    /// It is busy, or circuits are.
    Busy,
}

/// A rhythm: tone and pause by turns, milliseconds.
pub struct Rhythm {
    /// What it means.
    pub means: Progress,
    /// On, off, on, off: one period.
    pub ms: &'static [u32],
}

/// Add a country's here (ISO 3166 codes). Those with a tone of 1.2 s and longer (North America's ringing, France's) need no row.
pub const RHYTHMS: &[Rhythm] = &[
    // GB IE IN AU NZ SG
    Rhythm { means: Progress::Ringback, ms: &[400, 200, 400, 2_000] },
    // DE AT CN ES IT SE
    Rhythm { means: Progress::Ringback, ms: &[1_000, 4_000] },
    // JP
    Rhythm { means: Progress::Ringback, ms: &[1_000, 2_000] },
    // GB AU
    Rhythm { means: Progress::Busy, ms: &[375, 375] },
    // IN
    Rhythm { means: Progress::Busy, ms: &[750, 750] },
    // DE AT FR JP US NL
    Rhythm { means: Progress::Busy, ms: &[490, 490] },
    // CN
    Rhythm { means: Progress::Busy, ms: &[350, 350] },
    // ES IT
    Rhythm { means: Progress::Busy, ms: &[200, 200] },
    // US IN DE (congestion)
    Rhythm { means: Progress::Busy, ms: &[250, 250] },
];

#[derive(Clone, Copy, Debug)]
struct Run {
    from: u32,
    to: u32,
}

/// Listens for rhythms.
#[derive(Default)]
pub struct Calls {
    runs: Vec<Run>,
    /// A run is open, and so many hops are in its hole.
    hole: Option<u32>,
    told: Option<Progress>,
}

impl Calls {
    /// Take the tone of the hop that ends at `now_ms`: what is known now, once. `greeted`: somebody has spoken before.
    pub fn hop(&mut self, now_ms: u32, tone: Option<Tone>, greeted: bool) -> Option<Progress> {
        let tone = tone.filter(|tone| LOW_HZ.contains(&tone.low));
        match (tone, &mut self.hole) {
            (Some(_), Some(hole)) => *hole = 0,
            (Some(_), None) => {
                if self.runs.len() == REMEMBERED {
                    self.runs.remove(0);
                }
                let from = now_ms.saturating_sub(BEFORE_KNOWN_MS);
                self.runs.push(Run { from, to: now_ms });
                self.hole = Some(0);
            }
            (None, Some(hole)) => {
                *hole += 1;
                if *hole > HOLE_HOPS {
                    self.hole = None;
                }
                return None;
            }
            (None, None) => return None,
        }
        let run = self.runs.last_mut()?;
        run.to = now_ms.saturating_sub(AFTER_END_MS);
        let length = run.to - run.from;
        let is_busy = tone.and_then(|tone| tone.high).is_some_and(|high| BUSY_HIGH_HZ.contains(&high));
        let known = if is_busy && length >= BUSY_MS {
            Some(Progress::Busy)
        } else if length >= if greeted { RINGS_AFTER_GREETING_MS } else { RINGS_MS } {
            Some(Progress::Ringback)
        } else {
            self.rhythm()
        };
        let is_new = known.is_some() && known != self.told;
        self.told = known.or(self.told);
        known.filter(|_| is_new)
    }

    /// Two periods, up to the beginning of the last tone of the second (of a simple rhythm: of the third).
    fn rhythm(&self) -> Option<Progress> {
        let fits = |rhythm: &&Rhythm| {
            let runs = if rhythm.ms.len() == 2 && rhythm.ms[1] < 1_000 { 3 } else { rhythm.ms.len() };
            let Some(last) = self.runs.len().checked_sub(runs).map(|from| &self.runs[from..]) else {
                return false;
            };
            (0..runs - 1).all(|i| {
                let (on, off) = (last[i].to - last[i].from, last[i + 1].from.saturating_sub(last[i].to));
                is_about(on, rhythm.ms[2 * i % rhythm.ms.len()])
                    && is_about(off, rhythm.ms[(2 * i + 1) % rhythm.ms.len()])
            }) && (runs != 2 || last[1].to - last[1].from + TOLERANCE_MS >= rhythm.ms[0])
        };
        RHYTHMS.iter().find(fits).map(|rhythm| rhythm.means)
    }
}

fn is_about(ms: u32, wanted: u32) -> bool {
    ms.abs_diff(wanted) <= TOLERANCE_MS + (wanted as f32 * TOLERANCE_SHARE) as u32
}
