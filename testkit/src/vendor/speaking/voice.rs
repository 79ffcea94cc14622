//! A speech-like sound for a text: each character takes its time, vowels ring, consonants hiss or hum, gaps are silent.

use std::f32::consts::TAU;

/// Harmonics of a vowel; enough to sound voiced, few enough to be cheap for a hundred calls at once.
const HARMONICS: usize = 5;
/// Peak of a vowel, of 32767: about -14 dBFS on average, as a levelled voice has.
const VOWEL_PEAK: f32 = 9_000.0;
const CONSONANT_PEAK: f32 = 3_500.0;
/// Share of a character over which its sound rises and falls.
const RAMP: f32 = 0.2;

/// One voice: the same name always sounds the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voice {
    pitch_hz: f32,
}

enum Sound {
    Vowel { formant: f32 },
    Consonant,
    Gap,
}

impl Voice {
    pub(crate) fn named(name: &str) -> Self {
        let sum: u32 = name.bytes().map(u32::from).sum();
        Self { pitch_hz: 100.0 + (sum % 12) as f32 * 10.0 }
    }

    /// The samples of these characters, each `ms_per_char` long.
    pub(crate) fn speak(self, characters: &[char], ms_per_char: f64, sample_rate: u32) -> Vec<i16> {
        let boundary =
            |index: usize| (index as f64 * ms_per_char * f64::from(sample_rate) / 1_000.0).round() as usize;
        let mut samples = Vec::with_capacity(boundary(characters.len()));
        for (index, &character) in characters.iter().enumerate() {
            let length = boundary(index + 1) - boundary(index);
            self.character(character, length, sample_rate, &mut samples);
        }
        samples
    }

    fn character(self, character: char, length: usize, sample_rate: u32, out: &mut Vec<i16>) {
        let mut noise = u32::from(character).wrapping_mul(2_654_435_761) | 1;
        let sound = classify(character);
        for at in 0..length {
            let envelope = ramp(at as f32 / length as f32);
            let value = match sound {
                Sound::Gap => 0.0,
                Sound::Vowel { formant } => VOWEL_PEAK * self.ring(at as f32 / sample_rate as f32, formant),
                Sound::Consonant => {
                    // xorshift32: the same consonant hisses the same way everywhere.
                    noise ^= noise << 13;
                    noise ^= noise >> 17;
                    noise ^= noise << 5;
                    let hiss = noise as f32 / u32::MAX as f32 * 2.0 - 1.0;
                    CONSONANT_PEAK * (0.5 * hiss + 0.5 * self.ring(at as f32 / sample_rate as f32, 2.0))
                }
            };
            out.push((value * envelope) as i16);
        }
    }

    /// Harmonics of the pitch, loudest near the vowel's formant.
    fn ring(self, seconds: f32, formant: f32) -> f32 {
        (1..=HARMONICS)
            .map(|harmonic| {
                let order = harmonic as f32;
                let weight = 1.0 / (1.0 + (order - formant).abs());
                weight * (TAU * self.pitch_hz * order * seconds).sin()
            })
            .sum::<f32>()
            / 2.0
    }
}

fn classify(character: char) -> Sound {
    let lower = character.to_lowercase().next().unwrap_or(character);
    match lower {
        'a' => Sound::Vowel { formant: 4.0 },
        'e' => Sound::Vowel { formant: 3.0 },
        'i' | 'y' => Sound::Vowel { formant: 2.0 },
        'o' => Sound::Vowel { formant: 3.5 },
        'u' => Sound::Vowel { formant: 1.5 },
        'b'..='z' => Sound::Consonant,
        // Letters of other scripts and digits are syllables of their own.
        _ if lower.is_alphanumeric() => Sound::Vowel { formant: 2.5 },
        _ => Sound::Gap,
    }
}

/// Rises over the first part of a character and falls over the last, never to nothing, so that words hold together.
fn ramp(position: f32) -> f32 {
    let edge = position.min(1.0 - position) / RAMP;
    0.3 + 0.7 * edge.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rms(samples: &[i16]) -> f64 {
        (samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
    }

    #[test]
    fn a_text_is_as_long_as_its_characters_and_is_heard() {
        let text: Vec<char> = "Good morning, caller.".chars().collect();
        for rate in [8_000, 16_000, 22_050, 24_000, 44_100] {
            let samples = Voice::named("v").speak(&text, 60.0, rate);
            let expected = (text.len() as f64 * 0.06 * f64::from(rate)).round() as usize;
            assert_eq!(samples.len(), expected, "{rate}");
            assert!(rms(&samples) > 1_000.0, "{rate}: {}", rms(&samples));
        }
    }

    #[test]
    fn words_are_loud_and_the_spaces_between_them_silent() {
        let samples = Voice::named("v").speak(&['a', ' ', 's'], 60.0, 8_000);
        assert!(rms(&samples[..480]) > 2_000.0);
        assert!(samples[480..960].iter().all(|&sample| sample == 0));
        assert!(rms(&samples[960..]) > 500.0);
    }
}
