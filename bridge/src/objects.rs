//! The object seam: recordings and other large, unchanging files.

pub mod directory;

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::BoxStream;

/// Longest key, bytes.
const MAX_KEY_BYTES: usize = 256;

/// Bytes on their way in or out.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;
/// The eventual answer of an object store.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ObjectError>> + Send + 'a>>;

/// The name of an object: segments of `a-z A-Z 0-9 . _ -`, separated by '/', none of them beginning with a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub size_bytes: u64,
    /// Changes with the content.
    pub etag: String,
}

/// How an object arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub size_bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// What an arriving object must fulfil; it is not stored otherwise.
#[derive(Clone, Debug)]
pub struct Expected {
    pub max_bytes: u64,
    /// Lower-case hex.
    pub sha256: Option<String>,
}

/// A store of objects. What was put is durable and whole: a reader never sees half of it.
pub trait Objects: Send + Sync {
    /// Store or replace.
    fn put(&self, key: Key, content: ByteStream, expected: Expected) -> Answer<'_, Written>;
    fn head(&self, key: Key) -> Answer<'_, Option<Head>>;
    /// The bytes of a range that lies within the object; `None` when there is no object.
    fn get(&self, key: Key, range: Range<u64>) -> Answer<'_, Option<ByteStream>>;
    /// Whether there was one.
    fn delete(&self, key: Key) -> Answer<'_, bool>;
}

/// Why an object store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("'{0}' is no object key: segments of a-z, A-Z, 0-9, '.', '_', '-', separated by '/'")]
    BadKey(String),
    #[error("the object is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the object's SHA-256 is not the announced one")]
    WrongHash,
    /// The sender stopped before the end.
    #[error("the object's content was cut off")]
    CutOff(#[source] std::io::Error),
    #[error("'{0}' is used by another process; one bridge at a time may use a data directory")]
    InUse(String),
    #[error("the object store failed to {doing}")]
    Failed {
        doing: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl Key {
    /// A key from text of outside.
    pub fn parse(text: &str) -> Result<Self, ObjectError> {
        let good = |segment: &str| {
            !segment.is_empty()
                && !segment.starts_with('.')
                && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        if text.len() <= MAX_KEY_BYTES && text.split('/').all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ObjectError::BadKey(text.chars().take(MAX_KEY_BYTES).collect()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_leave_its_store() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/.hidden",
            "a b",
            "a\\b",
            "é",
            "a/",
            "%2e%2e/x",
            "x\0",
        ] {
            assert!(Key::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Key::parse(&"x".repeat(257)).is_err());
        for good in ["call_1.wav", "recordings/2026/11/call-1.wav", "a..b"] {
            assert_eq!(Key::parse(good).unwrap().as_str(), good);
        }
    }
}
