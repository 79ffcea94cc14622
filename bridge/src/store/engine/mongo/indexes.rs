//! The declared indexes: made where they are missing, and compared with what is there.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};

use super::super::{Collection, EngineError, Index, IndexKind};
use super::failure::failed;
use super::filter::{index_name, is_there, path};

pub async fn prepare(database: &Database, collections: &[&'static Collection]) -> Result<(), EngineError> {
    for collection in collections {
        let of = database.collection::<Document>(collection.name);
        let wanted: Vec<IndexModel> =
            collection.indexes.iter().flat_map(models).chain(outdated(collection)).collect();
        if wanted.is_empty() {
            continue;
        }
        of.create_indexes(wanted.clone()).await.map_err(failed)?;
        let there: Vec<IndexModel> =
            of.list_indexes().await.map_err(failed)?.try_collect().await.map_err(failed)?;
        for index in &wanted {
            if !there.iter().any(|found| is_same(found, index)) {
                return Err(EngineError::Unavailable(format!(
                    "{}: the index '{}' is not as declared; drop it, and start again to build it anew",
                    collection.name,
                    name(index).unwrap_or_default()
                )));
            }
        }
    }
    Ok(())
}

/// An index over words has a second one beside it: no two documents have the same place.
fn models(index: &Index) -> Vec<IndexModel> {
    let place = index.fields.get(1).filter(|_| index.kind == IndexKind::Words);
    let of_place = place.map(|place| {
        let options =
            IndexOptions::builder().name(format!("{}__place", index_name(index))).unique(true).build();
        IndexModel::builder().keys(doc! { path(place): 1 }).options(options).build()
    });
    std::iter::once(model(index)).chain(of_place).collect()
}

fn model(index: &Index) -> IndexModel {
    let mut places: Vec<_> = index.fields.iter().collect();
    // The words stand between the scope and the place.
    places.splice(places.len().min(1)..places.len().min(1), &index.words);
    let mut keys: Document = places.into_iter().map(|place| (path(place), Bson::from(1))).collect();
    if index.kind != IndexKind::Unique {
        keys.insert("_id", 1);
    }
    let options = IndexOptions::builder()
        .name(index_name(index))
        .unique((index.kind == IndexKind::Unique).then_some(true))
        .partial_filter_expression(index.optional.as_ref().map(is_there))
        .build();
    IndexModel::builder().keys(keys).options(options).build()
}

/// Of the documents of older schemas: empty almost always.
fn outdated(collection: &Collection) -> Option<IndexModel> {
    let schema = super::schema(collection);
    let options = IndexOptions::builder()
        .name(format!("before_{schema}"))
        .partial_filter_expression(doc! { "schema": { "$lt": schema } })
        .build();
    (schema > 1).then(|| IndexModel::builder().keys(doc! { "schema": 1, "_id": 1 }).options(options).build())
}

fn name(index: &IndexModel) -> Option<String> {
    index.options.as_ref()?.name.clone()
}

/// A server tells numbers of keys in the type it likes.
fn is_same(found: &IndexModel, wanted: &IndexModel) -> bool {
    let keys = |model: &IndexModel| model.keys.keys().cloned().collect::<Vec<_>>();
    let unique = |model: &IndexModel| model.options.as_ref().and_then(|o| o.unique).unwrap_or(false);
    let is_partial =
        |model: &IndexModel| model.options.as_ref().is_some_and(|o| o.partial_filter_expression.is_some());
    name(found) == name(wanted)
        && keys(found) == keys(wanted)
        && unique(found) == unique(wanted)
        && is_partial(found) == is_partial(wanted)
}
