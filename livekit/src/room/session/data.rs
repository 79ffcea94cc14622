//! The data channels: packets of others, and ours.

use std::collections::{BTreeMap, VecDeque};

use super::{Output, Session};
use crate::error::SendError;
use crate::event::{Data, Event};
use crate::room::peer::{LOSSY, RELIABLE};
use crate::wire::Message;
use crate::wire::data::{DataPacket, SipDtmf, UserPacket, Value};
use crate::wire::signal::DataChannelReceiveState;

/// Most bytes of a packet (the server takes 64 KiB, network stacks 16).
const PACKET: usize = 15_500;
/// Packets that wait for the channel to open or to take more.
const WAITING: usize = 1024;
/// Packets that are kept for a server that missed them while the line was down.
const KEPT: usize = 128;
/// The keys of a phone in the order of RFC 4733's events.
const KEYS: &str = "0123456789*#ABCD";

#[derive(Debug, Default)]
pub(super) struct Channel {
    sequence: u32,
    waiting: VecDeque<Vec<u8>>,
    kept: VecDeque<(u32, Vec<u8>)>,
    /// The last packet of each sender.
    seen: BTreeMap<String, u32>,
}

impl Channel {
    pub(super) fn receive_states(&self) -> Vec<DataChannelReceiveState> {
        let state = |(sid, last): (&String, &u32)| DataChannelReceiveState {
            publisher_sid: sid.clone(),
            last_seq: *last,
        };
        self.seen.iter().map(state).collect()
    }

    pub(super) fn forget(&mut self, sid: &str) {
        self.seen.remove(sid);
    }
}

impl Session {
    /// A key of a phone.
    pub(crate) fn send_digit(&mut self, digit: char, to: Vec<String>) -> Result<(), SendError> {
        let upper = digit.to_ascii_uppercase();
        let code = KEYS.find(upper).ok_or(SendError::NoDigit(digit))? as u32;
        self.send_reliable(Value::SipDtmf(SipDtmf { code, digit: upper.to_string() }), to)
    }

    /// A packet of bytes.
    pub(crate) fn send_user(
        &mut self,
        payload: Vec<u8>,
        topic: Option<String>,
        reliable: bool,
        to: Vec<String>,
    ) -> Result<(), SendError> {
        let value = Value::User(UserPacket { payload, topic });
        if reliable {
            return self.send_reliable(value, to);
        }
        let bytes = packet(1, 0, value, to)?;
        // Lossy: what does not go now is old.
        self.publisher.send(LOSSY, &bytes);
        self.collect();
        Ok(())
    }

    pub(crate) fn send_reliable(&mut self, value: Value, to: Vec<String>) -> Result<(), SendError> {
        if self.channel.waiting.len() >= WAITING {
            return Err(SendError::Full);
        }
        let bytes = packet(0, self.channel.sequence + 1, value, to)?;
        self.channel.sequence += 1;
        if self.channel.kept.len() == KEPT {
            self.channel.kept.pop_front();
        }
        self.channel.kept.push_back((self.channel.sequence, bytes.clone()));
        self.channel.waiting.push_back(bytes);
        self.channel_open();
        Ok(())
    }

    /// Send what waits, as far as the channel takes it.
    pub(super) fn channel_open(&mut self) {
        while let Some(bytes) = self.channel.waiting.front() {
            if !self.publisher.is_open(RELIABLE) || !self.publisher.send(RELIABLE, bytes) {
                break;
            }
            self.channel.waiting.pop_front();
        }
        self.collect();
    }

    /// Whether packets wait: then [`timeout`](Session::timeout) tries again.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.channel.waiting.is_empty()
    }

    pub(crate) fn flush(&mut self) {
        self.channel_open();
    }

    /// After a resume: what the server does not have yet goes again, before what waits. It drops what it has.
    pub(super) fn resend(&mut self, last_sequence: u32) {
        let waiting = self.channel.waiting.len();
        let sent = self.channel.kept.len().saturating_sub(waiting);
        let missed: Vec<_> = self
            .channel
            .kept
            .iter()
            .take(sent)
            .filter(|(sequence, _)| *sequence > last_sequence)
            .map(|(_, bytes)| bytes.clone())
            .collect();
        for bytes in missed.into_iter().rev() {
            self.channel.waiting.push_front(bytes);
        }
        self.channel_open();
    }

    pub(crate) fn data(&mut self, label: &str, payload: &[u8]) {
        let Ok(packet) = DataPacket::decode(payload) else { return };
        let is_reliable = label != LOSSY;
        let named = self.people.identity_of(&packet.participant_sid).map(str::to_owned);
        // Of those who are here alone: an agent may write any name.
        if is_reliable && packet.sequence != 0 && named.is_some() {
            let last = self.channel.seen.entry(packet.participant_sid.clone()).or_default();
            if packet.sequence <= *last {
                return;
            }
            *last = packet.sequence;
        }
        let identity = if packet.participant_identity.is_empty() {
            named.unwrap_or_default()
        } else {
            packet.participant_identity
        };
        let event = match packet.value {
            Some(Value::User(user)) => {
                Event::Data(Data { identity, topic: user.topic, payload: user.payload, is_reliable })
            }
            Some(Value::SipDtmf(dtmf)) => match digit(&dtmf) {
                Some(digit) => Event::Digit { identity, digit },
                None => return,
            },
            Some(Value::StreamHeader(head)) => {
                let topic = head.topic.clone();
                if self.texts.header(&identity, head) {
                    return;
                }
                Event::StreamRefused { identity, topic }
            }
            Some(Value::StreamChunk(chunk)) => return self.texts.chunk(&identity, chunk),
            Some(Value::StreamTrailer(trailer)) => match self.texts.trailer(&identity, trailer) {
                Some(text) => Event::Text(text),
                None => return,
            },
            _ => return,
        };
        self.out.push_back(Output::Event(event));
    }
}

/// By its name, or by its number where that is no key.
fn digit(dtmf: &SipDtmf) -> Option<char> {
    let named = dtmf.digit.chars().next().map(|digit| digit.to_ascii_uppercase());
    named.filter(|digit| KEYS.contains(*digit)).or_else(|| KEYS.chars().nth(dtmf.code as usize))
}

fn packet(kind: i32, sequence: u32, value: Value, to: Vec<String>) -> Result<Vec<u8>, SendError> {
    let packet = DataPacket {
        kind,
        destination_identities: to,
        sequence,
        value: Some(value),
        ..DataPacket::default()
    };
    let bytes = packet.encode_to_vec();
    if bytes.len() > PACKET {
        return Err(SendError::TooLarge { size: bytes.len(), most: PACKET });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_by_name_or_number() {
        let dtmf = |code, digit: &str| digit_of(code, digit);
        assert_eq!(dtmf(11, "#"), Some('#'));
        assert_eq!(dtmf(3, ""), Some('3'));
        assert_eq!(dtmf(0, "d"), Some('D'));
        assert_eq!(dtmf(99, "x"), None);
    }

    fn digit_of(code: u32, name: &str) -> Option<char> {
        digit(&SipDtmf { code, digit: name.to_owned() })
    }

    #[test]
    fn a_packet_has_a_largest_size() {
        let user = |size| Value::User(UserPacket { payload: vec![0; size], topic: None });
        assert!(packet(0, 1, user(15_000), Vec::new()).is_ok());
        assert!(matches!(packet(0, 1, user(20_000), Vec::new()), Err(SendError::TooLarge { .. })));
    }
}
