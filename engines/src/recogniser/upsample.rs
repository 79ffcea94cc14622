//! From a telephone line's 8 kHz to the model's 16 kHz.

use std::f32::consts::PI;

/// Taps of the half-band filter's odd phase; the even phase passes the input through. 32 leave the images
/// above 4.4 kHz at least 60 dB down and delay by 2 ms.
const TAPS: usize = 32;

/// Doubles the rate of a stream, keeping its state between pieces.
pub struct Upsampler {
    taps: [f32; TAPS],
    history: [f32; TAPS],
}

impl Default for Upsampler {
    fn default() -> Self {
        Self { taps: odd_phase(), history: [0.0; TAPS] }
    }
}

impl Upsampler {
    /// Two samples out for each one in.
    pub fn process(&mut self, pcm: &[i16]) -> Vec<i16> {
        let mut doubled = Vec::with_capacity(pcm.len() * 2);
        for sample in pcm {
            self.history.rotate_left(1);
            self.history[TAPS - 1] = f32::from(*sample);
            doubled.push(rounded(self.history[TAPS / 2 - 1]));
            doubled
                .push(rounded(self.history.iter().zip(&self.taps).map(|(sample, tap)| sample * tap).sum()));
        }
        doubled
    }
}

/// A sinc at the half-way points under a Blackman window, scaled so that a constant stays itself.
fn odd_phase() -> [f32; TAPS] {
    let mut taps = [0.0; TAPS];
    for (index, tap) in taps.iter_mut().enumerate() {
        let distance = index as f32 + 0.5 - TAPS as f32 / 2.0;
        let phase = 2.0 * PI * (index as f32 + 0.5) / TAPS as f32;
        let window = 0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos();
        *tap = (PI * distance).sin() / (PI * distance) * window;
    }
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

#[expect(clippy::cast_possible_truncation, reason = "a cast to i16 saturates, which is what clipping is")]
fn rounded(sample: f32) -> i16 {
    sample.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f32, rate: f32, samples: usize) -> Vec<i16> {
        (0..samples).map(|n| rounded((2.0 * PI * hertz * n as f32 / rate).sin() * 10_000.0)).collect()
    }

    /// Amplitude of one frequency in a 16 kHz signal.
    fn amplitude(pcm: &[i16], hertz: f32) -> f32 {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (n, sample) in pcm.iter().enumerate() {
            let phase = 2.0 * PI * hertz * n as f32 / 16_000.0;
            real += f32::from(*sample) * phase.cos();
            imaginary += f32::from(*sample) * phase.sin();
        }
        2.0 * real.hypot(imaginary) / pcm.len() as f32
    }

    #[test]
    fn speech_passes_and_its_image_does_not() {
        for hertz in [200.0, 1_000.0, 3_000.0, 3_400.0] {
            let doubled = Upsampler::default().process(&tone(hertz, 8_000.0, 8_000));
            let settled = &doubled[1_600..14_400 + 1_600 - 1_600];
            let passed = amplitude(settled, hertz);
            let image = amplitude(settled, 8_000.0 - hertz);
            assert!((passed / 10_000.0 - 1.0).abs() < 0.03, "{hertz} Hz came out at {passed}");
            assert!(image < 100.0, "the image of {hertz} Hz came out at {image}");
        }
    }

    #[test]
    fn pieces_join_without_a_seam_and_loud_sound_clips() {
        let pcm = tone(440.0, 8_000.0, 1_000);
        let whole = Upsampler::default().process(&pcm);
        let mut pieces = Upsampler::default();
        let joined: Vec<i16> = pcm.chunks(33).flat_map(|piece| pieces.process(piece)).collect();
        assert_eq!(joined, whole);
        let square: Vec<i16> = (0..400).map(|n| if n / 20 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        assert!(Upsampler::default().process(&square).contains(&i16::MAX));
    }
}
