//! Tones as networks and machines make them, and music.

use std::f32::consts::TAU;

use vox_amd::SitKind;
use vox_audio::music;

use crate::RATE_HZ;
use crate::random::Random;

const AMPLITUDE: f32 = 7_000.0;

/// So many ms of these frequencies together; without clicks.
pub fn tone(hertz: &[f32], ms: u32) -> Vec<i16> {
    let length = (ms * RATE_HZ / 1000) as usize;
    let edge = (RATE_HZ / 500) as f32;
    (0..length)
        .map(|i| {
            let sum: f32 = hertz.iter().map(|f| (TAU * f * i as f32 / RATE_HZ as f32).sin()).sum();
            let envelope = (i as f32 / edge).min((length - i) as f32 / edge).min(1.0);
            (AMPLITUDE * envelope * sum / hertz.len() as f32) as i16
        })
        .collect()
}

pub fn pause(ms: u32) -> Vec<i16> {
    vec![0; (ms * RATE_HZ / 1000) as usize]
}

/// The eight kinds of Bellcore.
pub const SITS: [(SitKind, [bool; 3], [bool; 2]); 8] = [
    (SitKind::Intercept, [false, false, true], [false, false]),
    (SitKind::VacantCode, [true, false, true], [true, false]),
    (SitKind::ReorderLocal, [false, true, true], [false, false]),
    (SitKind::NoCircuitLocal, [true, true, true], [true, true]),
    (SitKind::ReorderLong, [false, true, true], [true, false]),
    (SitKind::NoCircuitLong, [true, true, true], [false, false]),
    (SitKind::ReservedOne, [true, false, false], [false, true]),
    (SitKind::ReservedTwo, [false, false, true], [true, true]),
];

/// Three tones: whether each is long, and whether the first two are high.
pub fn sit(is_long: [bool; 3], is_high: [bool; 2], random: &mut Random) -> Vec<i16> {
    let first = if is_high[0] { 985.2 } else { 913.8 };
    let second = if is_high[1] { 1_428.5 } else { 1_370.6 };
    let mut all = Vec::new();
    for (hertz, is_long) in [first, second, 1_776.7].into_iter().zip(is_long) {
        let ms = if is_long { 380.0 } else { 274.0 } * random.within(0.96, 1.04);
        all.extend(tone(&[hertz * random.within(0.998, 1.002)], ms as u32));
        all.extend(pause(random.within(0.0, 4.0) as u32));
    }
    all
}

/// Countries, frequencies, and a period of ringing or busy.
pub const CALLS: [(&str, bool, &[f32], &[u32]); 10] = [
    ("US", true, &[440.0, 480.0], &[2_000, 4_000]),
    ("GB", true, &[400.0, 450.0], &[400, 200, 400, 2_000]),
    ("IN", true, &[400.0], &[400, 200, 400, 2_000]),
    ("DE", true, &[425.0], &[1_000, 4_000]),
    ("FR", true, &[440.0], &[1_500, 3_500]),
    ("US", false, &[480.0, 620.0], &[500, 500]),
    ("GB", false, &[400.0], &[375, 375]),
    ("IN", false, &[400.0], &[750, 750]),
    ("DE", false, &[425.0], &[480, 480]),
    ("FR", false, &[440.0], &[500, 500]),
];

/// So long of it.
pub fn calls(hertz: &[f32], period: &[u32], ms: u32) -> Vec<i16> {
    let mut all = Vec::new();
    for (i, part) in period.iter().cycle().enumerate() {
        if all.len() > (ms * RATE_HZ / 1000) as usize {
            break;
        }
        all.extend(if i % 2 == 0 { tone(hertz, *part) } else { pause(*part) });
    }
    all
}

/// dBFS.
pub fn level_of(sound: &[f32]) -> f32 {
    let power = sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len().max(1) as f32;
    20.0 * (power.sqrt() / 32_768.0).max(1e-5).log10()
}

/// How a beep sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beeping {
    One,
    Two,
    Glide,
}

impl Beeping {
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "one tone",
            Self::Two => "two tones",
            Self::Glide => "glide",
        }
    }
}

/// A beep.
pub fn beep(beeping: Beeping, random: &mut Random) -> Vec<i16> {
    let hertz =
        if random.chance(0.7) { random.within(400.0, 1_500.0) } else { random.within(350.0, 2_300.0) };
    let ms = random.within(90.0, 1_500.0);
    match beeping {
        Beeping::One => tone(&[hertz], ms as u32),
        Beeping::Two => {
            let ms = (ms / 2.0).max(110.0) as u32;
            [tone(&[hertz], ms), tone(&[hertz * random.within(1.2, 1.6)], ms)].concat()
        }
        Beeping::Glide => {
            let (length, mut phase) = ((ms.max(200.0) * RATE_HZ as f32 / 1000.0) as usize, 0.0);
            let glide = |i: usize| {
                phase += TAU * hertz * (1.0 + 0.5 * i as f32 / length as f32) / RATE_HZ as f32;
                (AMPLITUDE * phase.sin()) as i16
            };
            (0..length).map(glide).collect()
        }
    }
}

/// Music: chords that change, or the project's own hold music.
pub fn music(ms: u32, random: &mut Random) -> Vec<i16> {
    let length = (ms * RATE_HZ / 1000) as usize;
    if random.chance(0.4) {
        let whole = music::hold_music(RATE_HZ);
        let from = random.next() as usize % whole.len();
        return (0..length).map(|i| whole[(from + i) % whole.len()].saturating_mul(2)).collect();
    }
    let beat = (RATE_HZ as f32 * random.within(0.25, 0.7)) as usize;
    let root = random.within(180.0, 330.0);
    let mut all = Vec::with_capacity(length);
    while all.len() < length {
        let step = *random.pick(&[0.0_f32, 2.0, 4.0, 5.0, 7.0, 9.0]);
        let chord = [0.0, 4.0, 7.0, 12.0].map(|tone| root * 2.0_f32.powf((step + tone) / 12.0));
        for i in 0..beat {
            let at = i as f32 / RATE_HZ as f32;
            let envelope = (at * 60.0).min(1.0) * (-at * 2.0).exp();
            let sum: f32 = chord
                .iter()
                .map(|f| {
                    (TAU * f * at).sin() + 0.4 * (TAU * 2.0 * f * at).sin() + 0.2 * (TAU * 3.0 * f * at).sin()
                })
                .sum();
            all.push((1_800.0 * envelope * sum) as i16);
        }
    }
    all.truncate(length);
    all
}
