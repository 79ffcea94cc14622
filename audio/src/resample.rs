//! Rate conversion: a polyphase windowed-sinc filter for rational ratios.
//!
//! Own code because what the field's crates offer works on float blocks of a fixed size with their delay; a call needs
//! any chunk size, 16-bit in and out, no allocation per chunk and a delay of one millisecond.
//! Method: Crochiere and Rabiner, *Multirate Digital Signal Processing* (1983), chapter 4; Blackman window.

/// Filter length on each side of the centre, in samples of the slower rate.
const HALF_TAPS: usize = 12;
/// Cut-off as a share of the slower rate's Nyquist frequency.
const CUTOFF: f64 = 0.92;

/// Converts a stream of mono samples from one rate to another.
#[derive(Debug, Clone)]
pub struct Resampler {
    /// Interpolation and decimation factors, coprime.
    up: usize,
    down: usize,
    /// `up` filters of `taps` coefficients.
    phases: Vec<f32>,
    taps: usize,
    history: Vec<f32>,
    /// Position of the next output in the interpolated stream, relative to the history's first sample.
    at: usize,
}

impl Resampler {
    /// From `from_hz` to `to_hz`, both above zero. Equal rates pass through unchanged.
    pub fn new(from_hz: u32, to_hz: u32) -> Self {
        let divisor = gcd(from_hz.max(1), to_hz.max(1));
        let (up, down) = ((to_hz / divisor) as usize, (from_hz / divisor) as usize);
        let (up, down) = (up.max(1), down.max(1));
        // Half length in input samples: the filter stretches when the output is the slower side.
        let half = if down > up { (HALF_TAPS * down).div_ceil(up) } else { HALF_TAPS };
        let taps = 2 * half;
        let phases = design(up, down, half);
        Self { up, down, phases, taps, history: vec![0.0; half - 1], at: 0 }
    }

    /// Convert more samples; the result is appended to `out`.
    pub fn push(&mut self, pcm: &[i16], out: &mut Vec<i16>) {
        if self.up == self.down {
            out.extend_from_slice(pcm);
            return;
        }
        self.history.extend(pcm.iter().map(|s| f32::from(*s)));
        loop {
            let first = self.at / self.up;
            if first + self.taps > self.history.len() {
                break;
            }
            let phase = &self.phases[(self.at % self.up) * self.taps..][..self.taps];
            let window = &self.history[first..first + self.taps];
            let sum: f32 = phase.iter().zip(window).map(|(c, s)| c * s).sum();
            out.push(sum.round().clamp(-32_768.0, 32_767.0) as i16);
            self.at += self.down;
        }
        let used = (self.at / self.up).min(self.history.len());
        self.history.drain(..used);
        self.at -= used * self.up;
    }

    /// The stream is over: give what the filter still holds. The resampler is fresh afterwards.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        if self.up != self.down {
            let tail = vec![0i16; self.taps / 2];
            self.push(&tail, out);
        }
        self.history.clear();
        self.history.resize(self.taps / 2 - 1, 0.0);
        self.at = 0;
    }
}

/// A whole piece of sound at another rate. The first sample of both is the same instant.
pub fn resample(pcm: &[i16], from_hz: u32, to_hz: u32) -> Vec<i16> {
    let mut out = Vec::new();
    if pcm.is_empty() {
        return out;
    }
    let mut resampler = Resampler::new(from_hz, to_hz);
    resampler.push(pcm, &mut out);
    resampler.finish(&mut out);
    let length = (pcm.len() as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz.max(1)));
    out.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
    out
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Coefficients of each phase, newest sample last. Each phase sums to one, so a constant stays exactly constant.
fn design(up: usize, down: usize, half: usize) -> Vec<f32> {
    let taps = 2 * half;
    let cutoff = CUTOFF * (up as f64 / down as f64).min(1.0);
    let mut phases = vec![0.0f32; up * taps];
    for phase in 0..up {
        let row = &mut phases[phase * taps..][..taps];
        let mut sum = 0.0;
        let mut exact = vec![0.0f64; taps];
        for (tap, coefficient) in exact.iter_mut().enumerate() {
            let distance = tap as f64 - (half as f64 - 1.0) - phase as f64 / up as f64;
            *coefficient = sinc(cutoff * distance) * blackman(distance / half as f64);
            sum += *coefficient;
        }
        for (to, from) in row.iter_mut().zip(exact) {
            *to = (from / sum) as f32;
        }
    }
    phases
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

fn blackman(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        return 0.0;
    }
    let x = x * std::f64::consts::PI;
    0.42 + 0.5 * x.cos() + 0.08 * (2.0 * x).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate: u32, n: usize) -> Vec<i16> {
        (0..n)
            .map(|i| ((i as f64 * hz * std::f64::consts::TAU / f64::from(rate)).sin() * 10_000.0) as i16)
            .collect()
    }

    fn convert(pcm: &[i16], from: u32, to: u32, chunk: usize) -> Vec<i16> {
        let mut resampler = Resampler::new(from, to);
        let mut out = Vec::new();
        for part in pcm.chunks(chunk) {
            resampler.push(part, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    fn rms(pcm: &[i16]) -> f64 {
        (pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_keeps_its_shape_and_length() {
        for (from, to) in
            [(16_000, 8_000), (8_000, 16_000), (24_000, 8_000), (16_000, 24_000), (22_050, 16_000)]
        {
            let n = from as usize;
            let out = convert(&tone(1_000.0, from, n), from, to, 333);
            assert!((out.len() as i64 - i64::from(to)).abs() <= 1, "{from}->{to}: {}", out.len());
            let middle = &out[to as usize / 4..to as usize / 2];
            let wanted = &tone(1_000.0, to, to as usize)[to as usize / 4..to as usize / 2];
            let difference: Vec<i16> = middle.iter().zip(wanted).map(|(a, b)| a.saturating_sub(*b)).collect();
            let error = rms(&difference);
            assert!(error < 0.02 * rms(wanted), "{from}->{to}: error {error}, signal {}", rms(wanted));
        }
    }

    #[test]
    fn what_the_slower_rate_cannot_carry_is_removed() {
        let out = convert(&tone(6_000.0, 16_000, 16_000), 16_000, 8_000, 320);
        assert!(rms(&out) < 0.02 * 7_071.0, "{}", rms(&out));
    }

    #[test]
    fn the_chunking_does_not_matter() {
        let pcm = tone(440.0, 16_000, 5_000);
        assert_eq!(convert(&pcm, 16_000, 24_000, 1), convert(&pcm, 16_000, 24_000, 5_000));
    }

    /// `rubato`'s FFT resampler as the oracle: another method, other code, the same sound.
    #[test]
    fn the_sound_is_the_one_that_another_resampler_makes() {
        use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::direct::SequentialSliceOfVecs};
        // Ratios whose delay in the oracle is a whole sample; the others are held against exact tones above.
        for (from, to) in
            [(16_000, 8_000), (8_000, 16_000), (24_000, 8_000), (24_000, 16_000), (8_000, 24_000)]
        {
            let speech: Vec<f64> = (0..from as usize)
                .map(|i| {
                    let t = i as f64 / f64::from(from);
                    let tones = [(180.0, 0.4), (730.0, 0.3), (1_090.0, 0.2), (2_440.0, 0.1)];
                    tones
                        .iter()
                        .map(|(hz, level)| level * (t * hz * std::f64::consts::TAU).sin())
                        .sum::<f64>()
                        * 0.3
                })
                .collect();
            let pcm: Vec<i16> = speech.iter().map(|s| (s * 32_767.0).round() as i16).collect();
            let ours = resample(&pcm, from, to);
            let mut oracle = Fft::<f64>::new(from as usize, to as usize, 1_024, 1, FixedSync::Both).unwrap();
            let channels = vec![speech.clone()];
            let input = SequentialSliceOfVecs::new(&channels, 1, speech.len()).unwrap();
            let theirs = oracle.process_all(&input, speech.len(), None).unwrap().take_data();
            let middle = to as usize / 4..to as usize * 3 / 4;
            let error = ours[middle.clone()]
                .iter()
                .zip(&theirs[middle])
                .map(|(a, b)| (f64::from(*a) - b * 32_767.0).powi(2))
                .sum::<f64>();
            let error = (error / (to as f64 / 2.0)).sqrt();
            assert!(error < 60.0, "{from}->{to}: {error} of 3700");
        }
    }

    #[test]
    fn a_whole_clip_keeps_its_length_and_its_place_in_time() {
        for (from, to) in [
            (8_000, 16_000),
            (16_000, 8_000),
            (24_000, 16_000),
            (44_100, 8_000),
            (8_000, 24_000),
            (8_000, 8_000),
        ] {
            let out = resample(&tone(700.0, from, from as usize), from, to);
            assert_eq!(out.len(), to as usize);
            let wanted = tone(700.0, to, to as usize);
            let inner = out.len() / 10..out.len() * 9 / 10;
            let error: Vec<i16> =
                out[inner.clone()].iter().zip(&wanted[inner]).map(|(a, b)| a.saturating_sub(*b)).collect();
            assert!(rms(&error) < 60.0, "{from} to {to}: error {}", rms(&error));
        }
        assert!(resample(&[], 8_000, 16_000).is_empty());
    }

    #[test]
    fn equal_rates_pass_through() {
        let pcm = tone(440.0, 8_000, 100);
        assert_eq!(convert(&pcm, 8_000, 8_000, 7), pcm);
    }
}
