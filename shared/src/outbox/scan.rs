//! Reading a segment that a crash, a bad disk or an attacker may have touched. Pure: bytes in, findings out.

use std::ops::Range;

use jiff::Timestamp;

use super::Seq;
use super::format::{FRAME_BYTES, FrameHead, HEADERS_BYTES, Header};

/// What a segment holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// `None` when neither copy of the header is sound: then nothing else could be read.
    pub header: Option<Header>,
    /// The sound records, sequence numbers ascending.
    pub frames: Vec<Frame>,
    /// Damaged stretches, each at least one record, to be set aside.
    pub bad: Vec<Range<usize>>,
    /// Where an unfinished write begins; everything from here on may be cut off.
    pub torn_at: Option<usize>,
}

/// A sound record within a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Sequence number.
    pub seq: Seq,
    /// When it was appended.
    pub at: Timestamp,
    /// What the user of the outbox calls it.
    pub kind: u8,
    /// Offset of the frame in the segment.
    pub start: usize,
    /// Where its payload lies.
    pub payload: Range<usize>,
}

enum Found {
    Good(Frame),
    /// The frame's extent is known, its content is not what was written.
    Bad(usize),
    /// The frame was not written to its end.
    Short,
    Nothing,
}

/// Find every sound record, every damaged stretch and the torn tail.
pub fn read_segment(bytes: &[u8]) -> Scan {
    let Some(header) = Header::decode(bytes) else {
        return Scan::default();
    };
    let mut scan = Scan { header: Some(header), ..Scan::default() };
    let mut at = HEADERS_BYTES;
    let mut lowest = header.first_seq;
    while at < bytes.len() {
        match frame_at(bytes, at, header.mark) {
            Found::Good(frame) if frame.seq >= lowest => {
                at = frame.payload.end;
                lowest = frame.seq.saturating_add(1);
                scan.frames.push(frame);
            }
            Found::Good(Frame { payload: Range { end, .. }, .. }) | Found::Bad(end) => {
                scan.bad.push(at..end);
                at = end;
            }
            Found::Short => {
                scan.torn_at = Some(at);
                break;
            }
            Found::Nothing => match next_frame(bytes, at + 1, header.mark) {
                Some(next) => {
                    scan.bad.push(at..next);
                    at = next;
                }
                None => {
                    scan.end_without_frame(bytes, at);
                    break;
                }
            },
        }
    }
    scan
}

impl Scan {
    /// The rest of the file is no frame. Zeroes are blocks that were allocated and never written, as a power cut
    /// leaves them; anything else was once a record.
    fn end_without_frame(&mut self, bytes: &[u8], at: usize) {
        if bytes[at..].iter().all(|b| *b == 0) {
            self.torn_at = Some(at);
        } else {
            self.bad.push(at..bytes.len());
        }
    }
}

fn frame_at(bytes: &[u8], at: usize, mark: u32) -> Found {
    let rest = &bytes[at..];
    if rest.len() < FRAME_BYTES {
        return Found::Short;
    }
    let Some(head) = FrameHead::decode(rest, mark) else {
        return Found::Nothing;
    };
    let Some(frame) = rest.get(..FRAME_BYTES + head.payload_bytes) else {
        return Found::Short;
    };
    let end = at + frame.len();
    if head.is_payload_sound(frame) {
        let payload = at + FRAME_BYTES..end;
        Found::Good(Frame { seq: head.seq, at: head.at, kind: head.kind, start: at, payload })
    } else {
        Found::Bad(end)
    }
}

/// The next place at or after `from` with a sound frame header.
fn next_frame(bytes: &[u8], from: usize, mark: u32) -> Option<usize> {
    let last = bytes.len().checked_sub(FRAME_BYTES)?;
    (from..=last).find(|at| FrameHead::decode(&bytes[*at..], mark).is_some())
}
