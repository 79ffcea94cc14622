//! Stores in which something happens before an operation.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use vox_bridge::objects::{self, ByteStream, Expected, Head, Key, ObjectError, Objects, Written};
use vox_bridge::store::engine::{
    Amendment, Answer, Collection, Connections, Document, Engine, EngineError, Field, Integer, Kept, New,
    Page, Place, Query, Renewal, Totals, Update, Which,
};

/// What is about to be done with documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Get,
    Find,
    Insert,
    ListById,
    Replace,
    Update,
    DeleteMany,
    Sums,
}

/// What is about to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    Put,
    Get,
    Delete,
}

type Before = dyn Fn(Step, &'static Collection) -> BoxFuture<'static, Result<(), EngineError>> + Send + Sync;
type BeforeTouch = dyn Fn(Touch, &Key) -> BoxFuture<'static, Result<(), ObjectError>> + Send + Sync;

/// Documents; an operation is not done when what comes before it fails.
pub struct Documents {
    pub inner: Arc<dyn Engine>,
    pub before: Box<Before>,
}

macro_rules! passed_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        fn $name(&self, $($argument: $type),*) -> Answer<'_, $answer> {
            self.inner.$name($($argument),*)
        }
    )*};
}

impl Engine for Documents {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn connections(&self) -> Connections {
        self.inner.connections()
    }

    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()> {
        self.inner.prepare(collections)
    }

    fn insert(&self, into: &'static Collection, id: String, body: Map<String, Value>) -> Answer<'_, ()> {
        Box::pin(async move {
            (self.before)(Step::Insert, into).await?;
            self.inner.insert(into, id, body).await
        })
    }

    fn compare_and_set(&self, into: &'static Collection, document: Document) -> Answer<'_, u64> {
        Box::pin(async move {
            (self.before)(Step::Replace, into).await?;
            self.inner.compare_and_set(into, document).await
        })
    }

    fn find_one_and_update(&self, query: Query, update: Update) -> Answer<'_, Option<Document>> {
        Box::pin(async move {
            (self.before)(Step::Update, query.collection).await?;
            self.inner.find_one_and_update(query, update).await
        })
    }

    fn delete_many(&self, query: Query) -> Answer<'_, usize> {
        Box::pin(async move {
            (self.before)(Step::DeleteMany, query.collection).await?;
            self.inner.delete_many(query).await
        })
    }

    fn sums(&self, query: Query, group_by: Place, fields: Vec<Field<Integer>>) -> Answer<'_, Vec<Totals>> {
        Box::pin(async move {
            (self.before)(Step::Sums, query.collection).await?;
            self.inner.sums(query, group_by, fields).await
        })
    }

    fn find(&self, query: Query) -> Answer<'_, Page> {
        Box::pin(async move {
            (self.before)(Step::Find, query.collection).await?;
            self.inner.find(query).await
        })
    }

    fn get(&self, from: &'static Collection, id: String) -> Answer<'_, Option<Document>> {
        Box::pin(async move {
            (self.before)(Step::Get, from).await?;
            self.inner.get(from, id).await
        })
    }

    fn list_by_id(
        &self,
        of: &'static Collection,
        which: Which,
        after: Option<String>,
    ) -> Answer<'_, Vec<Kept>> {
        Box::pin(async move {
            (self.before)(Step::ListById, of).await?;
            self.inner.list_by_id(of, which, after).await
        })
    }

    passed_on! {
        insert_many(into: &'static Collection, documents: Vec<New>) -> Vec<usize>;
        update_many(of: &'static Collection, amendments: Vec<Amendment>) -> usize;
        update_in_turn(of: &'static Collection, amendments: Vec<Amendment>) -> usize;
        delete(from: &'static Collection, id: String, version: u64) -> bool;
        count(query: Query) -> u64;
        restore(into: &'static Collection, documents: Vec<Kept>) -> ();
        check_writable() -> ();
        scrub() -> ();
        settle() -> ();
        renew_words(renewal: Renewal) -> bool;
        brought_up() -> ();
        close() -> ();
    }
}

/// Objects, likewise.
pub struct Files {
    pub inner: Arc<dyn Objects>,
    pub before: Box<BeforeTouch>,
}

impl Objects for Files {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn put(&self, key: Key, content: ByteStream, expected: Expected) -> objects::Answer<'_, Written> {
        Box::pin(async move {
            (self.before)(Touch::Put, &key).await?;
            self.inner.put(key, content, expected).await
        })
    }

    fn head(&self, key: Key) -> objects::Answer<'_, Option<Head>> {
        self.inner.head(key)
    }

    fn get(&self, key: Key, range: Range<u64>) -> objects::Answer<'_, Option<ByteStream>> {
        Box::pin(async move {
            (self.before)(Touch::Get, &key).await?;
            self.inner.get(key, range).await
        })
    }

    fn delete(&self, key: Key) -> objects::Answer<'_, bool> {
        Box::pin(async move {
            (self.before)(Touch::Delete, &key).await?;
            self.inner.delete(key).await
        })
    }

    fn check(&self) -> objects::Answer<'_, ()> {
        self.inner.check()
    }

    fn link(&self, key: Key, lifetime: Duration) -> objects::Answer<'_, Option<String>> {
        self.inner.link(key, lifetime)
    }
}
