//! What is heard of a stream: packets in, frames of 20 ms out.

use std::time::Instant;

use vox_audio::jitter::{Arrival, Counts, Jitter, Next, Origin, Pace};
use vox_audio::stretch;

use super::FRAME;
use crate::codec::Codec;

/// Ticks of the buffer's clock, 48 kHz, in one of ours, 8 kHz.
const TICKS: u64 = 6;
/// At least so many frames between two that are stretched: more often is heard.
const BETWEEN: u32 = 3;
/// Period that is repeated when nothing came is looked for within these many samples: 400 Hz to 66 Hz.
const SHORTEST: usize = 20;
const LONGEST: usize = 120;
/// What was played last, kept to invent from.
const KEPT: usize = 320;

pub(super) struct Player {
    jitter: Jitter,
    codec: Codec,
    sound: Vec<i16>,
    /// The end of what was played.
    past: Vec<i16>,
    /// Frames invented in a row.
    invented: u32,
    since_stretched: u32,
}

impl Player {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            jitter: Jitter::new(),
            codec,
            sound: Vec::new(),
            past: vec![0; KEPT],
            invented: 0,
            since_stretched: 0,
        }
    }

    /// A packet: its number and time, both extended over wraps, and its bytes, one a sample.
    pub(super) fn push(&mut self, now: Instant, number: u64, time: u64, payload: &[u8]) {
        let arrival = Arrival {
            number,
            time: time * TICKS,
            ticks: payload.len() as u64 * TICKS,
            payload,
            repairs: false,
            origin: Origin::Primary,
        };
        self.jitter.push(now, arrival);
    }

    /// The next 20 ms.
    pub(super) fn frame(&mut self, now: Instant) -> Vec<i16> {
        while self.sound.len() < FRAME {
            let mut piece = Vec::with_capacity(FRAME);
            match self.jitter.next(now) {
                Next::Packet(payload) | Next::Repair(payload) => {
                    piece.extend(payload.iter().map(|code| self.codec.decode(*code)));
                    self.join(&mut piece);
                    self.invented = 0;
                }
                Next::Invent => {
                    self.invented += 1;
                    piece = self.invent();
                }
                Next::Silence => piece.resize(FRAME, 0),
            }
            if piece.is_empty() {
                piece.resize(FRAME, 0);
            }
            self.past.extend_from_slice(&piece);
            self.past.drain(..self.past.len() - KEPT);
            self.stretch(now, &mut piece);
            self.sound.append(&mut piece);
        }
        let rest = self.sound.split_off(FRAME);
        std::mem::replace(&mut self.sound, rest)
    }

    pub(super) fn counts(&self) -> Counts {
        self.jitter.counts
    }

    fn stretch(&mut self, now: Instant, piece: &mut Vec<i16>) {
        self.since_stretched += 1;
        if self.since_stretched <= BETWEEN {
            return;
        }
        let done = match self.jitter.pace(now) {
            Pace::Usual => false,
            Pace::Faster => stretch::shorten(piece, 8000),
            Pace::Slower => stretch::lengthen(piece, 8000),
        };
        if done {
            self.since_stretched = 0;
        }
    }

    /// Go on with the last period, quieter from frame to frame (the idea of G.711, appendix I).
    fn invent(&self) -> Vec<i16> {
        let period = period(&self.past);
        let last = &self.past[KEPT - period..];
        let left = 5_u32.saturating_sub(self.invented) as i32;
        (0..FRAME)
            .map(|at| {
                // From this frame's loudness into the next one's.
                let gain = left * FRAME as i32 + (FRAME - at) as i32;
                (i32::from(last[at % period]) * gain / (5 * FRAME as i32)) as i16
            })
            .collect()
    }

    /// After something invented the real sound fades in over what would have followed it.
    fn join(&self, piece: &mut [i16]) {
        if self.invented == 0 {
            return;
        }
        const FADE: usize = 40;
        let would = self.invent();
        for (at, sample) in piece.iter_mut().enumerate().take(FADE) {
            let (new, old) = (i32::from(*sample), i32::from(would[at]));
            *sample = ((new * at as i32 + old * (FADE - at) as i32) / FADE as i32) as i16;
        }
    }
}

/// The length after which the end of the sound is most like itself.
fn period(past: &[i16]) -> usize {
    let end = past.len();
    let likeness = |lag: usize| {
        let (mut cross, mut power) = (0.0_f32, 1.0_f32);
        for at in end - LONGEST..end {
            let (a, b) = (f32::from(past[at]), f32::from(past[at - lag]));
            cross += a * b;
            power += b * b;
        }
        cross / power.sqrt()
    };
    let lags = SHORTEST..=LONGEST;
    lags.map(|lag| (lag, likeness(lag))).max_by(|a, b| a.1.total_cmp(&b.1)).map_or(LONGEST, |(lag, _)| lag)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tone(frames: usize) -> Vec<i16> {
        let sample = |at: usize| ((at as f32 * 200.0 * std::f32::consts::TAU / 8000.0).sin() * 9000.0) as i16;
        (0..frames * FRAME).map(sample).collect()
    }

    /// The tone goes through with every tenth packet lost; what is played.
    fn play(is_lost: impl Fn(usize) -> bool) -> (Vec<i16>, Counts) {
        let start = Instant::now();
        let mut player = Player::new(Codec::Pcma);
        let mut played = Vec::new();
        for (n, frame) in tone(100).chunks(FRAME).enumerate() {
            let now = start + Duration::from_millis(n as u64 * 20);
            let bytes: Vec<u8> = frame.iter().map(|sample| Codec::Pcma.encode(*sample)).collect();
            if !is_lost(n) {
                player.push(now, n as u64, (n * FRAME) as u64, &bytes);
            }
            played.extend(player.frame(now));
        }
        (played, player.counts())
    }

    #[test]
    fn a_tone_goes_through_whole() {
        let (played, counts) = play(|_| false);
        let begin = played.iter().position(|s| s.unsigned_abs() > 500).unwrap();
        let loud = played[begin..].chunks_exact(FRAME).filter(|f| f.iter().any(|s| *s > 8000)).count();
        assert!(loud >= 95, "{loud}");
        assert_eq!((counts.received, counts.lost, counts.invented), (100, 0, 0));
    }

    /// What is lost is gone on with: no silence, no step that a tone does not have.
    #[test]
    fn what_is_lost_is_not_heard() {
        // Not the last of them: it is still waited for when the tone is over.
        let (played, counts) = play(|n| n % 10 == 7 && n < 90);
        assert_eq!((counts.lost, counts.invented), (9, 9));
        let settled = &played[10 * FRAME..];
        let quiet = settled.chunks_exact(FRAME).filter(|f| f.iter().all(|s| *s < 5000)).count();
        assert_eq!(quiet, 0);
        let steps = settled.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 3500).count();
        assert_eq!(steps, 0);
    }

    #[test]
    fn a_long_loss_becomes_silence() {
        let (played, _) = play(|n| n > 50);
        let end = &played[80 * FRAME..];
        assert!(end.iter().all(|s| s.unsigned_abs() < 20));
    }
}
