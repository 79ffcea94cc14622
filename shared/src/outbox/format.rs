//! The bytes on disk: a segment header written twice, then frames.
//!
//! ```text
//! header  magic 8 | version u32 | mark u32 | number u64 | first_seq u64 | crc32c u32          (36 bytes, two copies)
//! frame   mark u32 | len u32 | seq u64 | at_us i64 | kind u8 | 0 0 0 | header crc32c u32
//!         | payload crc32c u32 | payload                                                       (36 bytes + payload)
//! ack     seq u64 | crc32c u32                                                                 (12 bytes)
//! ```
//!
//! All numbers are little-endian. `mark` is random per segment: a payload cannot hold bytes that look like a frame of
//! the segment it will land in, so the search for the next frame after a damaged one finds no false record. The frame
//! header has its own checksum, so a tear (a sound header whose payload runs past the end) differs from damage.

use jiff::Timestamp;

use super::Seq;

/// Largest payload of one record, bytes. A call's result with an hour of transcript is well below one megabyte.
pub const MAX_PAYLOAD_BYTES: usize = 8 * 1024 * 1024;

/// What a record takes on disk besides its payload: its frame header and the acknowledgement it will need.
pub const RECORD_OVERHEAD_BYTES: u64 = (FRAME_BYTES + ACK_BYTES) as u64;

/// Longest reason kept with a rejected record, bytes.
pub(super) const MAX_REASON_BYTES: usize = 1024;
/// A rejected record carries its sequence number and the reason in front of its payload.
pub(super) const REJECTED_HEAD_BYTES: usize = 10;
/// Both copies of a segment's header.
pub(super) const HEADERS_BYTES: usize = 2 * HEADER_BYTES;
pub(super) const FRAME_BYTES: usize = 36;
pub(super) const ACK_BYTES: usize = 12;

const HEADER_BYTES: usize = 36;
const FRAME_HEAD_BYTES: usize = 28;
const MAX_FRAME_PAYLOAD_BYTES: usize = MAX_PAYLOAD_BYTES + REJECTED_HEAD_BYTES + MAX_REASON_BYTES;
const MAGIC: [u8; 8] = *b"VOXOUTBX";
const VERSION: u32 = 1;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Starts every frame of this segment; random, so that it occurs nowhere else.
    pub mark: u32,
    /// Place of the segment in the log, ascending.
    pub number: u64,
    /// No record of the segment has a lower sequence number.
    pub first_seq: Seq,
}

impl Header {
    /// Both copies.
    pub(super) fn encode(&self) -> [u8; HEADERS_BYTES] {
        let mut copy = [0u8; HEADER_BYTES];
        copy[..8].copy_from_slice(&MAGIC);
        copy[8..12].copy_from_slice(&VERSION.to_le_bytes());
        copy[12..16].copy_from_slice(&self.mark.to_le_bytes());
        copy[16..24].copy_from_slice(&self.number.to_le_bytes());
        copy[24..32].copy_from_slice(&self.first_seq.to_le_bytes());
        let crc = crc32c::crc32c(&copy[..32]);
        copy[32..].copy_from_slice(&crc.to_le_bytes());
        let mut both = [0u8; HEADERS_BYTES];
        both[..HEADER_BYTES].copy_from_slice(&copy);
        both[HEADER_BYTES..].copy_from_slice(&copy);
        both
    }

    /// The first sound copy, or `None` when both are damaged, missing or of another version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        Self::decode_copy(bytes.get(..HEADER_BYTES)?)
            .or_else(|| Self::decode_copy(bytes.get(HEADER_BYTES..HEADERS_BYTES)?))
    }

    fn decode_copy(copy: &[u8]) -> Option<Self> {
        let sound = copy[..8] == MAGIC
            && u32_at(copy, 8) == VERSION
            && u32_at(copy, 32) == crc32c::crc32c(&copy[..32]);
        sound.then(|| Self { mark: u32_at(copy, 12), number: u64_at(copy, 16), first_seq: u64_at(copy, 24) })
    }
}

/// The fixed part of a frame, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub seq: Seq,
    pub at: Timestamp,
    pub kind: u8,
    pub payload_bytes: usize,
    crc: u32,
}

impl FrameHead {
    /// The header at the start of `bytes`; `None` when it is no sound header of this segment.
    pub(super) fn decode(bytes: &[u8], mark: u32) -> Option<Self> {
        let head = bytes.get(..FRAME_HEAD_BYTES + 4)?;
        let crc = u32_at(head, FRAME_HEAD_BYTES);
        let payload_bytes = usize::try_from(u32_at(head, 4)).ok()?;
        let sound = u32_at(head, 0) == mark
            && crc == crc32c::crc32c(&head[..FRAME_HEAD_BYTES])
            && payload_bytes <= MAX_FRAME_PAYLOAD_BYTES;
        let at = Timestamp::from_microsecond(u64_at(head, 16).cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
        sound.then_some(Self { seq: u64_at(head, 8), at, kind: head[24], payload_bytes, crc })
    }

    /// Whether `frame` (a whole frame with this head) carries the payload that was written.
    pub(super) fn is_payload_sound(&self, frame: &[u8]) -> bool {
        u32_at(frame, FRAME_HEAD_BYTES + 4) == crc32c::crc32c_append(self.crc, &frame[FRAME_BYTES..])
    }
}

/// What a frame is made of.
pub(super) struct NewFrame<'a> {
    pub seq: Seq,
    pub at: Timestamp,
    pub kind: u8,
    pub payload: &'a [u8],
}

/// Append one frame to `to`. The payload must not exceed [`MAX_PAYLOAD_BYTES`].
pub(super) fn encode_frame(to: &mut Vec<u8>, mark: u32, frame: &NewFrame<'_>) {
    let len = u32::try_from(frame.payload.len()).expect("payloads are checked against MAX_PAYLOAD_BYTES");
    let start = to.len();
    to.extend_from_slice(&mark.to_le_bytes());
    to.extend_from_slice(&len.to_le_bytes());
    to.extend_from_slice(&frame.seq.to_le_bytes());
    to.extend_from_slice(&frame.at.as_microsecond().to_le_bytes());
    to.extend_from_slice(&[frame.kind, 0, 0, 0]);
    let crc = crc32c::crc32c(&to[start..]);
    to.extend_from_slice(&crc.to_le_bytes());
    to.extend_from_slice(&crc32c::crc32c_append(crc, frame.payload).to_le_bytes());
    to.extend_from_slice(frame.payload);
}

/// Append one acknowledgement of a record of the segment with this mark.
pub(super) fn encode_ack(to: &mut Vec<u8>, mark: u32, seq: Seq) {
    to.extend_from_slice(&seq.to_le_bytes());
    to.extend_from_slice(&crc32c::crc32c_append(mark, &seq.to_le_bytes()).to_le_bytes());
}

/// Every sound acknowledgement in `bytes`. A damaged one is skipped: its record is delivered once more.
pub(super) fn decode_acks(bytes: &[u8], mark: u32) -> impl Iterator<Item = Seq> {
    let is_sound = move |ack: &&[u8]| u32_at(ack, 8) == crc32c::crc32c_append(mark, &ack[..8]);
    bytes.chunks_exact(ACK_BYTES).filter(is_sound).map(|ack| u64_at(ack, 0))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header { mark: 0xdead_beef, number: 7, first_seq: 42 };

    #[test]
    fn either_copy_of_the_header_is_enough() {
        for at in 0..HEADERS_BYTES {
            let mut bytes = HEADER.encode();
            bytes[at] ^= 0x40;
            assert_eq!(Header::decode(&bytes), Some(HEADER), "byte {at}");
        }
    }

    #[test]
    fn an_acknowledgement_with_any_flipped_bit_acknowledges_nothing() {
        let mut ack = Vec::new();
        encode_ack(&mut ack, HEADER.mark, 9);
        assert_eq!(decode_acks(&ack, HEADER.mark).collect::<Vec<_>>(), [9]);
        for bit in 0..ACK_BYTES * 8 {
            let mut bad = ack.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_acks(&bad, HEADER.mark).count(), 0, "bit {bit}");
        }
    }
}
