//! LINEAR16, little endian, as bytes and as base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::line::{Violation, close};

/// Bytes to samples. An odd length is refused: a half sample means the stream lost its alignment.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<i16>, Violation> {
    if !bytes.len().is_multiple_of(2) {
        let text = format!("odd-length PCM: {} bytes are no 16-bit samples", bytes.len());
        return Err(Violation::new(close::UNSUPPORTED, text));
    }
    Ok(bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
}

/// Base64 to samples.
pub fn from_base64(text: &str) -> Result<Vec<i16>, Violation> {
    let bytes =
        STANDARD.decode(text).map_err(|_| Violation::new(close::UNSUPPORTED, "the payload is not base64"))?;
    from_bytes(&bytes)
}

/// Samples to bytes.
pub fn to_bytes(pcm: &[i16]) -> Vec<u8> {
    pcm.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// Samples to base64.
pub fn to_base64(pcm: &[i16]) -> String {
    STANDARD.encode(to_bytes(pcm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_survive_the_round_trip() {
        let pcm = [0, 1, -1, i16::MAX, i16::MIN];
        assert_eq!(from_base64(&to_base64(&pcm)).unwrap(), pcm);
        assert_eq!(from_bytes(&[1, 2, 3]).unwrap_err().code, close::UNSUPPORTED);
        assert!(from_base64("no base64!").is_err());
    }
}
