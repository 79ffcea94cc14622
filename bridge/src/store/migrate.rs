//! Bringing old documents up to date, before anything else reads them. Each document is one atomic step of its own, so a start
//! that was killed half-way is simply repeated; a document that cannot be brought up to date stays as it is and is told.

use futures_util::future::join_all;
use serde_json::Map;

use super::engine::{Collection, Engine, EngineError, Field, Integer, Kept, Update};
use super::engine::{Document, Query, Which};

const SCHEMA: Field<Integer> = Field::new("schema");
/// Writes under way at the same time: they share a commit.
const AT_ONCE: usize = 100;

/// Which schema each collection was brought to; the id is the collection's name. An older version reads it and refuses
/// the store, in which it would misread what a newer one wrote.
pub static SCHEMAS: Collection =
    Collection { name: "schemas", indexes: &[], fields: &[SCHEMA.place()], steps: &[] };

/// Bring all documents of these collections to their present schema.
pub async fn run(engine: &dyn Engine, collections: &[&'static Collection]) -> Result<(), EngineError> {
    // All are looked at before one is touched.
    for collection in collections {
        refuse_newer(engine, collection).await?;
    }
    for collection in collections {
        // Noted first: from the first new document on, an older version must not use the store.
        note(engine, collection).await?;
        bring_up(engine, collection).await?;
    }
    Ok(())
}

async fn noted(engine: &dyn Engine, collection: &Collection) -> Result<Option<i64>, EngineError> {
    let document = engine.get(&SCHEMAS, collection.name.to_owned()).await?;
    Ok(document.and_then(|d| SCHEMA.place().of(&d.body)?.as_i64()))
}

async fn refuse_newer(engine: &dyn Engine, collection: &Collection) -> Result<(), EngineError> {
    let known = i64::from(collection.schema());
    match noted(engine, collection).await? {
        Some(found) if found > known => {
            let what = format!("the collection '{}'", collection.name);
            Err(EngineError::Newer { what, found, known })
        }
        _ => Ok(()),
    }
}

async fn note(engine: &dyn Engine, collection: &Collection) -> Result<(), EngineError> {
    let schema = i64::from(collection.schema());
    if noted(engine, collection).await? == Some(schema) {
        return Ok(());
    }
    let id = collection.name.to_owned();
    let body = Map::from_iter([("schema".to_owned(), schema.into())]);
    match engine.insert(&SCHEMAS, id.clone(), body).await {
        Err(EngineError::Duplicate) => {
            let update = Update::default().set(SCHEMA, schema);
            engine.find_one_and_update(Query::by_id(&SCHEMAS, id), update).await.map(drop)
        }
        other => other,
    }
}

async fn bring_up(engine: &dyn Engine, collection: &'static Collection) -> Result<(), EngineError> {
    let (mut after, mut done, mut left) = (None, 0_usize, 0_usize);
    loop {
        let page = engine.list_by_id(collection, Which::Outdated, after.take()).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.document.id.clone());
        for some in page.chunks(AT_ONCE) {
            let written =
                join_all(some.iter().map(|old| bring_one_up(engine, collection, old.clone()))).await;
            for outcome in written {
                match outcome? {
                    true => done += 1,
                    false => left += 1,
                }
            }
        }
    }
    if done + left > 0 {
        tracing::info!(
            collection = collection.name,
            schema = collection.schema(),
            done,
            left,
            "old documents were brought up to date"
        );
    }
    Ok(())
}

/// `false` for a document that stays as it is.
async fn bring_one_up(
    engine: &dyn Engine,
    collection: &'static Collection,
    old: Kept,
) -> Result<bool, EngineError> {
    if old.is_damaged() {
        // The engine has told it.
        return Ok(false);
    }
    let Kept { document: Document { id, version, mut body }, schema } = old;
    let taken = usize::try_from(schema.saturating_sub(1)).unwrap_or(usize::MAX);
    let stepped = collection.steps.iter().skip(taken).try_for_each(|step| step(&mut body));
    let written = match stepped {
        Ok(()) => engine.compare_and_set(collection, Document { id: id.clone(), version, body }).await,
        Err(why) => Err(EngineError::Malformed(why)),
    };
    match written {
        Ok(_) => Ok(true),
        Err(error @ (EngineError::Malformed(_) | EngineError::Duplicate)) => {
            // One damaged document may not keep the platform from starting.
            tracing::error!(collection = collection.name, id, %error, "a document could not be brought up to date");
            Ok(false)
        }
        // Written by somebody else meanwhile, which brought it up to date too.
        Err(EngineError::Stale) => Ok(true),
        Err(error) => Err(error),
    }
}
