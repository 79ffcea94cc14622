//! Hold music: what a caller hears who waits. Made here, note by note, so nobody's rights are in it and no file is shipped.

use std::f32::consts::TAU;
use std::time::Duration;

/// Four chords of eight notes; it is played over and over, and its end runs into its beginning.
pub const LENGTH: Duration = Duration::from_secs(8);
const NOTES_A_CHORD: usize = 8;
/// C, A minor, F and G as they stand on the keys, in Hz; each is played up and down again. Inside the band of every telephone line.
const CHORDS: [[f32; 4]; 4] = [
    [523.25, 659.26, 783.99, 1_046.50],
    [440.00, 523.25, 659.26, 880.00],
    [523.25, 698.46, 880.00, 1_046.50],
    [493.88, 587.33, 783.99, 987.77],
];
/// The order in which the notes of a chord come.
const PATTERN: [usize; NOTES_A_CHORD] = [0, 1, 2, 3, 2, 1, 2, 1];
/// About -24 dBFS for one note: soft, and several sound at a time.
const AMPLITUDE: f32 = 2_000.0;
/// A note swells for so long, which no ear hears as a click, and dies away with this time constant.
const ATTACK_SECS: f32 = 0.012;
const DECAY_SECS: f32 = 0.35;
/// After which nothing of it is left.
const NOTE_SECS: f32 = 2.0;
/// The octave above, which makes it a little like a string.
const OVERTONE: f32 = 0.25;

/// The music at `rate_hz`: mono, 16 bit, [`LENGTH`] of it.
pub fn hold_music(rate_hz: u32) -> Vec<i16> {
    let rate = rate_hz as f32;
    let length = (LENGTH.as_secs_f32() * rate) as usize;
    let notes = CHORDS.iter().flat_map(|chord| PATTERN.map(|note| chord[note]));
    let count = CHORDS.len() * NOTES_A_CHORD;
    let mut sum = vec![0.0_f32; length];
    for (place, pitch) in notes.enumerate() {
        let begins = place * length / count;
        for sample in 0..(NOTE_SECS * rate) as usize {
            let at = sample as f32 / rate;
            let envelope = (at / ATTACK_SECS).min(1.0) * (-at / DECAY_SECS).exp();
            let phase = TAU * pitch * at;
            // What sounds beyond the end sounds at the beginning of the next time.
            sum[(begins + sample) % length] +=
                AMPLITUDE * envelope * (phase.sin() + OVERTONE * (2.0 * phase).sin());
        }
    }
    sum.into_iter().map(|sample| sample as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::is_audible;

    #[test]
    fn it_is_heard_all_along_is_soft_and_runs_into_itself() {
        for rate in [8_000_u32, 16_000] {
            let music = hold_music(rate);
            assert_eq!(music.len() as u32, rate * 8);
            assert!(music.chunks(rate as usize / 4).all(is_audible), "no part of it is silent");
            let loudest = music.iter().map(|sample| sample.unsigned_abs()).max();
            assert!(loudest < Some(10_000), "{loudest:?}");
            let around = music.iter().chain(&music[..1]).copied().collect::<Vec<i16>>();
            let steepest =
                around.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
            assert!(steepest < Some(6_000), "{steepest:?}");
        }
    }
}
