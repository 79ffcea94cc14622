//! Every declared index serves every search that it allows.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vox_bridge::store::COLLECTIONS;
use vox_bridge::store::engine::{
    Boolean, Collection, Cursor, EngineError, Field, FieldType, Filter, Index, IndexKind, Integer, Order,
    Place, Query, Text, Word,
};

use crate::harness::temp_engine;

/// The SQLite engine refuses plans that scan or sort in memory while debug assertions are on, so asking is proving.
#[tokio::test]
async fn every_declared_index_serves_every_search_it_allows() {
    let (_data, engine) = temp_engine();
    engine.prepare(COLLECTIONS).await.unwrap();
    let mut asked = 0;
    for collection in COLLECTIONS.iter().copied() {
        for index in collection.indexes {
            if index.kind == IndexKind::Words {
                for query in searches_of_words(collection, index) {
                    engine.find(query.clone()).await.unwrap_or_else(|e| panic!("{query:?}: {e}"));
                    engine.count(query.after(None)).await.unwrap();
                    asked += 1;
                }
                continue;
            }
            let least = if index.kind == IndexKind::Unique { index.fields.len() } else { 0 };
            for fixed in least..=index.fields.len() {
                for query in searches(collection, index, fixed) {
                    engine.find(query.clone()).await.unwrap_or_else(|e| panic!("{query:?}: {e}"));
                    engine.count(query.clone()).await.unwrap();
                    match engine.delete_many(query.after(None)).await {
                        Err(EngineError::AppendOnly(_)) if collection.is_append_only() => {}
                        deleted => drop(deleted.unwrap()),
                    }
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 50, "{asked}");
}

/// A value of a field's type.
fn value_of(place: &Place, text: &str, number: i64) -> Value {
    match place.kind {
        FieldType::Text => text.into(),
        FieldType::Integer => number.into(),
        FieldType::Boolean | FieldType::Json => true.into(),
    }
}

fn fixed(query: Query, place: &Place) -> Query {
    match place.kind {
        FieldType::Text => query.equals(Field::<Text>::new(place.path), "x"),
        FieldType::Integer => query.equals(Field::<Integer>::new(place.path), 5),
        FieldType::Boolean | FieldType::Json => query.equals(Field::<Boolean>::new(place.path), true),
    }
}

fn bounded(query: Query, place: &Place, from: bool, below: bool) -> Query {
    let (text, number) = (Field::<Text>::new(place.path), Field::<Integer>::new(place.path));
    let query = match (from, place.kind) {
        (true, FieldType::Integer) => query.from(number, 1),
        (true, _) => query.from(text, "a"),
        (false, _) => query,
    };
    match (below, place.kind) {
        (true, FieldType::Integer) => query.below(number, 9),
        (true, _) => query.below(text, "z"),
        (false, _) => query,
    }
}

fn searches_of_words(collection: &'static Collection, index: &'static Index) -> Vec<Query> {
    let (scope, place) = (Field::<Text>::new(index.fields[0].path), &index.fields[1]);
    let words = [vec![Word::Whole("a".into())], vec![Word::Prefix("a".into()), Word::Whole("b".into())]];
    let mut all = Vec::new();
    for words in words {
        let base = words.into_iter().fold(Query::by_words(collection, index.name, (scope, "x")), Query::word);
        for (from, below) in [(false, false), (true, false), (true, true)] {
            let query = bounded(base.clone(), place, from, below);
            let cursor = Cursor::of_place(index.name, 5, "id".into());
            all.extend([query.clone(), query.order(Order::Descending).after(Some(cursor))]);
        }
    }
    all
}

fn searches(collection: &'static Collection, index: &'static Index, prefix: usize) -> Vec<Query> {
    let base = index.fields[..prefix].iter().fold(Query::by_index(collection, index.name), fixed);
    let mut all = if prefix > 0 { vec![base.clone()] } else { Vec::new() };
    if let Some(next) = index.fields.get(prefix) {
        all.extend(
            [(true, false), (false, true), (true, true)].map(|(f, b)| bounded(base.clone(), next, f, b)),
        );
    }
    let keys: Vec<Value> = index.fields[prefix..].iter().map(|place| value_of(place, "m", 5)).collect();
    let paged = |query: &Query, order: Order, word: &str| {
        let cursor = json!({"i": index.name, "o": word, "k": keys, "d": "id"});
        query.clone().order(order).after(Some(serde_json::from_value(cursor).unwrap()))
    };
    let declared = collection.indexes.iter().flat_map(|i| i.fields).chain(collection.fields);
    let may_filter = |place: &&Place| place.kind != FieldType::Json && !index.fields.contains(place);
    let other = declared.into_iter().find(may_filter);
    let turned: Vec<Query> = all
        .iter()
        .flat_map(|q| {
            let filtered = other.map_or(q.clone(), |other| match other.kind {
                FieldType::Integer => q.clone().filter(Filter::is(Field::<Integer>::new(other.path), 5)),
                FieldType::Boolean => q.clone().filter(Filter::is(Field::<Boolean>::new(other.path), true)),
                _ => q.clone().filter(Filter::is(Field::<Text>::new(other.path), "x")),
            });
            let filtered = filtered.order(Order::Descending);
            [filtered, paged(q, Order::Ascending, "Ascending"), paged(q, Order::Descending, "Descending")]
        })
        .collect();
    all.extend(turned);
    all
}

/// A collection that the role does not name yet could not be made by the bridge that has it.
#[test]
fn the_roles_of_mongodb_name_every_collection() {
    let script = include_str!("../../../../scripts/mongodb/roles.js");
    let named = |list: &str| -> BTreeSet<&str> {
        let rest = script.split(&format!("const {list} = [")).nth(1).expect("the script has the list");
        rest.split(']').next().unwrap().split('"').skip(1).step_by(2).collect()
    };
    let (all, added) = (named("all"), named("added"));
    assert!(COLLECTIONS.iter().filter(|c| c.is_append_only()).all(|c| added.contains(c.name)), "{added:?}");
    let known: BTreeSet<&str> = COLLECTIONS.iter().map(|c| c.name).chain(["write_probes"]).collect();
    assert_eq!(all.union(&added).copied().collect::<BTreeSet<_>>(), known, "scripts/mongodb/roles.js");
    assert!(all.is_disjoint(&added));
    let billing = named("billing");
    assert!(billing.is_subset(&known) && billing.contains("ledger") && billing.contains("statements"));
}
