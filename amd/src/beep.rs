//! The beep of an answering machine: one pure tone, or two one after the other, that begins and ends sharply. Two tones at once (ringing,
//! keys), music and voices are none, nor is a tone that goes on or glides.
//!
//! By runs of windows of 64 ms, every 20 ms, whose energy lies at one frequency. `docs/benchmarks-amd.md` says how many are found.

use std::collections::VecDeque;
use std::f32::consts::TAU;
use std::time::Duration;

use crate::HOP_MS;
use crate::spectrum::{Hop, Hops, WINDOW_MS};

/// A beep's frequencies, Hz.
const PITCH_HZ: std::ops::RangeInclusive<f32> = 350.0..=2_300.0;
/// Share of the energy about the peak, at least.
const PURITY: f32 = 0.72;
/// A second peak, of the first, at most.
const SECOND_PEAK: f32 = 0.10;
/// dBFS.
const QUIETEST_DB: f32 = -46.0;
/// Frequencies of a run lie within this, Hz.
const SPAN_HZ: f32 = 12.0;
/// Standard deviation of a run's level, dB: what the codecs of mobile telephones do to a tone. Two tones at once beat by more.
const UNSTEADY_DB: f32 = 2.2;
/// How much louder it is than the 60 ms before, and than what follows.
const RISE_DB: f32 = 8.0;
const DROP_DB: f32 = 6.0;
/// How long a beep is, milliseconds.
const LENGTH_MS: std::ops::RangeInclusive<u32> = 85..=1_600;
/// A window counts as tonal when the tone fills about this much of it: what its first and its last one add to the run's hops.
const EDGES_MS: u32 = 28;
/// Levels remembered: those before a run, by hops.
const REMEMBERED: usize = 8;
/// A run's first window is tonal when the tone has lasted for two or three hops: so many hops before are the tone already.
const IN_THE_TONE: usize = 3;
const BEFORE: usize = 3;
/// Short ones are like vowels: these are purer, by the mean of their windows.
const SHORT_MS: u32 = 200;
const SHORT_PURITY: f32 = 0.80;
/// Hops in which the level must have dropped, or this or another tone have begun: a frame that was lost on the way spoils so many windows.
const DROPS_WITHIN: usize = 7;
/// Of a longer beep the level stays down for so many hops: one may be a lost frame.
const DOWN_HOPS: u32 = 2;
/// Hops of the first of two tones, at least.
const FIRST_OF_TWO: usize = 3;
/// Of a tone's full height a window that is half in the tone has this, by power.
const HALF_IN: f32 = 0.25;
/// What belongs to the tone when it fades out of the window, Hz.
const NEAR_HZ: f32 = 60.0;

/// A beep that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beep {
    /// Its frequency; of two tones that of the last.
    pub hertz: f32,
    /// To some 40 ms.
    pub length: Duration,
    /// When it ended, milliseconds since the first sample.
    pub ended_ms: u32,
}

/// Listens for beeps on a line, for those who want nothing else of it.
pub struct Beeps {
    hops: Hops,
    now_ms: u32,
    runs: Runs,
}

impl Beeps {
    /// For a line at `rate_hz`.
    pub fn new(rate_hz: u32) -> Self {
        Self { hops: Hops::new(rate_hz), now_ms: 0, runs: Runs::default() }
    }

    /// Take audio, mono at the line's rate: the newest beep that ended in it, within 80 ms of its end.
    pub fn push(&mut self, pcm: &[i16]) -> Option<Beep> {
        self.hops.push(pcm);
        let mut found = None;
        while let Some(hop) = self.hops.next() {
            self.now_ms += HOP_MS;
            found = self.runs.hop(self.now_ms, &hop).or(found);
        }
        found
    }

    /// How long ago a beep ended, in the audio that was taken so far.
    pub fn since(&self, beep: &Beep) -> Duration {
        Duration::from_millis(self.now_ms.saturating_sub(beep.ended_ms).into())
    }
}

/// One window of a tone.
#[derive(Clone, Copy, Debug)]
struct Point {
    now_ms: u32,
    window_db: f32,
    hertz: f32,
    height: f32,
    purity: f32,
}

#[derive(Clone, Debug)]
struct Run {
    /// Before it, dBFS.
    before_db: f32,
    /// Hops of a tone that this one follows.
    hops_before: u32,
    points: Vec<Point>,
    /// Hops since its last window, with the height of its tone in each; it waits for the level to drop.
    fading: Vec<(u32, f32)>,
    /// Hops for which the level has been down.
    down: u32,
}

/// The runs of one line's hops.
#[derive(Default)]
pub(crate) struct Runs {
    /// Of the last hops, the newest last, dBFS.
    levels_db: VecDeque<f32>,
    run: Option<Run>,
}

impl Runs {
    /// Take the hop that ends at `now_ms`: the beep that has ended.
    pub(crate) fn hop(&mut self, now_ms: u32, hop: &Hop) -> Option<Beep> {
        if self.levels_db.len() == REMEMBERED {
            self.levels_db.pop_front();
        }
        self.levels_db.push_back(hop.level_db);
        let point = point(now_ms, hop);
        match (point, self.run.take()) {
            (Some(point), Some(mut run)) if run.goes_on(point.hertz) => {
                run.fading.clear();
                run.down = 0;
                run.points.push(point);
                // One that goes on is a dial tone or a fax: its end is no beep's.
                self.run = Some(run).filter(|run| run.length_ms() <= LENGTH_MS.end() + HOP_MS);
                None
            }
            (Some(point), Some(mut run)) if (point.hertz - run.hertz()).abs() <= NEAR_HZ => {
                // Its phase has jumped where a frame was lost.
                run.fading.push((now_ms, point.height));
                self.run = Some(run).filter(|run| run.fading.len() < DROPS_WITHIN);
                None
            }
            (Some(point), run) => {
                self.run = run.and_then(|run| run.followed_by(point)).or_else(|| self.begins(point));
                None
            }
            (None, Some(run)) => self.ends(run, now_ms, hop),
            (None, None) => None,
        }
    }

    /// A run begins here, unless it was as loud before.
    fn begins(&self, point: Point) -> Option<Run> {
        let before = self.levels_db.iter().rev().skip(IN_THE_TONE).take(BEFORE);
        let before_db = before.copied().fold(f32::MIN, f32::max);
        let is_sharp = point.window_db >= before_db + RISE_DB;
        is_sharp.then(|| Run { before_db, hops_before: 0, points: vec![point], fading: Vec::new(), down: 0 })
    }

    fn ends(&mut self, mut run: Run, now_ms: u32, hop: &Hop) -> Option<Beep> {
        let near = hop.peaks.filter(|peaks| (peaks.hertz - run.hertz()).abs() <= NEAR_HZ);
        run.fading.push((now_ms, near.map_or(0.0, |peaks| peaks.height)));
        let steady = run.steady();
        let loudness = mean(&steady);
        run.down = if hop.level_db > loudness - DROP_DB { 0 } else { run.down + 1 };
        let wanted = if run.length_ms() > SHORT_MS { DOWN_HOPS } else { 1 };
        if run.down < wanted {
            self.run = (run.fading.len() < DROPS_WITHIN).then_some(run);
            return None;
        }
        let is_beep = LENGTH_MS.contains(&run.length_ms())
            && (run.length_ms() > SHORT_MS || run.purity() >= SHORT_PURITY)
            && loudness >= run.before_db + RISE_DB
            && deviation(&steady, loudness) <= UNSTEADY_DB;
        is_beep.then(|| Beep {
            hertz: run.hertz(),
            length: Duration::from_millis(run.length_ms().into()),
            ended_ms: run.ended_ms(now_ms),
        })
    }
}

impl Run {
    fn goes_on(&self, hertz: f32) -> bool {
        let all = self.points.iter().map(|point| point.hertz).chain([hertz]);
        let (low, high) =
            all.fold((f32::MAX, f32::MIN), |(low, high), hertz| (low.min(hertz), high.max(hertz)));
        high - low <= SPAN_HZ
    }

    /// The second of two tones, if this is the first.
    fn followed_by(self, point: Point) -> Option<Self> {
        let is_first = self.hops_before == 0 && self.points.len() >= FIRST_OF_TWO;
        is_first.then(|| Self {
            before_db: self.before_db,
            hops_before: (self.points.len() + self.fading.len()) as u32,
            points: vec![point],
            fading: Vec::new(),
            down: 0,
        })
    }

    fn hertz(&self) -> f32 {
        let mut all: Vec<f32> = self.points.iter().map(|point| point.hertz).collect();
        all.sort_by(f32::total_cmp);
        all[all.len() / 2]
    }

    fn purity(&self) -> f32 {
        self.points.iter().map(|point| point.purity).sum::<f32>() / self.points.len() as f32
    }

    fn length_ms(&self) -> u32 {
        HOP_MS * (self.hops_before + self.points.len() as u32 - 1) + EDGES_MS
    }

    /// Levels of the windows that the tone fills: not the first two and the last two, where there are others.
    fn steady(&self) -> Vec<f32> {
        let all = self.points.len();
        let range = if all > 4 { 2..all - 2 } else { (all - 1) / 2..all / 2 + 1 };
        self.points[range].iter().map(|point| point.window_db).collect()
    }

    /// By how much of the tone is in the windows while it slides out of them: a Hann window of which the first part x is filled has
    /// x - sin(2πx)/2π of the tone's amplitude.
    fn ended_ms(&self, now_ms: u32) -> u32 {
        let full = self.points.iter().map(|point| point.height).fold(0.0, f32::max);
        let all =
            self.points.iter().map(|point| (point.now_ms, point.height)).chain(self.fading.iter().copied());
        let all: Vec<(u32, f32)> = all.collect();
        let last = all.iter().rposition(|(_, height)| *height >= HALF_IN * full).unwrap_or(all.len() - 1);
        let (half_ms, _) = all[last];
        let (next_ms, height) = all.get(last + 1).copied().unwrap_or((now_ms, 0.0));
        let share = filled((height / full.max(f32::MIN_POSITIVE)).sqrt().min(0.5));
        let ended = next_ms as f32 - WINDOW_MS + WINDOW_MS * share;
        let earliest = half_ms as f32 - WINDOW_MS / 2.0;
        ended.clamp(earliest, earliest + HOP_MS as f32).max(0.0) as u32
    }
}

/// The part of a Hann window that is filled when this much of the amplitude is there.
fn filled(amplitude: f32) -> f32 {
    let (mut low, mut high) = (0.0_f32, 0.5_f32);
    for _ in 0..12 {
        let middle = (low + high) / 2.0;
        let there = middle - (TAU * middle).sin() / TAU;
        if there < amplitude { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

fn deviation(values: &[f32], mean: f32) -> f32 {
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt()
}

fn point(now_ms: u32, hop: &Hop) -> Option<Point> {
    let peaks = hop.peaks?;
    let is_one = peaks.purity >= PURITY
        && peaks.purity_of_all >= PURITY
        && peaks.second <= SECOND_PEAK
        && hop.window_db >= QUIETEST_DB
        && PITCH_HZ.contains(&peaks.hertz);
    is_one.then_some(Point {
        now_ms,
        window_db: hop.window_db,
        hertz: peaks.hertz,
        height: peaks.height,
        purity: peaks.purity_of_all.min(peaks.purity),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vox_audio::g711;

    /// Sines of these frequencies together, of so many milliseconds and this amplitude.
    fn tone(rate_hz: u32, hertz: &[f32], ms: u32, amplitude: f32) -> Vec<i16> {
        (0..rate_hz * ms / 1000)
            .map(|i| {
                let sum: f32 = hertz.iter().map(|f| (TAU * f * i as f32 / rate_hz as f32).sin()).sum();
                (sum * amplitude) as i16
            })
            .collect()
    }

    /// Noise that is the same each time.
    fn noise(samples: usize, amplitude: i32, seed: u32) -> Vec<i16> {
        let mut state = seed;
        (0..samples)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 16) as i32 % (2 * amplitude + 1) - amplitude) as i16
            })
            .collect()
    }

    fn over_a_line(pcm: &[i16]) -> Vec<i16> {
        pcm.iter().map(|sample| g711::ulaw_to_linear(g711::linear_to_ulaw(*sample))).collect()
    }

    /// What is heard in this, in frames of a line, and after how many samples.
    fn heard(rate_hz: u32, pcm: &[i16]) -> Vec<(usize, Beep)> {
        let mut beeps = Beeps::new(rate_hz);
        let frame = rate_hz as usize / 50;
        let mut found = Vec::new();
        for (i, part) in pcm.chunks(frame).enumerate() {
            found.extend(beeps.push(part).map(|beep| ((i + 1) * frame, beep)));
        }
        found
    }

    #[test]
    fn beeps_of_all_pitches_and_lengths_are_heard_when_they_have_ended() {
        for rate in [8_000, 16_000, 24_000] {
            for (hertz, ms, amplitude) in [
                (400.0, 500, 8_000.0),
                (1_000.0, 100, 4_000.0),
                (1_000.0, 200, 12_000.0),
                (1_400.0, 450, 8_000.0),
                (2_000.0, 1_000, 2_000.0),
                (852.0, 1_500, 6_000.0),
            ] {
                let quiet = noise(rate as usize, 60, 7);
                let beep = tone(rate, &[hertz], ms, amplitude);
                let mut pcm = [quiet.clone(), beep, quiet].concat();
                if rate == 8_000 {
                    pcm = over_a_line(&pcm);
                }
                let found = heard(rate, &pcm);
                let [(at, beep)] = found[..] else { panic!("{hertz} Hz, {ms} ms at {rate}: {found:?}") };
                let end = (rate + rate * ms / 1000) as usize;
                assert!(at >= end && at <= end + rate as usize / 10, "{hertz} {ms}: {at} {end}");
                assert!((beep.hertz - hertz).abs() < 8.0, "{beep:?} {hertz}");
                let off = beep.length.abs_diff(Duration::from_millis(ms.into()));
                assert!(off <= Duration::from_millis(45), "{beep:?} {ms}");
                let off = beep.ended_ms.abs_diff(1_000 + ms);
                assert!(off <= 25, "ended at {} ms: {beep:?}, {ms}", beep.ended_ms);
            }
        }
    }

    #[test]
    fn it_is_heard_behind_a_voice_and_over_noise() {
        // Something loud and mixed, as a greeting is, then a pause, then the beep.
        let voice: Vec<i16> = (0..8)
            .flat_map(|i| tone(8_000, &[140.0 + i as f32 * 9.0, 420.0, 1_130.0, 2_450.0], 180, 2_500.0))
            .collect();
        let pcm = [voice, noise(4_000, 120, 3), tone(8_000, &[1_000.0], 300, 5_000.0), noise(8_000, 120, 4)]
            .concat();
        assert_eq!(heard(8_000, &over_a_line(&pcm)).len(), 1);
    }

    #[test]
    fn other_sounds_are_no_beeps() {
        let quiet = noise(8_000, 40, 9);
        let sounds = [
            ("silence", quiet.clone()),
            ("loud noise", noise(16_000, 9_000, 5)),
            ("ringing (two tones)", tone(8_000, &[440.0, 480.0], 1_000, 4_000.0)),
            ("a key", tone(8_000, &[770.0, 1_336.0], 200, 4_000.0)),
            ("busy (two tones)", tone(8_000, &[480.0, 620.0], 500, 4_000.0)),
            ("a fax's tone, which goes on", tone(8_000, &[2_100.0], 3_000, 6_000.0)),
            ("too short", tone(8_000, &[1_000.0], 40, 6_000.0)),
            ("too low", tone(8_000, &[200.0], 400, 6_000.0)),
            ("too quiet", tone(8_000, &[1_000.0], 400, 90.0)),
        ];
        for (what, sound) in sounds {
            let pcm = over_a_line(&[quiet.clone(), sound, quiet.clone()].concat());
            assert_eq!(heard(8_000, &pcm), [], "{what}");
        }
        // It swells and fades, as a voice that sings: no machine does.
        let sung: Vec<i16> = (0..6_400)
            .map(|i| {
                let swell = (std::f32::consts::PI * i as f32 / 6_400.0).sin();
                (7_000.0 * swell * (TAU * 700.0 * i as f32 / 8_000.0).sin()) as i16
            })
            .collect();
        assert_eq!(heard(8_000, &[quiet.clone(), sung, quiet].concat()), [], "sung");
    }

    #[test]
    fn two_beeps_are_two() {
        let quiet = noise(4_000, 40, 9);
        let beep = tone(8_000, &[1_400.0], 250, 6_000.0);
        let pcm = [quiet.clone(), beep.clone(), quiet.clone(), beep, quiet].concat();
        assert_eq!(heard(8_000, &over_a_line(&pcm)).len(), 2);
    }

    #[test]
    fn a_frame_that_is_lost_on_the_way_ends_no_beep() {
        let quiet = noise(4_000, 40, 9);
        let beep = tone(8_000, &[950.0], 700, 6_000.0);
        let at = 20 * 160;
        let repeated = [&beep[..at], &beep[at - 160..at], &beep[at + 160..]].concat();
        let gone = [&beep[..at], &[0; 160], &beep[at + 160..]].concat();
        for beep in [repeated, gone] {
            let found = heard(8_000, &over_a_line(&[quiet.clone(), beep, quiet.clone()].concat()));
            let [(_, beep)] = found[..] else { panic!("{found:?}") };
            assert!(beep.ended_ms.abs_diff(1_200) <= 25, "{beep:?}");
        }
    }

    #[test]
    fn two_tones_one_after_the_other_are_one_beep() {
        let quiet = noise(4_000, 40, 9);
        let (low, high) = (tone(8_000, &[800.0], 160, 6_000.0), tone(8_000, &[1_100.0], 160, 6_000.0));
        let pcm = [quiet.clone(), low, high, quiet].concat();
        let found = heard(8_000, &over_a_line(&pcm));
        let [(_, beep)] = found[..] else { panic!("{found:?}") };
        assert!((beep.hertz - 1_100.0).abs() < 8.0 && beep.ended_ms.abs_diff(820) <= 25, "{beep:?}");
    }
}
