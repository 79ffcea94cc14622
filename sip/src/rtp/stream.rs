//! A call's sound both ways, as packets. It is told what comes and when, and tells what goes.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use vox_audio::jitter::Counts;

use super::events::{Listener, Presser, Turn};
use super::latch::{Came, Latch, Verdict};
use super::player::Player;
use super::{FRAME, Packet};
use crate::sdp::Agreed;

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtpCounts {
    /// Of the buffer.
    pub played: Counts,
    pub sent: u64,
    /// Packets that were none, were of another codec or came from somebody else.
    pub ignored: u64,
}

/// What a packet brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Sound,
    Key(char),
    Nothing,
}

/// Numbers and times counted on over their wraps.
struct Source {
    number: u64,
    time: u64,
}

pub(crate) struct Stream {
    agreed: Agreed,
    /// Where we send to: what was described, or where the sound comes from in truth (a phone behind an address translation).
    to: SocketAddr,
    latch: Latch,
    source: Option<Source>,
    last_heard: Option<Instant>,
    player: Player,
    listener: Listener,
    presser: Presser,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    silent_before: bool,
    counts: RtpCounts,
}

impl Stream {
    /// `signalled` is the machine that the call's messages come from.
    pub(crate) fn new(agreed: Agreed, signalled: Option<IpAddr>) -> Self {
        Self {
            agreed,
            to: agreed.remote,
            latch: Latch::new(agreed.remote, signalled),
            source: None,
            last_heard: None,
            player: Player::new(agreed.codec),
            listener: Listener::default(),
            presser: Presser::default(),
            ssrc: rand::random(),
            sequence: rand::random(),
            timestamp: rand::random(),
            silent_before: true,
            counts: RtpCounts::default(),
        }
    }

    /// Something else was agreed: where to, in which codec, who sends.
    pub(crate) fn renegotiate(&mut self, agreed: Agreed, signalled: Option<IpAddr>) {
        if agreed.remote != self.agreed.remote {
            self.to = agreed.remote;
            self.latch = Latch::new(agreed.remote, signalled);
            self.source = None;
        }
        if agreed.codec != self.agreed.codec {
            self.player = Player::new(agreed.codec);
        }
        self.agreed = agreed;
    }

    /// When sound came last.
    pub(crate) fn last_heard(&self) -> Option<Instant> {
        self.last_heard
    }

    /// Whether the other side is to send.
    pub(crate) fn expects_sound(&self) -> bool {
        self.agreed.direction.receives()
    }

    pub(crate) fn counts(&self) -> RtpCounts {
        RtpCounts { played: self.player.counts(), ..self.counts }
    }

    /// A datagram came.
    pub(crate) fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Heard {
        let Ok(packet) = Packet::parse(bytes) else { return self.ignore() };
        let is_sound = packet.payload_type == self.agreed.payload_type;
        let is_event = Some(packet.payload_type) == self.agreed.events;
        if !(is_sound || is_event) || !self.is_ours(now, from, &packet) {
            return self.ignore();
        }
        let Some(source) = &mut self.source else { return self.ignore() };
        let step = packet.sequence.wrapping_sub(source.number as u16) as i16;
        let Some(number) = source.number.checked_add_signed(i64::from(step)) else { return self.ignore() };
        let step = packet.timestamp.wrapping_sub(source.time as u32) as i32;
        let Some(time) = source.time.checked_add_signed(i64::from(step)) else { return self.ignore() };
        source.number = source.number.max(number);
        source.time = source.time.max(time);
        self.last_heard = Some(now);
        if is_event {
            return match self.listener.hear(packet.timestamp, packet.payload) {
                Some(key) => Heard::Key(key),
                None => Heard::Nothing,
            };
        }
        self.player.push(now, number, time, packet.payload);
        Heard::Sound
    }

    /// The next 20 ms of the other side.
    pub(crate) fn hear(&mut self, now: Instant) -> Vec<i16> {
        self.player.frame(now)
    }

    /// Press a key when those before it are done. `false`: it is none, too many wait, or the other side takes none.
    pub(crate) fn press(&mut self, key: char) -> bool {
        self.agreed.events.is_some() && self.presser.press(key)
    }

    /// Whether all keys were sent.
    pub(crate) fn is_idle(&self) -> bool {
        self.presser.is_idle()
    }

    /// 20 ms of ours: packets to send, and where. `None` says silence, which is sent too: whoever hears nothing at all takes the line
    /// for dead.
    pub(crate) fn say(&mut self, frame: Option<&[i16]>) -> Vec<(SocketAddr, Vec<u8>)> {
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        if !self.agreed.direction.sends() || self.to.ip().is_unspecified() {
            self.silent_before = true;
            return Vec::new();
        }
        match self.presser.turn() {
            Turn::Gap => Vec::new(),
            Turn::Key(press) => {
                let timestamp = self.timestamp.wrapping_sub(press.begun_before * FRAME as u32);
                let payload_type = self.agreed.events.unwrap_or_default();
                (0..press.times)
                    .map(|_| self.packet(payload_type, press.is_first, timestamp, &press.payload))
                    .collect()
            }
            Turn::Sound => {
                let codec = self.agreed.codec;
                let said = frame.unwrap_or_default().iter().take(FRAME);
                let mut payload: Vec<u8> = said.map(|sample| codec.encode(*sample)).collect();
                payload.resize(FRAME, codec.encode(0));
                let begins = std::mem::replace(&mut self.silent_before, false);
                let payload_type = self.agreed.payload_type;
                vec![self.packet(payload_type, begins, self.timestamp, &payload)]
            }
        }
    }

    fn packet(
        &mut self,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        payload: &[u8],
    ) -> (SocketAddr, Vec<u8>) {
        self.sequence = self.sequence.wrapping_add(1);
        self.counts.sent += 1;
        let packet =
            Packet { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc, payload };
        (self.to, packet.to_bytes())
    }

    /// Whether a packet is of the stream that was agreed. Where that comes from is where we send to.
    fn is_ours(&mut self, now: Instant, from: SocketAddr, packet: &Packet<'_>) -> bool {
        let came = Came { from, ssrc: packet.ssrc, sequence: packet.sequence };
        match self.latch.judge(now, came) {
            Verdict::Ignored => return false,
            Verdict::Same => return true,
            Verdict::Moved => {}
            Verdict::Taken => {
                self.listener.forget();
                if self.source.is_some() {
                    self.player = Player::new(self.agreed.codec);
                }
                // Room below, for packets that others overtook.
                self.source = Some(Source {
                    number: (1 << 32) + u64::from(packet.sequence),
                    time: (1 << 48) + u64::from(packet.timestamp),
                });
            }
        }
        self.to = from;
        true
    }

    fn ignore(&mut self) -> Heard {
        self.counts.ignored += 1;
        Heard::Nothing
    }
}

#[cfg(test)]
mod tests;
