//! Sounds of a line, the same each time, over G.711.

use std::f32::consts::TAU;

use vox_audio::g711;

pub const RATE_HZ: u32 = 8_000;

pub fn samples(ms: u32) -> usize {
    (ms * RATE_HZ / 1000) as usize
}

/// A line on which nobody speaks.
pub fn quiet(ms: u32) -> Vec<i16> {
    let mut state = 7_u32;
    let noise = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) as i32 % 61 - 30) as i16
    };
    (0..samples(ms)).map(noise).collect()
}

/// Somebody speaks: syllables of a gliding voice.
pub fn voice(ms: u32) -> Vec<i16> {
    let mut phase = 0.0_f32;
    (0..samples(ms))
        .map(|i| {
            let at = i as f32 / RATE_HZ as f32;
            let pitch = 135.0 + 30.0 * (TAU * 2.3 * at).sin() + 12.0 * (TAU * 0.9 * at).cos();
            phase += TAU * pitch / RATE_HZ as f32;
            // Two formants that move.
            let (first, second) =
                (550.0 + 250.0 * (TAU * 3.1 * at).sin(), 1_500.0 + 500.0 * (TAU * 1.7 * at).sin());
            let sum: f32 = (1..20)
                .map(|k| {
                    let hertz = pitch * k as f32;
                    let near = |formant: f32, width: f32| 1.0 / (1.0 + ((hertz - formant) / width).powi(2));
                    (near(first, 120.0) + 0.6 * near(second, 200.0)) * (phase * k as f32).sin()
                })
                .sum();
            let syllable = (TAU * 2.2 * at + 0.5).sin().abs().powf(1.5);
            (2_600.0 * syllable * sum) as i16
        })
        .collect()
}

/// Sines of these frequencies together.
pub fn tone(hertz: &[f32], ms: u32) -> Vec<i16> {
    let sample = |i: usize| {
        let sum: f32 = hertz.iter().map(|hertz| (TAU * hertz * i as f32 / RATE_HZ as f32).sin()).sum();
        (5_000.0 * sum / hertz.len() as f32) as i16
    };
    (0..samples(ms)).map(sample).collect()
}

pub fn over_a_line(pcm: &[i16]) -> Vec<i16> {
    pcm.iter().map(|sample| g711::ulaw_to_linear(g711::linear_to_ulaw(*sample))).collect()
}
