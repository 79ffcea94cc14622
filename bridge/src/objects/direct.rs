//! Uploads that somebody else makes: the store begins one, gives out addresses for its parts, and puts them together. Decision 0044.

use std::time::Duration;

use super::{Answer, Key};

/// An upload under way: of this object, under the store's own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub key: Key,
    pub id: String,
}

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    pub size_bytes: u64,
    /// What the store wants to be told of it when the parts are put together.
    pub etag: String,
}

/// What an object is told from every other object of its key by, and what is known of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub mark: String,
    /// Of the bytes as they are stored, if it is known: lower-case hex.
    pub sha256: Option<String>,
}

/// What is there under the key of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    Nothing,
    /// The upload's own object, put together.
    Own {
        size_bytes: u64,
    },
    /// An object of another upload, or of a put.
    Anothers,
}

/// A store into which others may put objects in parts.
pub trait Direct: Send + Sync {
    /// Begin; answers the upload's name.
    fn begin(&self, key: Key, mark: Mark) -> Answer<'_, String>;
    /// The parts that are there; `None` when there is no such upload, or not any more.
    fn parts(&self, place: Place) -> Answer<'_, Option<Vec<Part>>>;
    /// Where these parts may be put, for this long.
    fn addresses(&self, place: Place, numbers: Vec<u32>, lifetime: Duration) -> Answer<'_, Vec<String>>;
    /// Put these parts together, in the place of whatever is there. What is there then is asked by [`Direct::there`]: the answer may be
    /// lost.
    fn complete(&self, place: Place, parts: Vec<Part>) -> Answer<'_, ()>;
    /// Have nothing more to do with an upload: its parts are removed. One that is gone is none to give up.
    fn give_up(&self, place: Place) -> Answer<'_, ()>;
    /// What is there now, the object with this mark or another. A mark that no upload has finds another's.
    fn there(&self, key: Key, mark: String) -> Answer<'_, There>;
    /// How long addresses are good.
    fn lifetime(&self) -> Duration;
}
