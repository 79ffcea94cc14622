//! The document seam: what SQLite and MongoDB can both do exactly and atomically, and nothing else. One document per
//! atomic step; no sessions, transactions, change streams or collations. A search names a declared index; there are no
//! table scans. Every engine passes the suite in `tests/it/engine_conformance.rs`.

mod collection;
mod query;
pub mod sqlite;

use std::future::Future;
use std::pin::Pin;

use serde_json::{Map, Value};

pub use collection::{Collection, Index, IndexKind, at_path};
pub use query::{By, Cursor, Filter, MAX_PAGE, Order, Query, Update};

/// The eventual answer of an engine.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + Send + 'a>>;

/// One stored document. `id` and `version` are kept beside the body (`_id` and `version` in MongoDB).
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: String,
    /// 1 after the insert, one more after each change.
    pub version: u64,
    pub body: Map<String, Value>,
}

/// Documents of a search, and where the next page begins.
#[derive(Clone, Debug)]
pub struct Page {
    pub documents: Vec<Document>,
    pub next: Option<Cursor>,
}

/// One group of a grouped sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The common value; null for documents without the field.
    pub key: Value,
    pub count: u64,
    pub sum: f64,
}

/// A store of documents. A write is durable when its answer is there: it survives a kill of the process and of the
/// machine. Any write may be repeated after an unclear answer.
pub trait Engine: Send + Sync {
    /// Create what is missing for these collections. Called once, at start.
    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()>;
    /// Store a new document with version 1. [`EngineError::Duplicate`] when its id or a unique key is taken.
    fn insert(&self, into: &'static Collection, id: String, body: Map<String, Value>) -> Answer<'_, ()>;
    fn get(&self, from: &'static Collection, id: String) -> Answer<'_, Option<Document>>;
    fn find(&self, query: Query) -> Answer<'_, Page>;
    /// Replace the body if the stored version is still `document.version`; answers the new version.
    /// [`EngineError::Stale`] when it is not, or when the document is gone.
    fn compare_and_set(&self, into: &'static Collection, document: Document) -> Answer<'_, u64>;
    /// Change the first document of a search and answer it as it is then. No two callers get the same change.
    fn find_one_and_update(&self, query: Query, update: Update) -> Answer<'_, Option<Document>>;
    /// Delete if the stored version is still this one; `false` when it is not, or when the document is gone.
    fn delete(&self, from: &'static Collection, id: String, version: u64) -> Answer<'_, bool>;
    fn count(&self, query: Query) -> Answer<'_, u64>;
    /// Sum a numeric field per value of another, over all documents of a search (its limit and cursor are not used).
    fn sum(&self, query: Query, group_by: &'static str, field: &'static str) -> Answer<'_, Vec<Group>>;

    /// Add to an integer and answer the sum; `None` when there is no such document.
    fn increment(
        &self,
        of: &'static Collection,
        id: String,
        by: (&'static str, i64),
    ) -> Answer<'_, Option<i64>> {
        Box::pin(async move {
            let update = Update::default().increment(by.0, by.1);
            let document = self.find_one_and_update(Query::by_id(of, id), update).await?;
            Ok(document.and_then(|d| at_path(&d.body, by.0).and_then(Value::as_i64)))
        })
    }
}

/// Why an engine could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Which key is not told: not every engine knows.
    #[error("a document with this id or unique key exists")]
    Duplicate,
    #[error("the document was changed in the meantime")]
    Stale,
    #[error("the cursor does not belong to this search")]
    BadCursor,
    /// A fault of the program.
    #[error("a search that no declared index serves: {0}")]
    Undeclared(String),
    /// A fault of the program.
    #[error("a document that may not be stored: {0}")]
    Malformed(String),
    /// Whether a write happened is not known; it may be repeated.
    #[error("the document store does not answer: {0}")]
    Unavailable(String),
}
