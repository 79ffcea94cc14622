//! Typed documents over the engine. [`Scoped`] belongs to one tenant: it adds the tenant to every search and every
//! insert, and a document of another tenant does not exist for it. Stores outside this folder see nothing else.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use vox_shared::ids::TenantId;

use super::Stamp;
use super::engine::{
    Amendment, Collection, Cursor, Document, Engine, EngineError, Field, Filter, Kept, MAX_BATCH, New, Query,
    Text, Update, Which,
};
use crate::coordination::rounds::Fault;
use crate::fields::without_value;

/// The field that says whose document it is; every kind of document of a tenant has it.
pub(super) const TENANT: Field<Text> = Field::new("tenant_id");

/// Tries of a deletion against others that write the same document.
const MAX_TRIES: usize = 8;

/// A document read from the store, with what is needed to write it back.
#[derive(Clone, Debug)]
pub struct Stored<T> {
    pub id: String,
    pub version: u64,
    pub value: T,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    pub items: Vec<Stored<T>>,
    /// Opaque; where the next page begins.
    pub next_cursor: Option<String>,
}

/// What waits in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub count: u64,
    /// Since when the first has waited, or when it was due.
    pub since: Option<Stamp>,
}

/// Why a store could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("it does not exist")]
    NotFound,
    /// Somebody else changed it after it was read.
    #[error("it was changed in the meantime")]
    Conflict,
    #[error("it exists already")]
    Duplicate,
    #[error("the cursor does not belong to this list")]
    BadCursor,
    #[error("the document store failed")]
    Engine(#[source] EngineError),
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Duplicate => Self::Duplicate,
            EngineError::Stale => Self::Conflict,
            EngineError::BadCursor => Self::BadCursor,
            other => Self::Engine(other),
        }
    }
}

impl Fault for StoreError {
    fn fault(&self) -> String {
        match self {
            Self::Engine(error) => error.class().to_owned(),
            other => other.to_string(),
        }
    }
}

/// Documents of one kind, of all tenants. Only for look-ups by a key that is itself the proof (a token, a session id
/// behind the internal secret) and for what belongs to the deployment.
#[derive(Clone)]
pub(super) struct Documents<T> {
    engine: Arc<dyn Engine>,
    pub collection: &'static Collection,
    kind: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Documents<T> {
    pub fn new(engine: Arc<dyn Engine>, collection: &'static Collection) -> Self {
        Self { engine, collection, kind: PhantomData }
    }

    pub async fn find(&self, id: &str) -> Result<Option<Stored<T>>, StoreError> {
        self.engine.get(self.collection, id.to_owned()).await?.map(decode).transpose()
    }

    /// The first document of a search.
    pub async fn first(&self, query: Query) -> Result<Option<Stored<T>>, StoreError> {
        self.engine.find(query.limit(1)).await?.documents.pop().map(decode).transpose()
    }

    /// A page of what a search finds, by their ids: whether the documents make sense is not looked at.
    pub async fn list_ids(&self, query: Query) -> Result<(Vec<String>, Option<Cursor>), StoreError> {
        let page = self.engine.find(query).await?;
        Ok((page.documents.into_iter().map(|document| document.id).collect(), page.next))
    }

    /// Without those that make no sense: one damaged document must not take its whole page away, nor stop for ever the jobs
    /// that go by the list. Asked for by its id, it is [`EngineError::Malformed`].
    pub async fn list(&self, query: Query) -> Result<Listed<T>, StoreError> {
        let page = self.engine.find(query).await?;
        let sound = |document| match decode(document) {
            Ok(stored) => Some(stored),
            Err(error) => {
                tracing::error!(collection = self.collection.name, %error, "a damaged document is left out of a list");
                None
            }
        };
        let items = page.documents.into_iter().filter_map(sound).collect();
        Ok(Listed { items, next_cursor: page.next.map(|c| c.encode()) })
    }

    /// Up to a page by their ids, after this one, those that make no sense among them.
    pub async fn list_by_id(
        &self,
        after: Option<String>,
    ) -> Result<Vec<(String, Result<Stored<T>, StoreError>)>, StoreError> {
        let page = self.engine.list_by_id(self.collection, Which::All, after).await?;
        let read = |kept: Kept| {
            let id = kept.document.id.clone();
            (id, if kept.is_damaged() { Err(kept.damage().into()) } else { decode(kept.document) })
        };
        Ok(page.into_iter().map(read).collect())
    }

    pub async fn insert(&self, id: &str, value: &T) -> Result<(), StoreError> {
        Ok(self.engine.insert(self.collection, id.to_owned(), encode(value)?).await?)
    }

    /// Store those that are not there yet; answers the places of those that were.
    pub async fn insert_many(&self, values: Vec<(String, T)>) -> Result<Vec<usize>, StoreError> {
        let new = values.into_iter().map(|(id, value)| Ok(New { id, body: encode(&value)? }));
        Ok(self.engine.insert_many(self.collection, new.collect::<Result<_, StoreError>>()?).await?)
    }

    /// Write back what was read; [`StoreError::Conflict`] if it was changed since.
    pub async fn replace(&self, stored: Stored<T>) -> Result<Stored<T>, StoreError> {
        let Stored { id, version, value } = stored;
        let document = Document { id: id.clone(), version, body: encode(&value)? };
        let version = self.engine.compare_and_set(self.collection, document).await?;
        Ok(Stored { id, version, value })
    }

    pub async fn update(&self, query: Query, update: Update) -> Result<Option<Stored<T>>, StoreError> {
        self.engine.find_one_and_update(query, update).await?.map(decode).transpose()
    }

    /// Change many, each if its conditions hold; answers how many were changed.
    pub async fn update_many(&self, amendments: Vec<Amendment>) -> Result<usize, StoreError> {
        let (mut rest, mut changed) = (amendments.into_iter().peekable(), 0);
        while rest.peek().is_some() {
            let some = rest.by_ref().take(MAX_BATCH).collect();
            changed += self.engine.update_many(self.collection, some).await?;
        }
        Ok(changed)
    }

    pub async fn delete(&self, id: &str, version: u64) -> Result<(), StoreError> {
        match self.engine.delete(self.collection, id.to_owned(), version).await? {
            true => Ok(()),
            false => Err(StoreError::Conflict),
        }
    }

    /// How many a search yields.
    pub async fn count(&self, query: Query) -> Result<u64, StoreError> {
        Ok(self.engine.count(query).await?)
    }

    /// How many a search yields, and the time at the first.
    pub async fn waiting(
        &self,
        search: impl Fn() -> Query,
        since: impl Fn(&T) -> Option<Stamp>,
    ) -> Result<Waiting, StoreError> {
        let count = self.engine.count(search()).await?;
        let first = if count > 0 { self.first(search()).await? } else { None };
        Ok(Waiting { count, since: first.and_then(|first| since(&first.value)) })
    }

    /// Delete what a search yields, as many as its limit; answers how many went. Fewer means that none is left.
    pub async fn delete_many(&self, query: Query) -> Result<usize, StoreError> {
        Ok(self.engine.delete_many(query).await?)
    }

    /// Delete a tenant's document of that id if it is there, whatever is in it and however often it changes.
    async fn forget(&self, id: &str, tenant: &TenantId) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            let Some(found) = self.engine.get(self.collection, id.to_owned()).await? else { return Ok(()) };
            let is_own = TENANT.place().of(&found.body).and_then(Value::as_str) == Some(tenant.as_str());
            if !is_own || self.engine.delete(self.collection, found.id, found.version).await? {
                return Ok(());
            }
        }
        Err(StoreError::Conflict)
    }
}

/// Documents of one kind and one tenant.
#[derive(Clone)]
pub(super) struct Scoped<T> {
    all: Documents<T>,
    pub tenant: TenantId,
}

impl<T: Serialize + DeserializeOwned + OfTenant> Scoped<T> {
    pub fn new(all: Documents<T>, tenant: TenantId) -> Self {
        Self { all, tenant }
    }

    /// A search by an index whose first field is the tenant.
    pub fn query(&self, index: &'static str) -> Query {
        Query::by_index(self.all.collection, index).equals(TENANT, &self.tenant)
    }

    /// The same documents, of which a part is read: one that makes no sense elsewhere is no hindrance.
    pub fn part<P: Serialize + DeserializeOwned + OfTenant>(&self) -> Scoped<P> {
        Scoped::new(Documents::new(self.all.engine.clone(), self.all.collection), self.tenant.clone())
    }

    pub async fn find(&self, id: &str) -> Result<Option<Stored<T>>, StoreError> {
        Ok(self.all.find(id).await?.filter(|s| *s.value.tenant() == self.tenant))
    }

    pub async fn get(&self, id: &str) -> Result<Stored<T>, StoreError> {
        self.find(id).await?.ok_or(StoreError::NotFound)
    }

    pub async fn first(&self, query: Query) -> Result<Option<Stored<T>>, StoreError> {
        Ok(self.all.first(query).await?.filter(|s| *s.value.tenant() == self.tenant))
    }

    pub async fn list(&self, query: Query) -> Result<Listed<T>, StoreError> {
        self.all.list(query).await
    }

    /// How many a search of this tenant's yields.
    pub async fn count(&self, query: Query) -> Result<u64, StoreError> {
        self.all.count(query).await
    }

    pub async fn insert(&self, id: &str, value: &T) -> Result<(), StoreError> {
        self.own(value)?;
        self.all.insert(id, value).await
    }

    /// Insert a batch; answers the ids of those that were refused because the id or a unique key is taken.
    pub async fn insert_many(&self, values: Vec<(String, T)>) -> Result<Vec<String>, StoreError> {
        let new = |(id, value): &(String, T)| {
            self.own(value)?;
            Ok(New { id: id.clone(), body: encode(value)? })
        };
        let documents: Vec<New> = values.iter().map(new).collect::<Result<_, StoreError>>()?;
        let refused = self.all.engine.insert_many(self.all.collection, documents).await?;
        Ok(refused.into_iter().map(|place| values[place].0.clone()).collect())
    }

    pub async fn replace(&self, stored: Stored<T>) -> Result<Stored<T>, StoreError> {
        self.own(&stored.value)?;
        self.all.replace(stored).await
    }

    /// Change some, one after the other and as far as that goes; answers how many were changed.
    pub async fn update_in_turn(&self, amendments: Vec<Amendment>) -> Result<usize, StoreError> {
        let own = amendments.into_iter().map(|one| one.when(Filter::is(TENANT, &self.tenant))).collect();
        Ok(self.all.engine.update_in_turn(self.all.collection, own).await?)
    }

    /// Change some, each if its conditions hold, in no order; answers how many were changed.
    pub async fn update_many(&self, amendments: Vec<Amendment>) -> Result<usize, StoreError> {
        let own = amendments.into_iter().map(|one| one.when(Filter::is(TENANT, &self.tenant))).collect();
        self.all.update_many(own).await
    }

    /// Change one document in one step, whatever its version, if the filters hold.
    pub async fn update(
        &self,
        id: &str,
        filters: Vec<Filter>,
        update: Update,
    ) -> Result<Option<Stored<T>>, StoreError> {
        let own = Query::by_id(self.all.collection, id).filter(Filter::is(TENANT, &self.tenant));
        self.all.update(filters.into_iter().fold(own, Query::filter), update).await
    }

    /// A document that names another tenant does not exist here, on the way in as on the way out.
    fn own(&self, value: &T) -> Result<(), StoreError> {
        if *value.tenant() == self.tenant { Ok(()) } else { Err(StoreError::NotFound) }
    }

    /// Delete what a search of this tenant's yields, as many as its limit; answers how many went.
    pub async fn delete_many(&self, query: Query) -> Result<usize, StoreError> {
        self.all.delete_many(query).await
    }

    /// Delete a document of this tenant if it is there, damaged or not.
    pub async fn forget(&self, id: &str) -> Result<(), StoreError> {
        self.all.forget(id, &self.tenant).await
    }

    pub async fn delete(&self, id: &str, version: u64) -> Result<(), StoreError> {
        let stored = self.get(id).await?;
        if stored.version != version {
            return Err(StoreError::Conflict);
        }
        self.all.delete(id, version).await
    }
}

/// A document that belongs to a tenant.
pub trait OfTenant {
    fn tenant(&self) -> &TenantId;
}

fn encode<T: Serialize>(value: &T) -> Result<Map<String, Value>, StoreError> {
    match serde_json::to_value(value) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(StoreError::Engine(EngineError::Malformed("a document is an object".into()))),
        Err(error) => Err(StoreError::Engine(EngineError::Malformed(error.to_string()))),
    }
}

fn decode<T: DeserializeOwned>(document: Document) -> Result<Stored<T>, StoreError> {
    let Document { id, version, body } = document;
    match serde_json::from_value(Value::Object(body)) {
        Ok(value) => Ok(Stored { id, version, value }),
        Err(error) => {
            // It goes into the log: neither what stands in the document, nor a name in its id (`tenant:number`).
            let (id, error) = (id.split(':').next().unwrap_or_default(), without_value(&error.to_string()));
            Err(StoreError::Engine(EngineError::Malformed(format!("{id}: {error}"))))
        }
    }
}
