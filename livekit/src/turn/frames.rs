//! Messages out of a stream (RFC 8656, 3.1 and 12.5): each says its own length, and data of channels is padded to four bytes.

use super::message::{CHANNEL_HEADER, HEADER};

/// Bytes of a stream that are no message yet: less than one, which is 64 KiB at most.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
}

/// The stream is not one of TURN, and nothing tells where the next message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what comes is not TURN")]
pub(crate) struct NotTurn;

impl Frames {
    /// What came next.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, without padding.
    pub(crate) fn next_message(&mut self) -> Result<Option<Vec<u8>>, NotTurn> {
        let Some(head) = self.bytes.first_chunk::<CHANNEL_HEADER>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let (whole, padded) = match head[0] {
            0x00..=0x3F if length % 4 == 0 => (HEADER + length, HEADER + length),
            0x40..=0x4F => (CHANNEL_HEADER + length, CHANNEL_HEADER + length.next_multiple_of(4)),
            _ => return Err(NotTurn),
        };
        if self.bytes.len() < padded {
            return Ok(None);
        }
        let mut message: Vec<u8> = self.bytes.drain(..padded).collect();
        message.truncate(whole);
        Ok(Some(message))
    }
}

/// A message as a stream has it.
pub(super) fn padded(mut message: Vec<u8>) -> Vec<u8> {
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

#[cfg(test)]
mod tests {
    use super::super::message::{Attribute, Builder, Class, Method, to_channel};
    use super::*;

    /// However it is cut, the same messages come out.
    #[test]
    fn a_stream_is_cut_where_its_messages_end() {
        let data =
            Builder::new(Class::Indication, Method::DATA, [3; 12]).put(Attribute::DATA, b"abcde").finish();
        let messages = [data.clone(), to_channel(0x4000, b"fghij"), to_channel(0x4FFF, b""), data];
        let stream: Vec<u8> = messages.iter().cloned().flat_map(padded).collect();
        for size in 1..=stream.len() {
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            for piece in stream.chunks(size) {
                frames.push(piece);
                while let Some(message) = frames.next_message().unwrap() {
                    found.push(message);
                }
            }
            assert_eq!(found, messages, "in pieces of {size}");
            assert!(frames.bytes.is_empty());
        }
    }

    #[test]
    fn another_protocol_is_told() {
        for begin in [&b"HTTP/1.1 400"[..], &[0, 1, 0, 3], &[0x50, 0, 0, 0], &[0x80, 0, 0, 0]] {
            let mut frames = Frames::default();
            frames.push(begin);
            // An H is a channel's number like another: then what it says is not whole yet.
            assert_eq!(frames.next_message().is_err(), begin[0] != b'H', "{begin:?}");
        }
    }
}
