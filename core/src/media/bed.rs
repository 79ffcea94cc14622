//! Sound that lies under the whole call, a background that the bot's voice is heard above: played over and over, and softer while the bot
//! speaks (ducking).

use std::sync::Arc;
use std::time::Duration;

/// How long the background takes to come, and to become softer or louder.
const RAMP: Duration = Duration::from_millis(250);
/// The end of a turn of it runs into the beginning of the next for so long.
const SEAM: Duration = Duration::from_millis(60);

/// How loud it is, as factors of its samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    pub alone: f32,
    /// While the bot speaks.
    pub ducked: f32,
}

impl Loudness {
    /// From decibels: of the sound, and further down while the bot speaks.
    pub fn of_db(gain_db: f32, duck_db: f32) -> Self {
        let factor = |db: f32| 10_f32.powf(db / 20.0);
        Self { alone: factor(gain_db), ducked: factor(gain_db - duck_db) }
    }
}

/// The background of a call, where it is just now.
#[derive(Clone, Debug)]
pub struct Bed {
    pcm: Arc<[i16]>,
    at: usize,
    loudness: Loudness,
    /// The factor of the last sample.
    now: f32,
    /// Of a sample to the next, at most.
    step: f32,
}

impl Bed {
    /// Of a sound of the line's rate that was made [`seamless`]; `None` when there is none of it. It swells from silence.
    pub fn new(pcm: Arc<[i16]>, loudness: Loudness, rate_hz: u32) -> Option<Self> {
        let step = loudness.alone.max(loudness.ducked) / (RAMP.as_secs_f32() * rate_hz as f32).max(1.0);
        (!pcm.is_empty()).then_some(Self { pcm, at: 0, loudness, now: 0.0, step })
    }

    /// Add the next piece of it to what is sent.
    pub fn mix(&mut self, sent: &mut [i16], speaks: bool) {
        let aim = if speaks { self.loudness.ducked } else { self.loudness.alone };
        for sample in sent {
            self.now += (aim - self.now).clamp(-self.step, self.step);
            let under = (f32::from(self.pcm[self.at]) * self.now) as i16;
            *sample = sample.saturating_add(under);
            self.at = (self.at + 1) % self.pcm.len();
        }
    }
}

/// A sound that can be played over and over: its last moment is laid over its first, so that no ear hears where it begins anew.
pub fn seamless(mut pcm: Vec<i16>, rate_hz: u32) -> Vec<i16> {
    let seam = ((SEAM.as_secs_f32() * rate_hz as f32) as usize).min(pcm.len() / 2);
    let tail = pcm.split_off(pcm.len() - seam);
    for (n, (head, tail)) in pcm.iter_mut().zip(tail).enumerate() {
        let share = n as f32 / seam as f32;
        *head = (f32::from(*head) * share + f32::from(tail) * (1.0 - share)) as i16;
    }
    pcm
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bed(pcm: &[i16]) -> Bed {
        Bed::new(pcm.into(), Loudness { alone: 0.5, ducked: 0.1 }, 8_000).unwrap()
    }

    #[test]
    fn it_swells_and_gives_way_to_the_voice_without_a_step() {
        let mut bed = bed(&[10_000; 100]);
        let mut heard = vec![0_i16; 8_000];
        bed.mix(&mut heard[..4_000], false);
        bed.mix(&mut heard[4_000..], true);
        assert_eq!(heard[0], 2, "from silence");
        assert!((4_990..=5_000).contains(&heard[3_999]), "{}", heard[3_999]);
        assert!((990..=1_010).contains(&heard[7_999]), "{}", heard[7_999]);
        let steepest = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max();
        assert!(steepest <= Some(4), "{steepest:?}");
    }

    #[test]
    fn it_is_added_to_the_voice_and_never_wraps_around() {
        let mut bed = bed(&[30_000; 10]);
        let mut settle = vec![0; 4_000];
        bed.mix(&mut settle, false);
        let mut voice = [100, 32_000, -32_000];
        bed.mix(&mut voice, false);
        assert!((15_090..=15_110).contains(&voice[0]), "{voice:?}");
        assert_eq!(voice[1], i16::MAX);
        assert!((-17_010..=-16_990).contains(&voice[2]), "{voice:?}");
    }

    #[test]
    fn its_end_runs_into_its_beginning() {
        let rising: Vec<i16> = (0..8_000).map(|n| n as i16).collect();
        let turned = seamless(rising, 8_000);
        assert_eq!(turned.len(), 8_000 - 480);
        // What follows the last sample is what followed it in the sound itself.
        assert_eq!((turned[turned.len() - 1], turned[0]), (7_519, 7_520));
        assert!(turned.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 20));
        assert_eq!(seamless(vec![5], 8_000), [5]);
        assert!(Bed::new(seamless(Vec::new(), 8_000).into(), Loudness::of_db(-20.0, 6.0), 8_000).is_none());
    }

    #[test]
    fn decibels_are_factors() {
        let loudness = Loudness::of_db(-20.0, 20.0);
        assert!((loudness.alone - 0.1).abs() < 1e-4 && (loudness.ducked - 0.01).abs() < 1e-4);
    }
}
