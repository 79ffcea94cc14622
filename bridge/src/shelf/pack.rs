//! The heavy part of a call, compressed: JSON under zlib (RFC 1950), in a document as base64.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde_json::{Map, Value};

/// Longest that a part may be when it is opened, bytes: several times the largest result that is taken.
pub const MAX_OPENED_BYTES: u64 = 64 * 1024 * 1024;

/// Why something does not open.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("it is no base64")]
    Text(#[from] base64::DecodeError),
    #[error("it does not decompress")]
    Compressed(#[from] std::io::Error),
    #[error("it is longer than {MAX_OPENED_BYTES} bytes")]
    TooLong,
    #[error("it is no object of JSON")]
    Json(#[from] serde_json::Error),
}

/// Compress a part.
///
/// # Errors
///
/// When it is longer than [`MAX_OPENED_BYTES`]: it could not be opened again.
pub fn pack(part: &Map<String, Value>) -> Result<Vec<u8>, PackError> {
    let plain = serde_json::to_vec(part)?;
    if plain.len() as u64 > MAX_OPENED_BYTES {
        return Err(PackError::TooLong);
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&plain)?;
    Ok(encoder.finish()?)
}

/// Open what [`pack`] made.
///
/// # Errors
///
/// When it is not whole, or not what was packed.
pub fn unpack(packed: &[u8]) -> Result<Map<String, Value>, PackError> {
    let mut plain = Vec::new();
    ZlibDecoder::new(packed).take(MAX_OPENED_BYTES + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > MAX_OPENED_BYTES {
        return Err(PackError::TooLong);
    }
    Ok(serde_json::from_slice(&plain)?)
}

/// As it stands in a document.
pub fn to_text(packed: &[u8]) -> String {
    STANDARD.encode(packed)
}

/// Open what stands in a document.
///
/// # Errors
///
/// As [`unpack`].
pub fn unpack_text(text: &str) -> Result<Map<String, Value>, PackError> {
    unpack(&STANDARD.decode(text)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_comes_back_as_it_was_and_a_cut_or_changed_one_does_not() {
        let part =
            json!({"result": {"transcript": [{"text": "ok \u{1F600} \0"}], "big": u64::MAX, "half": 0.5}});
        let part = part.as_object().unwrap();
        let packed = pack(part).unwrap();
        assert_eq!(&unpack_text(&to_text(&packed)).unwrap(), part);
        for place in 0..packed.len() {
            let mut changed = packed.clone();
            changed[place] ^= 0x10;
            assert!(unpack(&changed).map_or(true, |opened| &opened == part), "byte {place}");
            assert!(unpack(&packed[..place]).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn what_would_be_too_long_is_not_opened() {
        let mut bomb = ZlibEncoder::new(Vec::new(), Compression::fast());
        let spaces = vec![b' '; 1024 * 1024];
        for _ in 0..=MAX_OPENED_BYTES / spaces.len() as u64 {
            bomb.write_all(&spaces).unwrap();
        }
        assert!(matches!(unpack(&bomb.finish().unwrap()), Err(PackError::TooLong)));
    }
}
