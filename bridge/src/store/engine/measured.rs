//! The engine that measures: every operation passes through it, to the metrics and no further.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Answer, Collection, Connections, Document, Engine, EngineError, Field, Integer, Kept, New, Page, Place,
    Query, Renewal, Totals, Update, Which,
};
use crate::metrics::stores::{Kinded, Operations};

/// An engine whose operations are timed and counted.
pub struct Measured {
    inner: Arc<dyn Engine>,
    operations: Operations,
}

impl Measured {
    pub fn new(inner: Arc<dyn Engine>, operations: Operations) -> Self {
        Self { inner, operations }
    }

    fn time<'a, T: Send + 'a>(&'a self, operation: &'static str, work: Answer<'a, T>) -> Answer<'a, T> {
        Box::pin(self.operations.of((self.inner.name(), operation), work))
    }
}

impl Kinded for EngineError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::BadCursor => "bad_cursor",
            Self::Undeclared(_) => "undeclared",
            Self::Malformed(_) => "malformed",
            Self::AppendOnly(_) => "append_only",
            Self::Overflow(_) => "overflow",
            Self::TooMany { .. } => "too_many",
            Self::Newer { .. } => "newer",
            Self::Locked(_) => "locked",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl Engine for Measured {
    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()> {
        self.time("prepare", self.inner.prepare(collections))
    }

    fn insert(&self, into: &'static Collection, id: String, body: Map<String, Value>) -> Answer<'_, ()> {
        self.time("insert", self.inner.insert(into, id, body))
    }

    fn insert_many(&self, into: &'static Collection, documents: Vec<New>) -> Answer<'_, Vec<usize>> {
        self.time("insert_many", self.inner.insert_many(into, documents))
    }

    fn get(&self, from: &'static Collection, id: String) -> Answer<'_, Option<Document>> {
        self.time("get", self.inner.get(from, id))
    }

    fn find(&self, query: Query) -> Answer<'_, Page> {
        self.time("find", self.inner.find(query))
    }

    fn compare_and_set(&self, into: &'static Collection, document: Document) -> Answer<'_, u64> {
        self.time("compare_and_set", self.inner.compare_and_set(into, document))
    }

    fn find_one_and_update(&self, query: Query, update: Update) -> Answer<'_, Option<Document>> {
        self.time("find_one_and_update", self.inner.find_one_and_update(query, update))
    }

    fn delete(&self, from: &'static Collection, id: String, version: u64) -> Answer<'_, bool> {
        self.time("delete", self.inner.delete(from, id, version))
    }

    fn delete_many(&self, query: Query) -> Answer<'_, usize> {
        self.time("delete_many", self.inner.delete_many(query))
    }

    fn count(&self, query: Query) -> Answer<'_, u64> {
        self.time("count", self.inner.count(query))
    }

    fn sums(&self, query: Query, group_by: Place, fields: Vec<Field<Integer>>) -> Answer<'_, Vec<Totals>> {
        self.time("sums", self.inner.sums(query, group_by, fields))
    }

    fn list_by_id(
        &self,
        of: &'static Collection,
        which: Which,
        after: Option<String>,
    ) -> Answer<'_, Vec<Kept>> {
        self.time("list_by_id", self.inner.list_by_id(of, which, after))
    }

    fn restore(&self, into: &'static Collection, documents: Vec<Kept>) -> Answer<'_, ()> {
        self.time("restore", self.inner.restore(into, documents))
    }

    fn check_writable(&self) -> Answer<'_, ()> {
        self.time("check_writable", self.inner.check_writable())
    }

    fn scrub(&self) -> Answer<'_, ()> {
        self.time("scrub", self.inner.scrub())
    }

    fn settle(&self) -> Answer<'_, ()> {
        self.time("settle", self.inner.settle())
    }

    fn renew_words(&self, renewal: Renewal) -> Answer<'_, bool> {
        self.time("renew_words", self.inner.renew_words(renewal))
    }

    fn brought_up(&self) -> Answer<'_, ()> {
        self.time("brought_up", self.inner.brought_up())
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn connections(&self) -> Connections {
        self.inner.connections()
    }

    fn close(&self) -> Answer<'_, ()> {
        self.inner.close()
    }
}
