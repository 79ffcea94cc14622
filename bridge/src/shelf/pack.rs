//! The heavy part of a call, compressed: JSON under zlib (RFC 1950), in a document as base64.

use std::io::{Read, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Longest that a part may be when it is opened, bytes: several times the largest result that is taken.
pub const MAX_OPENED_BYTES: u64 = 64 * 1024 * 1024;

/// Parts that are compressed or opened at the same time: each may take [`MAX_OPENED_BYTES`], several times over as JSON.
const AT_ONCE: usize = 4;
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);
/// Longest wait for a turn: the API answers within four seconds.
const TURN_DEADLINE: Duration = Duration::from_secs(3);

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
    /// It may work in a moment.
    #[error("too many are compressed or opened at once, and {AT_ONCE} are the most")]
    Busy,
    #[error("the work broke off")]
    BrokeOff,
}

/// Compress or open a part where nobody else is served meanwhile: a large one takes a second.
///
/// # Errors
///
/// Its own, and [`PackError::Busy`] when no turn came in three seconds.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PackError> + Send + 'static,
) -> Result<T, PackError> {
    let turn =
        timeout(TURN_DEADLINE, TURNS.acquire()).await.ok().and_then(Result::ok).ok_or(PackError::Busy)?;
    // The turn ends with the work, whoever still waits for it.
    let done = spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    done.await.map_err(|_| PackError::BrokeOff)?
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

    /// Up to 64 MiB were opened on the thread that serves requests, as many at once as came.
    #[tokio::test(start_paused = true)]
    async fn a_part_is_opened_aside_and_waits_for_its_turn() {
        let here = std::thread::current().id();
        let there = aside(|| Ok(std::thread::current().id())).await.unwrap();
        assert_ne!(here, there, "nobody else is served on this thread meanwhile");
        let all = TURNS.acquire_many(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
        assert!(matches!(aside(|| Ok(())).await, Err(PackError::Busy)));
        drop(all);
        assert!(aside(|| Ok(())).await.is_ok());
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
