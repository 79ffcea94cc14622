//! Tones at the rate of telephones, and how much of one is in what is heard.

const RATE_HZ: u32 = 8000;

/// Frames of 20 ms of a tone, one after another.
pub fn tone(hz: f64) -> impl FnMut() -> Vec<i16> + Send {
    vox_harness::tone(RATE_HZ, hz)
}

/// The part of the energy that is at this frequency, 0 to 1.
pub fn power(pcm: &[i16], hz: f64) -> f64 {
    vox_harness::power(RATE_HZ, pcm, hz)
}
