//! One voice of the room, from packets to frames of 20 ms.

use std::time::Instant;

use str0m::rtp::RedDecoder;
use vox_audio::jitter::{Arrival, Counts, Jitter, Next, Origin, Pace};
use vox_audio::stretch;

use super::Rate;
use super::opus::{self, Decoder};

/// At least so many frames between two that are stretched: more often is heard.
const BETWEEN: u32 = 3;
/// Silent frames after which nobody is taken to speak.
const SILENT: u32 = 10;

pub(crate) struct Player {
    jitter: Jitter,
    decoder: Decoder,
    rate: Rate,
    /// Decoded, not yet played.
    sound: Vec<i16>,
    since_stretched: u32,
    silent: u32,
}

impl Player {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            jitter: Jitter::new(),
            decoder: Decoder::new(rate),
            rate,
            sound: Vec::new(),
            since_stretched: 0,
            silent: SILENT,
        }
    }

    /// A packet of Opus.
    pub(crate) fn push(&mut self, now: Instant, number: u64, time: u64, payload: &[u8]) {
        self.put(now, packet(number, time, payload, Origin::Primary));
    }

    /// A packet with copies of earlier ones (RFC 2198). One that is damaged is dropped.
    pub(crate) fn push_redundant(&mut self, now: Instant, number: u64, time: u64, payload: &[u8]) {
        let Ok(blocks) = RedDecoder::decode(payload) else { return };
        let copies = blocks.iter().filter(|block| !block.is_primary).count() as u64;
        for (at, block) in (0..).zip(&blocks) {
            if block.is_primary {
                self.put(now, packet(number, time, block.payload, Origin::Primary));
                continue;
            }
            let (Some(number), Some(time)) = (
                number.checked_sub(copies - at),
                time.checked_sub(u64::from(block.timestamp_offset)).filter(|_| block.timestamp_offset > 0),
            ) else {
                continue;
            };
            self.put(now, packet(number, time, block.payload, Origin::Redundant));
        }
    }

    fn put(&mut self, now: Instant, arrival: Option<Arrival<'_>>) {
        if let Some(arrival) = arrival {
            self.jitter.push(now, arrival);
        }
    }

    /// The next 20 ms. `None` if nobody has spoken for 200 ms.
    pub(crate) fn frame(&mut self, now: Instant) -> Option<Vec<i16>> {
        let length = self.rate.frame();
        while self.sound.len() < length {
            let mut piece = Vec::with_capacity(length);
            let next = self.jitter.next(now);
            let is_silent = next == Next::Silence;
            let decoded = match next {
                Next::Packet(packet) => self.decoder.decode(&packet, &mut piece),
                Next::Repair(behind) => self.decoder.recover(&behind, &mut piece),
                Next::Invent => self.decoder.conceal(&mut piece),
                Next::Silence => Ok(()),
            };
            if decoded.is_err() || piece.is_empty() {
                // A packet that is none, or silence.
                piece.resize(length, 0);
            }
            self.silent = if is_silent { self.silent.saturating_add(1) } else { 0 };
            self.stretch(now, &mut piece);
            self.sound.append(&mut piece);
        }
        let rest = self.sound.split_off(length);
        let frame = std::mem::replace(&mut self.sound, rest);
        (self.silent < SILENT).then_some(frame)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.jitter.counts
    }

    /// Delay in the buffer, and what it should be, milliseconds.
    pub(crate) fn delay_ms(&self, now: Instant) -> (i64, i64) {
        self.jitter.delay_ms(now)
    }

    fn stretch(&mut self, now: Instant, piece: &mut Vec<i16>) {
        self.since_stretched += 1;
        if self.since_stretched <= BETWEEN {
            return;
        }
        let hz = self.rate.hz() as usize;
        let done = match self.jitter.pace(now) {
            Pace::Usual => false,
            Pace::Faster => stretch::shorten(piece, hz),
            Pace::Slower => stretch::lengthen(piece, hz),
        };
        if done {
            self.since_stretched = 0;
        }
    }
}

/// What the buffer is told of a packet of Opus; `None` for one that is none.
fn packet(number: u64, time: u64, payload: &[u8], origin: Origin) -> Option<Arrival<'_>> {
    let ticks = opus::ticks(payload)?;
    Some(Arrival { number, time, ticks, payload, repairs: opus::may_repair(payload), origin })
}

#[cfg(test)]
mod tests;
