//! Tones, and how much of one is in what is heard.

use std::f64::consts::TAU;

const HZ: f64 = 8000.0;

/// Frames of 20 ms of a tone, one after another.
pub fn tone(hz: f64) -> impl FnMut() -> Vec<i16> + Send {
    let mut phase = 0.0_f64;
    move || {
        let mut next = || {
            phase = (phase + TAU * hz / HZ) % TAU;
            (phase.sin() * 7000.0) as i16
        };
        (0..160).map(|_| next()).collect()
    }
}

/// The part of the energy that is at this frequency, 0 to 1 (Goertzel).
pub fn power(pcm: &[i16], hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / HZ).cos();
    let (mut one, mut two, mut all) = (0.0_f64, 0.0_f64, 1.0_f64);
    for sample in pcm {
        let sample = f64::from(*sample);
        (two, one) = (one, sample + coefficient * one - two);
        all += sample * sample;
    }
    2.0 * (one * one + two * two - coefficient * one * two) / (all * pcm.len() as f64)
}
