//! Tones, and how much of one is in what is heard.

use std::f64::consts::TAU;

use vox_livekit::Rate;

/// Frames of 20 ms of a tone, one after another.
pub fn tone(rate: Rate, hz: f64) -> impl FnMut() -> Vec<i16> + Send {
    vox_harness::tone(rate.hz(), hz)
}

/// Frames of something like a voice: a buzz of 150 Hz with ten overtones. [`overtones`] are found again.
pub fn buzz(rate: Rate) -> impl FnMut() -> Vec<i16> {
    let mut at = 0_u64;
    move || {
        let mut next = || {
            let phase = TAU * at as f64 * 150.0 / f64::from(rate.hz());
            at += 1;
            ((1..=10).map(|n| (phase * f64::from(n)).sin() / f64::from(n)).sum::<f64>() * 5000.0) as i16
        };
        (0..rate.frame()).map(|_| next()).collect()
    }
}

/// The part of the energy that is the buzz.
pub fn overtones(rate: Rate, pcm: &[i16]) -> f64 {
    (1..=10).map(|n| power(rate, pcm, 150.0 * f64::from(n))).sum()
}

/// The part of the energy that is at this frequency, 0 to 1.
pub fn power(rate: Rate, pcm: &[i16], hz: f64) -> f64 {
    vox_harness::power(rate.hz(), pcm, hz)
}

/// How many of the frames are loud.
pub fn loud_frames<'a>(frames: impl IntoIterator<Item = &'a Vec<i16>>) -> usize {
    let mean = |frame: &Vec<i16>| {
        frame.iter().map(|s| u64::from(s.unsigned_abs())).sum::<u64>() / frame.len() as u64
    };
    frames.into_iter().filter(|frame| mean(frame) > 1200).count()
}
