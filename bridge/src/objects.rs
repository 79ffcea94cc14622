//! The object seam: recordings and other large, unchanging files.

pub mod archive;
pub mod direct;
pub mod directory;
mod incoming;
pub mod measured;
#[cfg(feature = "s3")]
pub mod s3;

use std::future::Future;
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::config::{S3Settings, Storage};
use direct::Direct;
use directory::Directory;

/// The objects below the data directory.
const OBJECT_DIR: &str = "objects";
/// Where recordings are among the objects.
const RECORDINGS: &str = "recordings";
/// Where the heavy parts of archived calls are.
const CALLS: &str = "calls";
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
    /// Have nothing more to do with what is on its way to an object, whoever sends it: its parts are removed; answers how many uploads
    /// that were. A store that keeps no parts has none.
    fn give_up_uploads(&self, _: Key) -> Answer<'_, usize> {
        Box::pin(std::future::ready(Ok(0)))
    }
    /// Whether the store can be used now. Answers within about a second.
    fn check(&self) -> Answer<'_, ()>;
    /// An address where whoever has it may read an object for this long; `None` where the store gives out none. Whether there
    /// is such an object is not looked at.
    fn link(&self, key: Key, lifetime: Duration) -> Answer<'_, Option<String>>;
    /// The way for those who put an object there themselves; `None` where there is none, or none is offered.
    fn direct(&self) -> Option<&dyn Direct> {
        None
    }
    /// Which store it is.
    fn name(&self) -> &'static str;
}

/// Open the store that the settings name, for this process alone: whichever it is, a data directory belongs to one bridge.
///
/// # Errors
///
/// When another process uses the data directory, or the store refuses to be used as the settings say.
pub async fn open(storage: &Storage) -> Result<Arc<dyn Objects>, ObjectError> {
    let root = storage.data_dir.join(OBJECT_DIR);
    match &storage.s3 {
        None => Ok(Arc::new(Directory::open(&root)?)),
        Some(settings) => open_s3(settings, &root).await,
    }
}

#[cfg(feature = "s3")]
async fn open_s3(settings: &S3Settings, root: &Path) -> Result<Arc<dyn Objects>, ObjectError> {
    Ok(Arc::new(s3::S3::open(settings, directory::Lock::take(root)?).await?))
}

#[cfg(not(feature = "s3"))]
async fn open_s3(_: &S3Settings, _: &Path) -> Result<Arc<dyn Objects>, ObjectError> {
    Err(ObjectError::NotBuilt)
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
    /// Read again: another content is there by now.
    #[error("the object was changed while it was read")]
    Changed,
    #[error("there is no such bucket on the S3 server: make it, or name another in VOX_S3_BUCKET")]
    NoBucket,
    #[error(
        "the S3 server refuses to {doing} ({reason}): look at VOX_S3_URL, VOX_S3_REGION, VOX_S3_BUCKET, VOX_S3_ACCESS_KEY and \
         VOX_S3_SECRET_KEY, and at what this key may do with the bucket"
    )]
    Refused { doing: &'static str, reason: String },
    /// It may work again in a moment.
    #[error("the object store is away: it could not {doing}")]
    Unavailable {
        doing: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("VOX_S3_URL is set, and this program was built without S3: build it with the default features")]
    NotBuilt,
    /// Changed, cut, moved, another tenant's, or under a key that is gone.
    #[error("the recording does not open")]
    Unopened,
    #[error("the keys of recordings cannot be used")]
    Keys(#[source] crate::store::engine::EngineError),
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

    /// Where the recording of that name is kept.
    pub fn of_recording(name: &str) -> Result<Self, ObjectError> {
        Self::parse(name)?;
        Self::parse(&format!("{RECORDINGS}/{name}"))
    }

    /// Where the heavy part of an archived call is kept under that name.
    pub fn of_call(name: &str) -> Result<Self, ObjectError> {
        Self::parse(name)?;
        Self::parse(&format!("{CALLS}/{name}"))
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
