//! Rate conversion of whole clips: a windowed-sinc polyphase filter with linear phase.
//!
//! Written here because all it converts are finished clips, once, before a call: thirty lines do it without a
//! dependency, without a delay to account for (the filter is centred) and with a fixed result on every machine.

use std::f64::consts::PI;

/// Zero crossings of the sinc on each side. With the Blackman window the stop band is below -70 dB.
const ZERO_CROSSINGS: f64 = 16.0;
/// The pass band's end as a share of the lower Nyquist frequency: leaves the filter room to fall.
const PASS_BAND: f64 = 0.92;

/// `samples` at `from_hz` as they sound at `to_hz`. The first sample of both is the same instant.
pub fn resample(samples: &[i16], from_hz: u32, to_hz: u32) -> Vec<i16> {
    if from_hz == to_hz || samples.is_empty() {
        return samples.to_vec();
    }
    let divisor = gcd(from_hz, to_hz);
    let (up, down) = (u64::from(to_hz / divisor), u64::from(from_hz / divisor));
    let filters: Vec<Filter> = (0..up).map(|phase| Filter::new(phase as f64 / up as f64, up, down)).collect();
    let length = (samples.len() as u64 * up).div_ceil(down);
    (0..length)
        .map(|at| {
            let position = at * down;
            filters[(position % up) as usize].apply(samples, (position / up) as i64)
        })
        .collect()
}

/// The weights for one position between two input samples.
struct Filter {
    /// Index of the first weight relative to the input sample before the position.
    first: i64,
    weights: Vec<f64>,
}

impl Filter {
    fn new(fraction: f64, up: u64, down: u64) -> Self {
        let cutoff = PASS_BAND * (up as f64 / down as f64).min(1.0);
        let reach = ZERO_CROSSINGS / cutoff;
        let (first, last) = ((fraction - reach).ceil() as i64, (fraction + reach).floor() as i64);
        let mut weights: Vec<f64> = (first..=last)
            .map(|at| {
                let distance = at as f64 - fraction;
                cutoff * sinc(cutoff * distance) * blackman(distance / reach)
            })
            .collect();
        // A constant stays exactly constant in every phase.
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Self { first, weights }
    }

    fn apply(&self, samples: &[i16], base: i64) -> i16 {
        let start = base + self.first;
        let skipped = (-start).max(0) as usize;
        let input = samples.get((start.max(0)) as usize..).unwrap_or_default();
        let weights = self.weights.get(skipped..).unwrap_or_default();
        let sum: f64 = weights.iter().zip(input).map(|(weight, &sample)| weight * f64::from(sample)).sum();
        sum.round() as i16
    }
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The window over -1..1.
fn blackman(x: f64) -> f64 {
    0.42 + 0.5 * (PI * x).cos() + 0.08 * (2.0 * PI * x).cos()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate_hz: u32, frequency: f64) -> Vec<i16> {
        let wave =
            |at: u32| (10_000.0 * (2.0 * PI * frequency * f64::from(at) / f64::from(rate_hz)).sin()) as i16;
        (0..rate_hz).map(wave).collect()
    }

    fn rms(samples: &[i16]) -> f64 {
        (samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>() / samples.len() as f64).sqrt()
    }

    #[test]
    fn a_voice_frequency_keeps_its_wave_and_its_place_in_time() {
        for (from, to) in
            [(8_000, 16_000), (16_000, 8_000), (24_000, 16_000), (44_100, 8_000), (8_000, 24_000)]
        {
            let out = resample(&sine(from, 700.0), from, to);
            assert_eq!(out.len(), to as usize);
            let error: Vec<i16> = out.iter().zip(sine(to, 700.0)).map(|(got, want)| got - want).collect();
            let middle = &error[error.len() / 10..error.len() * 9 / 10];
            assert!(rms(middle) < 30.0, "{from} to {to}: error {}", rms(middle));
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_removed() {
        let out = resample(&sine(24_000, 6_000.0), 24_000, 8_000);
        assert!(rms(&out[800..7_200]) < 10.0);
    }
}
