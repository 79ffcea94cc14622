//! Keys of a telephone as packets (RFC 4733): what is pressed, and for how long by now.

use std::collections::VecDeque;

/// Keys by their number.
const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
/// Most keys that wait to be sent.
const WAITING: usize = 64;
/// How loud a key is: -10 dBm0.
const VOLUME: u8 = 10;
/// Frames of 20 ms that a key is pressed, and that follow it in silence.
const PRESSED: u32 = 13;
const RELEASED: u32 = 4;

/// What a payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub number: u8,
    /// It is released.
    pub is_end: bool,
    pub volume: u8,
    /// Pressed so long, in ticks of the stream's clock.
    pub duration: u16,
}

impl Event {
    /// Read one; bytes behind it are ignored. `None` for a payload that is too short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [number, flags, high, low] = *payload.first_chunk::<4>()?;
        Some(Self {
            number,
            is_end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// Its payload.
    pub fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.number, u8::from(self.is_end) << 7 | self.volume & 0x3f, high, low]
    }

    /// The key, if it is one: flash and the tones of modems are none.
    pub fn key(self) -> Option<char> {
        KEYS.get(usize::from(self.number)).copied()
    }
}

/// Keys out of packets: each press is told once, at its first packet that comes. All packets of a press have the same timestamp.
#[derive(Debug, Default)]
pub struct Listener {
    last: Option<u32>,
}

impl Listener {
    /// A packet came; the key, if it is a new press.
    pub fn hear(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        let key = Event::parse(payload)?.key()?;
        // Packets of the press before that come late are older.
        let is_new = self.last.is_none_or(|last| (timestamp.wrapping_sub(last) as i32) > 0);
        if is_new {
            self.last = Some(timestamp);
        }
        is_new.then_some(key)
    }

    /// The stream is another one.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

/// A packet of a key that is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// How many frames ago it began: its timestamp is that of then.
    pub begun_before: u32,
    pub is_first: bool,
    /// The last one, said so often: what tells the end must come.
    pub times: u32,
    pub payload: [u8; 4],
}

/// What is done with 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Sound, as always.
    Sound,
    /// A key instead of sound.
    Key(Press),
    /// Nothing: the gap behind a key.
    Gap,
}

/// Presses keys, one after another: 260 ms each and 80 ms apart, so that every receiver tells two from one.
#[derive(Debug, Default)]
pub struct Presser {
    waiting: VecDeque<u8>,
    /// The key and the frame that it is at.
    pressed: Option<(u8, u32)>,
}

impl Presser {
    /// Whether a character is a key.
    pub fn is_key(key: char) -> bool {
        KEYS.contains(&key.to_ascii_uppercase())
    }

    /// Press a key when those before it are done. `false`: it is none, or too many wait.
    pub fn press(&mut self, key: char) -> bool {
        let number = KEYS.iter().position(|k| *k == key.to_ascii_uppercase());
        let Some(number) = number.filter(|_| self.waiting.len() < WAITING) else { return false };
        self.waiting.push_back(number as u8);
        true
    }

    /// Whether nothing is pressed or waits.
    pub fn is_idle(&self) -> bool {
        self.pressed.is_none() && self.waiting.is_empty()
    }

    /// The next 20 ms.
    pub fn turn(&mut self) -> Turn {
        let (number, frame) = match self.pressed.take() {
            Some(pressed) => pressed,
            None => match self.waiting.pop_front() {
                Some(number) => (number, 0),
                None => return Turn::Sound,
            },
        };
        if frame + 1 < PRESSED + RELEASED {
            self.pressed = Some((number, frame + 1));
        }
        if frame >= PRESSED {
            return Turn::Gap;
        }
        let is_end = frame + 1 == PRESSED;
        let duration = ((frame + 1) * super::FRAME as u32) as u16;
        let event = Event { number, is_end, volume: VOLUME, duration };
        Turn::Key(Press {
            begun_before: frame,
            is_first: frame == 0,
            times: if is_end { 3 } else { 1 },
            payload: event.to_bytes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_once_whatever_is_lost() {
        let mut listener = Listener::default();
        let end = Event { number: 11, is_end: true, volume: 10, duration: 800 }.to_bytes();
        let begin = Event { number: 11, is_end: false, volume: 10, duration: 160 }.to_bytes();
        assert_eq!(listener.hear(u32::MAX - 9, &end), Some('#'), "the beginning was lost");
        assert_eq!(listener.hear(u32::MAX - 9, &end), None);
        assert_eq!(listener.hear(500, &begin), Some('#'), "the next press, over the wrap");
        assert_eq!(listener.hear(u32::MAX - 9, &end), None, "late");
        assert_eq!(listener.hear(900, &[16, 0, 0, 0]), None, "flash is no key");
        assert_eq!(listener.hear(900, &[1, 0, 0]), None);
    }

    #[test]
    fn a_key_is_pressed_for_260_ms_and_ends_three_times() {
        let mut presser = Presser::default();
        assert!(presser.press('5') && presser.press('a') && !presser.press('x'));
        let mut listener = Listener::default();
        let mut keys = Vec::new();
        let mut ends = 0;
        for frame in 0..34_u32 {
            match presser.turn() {
                Turn::Key(press) => {
                    let event = Event::parse(&press.payload).unwrap();
                    ends += if event.is_end { press.times } else { 0 };
                    assert_eq!(u32::from(event.duration), (press.begun_before + 1) * 160);
                    keys.extend(listener.hear((1 + frame - press.begun_before) * 160, &press.payload));
                }
                Turn::Gap => assert!((13..17).contains(&(frame % 17)), "{frame}"),
                Turn::Sound => panic!("a key waits"),
            }
        }
        assert_eq!((keys, ends), (vec!['5', 'A'], 6));
        assert!(presser.is_idle() && presser.turn() == Turn::Sound);
        assert_eq!((0..100).filter(|_| presser.press('1')).count(), WAITING);
    }
}
