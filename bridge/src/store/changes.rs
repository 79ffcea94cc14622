//! When something changed that is remembered (`runtime/memory.rs`): an engine before the real one that notes each write to a few
//! collections, here and at the other bridges. There is one number for all of them: what was read under an older one is read again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::web::Bytes;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::engine::before::{Before, Writes, passes_on};
use super::engine::{
    Amendment, Answer, Collection, Connections, Document, Engine, Field, Integer, Kept, New, Page, Place,
    Query, Renewal, Totals, Update, Which,
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
}

impl Before for Watched {
    /// A write is told of before it is answered.
    fn around<'a, T: Send + 'a>(
        &'a self,
        _: &'static str,
        writes: Writes,
        answer: Answer<'a, T>,
    ) -> Answer<'a, T> {
        match writes {
            Writes::To(to) if REMEMBERED.contains(&to.name) => Box::pin(async move {
                let noted = Noted(&self.changes);
                let done = answer.await;
                drop(noted);
                self.changes.tell().await;
                done
            }),
            _ => answer,
        }
    }
}

impl Engine for Watched {
    passes_on! {
        prepare insert insert_many get find compare_and_set find_one_and_update update_many update_in_turn delete delete_many
        count sums list_by_id restore check_writable scrub settle renew_words brought_up itself
    }
}
