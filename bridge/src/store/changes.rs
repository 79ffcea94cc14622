//! When something changed that is remembered (`runtime/memory.rs`): an engine before the real one that notes each write to a few
//! collections, here and at the other bridges. There is one number for all of them: what was read under an older one is read again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::web::Bytes;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::engine::{
    Answer, Collection, Connections, Document, Engine, Field, Integer, Kept, New, Page, Place, Query,
    Renewal, Totals, Update, Which,
};
use super::{bots, crm, latencies, prices, settings, tenants, voices};
use crate::coordination::Coordination;

const TOPIC: &str = "changes";
/// What is remembered: read with every call, and seldom written.
const REMEMBERED: [&str; 7] = [
    tenants::TENANTS.name,
    bots::BOTS.name,
    crm::CRM_INTEGRATIONS.name,
    settings::SETTINGS.name,
    prices::PRICES.name,
    voices::VOICES.name,
    latencies::LATENCIES.name,
];

/// The number of changes that this bridge knows of. Cheap to clone.
#[derive(Clone)]
pub struct Changes(Arc<Inner>);

struct Inner {
    number: AtomicU64,
    coordination: Arc<dyn Coordination>,
}

impl Changes {
    pub fn new(coordination: Arc<dyn Coordination>) -> Self {
        Self(Arc::new(Inner { number: AtomicU64::new(0), coordination }))
    }

    /// What is read after this was asked is as new as the number, or newer.
    pub fn number(&self) -> u64 {
        self.0.number.load(Ordering::Acquire)
    }

    fn note(&self) {
        self.0.number.fetch_add(1, Ordering::AcqRel);
    }

    /// Hear of the changes of other bridges, until `stop`. What was perhaps missed counts as one.
    pub async fn listen(self, stop: CancellationToken) {
        let mut others = self.0.coordination.subscribe(TOPIC);
        while let Some(Some(_)) = stop.run_until_cancelled(others.next()).await {
            self.note();
        }
        stop.cancelled().await;
    }

    async fn tell(&self) {
        if let Err(error) = self.0.coordination.publish(TOPIC.into(), Bytes::new()).await {
            tracing::debug!(%error, "other bridges were not told of a change");
        }
    }
}

/// Notes a change when it is dropped: a write that was given up may have been done.
struct Noted<'a>(&'a Changes);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.note();
    }
}

/// An engine whose changes are noted.
pub struct Watched {
    inner: Arc<dyn Engine>,
    changes: Changes,
}

impl Watched {
    pub fn new(inner: Arc<dyn Engine>, changes: Changes) -> Self {
        Self { inner, changes }
    }

    /// Do a write, and tell of it before it is answered.
    fn write<'a, T: Send + 'a>(&'a self, to: &Collection, write: Answer<'a, T>) -> Answer<'a, T> {
        if !REMEMBERED.contains(&to.name) {
            return write;
        }
        Box::pin(async move {
            let noted = Noted(&self.changes);
            let done = write.await;
            drop(noted);
            self.changes.tell().await;
            done
        })
    }
}

impl Engine for Watched {
    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()> {
        self.inner.prepare(collections)
    }

    fn insert(&self, into: &'static Collection, id: String, body: Map<String, Value>) -> Answer<'_, ()> {
        self.write(into, self.inner.insert(into, id, body))
    }

    fn insert_many(&self, into: &'static Collection, documents: Vec<New>) -> Answer<'_, Vec<usize>> {
        self.write(into, self.inner.insert_many(into, documents))
    }

    fn get(&self, from: &'static Collection, id: String) -> Answer<'_, Option<Document>> {
        self.inner.get(from, id)
    }

    fn find(&self, query: Query) -> Answer<'_, Page> {
        self.inner.find(query)
    }

    fn compare_and_set(&self, into: &'static Collection, document: Document) -> Answer<'_, u64> {
        self.write(into, self.inner.compare_and_set(into, document))
    }

    fn find_one_and_update(&self, query: Query, update: Update) -> Answer<'_, Option<Document>> {
        self.write(query.collection, self.inner.find_one_and_update(query, update))
    }

    fn delete(&self, from: &'static Collection, id: String, version: u64) -> Answer<'_, bool> {
        self.write(from, self.inner.delete(from, id, version))
    }

    fn delete_many(&self, query: Query) -> Answer<'_, usize> {
        self.write(query.collection, self.inner.delete_many(query))
    }

    fn count(&self, query: Query) -> Answer<'_, u64> {
        self.inner.count(query)
    }

    fn sums(&self, query: Query, group_by: Place, fields: Vec<Field<Integer>>) -> Answer<'_, Vec<Totals>> {
        self.inner.sums(query, group_by, fields)
    }

    fn list_by_id(
        &self,
        of: &'static Collection,
        which: Which,
        after: Option<String>,
    ) -> Answer<'_, Vec<Kept>> {
        self.inner.list_by_id(of, which, after)
    }

    fn restore(&self, into: &'static Collection, documents: Vec<Kept>) -> Answer<'_, ()> {
        self.write(into, self.inner.restore(into, documents))
    }

    fn check_writable(&self) -> Answer<'_, ()> {
        self.inner.check_writable()
    }

    fn scrub(&self) -> Answer<'_, ()> {
        self.inner.scrub()
    }

    fn settle(&self) -> Answer<'_, ()> {
        self.inner.settle()
    }

    fn renew_words(&self, renewal: Renewal) -> Answer<'_, bool> {
        self.inner.renew_words(renewal)
    }

    fn brought_up(&self) -> Answer<'_, ()> {
        self.inner.brought_up()
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
