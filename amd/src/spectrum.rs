//! One look at the line every 20 ms: its level, and the strongest tones of the last 64 ms.

mod fft;

use std::collections::VecDeque;
use std::f32::consts::TAU;
use std::sync::LazyLock;

use vox_audio::level::{SILENCE_DB, rms_db};
use vox_audio::resample::Resampler;

/// Everything is heard at this rate, Hz: a telephone line has nothing above.
pub const RATE_HZ: u32 = 8_000;
/// A window, samples, and the step between two.
pub const WINDOW: usize = fft::SIZE;
pub const HOP: usize = 160;
/// Length of a window, milliseconds.
pub const WINDOW_MS: f32 = 64.0;
/// The bins of the line's band: 297 to 3,500 Hz.
const BAND: std::ops::RangeInclusive<usize> = 19..=224;
/// Bins to each side that belong to a peak, and those in which no second one is looked for.
const PEAK_BINS: usize = 2;
const BLANKED_BINS: usize = 3;
/// No tone is looked for in what is quieter, dBFS.
const QUIETEST_DB: f32 = -54.0;
/// Of the filter that takes hum and offset away before levels are measured: about 130 Hz.
const HUM: f32 = 0.9;

static HANN: LazyLock<[f32; WINDOW]> =
    LazyLock::new(|| std::array::from_fn(|i| 0.5 - 0.5 * (TAU * (i as f32 + 0.5) / WINDOW as f32).cos()));

/// The two strongest tones of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peaks {
    /// Of the strongest.
    pub hertz: f32,
    /// Height of the strongest, as power.
    pub height: f32,
    /// Share of the band's energy about it.
    pub purity: f32,
    /// The same of the energy of all frequencies.
    pub purity_of_all: f32,
    /// Of the second.
    pub second_hertz: f32,
    /// Height of the second, of the first.
    pub second: f32,
    /// Share of the band's energy about both.
    pub both: f32,
}

/// What a step of 20 ms shows.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    /// Of its 20 ms, without hum, dBFS.
    pub level_db: f32,
    /// Mean magnitude of its 20 ms, as the samples are.
    pub magnitude: f32,
    /// Of the window that ends with it, dBFS.
    pub window_db: f32,
    /// Tones of the window; none where it is too quiet to tell.
    pub peaks: Option<Peaks>,
}

/// Cuts audio of any rate and in pieces of any size into hops.
pub struct Hops {
    resampler: Option<Resampler>,
    waiting: VecDeque<i16>,
    scratch: Vec<i16>,
    window: Box<[i16; WINDOW]>,
    last: (f32, f32),
}

impl Hops {
    pub fn new(rate_hz: u32) -> Self {
        Self {
            resampler: (rate_hz != RATE_HZ).then(|| Resampler::new(rate_hz, RATE_HZ)),
            waiting: VecDeque::new(),
            scratch: Vec::new(),
            window: Box::new([0; WINDOW]),
            last: (0.0, 0.0),
        }
    }

    /// Take audio.
    pub fn push(&mut self, pcm: &[i16]) {
        let Some(resampler) = &mut self.resampler else {
            self.waiting.extend(pcm);
            return;
        };
        self.scratch.clear();
        resampler.push(pcm, &mut self.scratch);
        self.waiting.extend(&self.scratch);
    }

    /// The next hop, when there is enough for one.
    pub fn next(&mut self) -> Option<Hop> {
        if self.waiting.len() < HOP {
            return None;
        }
        self.window.copy_within(HOP.., 0);
        let newest = &mut self.window[WINDOW - HOP..];
        for (to, sample) in newest.iter_mut().zip(self.waiting.drain(..HOP)) {
            *to = sample;
        }
        let newest = &self.window[WINDOW - HOP..];
        let magnitude =
            newest.iter().map(|sample| f32::from(sample.unsigned_abs())).sum::<f32>() / HOP as f32;
        let level_db = level_without_hum(newest, &mut self.last);
        let window_db = rms_db(&*self.window);
        let peaks = (window_db >= QUIETEST_DB).then(|| peaks(&self.window)).flatten();
        Some(Hop { level_db, magnitude, window_db, peaks })
    }
}

fn level_without_hum(pcm: &[i16], last: &mut (f32, f32)) -> f32 {
    let (mut input, mut output) = *last;
    let mut sum = 0.0_f32;
    for sample in pcm {
        let sample = f32::from(*sample);
        output = sample - input + HUM * output;
        input = sample;
        sum += output * output;
    }
    // What is left of a filter in silence is no sound.
    *last = (input, if output.abs() < 1e-3 { 0.0 } else { output });
    let rms = (sum / pcm.len() as f32).sqrt() / 32_768.0;
    if rms <= 0.0 { SILENCE_DB } else { (20.0 * rms.log10()).max(SILENCE_DB) }
}

fn peaks(window: &[i16; WINDOW]) -> Option<Peaks> {
    let mean = window.iter().map(|sample| f32::from(*sample)).sum::<f32>() / WINDOW as f32;
    let mut shaped = [0.0_f32; WINDOW];
    let mut own = 0.0_f32;
    for ((to, sample), part) in shaped.iter_mut().zip(window).zip(HANN.iter()) {
        *to = (f32::from(*sample) - mean) * part;
        own += *to * *to;
    }
    let mut powers = [0.0_f32; WINDOW / 2];
    fft::powers(&shaped, &mut powers);
    let bins = &powers[BAND];
    let band: f32 = bins.iter().sum();
    // By Parseval: what all bins of the positive half have together.
    let all = own * WINDOW as f32 / 2.0;
    let highest = |skip: Option<usize>| {
        let free = |i: &usize| skip.is_none_or(|peak| i.abs_diff(peak) > BLANKED_BINS);
        (0..bins.len()).filter(free).max_by(|a, b| bins[*a].total_cmp(&bins[*b]))
    };
    let about = |peak: usize| -> std::ops::Range<usize> {
        peak.saturating_sub(PEAK_BINS)..(peak + PEAK_BINS + 1).min(bins.len())
    };
    let first = highest(None).filter(|_| band > 0.0)?;
    let second = highest(Some(first))?;
    let energy: f32 = bins[about(first)].iter().sum();
    let other: f32 = about(second).filter(|bin| !about(first).contains(bin)).map(|bin| bins[bin]).sum();
    Some(Peaks {
        hertz: hertz(bins, first),
        height: bins[first],
        purity: energy / band,
        purity_of_all: energy / all.max(f32::MIN_POSITIVE),
        second_hertz: hertz(bins, second),
        second: bins[second] / bins[first].max(f32::MIN_POSITIVE),
        both: (energy + other) / band,
    })
}

/// A parabola through the logarithms about the peak.
fn hertz(bins: &[f32], peak: usize) -> f32 {
    let shift = if peak == 0 || peak + 1 == bins.len() {
        0.0
    } else {
        let [left, top, right] =
            [bins[peak - 1], bins[peak], bins[peak + 1]].map(|power| power.max(1e-3).ln());
        (0.5 * (left - right) / (left - 2.0 * top + right).min(-1e-6)).clamp(-0.5, 0.5)
    };
    ((peak + BAND.start()) as f32 + shift) * RATE_HZ as f32 / WINDOW as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_tones(tones: &[(f32, f32)]) -> Peaks {
        let mut hops = Hops::new(RATE_HZ);
        let pcm: Vec<i16> = (0..WINDOW + HOP)
            .map(|i| {
                let at = TAU * i as f32 / RATE_HZ as f32;
                tones.iter().map(|(hertz, amplitude)| (at * hertz).sin() * amplitude).sum::<f32>() as i16
            })
            .collect();
        hops.push(&pcm);
        let mut last = None;
        while let Some(hop) = hops.next() {
            last = hop.peaks;
        }
        last.unwrap()
    }

    #[test]
    fn a_tone_is_measured_to_a_hertz() {
        for hertz in [350.0, 425.0, 913.8, 985.2, 1_400.0, 1_776.7, 2_100.0, 3_000.0] {
            let peaks = of_tones(&[(hertz, 6_000.0)]);
            assert!((peaks.hertz - hertz).abs() < 1.5, "{hertz}: {peaks:?}");
            assert!(peaks.purity > 0.95 && peaks.second < 0.02, "{hertz}: {peaks:?}");
        }
    }

    #[test]
    fn two_tones_are_two() {
        let peaks = of_tones(&[(480.0, 4_000.0), (620.0, 3_500.0)]);
        assert!(peaks.purity < 0.7 && peaks.both > 0.95, "{peaks:?}");
        assert!((peaks.hertz - 480.0).abs() < 4.0 && (peaks.second_hertz - 620.0).abs() < 4.0, "{peaks:?}");
    }

    #[test]
    fn levels_do_not_hear_hum_and_silence_has_no_tones() {
        let mut hops = Hops::new(RATE_HZ);
        let hum: Vec<i16> =
            (0..1_600).map(|i| ((TAU * 50.0 * i as f32 / 8_000.0).sin() * 3_000.0) as i16).collect();
        hops.push(&hum);
        let first = hops.next().unwrap();
        let last = std::iter::from_fn(|| hops.next()).last().unwrap();
        assert!(last.level_db < last.window_db - 7.0, "{first:?} {last:?}");
        hops.push(&[0; 1_600]);
        let last = std::iter::from_fn(|| hops.next()).last().unwrap();
        assert_eq!((last.window_db, last.peaks), (SILENCE_DB, None));
    }
}
