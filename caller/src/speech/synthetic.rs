//! Speech-like sound made in code: a voice source through four moving formants, with consonants and pauses.
//!
//! It has the pitch, the syllable rhythm (about four a second) and the spectrum of a man's or a woman's voice. Silero
//! v6 takes nine tenths of its windows for speech at 8 and at 16 kHz (ten seeds were looked at); another detector may
//! not. It says no words, so a recogniser will make nothing of it: use recordings where the words matter.

use std::f64::consts::PI;

use super::Clip;

const RATE_HZ: u32 = 16_000;
const RATE: f64 = 16_000.0;
/// Peak of the finished clip: about -6 dBFS, a voice close to its telephone.
const PEAK: f64 = 16_000.0;
/// Formant frequencies of some vowels: a, e, i, o, u and a schwa.
const VOWELS: [[f64; 4]; 6] = [
    [730.0, 1_090.0, 2_440.0, 3_400.0],
    [530.0, 1_840.0, 2_480.0, 3_500.0],
    [270.0, 2_290.0, 3_010.0, 3_600.0],
    [570.0, 840.0, 2_410.0, 3_300.0],
    [300.0, 870.0, 2_240.0, 3_200.0],
    [500.0, 1_500.0, 2_500.0, 3_500.0],
];
const BANDWIDTHS: [f64; 4] = [70.0, 100.0, 140.0, 220.0];

/// A sentence-like clip of `syllables` syllables (at least one), different for each `seed` and always the same for
/// one. A syllable lasts about a quarter of a second.
pub fn synthetic(seed: u64, syllables: u32) -> Clip {
    let mut voice = Voice::new(seed);
    let count = syllables.max(1);
    for at in 0..count {
        voice.syllable(f64::from(at) / f64::from(count));
        // A breath between words, at every third syllable or so, and never after the last.
        if at + 1 < count && voice.chance.next() < 0.3 {
            let seconds = 0.03 + 0.07 * voice.chance.next();
            voice.pause(seconds);
        }
    }
    voice.finish()
}

struct Voice {
    chance: Chance,
    pitch_hz: f64,
    /// Phase of the voice source, 0..1.
    phase: f64,
    formants: [f64; 4],
    resonators: [Resonator; 4],
    noise: Resonator,
    out: Vec<f64>,
}

impl Voice {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..8).for_each(|_| _ = chance.next());
        let pitch_hz = if chance.next() < 0.5 { 105.0 } else { 190.0 } * (0.9 + 0.2 * chance.next());
        Self {
            chance,
            pitch_hz,
            phase: 0.0,
            formants: VOWELS[5],
            resonators: Default::default(),
            noise: Resonator::default(),
            out: Vec::new(),
        }
    }

    /// A consonant and a vowel; `progress` through the sentence lowers the pitch, as speakers do.
    fn syllable(&mut self, progress: f64) {
        if self.chance.next() < 0.6 {
            self.consonant();
        }
        let vowel = VOWELS[(self.chance.next() * VOWELS.len() as f64) as usize % VOWELS.len()];
        let length = (RATE * (0.14 + 0.12 * self.chance.next())) as usize;
        let pitch = self.pitch_hz * (1.12 - 0.25 * progress) * (0.95 + 0.1 * self.chance.next());
        for at in 0..length {
            let through = at as f64 / length as f64;
            let loudness = (PI * through).sin().powf(0.6);
            let sample = self.voiced(pitch * (1.0 + 0.04 * (PI * through).sin()), &vowel);
            self.out.push(sample * loudness);
        }
    }

    /// One sample of the voice: a smoothed pulse train through the formants, which move towards `vowel`.
    fn voiced(&mut self, pitch_hz: f64, vowel: &[f64; 4]) -> f64 {
        self.phase = (self.phase + pitch_hz / RATE).fract();
        // The glottis opens slowly and shuts fast: a rising cubic that falls at once (after Rosenberg).
        let open = self.phase / 0.6;
        let pulse = if open < 1.0 { open * open * (3.0 - 3.0 * open) } else { -0.12 };
        let breath = (self.chance.next() - 0.5) * 0.02;
        let mut sample = pulse + breath;
        for ((resonator, formant), (&target, &bandwidth)) in
            self.resonators.iter_mut().zip(&mut self.formants).zip(vowel.iter().zip(&BANDWIDTHS))
        {
            *formant += (target - *formant) * 0.0015;
            sample = resonator.filter(sample, *formant, bandwidth);
        }
        sample
    }

    /// A fricative: noise around 3 kHz.
    fn consonant(&mut self) {
        let length = (RATE * (0.04 + 0.04 * self.chance.next())) as usize;
        for at in 0..length {
            let white = self.chance.next() - 0.5;
            let loudness = (PI * at as f64 / length as f64).sin() * 0.5;
            let hiss = self.noise.filter(white, 3_000.0, 900.0);
            self.out.push(hiss * loudness);
        }
    }

    fn pause(&mut self, seconds: f64) {
        self.out.resize(self.out.len() + (RATE * seconds) as usize, 0.0);
    }

    fn finish(self) -> Clip {
        let peak = self.out.iter().fold(1e-9, |peak: f64, sample| peak.max(sample.abs()));
        let samples = self.out.iter().map(|sample| (sample / peak * PEAK) as i16).collect();
        Clip::new(samples, RATE_HZ).expect("a syllable is never empty and the rate is a known one")
    }
}

/// A two-pole resonator with gain 1 at frequency 0 (Klatt 1980).
#[derive(Default)]
struct Resonator {
    last: f64,
    before: f64,
}

impl Resonator {
    fn filter(&mut self, input: f64, frequency_hz: f64, bandwidth_hz: f64) -> f64 {
        let radius = (-PI * bandwidth_hz / RATE).exp();
        let feedback = 2.0 * radius * (2.0 * PI * frequency_hz / RATE).cos();
        let output =
            (1.0 - feedback + radius * radius) * input + feedback * self.last - radius * radius * self.before;
        self.before = self.last;
        self.last = output;
        output
    }
}

/// Repeatable chance (xorshift64*); 0..1.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_loud_finite_and_as_long_as_speech() {
        for seed in 0..20 {
            let clip = synthetic(seed, 8);
            let seconds = clip.duration().as_secs_f64();
            assert!((1.0..3.5).contains(&seconds), "seed {seed}: {seconds} s");
            assert!(
                (-30.0..-8.0).contains(&clip.loudness_dbfs()),
                "seed {seed}: {} dBFS",
                clip.loudness_dbfs()
            );
            let audible = clip.audible().unwrap();
            assert!(audible.end - audible.start > clip.samples().len() as u64 * 9 / 10);
        }
    }

    #[test]
    fn the_same_seed_is_the_same_sound() {
        assert_eq!(synthetic(7, 5).samples(), synthetic(7, 5).samples());
        assert_ne!(synthetic(7, 5).samples(), synthetic(8, 5).samples());
    }
}
