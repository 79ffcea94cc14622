//! Our own voice: frames of 20 ms become numbered packets.
//!
//! When nothing is said, silence is sent for a while, so that the other side's decoder fades and does not invent; then nothing, but for a
//! sign of life now and then, as an encoder with discontinuous transmission does (RFC 7587, 3.1.3).

use super::opus::{Coding, Encoder, Fault};
use super::{FRAME_TICKS, Rate};

/// Frames of silence behind speech.
const HANGOVER: u32 = 15;
/// In a pause one frame in so many is sent.
const ALIVE: u32 = 20;

/// Ticks after which a packet is no copy worth sending: 100 ms.
const OLDEST: u32 = 4800;

/// A packet to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub number: u64,
    /// 48 kHz; the caller cuts it to 32 bits.
    pub time: u64,
    /// First of a stretch of speech (RFC 7587, 4.1).
    pub marker: bool,
    pub payload: Vec<u8>,
    /// For a track that is sent redundantly: the packet before, if there is one, and how many ticks earlier it was.
    pub before: Option<Option<(u32, Vec<u8>)>>,
    /// Loudness, dB below full scale, negative (RFC 6464).
    pub level: i8,
    pub is_voice: bool,
}

pub(crate) struct Microphone {
    encoder: Encoder,
    rate: Rate,
    number: u64,
    time: u64,
    /// Frames since something was said.
    quiet: u32,
    /// Frames that the encoder had nothing to say about, on end.
    empty: u32,
    paused: bool,
    redundancy: Redundancy,
    /// The last packet that was sent, with its time.
    last: Option<(u64, Vec<u8>)>,
}

/// Whether each packet goes with a copy of the one before (RFC 2198).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redundancy {
    None,
    OneBack,
}

impl Microphone {
    pub(crate) fn new(coding: Coding, redundancy: Redundancy) -> Result<Self, Fault> {
        let encoder = Encoder::new(coding)?;
        let number = first_number();
        let time = u64::from(rand::random::<u32>() >> 1);
        Ok(Self {
            encoder,
            rate: coding.rate,
            number,
            time,
            quiet: HANGOVER,
            empty: 0,
            paused: true,
            redundancy,
            last: None,
        })
    }

    #[cfg(test)]
    pub(crate) fn count_from(&mut self, number: u64) {
        self.number = number;
    }

    /// What follows goes out under other keys and another name.
    pub(crate) fn begin_anew(&mut self) {
        self.number = first_number();
        self.last = None;
        self.paused = true;
    }

    /// How many packets in a hundred the other side misses.
    pub(crate) fn expect_loss(&mut self, percent: u8) {
        self.encoder.expect_loss(percent);
    }

    /// 20 ms went by, in which this was said, or nothing. What to send, if anything.
    pub(crate) fn frame(&mut self, said: Option<&[i16]>) -> Result<Option<Packet>, Fault> {
        self.time += FRAME_TICKS;
        let silence;
        let pcm = match said {
            Some(pcm) => {
                self.quiet = 0;
                pcm
            }
            None => {
                self.quiet = self.quiet.saturating_add(1);
                if self.quiet > HANGOVER && !self.quiet.is_multiple_of(ALIVE) {
                    self.paused = true;
                    return Ok(None);
                }
                silence = vec![0; self.rate.frame()];
                &silence
            }
        };
        let payload = self.encoder.encode(pcm)?.to_vec();
        self.empty = if payload.len() <= 2 { self.empty.saturating_add(1) } else { 0 };
        let is_sign = self.quiet > 0 && self.quiet.is_multiple_of(ALIVE);
        if self.empty > 1 && !is_sign && !self.empty.is_multiple_of(ALIVE) {
            // The encoder fell silent. The first of these packets goes, which says so, and then one in so many.
            self.paused = true;
            return Ok(None);
        }
        let before = (self.redundancy == Redundancy::OneBack).then(|| self.copy(&payload));
        let marker = said.is_some() && std::mem::replace(&mut self.paused, false);
        self.number += 1;
        let level = level(pcm);
        let is_voice = said.is_some() && level > -60;
        Ok(Some(Packet { number: self.number, time: self.time, marker, payload, before, level, is_voice }))
    }
}

impl Microphone {
    /// What goes along with a packet: the last one, unless that is too long ago to be of use.
    fn copy(&mut self, payload: &[u8]) -> Option<(u32, Vec<u8>)> {
        let last = self.last.replace((self.time, payload.to_vec()));
        last.map(|(time, payload)| ((self.time - time) as u32, payload)).filter(|(ago, _)| *ago <= OLDEST)
    }
}

/// Numbers begin below the wrap: who hears of us for the first time takes the counter of the encryption, which counts the wraps, to be
/// at zero (RFC 3711, 3.3.1).
fn first_number() -> u64 {
    u64::from(rand::random::<u16>() >> 1)
}

fn level(pcm: &[i16]) -> i8 {
    let power = pcm.iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / pcm.len().max(1) as f32;
    let level = 10.0 * (power / 32_768.0_f32.powi(2)).max(1e-13).log10();
    level.clamp(-127.0, 0.0) as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn microphone() -> Microphone {
        Microphone::new(Coding { rate: Rate::Hz16000, bitrate: None, dtx: false }, Redundancy::OneBack)
            .unwrap()
    }

    #[test]
    fn time_goes_on_in_pauses_and_numbers_do_not() {
        let mut microphone = microphone();
        let tone: Vec<i16> = (0..320).map(|at| if at % 40 < 20 { 6000 } else { -6000 }).collect();
        let first = microphone.frame(Some(&tone)).unwrap().unwrap();
        assert_eq!(first.before, Some(None));
        assert!(first.marker && first.is_voice);
        let mut sent = 0;
        for _ in 0..200 {
            sent += u32::from(microphone.frame(None).unwrap().is_some());
        }
        assert!((HANGOVER..HANGOVER + 12).contains(&sent), "{sent}");
        let next = microphone.frame(Some(&tone)).unwrap().unwrap();
        assert_eq!(next.number - first.number, u64::from(sent) + 1);
        assert_eq!(next.time - first.time, 201 * 960);
        assert!(next.marker);
        let last = microphone.frame(Some(&tone)).unwrap().unwrap();
        assert!(!last.marker);
        assert_eq!(last.before, Some(Some((960, next.payload))));
    }

    /// A call of a quarter of an hour, and then another session.
    #[test]
    fn numbers_begin_low_again_under_other_keys() {
        let mut microphone = microphone();
        microphone.number = 70_000;
        let tone = [1000; 320];
        assert_eq!(microphone.frame(Some(&tone)).unwrap().unwrap().number, 70_001);
        microphone.begin_anew();
        let first = microphone.frame(Some(&tone)).unwrap().unwrap();
        assert!(first.number <= 0x8000, "{}", first.number);
        assert_eq!(first.before, Some(None), "a copy of what others never got");
    }

    #[test]
    fn silence_that_is_written_is_left_out_where_it_may_be() {
        for (dtx, fewest, most) in [(true, 5, 40), (false, 100, 100)] {
            let coding = Coding { rate: Rate::Hz16000, bitrate: None, dtx };
            let mut microphone = Microphone::new(coding, Redundancy::None).unwrap();
            let silence = vec![0; 320];
            let sent = (0..100).filter(|_| microphone.frame(Some(&silence)).unwrap().is_some()).count();
            assert!((fewest..=most).contains(&sent), "{dtx}: {sent}");
        }
    }

    #[test]
    fn loudness_is_below_full_scale() {
        assert_eq!(level(&[i16::MIN; 10]), 0);
        assert_eq!(level(&[0; 10]), -127);
        assert_eq!(level(&[3277; 10]), -19);
    }
}
