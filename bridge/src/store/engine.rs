//! The document seam: what SQLite and MongoDB can both do exactly and atomically, and nothing else. One document per
//! atomic step; no sessions, transactions, change streams or collations. A search names a declared index; there are no
//! table scans. Every engine passes the suite in `tests/it/engine_conformance.rs`. Decision 0013 says why.

pub mod before;
mod collection;
mod field;
pub mod measured;
#[cfg(feature = "mongodb")]
pub mod mongo;
mod query;
pub mod sqlite;
mod update;

use std::future::Future;
use std::pin::Pin;

use serde_json::{Map, Value};

pub use collection::{Collection, Index, IndexKind, MAX_WORD_BYTES, MAX_WORDS, Step};
pub(crate) use field::holds;
pub use field::{Boolean, Field, FieldType, Holds, Integer, Json, Kind, MAX_KEY_BYTES, Place, Scalar, Text};
pub use query::{By, Cursor, Filter, MAX_PAGE, Order, Query, Word};
pub use update::{Amendment, Update};

/// Most documents that one write may insert or change.
pub const MAX_BATCH: usize = 500;
/// A page by ids ends when it has this many bytes: calls may have some MB each, and a page of them is held in memory and written
/// within one deadline.
pub const MAX_LISTED_BYTES: usize = 8 * 1024 * 1024;

/// The eventual answer of an engine.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + Send + 'a>>;

/// One stored document. An engine keeps an envelope of four parts: the id (`_id` in MongoDB), `version`, `schema` (of the
/// body, so that old ones are found and brought up to date), and the body nested as `body`: no field of ours can clash with
/// the engine's, and a field's place is the same path in every engine, below `body`.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: String,
    /// 1 after the insert, one more after each change.
    pub version: u64,
    pub body: Map<String, Value>,
}

impl Document {
    /// Stands for a document that is there and holds what no version of Vox writes. No write succeeds with it.
    pub fn damaged(id: String) -> Self {
        Self { id, version: 0, body: Map::new() }
    }
}

/// A document to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct New {
    pub id: String,
    pub body: Map<String, Value>,
}

/// A document as it is kept, with the schema of its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub document: Document,
    pub schema: u32,
}

impl Kept {
    /// It is there, and what it holds makes no sense to the engine: nobody may take it for empty, nor write it anew.
    pub fn is_damaged(&self) -> bool {
        self.document.version == 0
    }

    /// The error of whoever needs what it holds.
    pub fn damage(&self) -> EngineError {
        EngineError::Malformed(format!("{}: it holds what Vox never writes", self.document.id))
    }
}

/// Which documents are listed by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    All,
    /// Of an older schema than their collection's.
    Outdated,
}

/// Where writing the indexes over words anew is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// From the beginning, whatever was under way.
    Begin,
    GoOn,
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
    /// Exact; documents without the field add nothing.
    pub sum: i64,
}

/// One group of several sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// As [`Group::key`].
    pub key: Value,
    pub count: u64,
    /// As [`Group::sum`], one for each field.
    pub sums: Vec<i64>,
}

/// Connections of an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// At work now.
    pub active: u32,
    /// How many there may be. Of a replica set, for one server.
    pub most: u32,
}

/// A store of documents. A write is durable when its answer is there: it survives a kill of the process and of the
/// machine. Any write may be repeated after an unclear answer, except an update that adds to a number: that one may then
/// count twice, so whoever needs it exact keeps a mark of what was added in the document and searches for its absence.
///
/// Engines that stand before another pass every operation on. So nothing has a default but what is made of other operations:
/// one that is not passed on does not compile.
pub trait Engine: Send + Sync {
    /// Create what is missing for these collections. Called once, at start.
    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()>;
    /// Store a new document with version 1. [`EngineError::Duplicate`] when its id or a unique key is taken.
    fn insert(&self, into: &'static Collection, id: String, body: Map<String, Value>) -> Answer<'_, ()>;
    /// Store up to [`MAX_BATCH`] new documents, in no order. Answers the places of those that were refused because their id
    /// or a unique key is taken; the others are stored. One that may not be stored at all refuses the batch before anything
    /// is written. Repeated after an unclear answer, those that are there already are among the refused.
    fn insert_many(&self, into: &'static Collection, documents: Vec<New>) -> Answer<'_, Vec<usize>>;
    fn get(&self, from: &'static Collection, id: String) -> Answer<'_, Option<Document>>;
    /// Documents that hold what Vox never writes are left out and told in the log; the cursor goes past them, and sound ones behind them
    /// take their places.
    fn find(&self, query: Query) -> Answer<'_, Page>;
    /// Replace the body if the stored version is still `document.version`; answers the new version.
    /// [`EngineError::Stale`] when it is not, or when the document is gone.
    fn compare_and_set(&self, into: &'static Collection, document: Document) -> Answer<'_, u64>;
    /// Change the first document of a search and answer it as it is then. No two callers get the same change.
    fn find_one_and_update(&self, query: Query, update: Update) -> Answer<'_, Option<Document>>;
    /// Change up to [`MAX_BATCH`] documents, each in one step of its own, and in no order; answers how many were changed: the filters
    /// of the others did not hold, or they are gone. After an error some may be changed. One update that may not be made refuses all of
    /// them before anything is written. Cheaper by far than as many [`Self::find_one_and_update`]: nothing is read back.
    fn update_many(&self, of: &'static Collection, amendments: Vec<Amendment>) -> Answer<'_, usize>;
    /// Change up to [`MAX_BATCH`] documents one after the other, as far as that goes: it ends before the first of which the filters do
    /// not hold, or which is gone, and answers how many were changed. Nobody sees one of them changed and one before it not yet.
    /// [`EngineError::Duplicate`] when the first may not be changed for that; where a later one may not, it ends before that one.
    fn update_in_turn(&self, of: &'static Collection, amendments: Vec<Amendment>) -> Answer<'_, usize>;
    /// Delete if the stored version is still this one; `false` when it is not, or when the document is gone.
    fn delete(&self, from: &'static Collection, id: String, version: u64) -> Answer<'_, bool>;
    /// Delete what a search by an index yields, up to its limit and whatever the versions are; answers how many went. Fewer
    /// than the limit means that none is left.
    fn delete_many(&self, query: Query) -> Answer<'_, usize>;
    fn count(&self, query: Query) -> Answer<'_, u64>;
    /// Sum some integers per value of another field in one pass over all documents of a search (its limit and cursor are not
    /// used); without a field they are only counted. [`EngineError::Overflow`] when a sum has more than 64 bits.
    fn sums(&self, query: Query, group_by: Place, fields: Vec<Field<Integer>>) -> Answer<'_, Vec<Totals>>;
    /// Documents by their ids (in the order of their bytes), after this one: a page of them or [`MAX_LISTED_BYTES`], the last of
    /// which may be passed by one document. None means that there are no more. One that holds what Vox never writes is among them
    /// as [`Document::damaged`]. Every write but [`Self::restore`]
    /// stores the present schema, so writing a document back takes it out of the outdated ones.
    fn list_by_id(
        &self,
        of: &'static Collection,
        which: Which,
        after: Option<String>,
    ) -> Answer<'_, Vec<Kept>>;
    /// Store documents exactly as they were kept elsewhere, version and schema included, over what has their ids. For moving a
    /// deployment; nothing else may set a version. [`EngineError::Duplicate`] when a unique key belongs to another document;
    /// some may be stored then.
    fn restore(&self, into: &'static Collection, documents: Vec<Kept>) -> Answer<'_, ()>;
    /// Whether a write would be taken now.
    fn check_writable(&self) -> Answer<'_, ()>;
    /// Leave nothing in the engine's own files of what was overwritten or deleted, as far as it can. Takes as long as writing all
    /// documents anew.
    fn scrub(&self) -> Answer<'_, ()>;
    /// Leave nothing in the engine's own files of what was overwritten or deleted since it was opened, as far as it can without
    /// writing everything anew.
    fn settle(&self) -> Answer<'_, ()>;
    /// Write a bounded piece of the indexes over words anew; answers whether nothing is left to write. Until then they may keep parts
    /// of words that no document has any more.
    fn renew_words(&self, renewal: Renewal) -> Answer<'_, bool>;
    /// Told once at start, when every old document was brought up to date.
    fn brought_up(&self) -> Answer<'_, ()>;
    /// Which engine it is.
    fn name(&self) -> &'static str;
    /// How busy its connections are.
    fn connections(&self) -> Connections;
    /// Let go of connections, at the end of the process.
    fn close(&self) -> Answer<'_, ()>;

    /// [`Self::sums`] of one field.
    fn sum(&self, query: Query, group_by: Place, field: Field<Integer>) -> Answer<'_, Vec<Group>> {
        Box::pin(async move {
            let totals = self.sums(query, group_by, vec![field]).await?;
            let group = |Totals { key, count, sums }| Group { key, count, sum: sums.into_iter().sum() };
            Ok(totals.into_iter().map(group).collect())
        })
    }

    /// Add to an integer and answer the sum; `None` when there is no such document.
    fn increment(
        &self,
        of: &'static Collection,
        id: String,
        by: (Field<Integer>, i64),
    ) -> Answer<'_, Option<i64>> {
        Box::pin(async move {
            let update = Update::default().increment(by.0, by.1);
            let document = self.find_one_and_update(Query::by_id(of, id), update).await?;
            Ok(document.and_then(|d| by.0.place().of(&d.body).and_then(Value::as_i64)))
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
    /// A fault of the program, or damage: a document that may not be stored, or one that is stored and makes no sense.
    #[error("a document that may not be stored: {0}")]
    Malformed(String),
    /// A fault of the program.
    #[error("documents of '{0}' are only ever added")]
    AppendOnly(String),
    /// A sum that has more than 64 bits; nothing was changed.
    #[error("the sum of '{0}' does not fit")]
    Overflow(String),
    #[error("{got} documents at once, and {MAX_BATCH} are the most")]
    TooMany { got: usize },
    /// Start the newer version, or go back to a copy of the store from before it.
    #[error("{what} was written by a newer version (schema {found}); this one reads up to {known}")]
    Newer { what: String, found: i64, known: i64 },
    /// The secrets in the store cannot be opened; it says what to do.
    #[error("{0}")]
    Locked(String),
    /// Whether a write happened is not known; it may be repeated.
    #[error("the document store does not answer: {0}")]
    Unavailable(String),
}

impl EngineError {
    /// What kind of fault it is, for those who may not read what it is about.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "the document store does not answer",
            Self::Malformed(_) => "a document makes no sense, the log says which",
            Self::Overflow(_) => "a sum does not fit",
            Self::Newer { .. } => "a document was written by a newer version",
            Self::Locked(_) => "the secrets in the store cannot be opened",
            Self::Duplicate => "a document exists already",
            Self::Stale => "a document was changed in the meantime",
            Self::BadCursor | Self::Undeclared(_) | Self::AppendOnly(_) | Self::TooMany { .. } => {
                "a fault of the program, the log says which"
            }
        }
    }
}
