//! The engine that seals: documents go through it to the real one. Collections without secrets pass untouched.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::data_keys::Vault;
use super::places::Secrets;
use crate::store::engine::before::{Before, Writes, passes_on};
use crate::store::engine::{
    Amendment, Answer, Collection, Connections, Document, Engine, EngineError, Field, Integer, Kept, New,
    Page, Place, Query, Renewal, Totals, Update, Which,
};

/// What the vault notes about the store; for now that secrets in clear were found, until nothing is left of them.
pub static STATE: Collection = Collection { name: "vault", indexes: &[], fields: &[], steps: &[] };
/// The note that secrets were in clear.
const IN_CLEAR: &str = "in_clear";

/// An engine with a vault before it.
pub struct Sealed {
    inner: Arc<dyn Engine>,
    vault: Arc<Vault>,
}

impl Sealed {
    pub fn new(inner: Arc<dyn Engine>, vault: Arc<Vault>) -> Self {
        Self { inner, vault }
    }

    async fn seal(
        &self,
        into: &Collection,
        id: &str,
        body: &mut Map<String, Value>,
    ) -> Result<(), EngineError> {
        match Secrets::of(into) {
            Some(secrets) => self.vault.seal(secrets, id, body).await,
            None => Ok(()),
        }
    }

    async fn open(&self, from: &Collection, mut document: Document) -> Result<Document, EngineError> {
        if let Some(secrets) = Secrets::of(from) {
            self.vault.open(secrets, &document.id, &mut document.body).await?;
        }
        Ok(document)
    }

    /// Those of a schema from before are in clear, whatever they look like.
    async fn open_kept(&self, from: &Collection, kept: Kept) -> Result<Kept, EngineError> {
        match Secrets::of(from) {
            Some(secrets) if kept.schema >= secrets.since => {
                Ok(Kept { document: self.open(from, kept.document).await?, ..kept })
            }
            _ => Ok(kept),
        }
    }

    /// Note it before the first one is sealed: a start that is killed afterwards must still clean up.
    async fn note_clear(&self, collections: &[&'static Collection]) -> Result<(), EngineError> {
        for (collection, secrets) in collections.iter().filter_map(|c| Some((c, Secrets::of(c)?))) {
            let page = self.inner.list_by_id(collection, Which::Outdated, None).await?;
            if !page.iter().any(|kept| kept.schema < secrets.since) {
                continue;
            }
            match self.inner.insert(&STATE, IN_CLEAR.to_owned(), Map::new()).await {
                Ok(()) | Err(EngineError::Duplicate) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Before for Sealed {}

impl Engine for Sealed {
    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()> {
        Box::pin(async move {
            self.vault.unlock().await?;
            self.inner.prepare(collections).await?;
            self.note_clear(collections).await
        })
    }

    fn brought_up(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            if let Some(note) = self.inner.get(&STATE, IN_CLEAR.to_owned()).await? {
                self.inner.scrub().await?;
                self.inner.delete(&STATE, note.id, note.version).await?;
                tracing::info!(
                    "secrets that an older version kept in clear are sealed, and the store was cleaned of them"
                );
            }
            self.inner.brought_up().await
        })
    }

    fn insert(&self, into: &'static Collection, id: String, mut body: Map<String, Value>) -> Answer<'_, ()> {
        Box::pin(async move {
            self.seal(into, &id, &mut body).await?;
            self.inner.insert(into, id, body).await
        })
    }

    fn insert_many(&self, into: &'static Collection, mut documents: Vec<New>) -> Answer<'_, Vec<usize>> {
        Box::pin(async move {
            for new in &mut documents {
                self.seal(into, &new.id, &mut new.body).await?;
            }
            self.inner.insert_many(into, documents).await
        })
    }

    fn get(&self, from: &'static Collection, id: String) -> Answer<'_, Option<Document>> {
        Box::pin(async move {
            match self.inner.get(from, id).await? {
                Some(document) => self.open(from, document).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn find(&self, query: Query) -> Answer<'_, Page> {
        Box::pin(async move {
            let from = query.collection;
            let mut page = self.inner.find(query).await?;
            for document in &mut page.documents {
                if let Some(secrets) = Secrets::of(from) {
                    self.vault.open(secrets, &document.id, &mut document.body).await?;
                }
            }
            Ok(page)
        })
    }

    fn compare_and_set(&self, into: &'static Collection, mut document: Document) -> Answer<'_, u64> {
        Box::pin(async move {
            self.seal(into, &document.id, &mut document.body).await?;
            self.inner.compare_and_set(into, document).await
        })
    }

    fn find_one_and_update(&self, query: Query, update: Update) -> Answer<'_, Option<Document>> {
        Box::pin(async move {
            let from = query.collection;
            match self.inner.find_one_and_update(query, update).await? {
                Some(document) => self.open(from, document).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn list_by_id(
        &self,
        of: &'static Collection,
        which: Which,
        after: Option<String>,
    ) -> Answer<'_, Vec<Kept>> {
        Box::pin(async move {
            let mut opened = Vec::new();
            for kept in self.inner.list_by_id(of, which, after).await? {
                opened.push(self.open_kept(of, kept).await?);
            }
            Ok(opened)
        })
    }

    fn restore(&self, into: &'static Collection, mut documents: Vec<Kept>) -> Answer<'_, ()> {
        Box::pin(async move {
            for kept in &mut documents {
                self.seal(into, &kept.document.id, &mut kept.document.body).await?;
            }
            self.inner.restore(into, documents).await
        })
    }

    passes_on! {
        update_many update_in_turn delete delete_many count sums check_writable scrub settle renew_words itself
    }
}
