//! Documents in MongoDB: a collection per collection, `{_id, version, schema, body}`. A write is answered when a majority has it in
//! its journal. One document per atomic step, no sessions and no transactions, as the seam says. A write whose answer is lost
//! may have happened.

mod body;
mod change;
mod failure;
mod filter;
mod indexes;
mod many;
mod pool;
mod read;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::{Bson, Document as Bytes, RawDocumentBuf, doc};
use mongodb::options::{
    Acknowledgment, AggregateOptions, ClientOptions, CountOptions, FindOneAndUpdateOptions, FindOneOptions,
    FindOptions, ReadConcern, ReturnDocument, WriteConcern,
};
use mongodb::{Client, Database};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{
    Amendment, Answer, Collection, Connections, Document, Engine, EngineError, Field, IndexKind, Integer,
    Kept, MAX_BATCH, MAX_LISTED_BYTES, MAX_PAGE, New, Page, Place, Query, Renewal, Totals, Update, Which,
};
use change::Native;
use failure::{failed, insert_many_failed};
use pool::Pool;
use read::{Read, read, read_kept, read_page, read_totals};

/// Longest wait for an answer. The API answers 503 within four seconds, and a caller waits that long for a config at most.
const ANSWER_DEADLINE: Duration = Duration::from_millis(3_500);
/// Longest wait for a server that may be asked.
const SELECTION_DEADLINE: Duration = Duration::from_secs(3);
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Longest wait for a sum or a count, which may look at very many documents.
const SCAN_DEADLINE: Duration = Duration::from_secs(10);
/// Connections of a bridge to each server, unless the address names another number (`maxPoolSize`). The driver's own ten are spent
/// by ten slow answers.
const MAX_CONNECTIONS: u32 = 100;
/// Documents on their way at once when a deployment is moved.
const RESTORED_AT_ONCE: usize = 8;
/// Documents of one answer of the server when they are listed by their ids.
const LISTED_AT_ONCE: u32 = 32;
/// So many documents that hold what Vox never writes are made up for in a page, so that a search for the first finds a sound one.
const MAX_DAMAGED: usize = 64;
/// Tries of a change against others that write the same document.
const MAX_TRIES: usize = 32;
/// Largest stored document, bytes: MongoDB's own limit is 16 MiB.
const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024 - 16 * 1024;
/// The database of an address that names none.
const DATABASE: &str = "vox";
/// Written to see whether a write would be taken.
const PROBES: &str = "write_probes";

/// The MongoDB engine. Cheap to clone.
#[derive(Clone)]
pub struct Mongo {
    database: Database,
    pool: Arc<Pool>,
}

impl Mongo {
    /// Connect to the deployment behind a connection string; its database is the one that it names, or `vox`.
    pub async fn open(uri: &str) -> Result<Self, EngineError> {
        let mut options = ClientOptions::parse(uri).await.map_err(failed)?;
        options.app_name.get_or_insert_with(|| "vox-bridge".into());
        options.server_selection_timeout = Some(SELECTION_DEADLINE);
        options.connect_timeout = Some(CONNECT_DEADLINE);
        options.max_pool_size.get_or_insert(MAX_CONNECTIONS);
        options.write_concern =
            Some(WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build());
        options.read_concern = Some(ReadConcern::majority());
        let pool = Pool::watch(&mut options);
        let client = Client::with_options(options).map_err(failed)?;
        let database = client.default_database().unwrap_or_else(|| client.database(DATABASE));
        let engine = Self { database, pool };
        engine.check_writable().await?;
        Ok(engine)
    }

    fn of(&self, collection: &Collection) -> mongodb::Collection<Bytes> {
        self.database.collection(collection.name)
    }
}

/// Run to its end in a task of its own and wait so long: the driver's futures may not be dropped half-way.
fn within<T, F>(deadline: Duration, work: F) -> Answer<'static, T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, EngineError>> + Send + 'static,
{
    Box::pin(async move {
        match timeout(deadline, tokio::spawn(work)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(EngineError::Unavailable("a request to the store failed".into())),
            Err(_) => Err(EngineError::Unavailable("the store is too slow".into())),
        }
    })
}

/// A document as it is stored.
fn stored(
    into: &Collection,
    (id, version): (&str, u64),
    body: &Map<String, Value>,
) -> Result<Bytes, EngineError> {
    into.check(body)?;
    let version = i64::try_from(version).map_err(|_| EngineError::Overflow("version".into()))?;
    let document = doc! { "_id": id, "version": version, "schema": schema(into), "body": body::encode(body) };
    let bytes = mongodb::bson::serialize_to_vec(&document)
        .map_err(|error| EngineError::Malformed(error.to_string()))?
        .len();
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(EngineError::Malformed(format!(
            "{id}: {bytes} bytes, and {MAX_DOCUMENT_BYTES} are the most"
        )));
    }
    Ok(document)
}

fn schema(of: &Collection) -> i64 {
    i64::from(of.schema())
}

impl Mongo {
    async fn first(&self, query: &Query) -> Result<Option<Document>, EngineError> {
        let search = filter::search(query)?;
        let of = self.of(query.collection);
        let options =
            FindOneOptions::builder().sort(search.sort).hint(search.hint).max_time(ANSWER_DEADLINE).build();
        let found = of.find_one(search.filter).with_options(options).await.map_err(failed)?;
        found.map(read).transpose()
    }

    /// A page out of so many documents at most.
    async fn page(&self, query: &Query, asked: usize, deadline: Duration) -> Result<Read, EngineError> {
        let of = self.of(query.collection).clone_with_type::<RawDocumentBuf>();
        let (shape, search) = (query.shape()?, filter::search(query)?);
        let omitted = query.omit.iter().map(|f| (filter::path(&f.place()), Bson::from(0)));
        let options = FindOptions::builder()
            .projection((!query.omit.is_empty()).then(|| omitted.collect::<Bytes>()))
            .sort(search.sort)
            .hint(search.hint)
            .limit(i64::try_from(asked).unwrap_or(i64::MAX))
            // The server ends it too: nobody waits for it any more.
            .max_time(deadline)
            .batch_size((query.max_bytes < usize::MAX).then_some(LISTED_AT_ONCE))
            .build();
        let found = of.find(search.filter).with_options(options).await.map_err(failed)?;
        read_page(query, shape.as_ref(), (found, asked)).await
    }

    /// The change by the server itself, where that means exactly what [`Update::apply`] means.
    async fn change_there(&self, query: &Query, native: Native) -> Result<Option<Document>, EngineError> {
        let search = filter::search(query)?;
        let conditions = std::iter::once(search.filter).chain(native.guards).collect();
        let of = self.of(query.collection);
        let options = FindOneAndUpdateOptions::builder()
            .return_document(ReturnDocument::After)
            .sort(search.sort)
            // No hint: not every server takes one here. The conditions are the index's own.
            .build();
        let change = of.find_one_and_update(filter::all_of(conditions), native.update);
        change.with_options(options).await.map_err(failed)?.map(read).transpose()
    }

    /// The change in code, until nobody else was faster.
    async fn change_here(&self, query: &Query, update: &Update) -> Result<Option<Document>, EngineError> {
        for _ in 0..MAX_TRIES {
            let Some(mut document) = self.first(query).await? else { return Ok(None) };
            update.apply(&mut document.body)?;
            match self.replace(query.collection, &document).await {
                Ok(version) => return Ok(Some(Document { version, ..document })),
                Err(EngineError::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Err(EngineError::Unavailable("others change the document all the time".into()))
    }

    async fn replace(&self, into: &Collection, document: &Document) -> Result<u64, EngineError> {
        let next = document.version + 1;
        let new = stored(into, (&document.id, next), &document.body)?;
        let version = i64::try_from(document.version).map_err(|_| EngineError::Stale)?;
        let filter = doc! { "_id": &document.id, "version": version };
        match self.of(into).replace_one(filter, new).await.map_err(failed)?.matched_count {
            0 => Err(EngineError::Stale),
            _ => Ok(next),
        }
    }

    /// Delete up to `limit`; a document that stops matching meanwhile stays.
    async fn delete_found(&self, query: Query) -> Result<usize, EngineError> {
        let (search, of) = (filter::search(&query)?, self.of(query.collection));
        let mut gone = 0;
        while gone < query.limit {
            let limit = i64::try_from(query.limit - gone).unwrap_or(i64::MAX);
            let options = FindOptions::builder()
                .projection(doc! { "_id": 1 })
                .sort(search.sort.clone())
                .hint(search.hint.clone())
                .limit(limit)
                .max_time(SCAN_DEADLINE)
                .build();
            let find = of.find(search.filter.clone()).with_options(options);
            let found: Vec<Bytes> = find.await.map_err(failed)?.try_collect().await.map_err(failed)?;
            let ids: Vec<Bson> = found.into_iter().filter_map(|mut d| d.remove("_id")).collect();
            if ids.is_empty() {
                break;
            }
            let filter = filter::all_of(vec![doc! { "_id": { "$in": ids } }, search.filter.clone()]);
            gone += usize::try_from(of.delete_many(filter).await.map_err(failed)?.deleted_count).unwrap_or(0);
        }
        Ok(gone)
    }
}

impl Engine for Mongo {
    fn name(&self) -> &'static str {
        "mongodb"
    }

    fn connections(&self) -> Connections {
        self.pool.connections()
    }

    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()> {
        let (database, collections) = (self.database.clone(), collections.to_vec());
        // No deadline: a new index over a large collection takes minutes, and a start that gave up would never get there.
        Box::pin(async move {
            let built = tokio::spawn(async move { indexes::prepare(&database, &collections).await });
            built.await.map_err(|_| EngineError::Unavailable("the indexes could not be built".into()))?
        })
    }

    fn insert(&self, into: &'static Collection, id: String, body: Map<String, Value>) -> Answer<'_, ()> {
        let of = self.of(into);
        within(ANSWER_DEADLINE, async move {
            of.insert_one(stored(into, (&id, 1), &body)?).await.map_err(failed).map(drop)
        })
    }

    fn insert_many(&self, into: &'static Collection, documents: Vec<New>) -> Answer<'_, Vec<usize>> {
        let of = self.of(into);
        within(ANSWER_DEADLINE, async move {
            if documents.len() > MAX_BATCH {
                return Err(EngineError::TooMany { got: documents.len() });
            }
            if documents.is_empty() {
                return Ok(Vec::new());
            }
            let new: Vec<Bytes> =
                documents.iter().map(|n| stored(into, (&n.id, 1), &n.body)).collect::<Result<_, _>>()?;
            match of.insert_many(new).ordered(false).await {
                Ok(_) => Ok(Vec::new()),
                Err(error) => insert_many_failed(error),
            }
        })
    }

    fn get(&self, from: &'static Collection, id: String) -> Answer<'_, Option<Document>> {
        let of = self.of(from);
        within(ANSWER_DEADLINE, async move {
            of.find_one(doc! { "_id": id })
                .max_time(ANSWER_DEADLINE)
                .await
                .map_err(failed)?
                .map(read)
                .transpose()
        })
    }

    fn find(&self, query: Query) -> Answer<'_, Page> {
        let engine = self.clone();
        let deadline = if query.is_scan() { SCAN_DEADLINE } else { ANSWER_DEADLINE };
        within(deadline, async move {
            let asked = query.limit + 1;
            let read = engine.page(&query, asked, deadline).await?;
            if !read.is_short {
                return Ok(read.page);
            }
            Ok(engine.page(&query, asked + MAX_DAMAGED, deadline).await?.page)
        })
    }

    fn compare_and_set(&self, into: &'static Collection, document: Document) -> Answer<'_, u64> {
        let engine = self.clone();
        within(ANSWER_DEADLINE, async move {
            into.may_change()?;
            engine.replace(into, &document).await
        })
    }

    fn find_one_and_update(&self, query: Query, update: Update) -> Answer<'_, Option<Document>> {
        let engine = self.clone();
        within(ANSWER_DEADLINE, async move {
            query.collection.may_change()?;
            update.check(query.collection)?;
            let query = Query { omit: &[], ..query }.limit(1);
            if let Some(native) = change::native(&update, query.collection) {
                let may_miss = !native.guards.is_empty();
                match engine.change_there(&query, native).await? {
                    None if may_miss => {}
                    answer => return Ok(answer),
                }
            }
            engine.change_here(&query, &update).await
        })
    }

    fn update_many(&self, of: &'static Collection, amendments: Vec<Amendment>) -> Answer<'_, usize> {
        let engine = self.clone();
        within(SCAN_DEADLINE, async move { engine.amend(of, amendments).await })
    }

    fn update_in_turn(&self, of: &'static Collection, amendments: Vec<Amendment>) -> Answer<'_, usize> {
        let engine = self.clone();
        // Each has its own deadline, and whoever waits for all of them gets what was done until then.
        Box::pin(async move { engine.amend_in_turn(of, amendments).await })
    }

    fn delete(&self, from: &'static Collection, id: String, version: u64) -> Answer<'_, bool> {
        let of = self.of(from);
        within(ANSWER_DEADLINE, async move {
            from.may_change()?;
            let Ok(version) = i64::try_from(version) else { return Ok(false) };
            let deleted = of.delete_one(doc! { "_id": id, "version": version }).await.map_err(failed)?;
            Ok(deleted.deleted_count > 0)
        })
    }

    fn delete_many(&self, query: Query) -> Answer<'_, usize> {
        let engine = self.clone();
        within(SCAN_DEADLINE, async move {
            query.collection.may_change()?;
            if query.shape()?.is_none_or(|shape| shape.index.kind == IndexKind::Words) {
                return Err(EngineError::Undeclared("one document is deleted by its id and version".into()));
            }
            engine.delete_found(query).await
        })
    }

    fn count(&self, query: Query) -> Answer<'_, u64> {
        let of = self.of(query.collection);
        within(SCAN_DEADLINE, async move {
            let search = filter::search(&query)?;
            let options = CountOptions::builder().hint(search.hint).max_time(SCAN_DEADLINE).build();
            of.count_documents(search.filter).with_options(options).await.map_err(failed)
        })
    }

    fn sums(&self, query: Query, group_by: Place, fields: Vec<Field<Integer>>) -> Answer<'_, Vec<Totals>> {
        let of = self.of(query.collection);
        within(SCAN_DEADLINE, async move {
            query.collection.declares(&group_by)?;
            let search = filter::search(&Query { after: None, ..query })?;
            let key = format!("${}", filter::path(&group_by));
            let mut group = doc! { "_id": { "$ifNull": [key, Bson::Null] }, "count": { "$sum": 1_i64 } };
            for (n, field) in fields.iter().enumerate() {
                query.collection.declares(&field.place())?;
                // As decimals, which hold any sum of 64-bit numbers exactly; integers would become floats when they overflow.
                let value = format!("${}", filter::path(&field.place()));
                group.insert(format!("sum{n}"), doc! { "$sum": { "$toDecimal": value } });
            }
            let aggregate = of.aggregate([doc! { "$match": search.filter }, doc! { "$group": group }]);
            let options = AggregateOptions::builder().hint(search.hint).max_time(SCAN_DEADLINE).build();
            let groups: Vec<Bytes> =
                aggregate.with_options(options).await.map_err(failed)?.try_collect().await.map_err(failed)?;
            groups.into_iter().map(|group| read_totals(group, fields.len())).collect()
        })
    }

    fn list_by_id(
        &self,
        of: &'static Collection,
        which: Which,
        after: Option<String>,
    ) -> Answer<'_, Vec<Kept>> {
        let collection = self.of(of);
        within(SCAN_DEADLINE, async move {
            let mut filter = doc! { "_id": { "$gt": after.unwrap_or_default() } };
            match which {
                Which::Outdated if of.schema() == 1 => return Ok(Vec::new()),
                Which::Outdated => drop(filter.insert("schema", doc! { "$lt": schema(of) })),
                Which::All => {}
            }
            let limit = i64::try_from(MAX_PAGE).unwrap_or(i64::MAX);
            let raw = collection.clone_with_type::<RawDocumentBuf>();
            let find = raw.find(filter).sort(doc! { "_id": 1 }).limit(limit).batch_size(LISTED_AT_ONCE);
            let find = find.max_time(SCAN_DEADLINE);
            let (mut found, mut page, mut bytes) = (find.await.map_err(failed)?, Vec::new(), 0);
            while bytes < MAX_LISTED_BYTES
                && let Some(one) = found.try_next().await.map_err(failed)?
            {
                bytes += one.as_bytes().len();
                page.extend(read_kept(of, &one));
            }
            Ok(page)
        })
    }

    fn restore(&self, into: &'static Collection, documents: Vec<Kept>) -> Answer<'_, ()> {
        let of = self.of(into);
        within(SCAN_DEADLINE, async move {
            let stored = |kept: Kept| {
                let Kept { document: Document { id, version, body }, schema } = kept;
                stored(into, (&id, version), &body).map(|mut document| {
                    document.insert("schema", i64::from(schema));
                    (id, document)
                })
            };
            let new: Vec<(String, Bytes)> = documents.into_iter().map(stored).collect::<Result<_, _>>()?;
            let put = |(id, document): (String, Bytes)| {
                let of = of.clone();
                async move {
                    let replaced = of.replace_one(doc! { "_id": id }, document).upsert(true).await;
                    replaced.map_err(failed).map(drop)
                }
            };
            stream::iter(new).map(put).buffer_unordered(RESTORED_AT_ONCE).try_collect().await
        })
    }

    fn check_writable(&self) -> Answer<'_, ()> {
        let probes = self.database.collection::<Bytes>(PROBES);
        within(ANSWER_DEADLINE, async move {
            let written = doc! { "$currentDate": { "at": true } };
            probes.update_one(doc! { "_id": "probe" }, written).upsert(true).await.map_err(failed).map(drop)
        })
    }

    /// What the server keeps in its files of deleted documents is the server's: `docs/data-protection.md` says what it takes.
    fn scrub(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// As [`Self::scrub`].
    fn settle(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// A word is an entry of an index of its own, which goes with its document.
    fn renew_words(&self, _: Renewal) -> Answer<'_, bool> {
        Box::pin(async { Ok(true) })
    }

    fn brought_up(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// The driver's tasks panic when the runtime ends before them.
    fn close(&self) -> Answer<'_, ()> {
        let client = self.database.client().clone();
        within(ANSWER_DEADLINE, async move {
            client.shutdown().await;
            Ok(())
        })
    }
}
