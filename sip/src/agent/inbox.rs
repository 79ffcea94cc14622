//! What a connection has brought and nobody has read yet. Each byte is looked at once or twice, however small the pieces are that it
//! comes in.

use crate::message::{Framing, MOST_HEAD, ParseError, frame};

/// What came whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Message(Vec<u8>),
    /// So many bytes of line breaks.
    Blank(usize),
}

#[derive(Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// So many of them hold no end of a head.
    seen: usize,
    /// How many there must be before it is worth a look.
    wanted: usize,
}

impl Inbox {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next that is whole. After an error the stream cannot be read on.
    pub(super) fn take(&mut self) -> Result<Option<Piece>, ParseError> {
        if self.bytes.len() < self.wanted || !self.may_be_whole() {
            return Ok(None);
        }
        let (length, is_blank) = match frame(&self.bytes)? {
            Framing::Incomplete => return Ok(None),
            Framing::Partial(wanted) => {
                self.wanted = wanted;
                return Ok(None);
            }
            Framing::Blank(length) => (length, true),
            Framing::Whole(length) => (length, false),
        };
        (self.seen, self.wanted) = (0, 0);
        let rest = self.bytes.split_off(length);
        let piece = std::mem::replace(&mut self.bytes, rest);
        Ok(Some(if is_blank { Piece::Blank(length) } else { Piece::Message(piece) }))
    }

    /// Whether there is anything new to see: line breaks in front, the end of a head, or more than a head may have.
    fn may_be_whole(&mut self) -> bool {
        let Some(first) = self.bytes.first() else { return false };
        if b"\r\n".contains(first) || self.wanted > 0 || self.bytes.len() >= MOST_HEAD {
            return true;
        }
        let has_end = self.bytes[self.seen..].windows(4).any(|four| four == b"\r\n\r\n");
        if !has_end {
            // The end may be cut in two.
            self.seen = self.bytes.len().saturating_sub(3);
        }
        has_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &[u8] = b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP a\r\nl: 3\r\n\r\nabc";

    fn all(inbox: &mut Inbox) -> Vec<Piece> {
        std::iter::from_fn(|| inbox.take().unwrap()).collect()
    }

    #[test]
    fn messages_come_out_as_they_went_in_whatever_the_pieces_are() {
        let stream = [ASKED, b"\r\n\r\n", ASKED, ASKED].concat();
        for size in [1, 2, 3, 7, stream.len()] {
            let mut inbox = Inbox::default();
            let mut pieces = Vec::new();
            for chunk in stream.chunks(size) {
                inbox.push(chunk);
                pieces.extend(all(&mut inbox));
            }
            assert!(inbox.is_empty(), "{size}");
            let blank: usize =
                pieces.iter().map(|p| if let Piece::Blank(length) = p { *length } else { 0 }).sum();
            pieces.retain(|piece| matches!(piece, Piece::Message(_)));
            assert_eq!(blank, 4);
            assert_eq!(pieces, [ASKED, ASKED, ASKED].map(|asked| Piece::Message(asked.to_vec())));
        }
    }

    /// Whoever sends single bytes has nothing looked at again and again.
    #[test]
    fn a_body_is_waited_for_without_reading_its_head_again() {
        let mut inbox = Inbox::default();
        inbox.push(&ASKED[..ASKED.len() - 3]);
        assert_eq!(inbox.take(), Ok(None));
        assert_eq!(inbox.wanted, ASKED.len());
        let mut inbox = Inbox::default();
        inbox.push(&ASKED[..30]);
        assert_eq!((inbox.take(), inbox.seen), (Ok(None), 27));
    }

    #[test]
    fn a_head_without_an_end_is_refused() {
        let mut inbox = Inbox::default();
        inbox.push(&vec![b'x'; MOST_HEAD - 1]);
        assert_eq!(inbox.take(), Ok(None));
        inbox.push(b"x");
        assert_eq!(inbox.take(), Err(ParseError::HeadTooLong));
    }
}
