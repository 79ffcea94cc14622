//! A recording that a worker puts into the bucket itself: what it asks the bridge, and how the file is cut into parts (core to bridge,
//! `POST /api/v1/internal/recordings/{key}/direct` and `…/direct/complete`). Decision 0044.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::model::bot::ApiKey;
use crate::sealing::{HEAD_BYTES, PIECE_BYTES, TAG_BYTES};

/// Fewest pieces of a part: 8 MiB, and S3 takes no part but the last of less than 5 MiB.
const LEAST_PIECES: u64 = 128;
/// Most parts of a recording: one page of S3's list of them.
const MOST_PARTS: u64 = 1_000;
/// Most addresses of parts that are given out at once.
pub const MAX_URLS: usize = 16;

/// May this file go straight to the store, and where to? Asked to begin, to go on after a cut, and for more addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRequest {
    #[serde(default = "super::wire_version")]
    pub version: u32,
    /// Of the clear file.
    pub size_bytes: u64,
    /// Of the clear file, lower-case hex.
    pub sha256: String,
    /// Where an upload of this very file was begun: what the bridge called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
}

/// How the file is to be uploaded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum UploadAnswer {
    /// Through the bridge, as before there was another way.
    Bridge,
    /// Straight to the store.
    Direct(Box<DirectUpload>),
}

/// An upload under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DirectUpload {
    /// To go on with, by whoever has the file. No secret to who may upload it.
    pub upload: String,
    /// How many pieces a part has; see [`Plan`].
    pub pieces_per_part: u64,
    /// What the file is sealed with; none: it goes as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    /// Numbers of the parts that the store has.
    pub stored: Vec<u32>,
    /// Where some of the others are to be put, with PUT and without any credential.
    pub urls: Vec<PartUrl>,
    /// For so long from now.
    pub seconds: u64,
}

/// Head and key of one sealed file, and of no other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seal {
    /// Base64 of 320 bytes.
    pub head: String,
    /// Base64 of 32 bytes.
    pub key: ApiKey,
}

/// Where a part is to be put.
#[derive(Clone, Serialize, Deserialize)]
pub struct PartUrl {
    /// From 1.
    pub number: u32,
    /// Signed: whoever has it can put this part.
    pub url: String,
}

impl std::fmt::Debug for PartUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartUrl").field("number", &self.number).finish_non_exhaustive()
    }
}

/// All parts are there: put them together, and look whether they are what was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteRequest {
    #[serde(default = "super::wire_version")]
    pub version: u32,
    pub upload: String,
}

/// How a file is cut into parts, each of whole pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    size_bytes: u64,
    is_sealed: bool,
    pieces_per_part: u64,
}

impl Plan {
    /// For a file of this size, so that it has neither too small nor too many parts.
    pub fn new(size_bytes: u64, is_sealed: bool) -> Self {
        let pieces_per_part = LEAST_PIECES.max(pieces(size_bytes).div_ceil(MOST_PARTS));
        Self { size_bytes, is_sealed, pieces_per_part }
    }

    /// As the bridge made it.
    pub fn told(size_bytes: u64, upload: &DirectUpload) -> Self {
        Self { size_bytes, is_sealed: upload.seal.is_some(), pieces_per_part: upload.pieces_per_part.max(1) }
    }

    pub fn pieces_per_part(self) -> u64 {
        self.pieces_per_part
    }

    /// All pieces of the file.
    pub fn pieces(self) -> u64 {
        pieces(self.size_bytes)
    }

    /// The numbers of all parts, from 1.
    pub fn parts(self) -> Range<u32> {
        let parts = self.pieces().div_ceil(self.pieces_per_part);
        1..u32::try_from(parts).unwrap_or(u32::MAX - 1) + 1
    }

    /// The pieces of a part.
    pub fn pieces_of(self, part: u32) -> Range<u64> {
        let first = u64::from(part.saturating_sub(1)) * self.pieces_per_part;
        first..(first + self.pieces_per_part).min(self.pieces())
    }

    /// Where a piece lies in the clear file.
    pub fn piece(self, number: u64) -> Range<u64> {
        let start = number * PIECE_BYTES as u64;
        start..(start + PIECE_BYTES as u64).min(self.size_bytes)
    }

    /// What a part has in the store, bytes.
    pub fn bytes_of(self, part: u32) -> u64 {
        let pieces = self.pieces_of(part);
        if pieces.is_empty() {
            return 0;
        }
        let clear = self.piece(pieces.end - 1).end - self.piece(pieces.start).start;
        let head = if part == 1 { HEAD_BYTES as u64 } else { 0 };
        let sealing = (pieces.end - pieces.start) * TAG_BYTES as u64 + head;
        clear + if self.is_sealed { sealing } else { 0 }
    }

    /// What the whole has in the store, bytes.
    pub fn bytes(self) -> u64 {
        self.parts().map(|part| self.bytes_of(part)).sum()
    }
}

/// An empty file has one, which is empty.
fn pieces(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(PIECE_BYTES as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_file_is_in_one_part_and_no_part_is_too_small() {
        let piece = PIECE_BYTES as u64;
        for size in [0, 1, piece, piece + 1, 128 * piece, 128 * piece + 1, 1_000_000_007, 40_000_000_001] {
            for is_sealed in [false, true] {
                let plan = Plan::new(size, is_sealed);
                let (mut next, mut bytes) = (0, 0);
                for part in plan.parts() {
                    let pieces = plan.pieces_of(part);
                    assert_eq!(pieces.start, next, "{size}: part {part}");
                    next = pieces.end;
                    bytes += plan.bytes_of(part);
                    let is_last = part + 1 == plan.parts().end;
                    assert!(is_last || plan.bytes_of(part) >= 5 * 1024 * 1024, "{size}: part {part}");
                }
                assert_eq!(next, plan.pieces());
                assert_eq!(plan.piece(plan.pieces() - 1).end, size);
                let sealing = HEAD_BYTES as u64 + plan.pieces() * TAG_BYTES as u64;
                assert_eq!(bytes, size + if is_sealed { sealing } else { 0 });
                assert!(plan.parts().len() <= 1_000, "{size}");
            }
        }
    }

    #[test]
    fn the_golden_messages_of_version_1_are_read() {
        let golden = include_str!("upload_v1.golden.json");
        let [asked, bridge, direct, complete]: [serde_json::Value; 4] = serde_json::from_str(golden).unwrap();
        let asked: UploadRequest = serde_json::from_value(asked).unwrap();
        assert_eq!((asked.size_bytes, asked.upload.as_deref()), (10_000_000, Some("up-1")));
        assert!(matches!(serde_json::from_value(bridge).unwrap(), UploadAnswer::Bridge));
        let UploadAnswer::Direct(told) = serde_json::from_value(direct).unwrap() else { panic!("direct") };
        assert_eq!((told.stored.as_slice(), told.urls[0].number, told.seconds), (&[1][..], 2, 900));
        assert_eq!(Plan::told(10_000_000, &told), Plan::new(10_000_000, true));
        let shown = format!("{told:?}");
        assert!(!shown.contains("s3.example") && !shown.contains("a2V5"), "{shown}");
        let complete: CompleteRequest = serde_json::from_value(complete).unwrap();
        assert_eq!(complete.upload, "up-1");
    }
}
