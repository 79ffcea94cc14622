//! Frames: the byte layer between a client and its engine process.
//!
//! A frame is a `u32` length (little endian, counting what follows), one kind byte and the body. The parser
//! is pure (bytes in, frames out), so that it can be fuzzed and tested without a process.

use thiserror::Error;

/// Longest frame accepted, counting the kind byte. A second of 16 kHz audio is 32 KB and the words of a
/// long utterance some tens of KB, so anything near this is a broken peer and not a big message.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

/// Bytes before the kind byte.
const LENGTH_BYTES: usize = 4;

/// One frame: what kind it is and its undecoded body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub body: Vec<u8>,
}

/// Why a byte stream is not a sequence of frames. The stream cannot be resynchronised after any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    #[error("a frame of length 0 has no kind byte")]
    Empty,
    #[error("a frame of {size_bytes} bytes is longer than the limit of {MAX_FRAME_BYTES}")]
    TooLong { size_bytes: usize },
    #[error("the stream ended inside a frame: {missing_bytes} bytes are missing")]
    Truncated { missing_bytes: usize },
}

impl Frame {
    /// The bytes of this frame on the wire.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the peer's parser would refuse it.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let length = 1 + self.body.len();
        let wire_length = u32::try_from(length)
            .ok()
            .filter(|_| length <= MAX_FRAME_BYTES)
            .ok_or(FrameError::TooLong { size_bytes: length })?;
        let mut wire = Vec::with_capacity(LENGTH_BYTES + length);
        wire.extend_from_slice(&wire_length.to_le_bytes());
        wire.push(self.kind);
        wire.extend_from_slice(&self.body);
        Ok(wire)
    }
}

/// Cuts a byte stream, arriving in pieces of any size, into frames.
///
/// Holds at most one unfinished frame plus what was pushed last: a length over the limit is refused as soon
/// as its four bytes are there, before anything is kept for it.
#[derive(Debug, Default)]
pub struct FrameParser {
    pending: Vec<u8>,
    consumed: usize,
}

impl FrameParser {
    /// Append bytes as they came from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.drain(..self.consumed);
        self.consumed = 0;
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError`] if the stream is not made of frames; it will not become valid again.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let unread = &self.pending[self.consumed..];
        let Some((header, rest)) = unread.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header) as usize;
        if length == 0 {
            return Err(FrameError::Empty);
        }
        if length > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong { size_bytes: length });
        }
        let Some(payload) = rest.get(..length) else { return Ok(None) };
        let frame = Frame { kind: payload[0], body: payload[1..].to_vec() };
        self.consumed += LENGTH_BYTES + length;
        Ok(Some(frame))
    }

    /// Call at the end of the stream: a rest that is no whole frame is an error.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] if the stream ended inside a frame.
    pub fn finish(&self) -> Result<(), FrameError> {
        let unread = &self.pending[self.consumed..];
        if unread.is_empty() {
            return Ok(());
        }
        let whole = match unread.split_first_chunk::<LENGTH_BYTES>() {
            Some((header, _)) => LENGTH_BYTES.saturating_add(u32::from_le_bytes(*header) as usize),
            None => LENGTH_BYTES,
        };
        Err(FrameError::Truncated { missing_bytes: whole.saturating_sub(unread.len()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(kind: u8, body: &[u8]) -> Vec<u8> {
        Frame { kind, body: body.to_vec() }.encode().unwrap()
    }

    #[test]
    fn frames_survive_any_split_of_the_stream() {
        let stream = [wire(1, b"abc"), wire(2, b""), wire(3, &[0; 300])].concat();
        for piece in 1..stream.len() {
            let mut parser = FrameParser::default();
            let mut frames = Vec::new();
            for bytes in stream.chunks(piece) {
                parser.push(bytes);
                while let Some(frame) = parser.next_frame().unwrap() {
                    frames.push((frame.kind, frame.body.len()));
                }
            }
            assert_eq!(frames, [(1, 3), (2, 0), (3, 300)], "pieces of {piece}");
            assert_eq!(parser.finish(), Ok(()));
        }
    }

    #[test]
    fn a_length_of_zero_or_over_the_limit_is_refused_at_once() {
        let check = |header: u32, expected: FrameError| {
            let mut parser = FrameParser::default();
            parser.push(&header.to_le_bytes());
            assert_eq!(parser.next_frame(), Err(expected));
        };
        check(0, FrameError::Empty);
        check(MAX_FRAME_BYTES as u32 + 1, FrameError::TooLong { size_bytes: MAX_FRAME_BYTES + 1 });
        check(u32::MAX, FrameError::TooLong { size_bytes: u32::MAX as usize });
    }

    #[test]
    fn a_frame_the_peer_would_refuse_is_not_encoded() {
        let largest = Frame { kind: 1, body: vec![0; MAX_FRAME_BYTES - 1] };
        assert!(largest.encode().is_ok());
        let larger = Frame { kind: 1, body: vec![0; MAX_FRAME_BYTES] };
        assert_eq!(larger.encode(), Err(FrameError::TooLong { size_bytes: MAX_FRAME_BYTES + 1 }));
    }

    #[test]
    fn a_stream_cut_inside_a_frame_says_what_is_missing() {
        let mut parser = FrameParser::default();
        parser.push(&wire(1, b"abcdef")[..7]);
        assert_eq!(parser.next_frame(), Ok(None));
        assert_eq!(parser.finish(), Err(FrameError::Truncated { missing_bytes: 4 }));
    }
}
