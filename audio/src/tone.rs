//! The hold tone: what a caller hears when every vendor stalls.

use std::f32::consts::TAU;
use std::time::Duration;

/// Short, and repeated by the session for as long as it is needed.
pub const LENGTH: Duration = Duration::from_millis(400);
/// A' of the scale: inside the band of every telephone line and away from dial tones (350 to 440 Hz) and DTMF (from 697 Hz).
const PITCH_HZ: f32 = 523.25;
/// About -26 dBFS: heard, and never mistaken for an alarm.
const AMPLITUDE: f32 = 1_600.0;

/// The tone at `rate_hz`: mono, 16 bit, swelling and fading so that it does not click.
pub fn hold_tone(rate_hz: u32) -> Vec<i16> {
    let rate = rate_hz as f32;
    let length = (LENGTH.as_secs_f32() * rate) as usize;
    let sample = |i: usize| {
        let envelope = (TAU / 2.0 * i as f32 / length as f32).sin();
        (AMPLITUDE * envelope * (TAU * PITCH_HZ * i as f32 / rate).sin()) as i16
    };
    (0..length).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::is_audible;

    #[test]
    fn it_is_heard_at_every_rate_and_does_not_click() {
        for rate in [8_000, 16_000, 24_000] {
            let tone = hold_tone(rate);
            assert_eq!(tone.len() as u32, rate * 2 / 5);
            assert!(is_audible(&tone));
            assert!(tone[0].abs() < 20 && tone[tone.len() - 1].abs() < 20);
            let steepest = tone.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max();
            assert!(steepest < Some(800), "{steepest:?}");
        }
    }
}
