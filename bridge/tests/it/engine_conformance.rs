//! The suite that every document engine passes. It uses nothing but the seam, so another engine joins with one more test
//! at the end of this file.

mod batches;
mod indexes;
mod schemas;
mod types;
mod words;

use std::sync::Arc;

use serde_json::{Map, Value, json};
use vox_bridge::store::engine::mongo::Mongo;
use vox_bridge::store::engine::{
    Boolean, Collection, Cursor, Document, Engine, EngineError, Field, Filter, Index, Integer, Json,
    MAX_KEY_BYTES, Order, Query, Text, Update, Which,
};

use crate::harness::mongodb::MongoDb;
use crate::harness::temp_engine;

const OWNER: Field<Text> = Field::new("owner");
const AGE: Field<Integer> = Field::new("age");
const KEY: Field<Text> = Field::new("key");
const NOTE: Field<Text> = Field::new("note");
const COLOUR: Field<Text> = Field::new("colour");
const FLAG: Field<Boolean> = Field::new("flag");
const DEEP: Field<Integer> = Field::new("in.deep");
const IN: Field<Json> = Field::new("in");
const LIST: Field<Json> = Field::new("list");
const BY: Field<Integer> = Field::new("by");
const COUNT: Field<Integer> = Field::new("count.all");
const VENDOR: Field<Text> = Field::new("vendor");
const COST: Field<Integer> = Field::new("cost_micros");

static THINGS: Collection = Collection {
    name: "things",
    indexes: &[
        Index::ordered("by_age", &[OWNER.place(), AGE.place()]),
        Index::unique("by_key", &[OWNER.place(), KEY.place()]),
        Index::sparse("by_note", &[OWNER.place(), NOTE.place()]),
        Index::ordered("of_all", &[AGE.place()]),
    ],
    fields: &[
        COLOUR.place(),
        FLAG.place(),
        DEEP.place(),
        IN.place(),
        LIST.place(),
        BY.place(),
        COUNT.place(),
        VENDOR.place(),
        COST.place(),
    ],
    steps: &[],
};

/// The same documents as a later version declares them.
static NEWER_THINGS: Collection = Collection {
    name: "things",
    indexes: THINGS.indexes,
    fields: THINGS.fields,
    steps: &[|body| {
        body.insert("note".into(), "stepped".into());
        Ok(())
    }],
};

type Shared = Arc<dyn Engine>;

async fn suite(engine: Shared) {
    engine.prepare(&[&THINGS]).await.unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    inserts_are_unique(&engine).await;
    absent_fields_are_outside_unique_and_sparse_indexes(&engine).await;
    documents_that_indexes_cannot_order_are_refused(&engine).await;
    pages_are_complete_and_in_order(&engine).await;
    heavy_pages_end_early(&engine).await;
    filters_and_ranges_narrow(&engine).await;
    undeclared_searches_are_refused(&engine).await;
    types::undeclared_changes_are_refused(&engine).await;
    types::a_field_has_one_type(&engine).await;
    batches::batches_are_inserted_and_tell_what_was_refused(&engine).await;
    batches::many_are_changed_and_nobody_else(&engine).await;
    batches::changes_in_turn_end_at_the_first_that_cannot_be_made(&engine).await;
    batches::many_are_deleted_by_an_index(&engine).await;
    types::sums_are_exact(&engine).await;
    schemas::old_documents_are_listed_until_they_are_written(&engine).await;
    schemas::documents_are_listed_by_their_ids_and_kept_as_they_were(&engine).await;
    one_of_many_compare_and_sets_wins(&engine).await;
    each_claim_is_given_once(&engine).await;
    increments_add_up(&engine).await;
    deletes_need_the_version(&engine).await;
    types::counts_and_sums(&engine).await;
    values_come_back_as_they_were(&engine).await;
    words::words_find_documents(&engine).await;
    words::what_changes_is_found_anew(&engine).await;
    words::pages_of_words_are_complete_and_in_order(&engine).await;
    words::a_beginning_of_few_words_and_of_many(&engine).await;
    words::words_that_no_engine_could_index_are_refused(&engine).await;
    assert_eq!(engine.check_writable().await, Ok(()));
}

fn body(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn put(engine: &Shared, id: &str, value: Value) {
    engine.insert(&THINGS, id.into(), body(value)).await.unwrap();
}

fn owned(index: &'static str, owner: &str) -> Query {
    Query::by_index(&THINGS, index).equals(OWNER, owner)
}

async fn ids(engine: &Shared, query: Query) -> Vec<String> {
    engine.find(query).await.unwrap().documents.into_iter().map(|d| d.id).collect()
}

async fn inserts_are_unique(engine: &Shared) {
    put(engine, "u1", json!({"owner": "u", "age": 1, "key": "k"})).await;
    let same_id = engine.insert(&THINGS, "u1".into(), body(json!({"owner": "u", "age": 2}))).await;
    assert_eq!(same_id, Err(EngineError::Duplicate));
    let same_key =
        engine.insert(&THINGS, "u2".into(), body(json!({"owner": "u", "age": 2, "key": "k"}))).await;
    assert_eq!(same_key, Err(EngineError::Duplicate));
    put(engine, "u3", json!({"owner": "other", "age": 2, "key": "k"})).await;
    let into_key = Query::by_id(&THINGS, "u3");
    let clash = engine.find_one_and_update(into_key, Update::default().set(OWNER, "u")).await;
    assert_eq!(clash, Err(EngineError::Duplicate), "an update may not break a key either");
    assert_eq!(engine.get(&THINGS, "u3".into()).await.unwrap().unwrap().body["owner"], "other");
    let losers = 16;
    let tries = (0..=losers).map(|n| {
        let engine = engine.clone();
        tokio::spawn(async move {
            engine
                .insert(&THINGS, format!("race{n}"), body(json!({"owner": "u", "age": 3, "key": "raced"})))
                .await
        })
    });
    let mut won = 0;
    for outcome in tries.collect::<Vec<_>>() {
        match outcome.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert_eq!(error, EngineError::Duplicate),
        }
    }
    assert_eq!(won, 1);
}

async fn absent_fields_are_outside_unique_and_sparse_indexes(engine: &Shared) {
    put(engine, "a1", json!({"owner": "a", "age": 1})).await;
    put(engine, "a2", json!({"owner": "a", "age": 1, "key": null})).await;
    put(engine, "a3", json!({"owner": "a", "age": 1, "note": "n"})).await;
    assert_eq!(ids(engine, owned("by_note", "a")).await, ["a3"]);
    assert_eq!(ids(engine, owned("by_age", "a")).await, ["a1", "a2", "a3"]);
}

async fn documents_that_indexes_cannot_order_are_refused(engine: &Shared) {
    let too_long = "m".repeat(MAX_KEY_BYTES + 1);
    for bad in [
        json!({"owner": "m"}),
        json!({"owner": "m", "age": null}),
        json!({"owner": ["m"], "age": 1}),
        json!({"owner": too_long, "age": 1}),
    ] {
        let refused = engine.insert(&THINGS, "m1".into(), body(bad)).await;
        assert!(matches!(refused, Err(EngineError::Malformed(_))), "{refused:?}");
    }
    put(engine, "m1", json!({"owner": "m", "age": 1})).await;
    let unset = engine.find_one_and_update(Query::by_id(&THINGS, "m1"), Update::default().unset(AGE)).await;
    assert!(matches!(unset, Err(EngineError::Malformed(_))), "{unset:?}");
}

async fn pages_are_complete_and_in_order(engine: &Shared) {
    // Seven share each age, so pages of four must continue in the middle of equal keys.
    for n in 0..28 {
        put(engine, &format!("p{n:02}"), json!({"owner": "p", "age": n / 7})).await;
    }
    let forward = all_pages(engine, owned("by_age", "p").limit(4)).await;
    let expected: Vec<String> = (0..28).map(|n| format!("p{n:02}")).collect();
    assert_eq!(forward, expected);
    let mut backward = all_pages(engine, owned("by_age", "p").limit(4).order(Order::Descending)).await;
    backward.reverse();
    assert_eq!(backward, expected);
    let page = engine.find(owned("by_age", "p").limit(28)).await.unwrap();
    assert!(page.next.is_none(), "a full last page is the last page");
    let cursor = engine.find(owned("by_age", "p").limit(1)).await.unwrap().next;
    let elsewhere = Query::by_index(&THINGS, "of_all").from(AGE, 0).after(cursor);
    assert_eq!(engine.find(elsewhere).await.unwrap_err(), EngineError::BadCursor);
}

async fn all_pages(engine: &Shared, query: Query) -> Vec<String> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = engine.find(query.clone().after(after)).await.unwrap();
        assert!(page.documents.len() <= query.limit);
        seen.extend(page.documents.into_iter().map(|d| d.id));
        match page.next {
            Some(next) => after = Some(Cursor::parse(&next.encode()).unwrap()),
            None => return seen,
        }
    }
}

async fn filters_and_ranges_narrow(engine: &Shared) {
    for (id, age, colour) in
        [("f1", 1, Some("red")), ("f2", 2, None), ("f3", 3, Some("red")), ("f4", 4, Some("blue"))]
    {
        put(
            engine,
            id,
            json!({"owner": "f", "age": age, "colour": colour, "flag": age > 2, "in": {"deep": age}}),
        )
        .await;
    }
    let by_age = || owned("by_age", "f");
    assert_eq!(ids(engine, by_age().from(AGE, 2).below(AGE, 4)).await, ["f2", "f3"]);
    assert_eq!(ids(engine, by_age().filter(Filter::is(COLOUR, "red"))).await, ["f1", "f3"]);
    assert_eq!(ids(engine, by_age().filter(Filter::absent(COLOUR))).await, ["f2"]);
    assert_eq!(ids(engine, by_age().filter(Filter::is(FLAG, true))).await, ["f3", "f4"]);
    assert_eq!(ids(engine, by_age().filter(Filter::at_least(DEEP, 4))).await, ["f4"]);
    assert_eq!(ids(engine, by_age().filter(Filter::below(DEEP, 2))).await, ["f1"]);
    assert_eq!(ids(engine, by_age().equals(AGE, 3)).await, ["f3"]);
    let lean = engine.find(by_age().omit(&[IN, LIST])).await.unwrap().documents.remove(0);
    assert!(!lean.body.contains_key("in") && lean.body["age"] == 1, "{:?}", lean.body);
}

async fn undeclared_searches_are_refused(engine: &Shared) {
    for query in [
        Query::by_index(&THINGS, "by_age"),
        Query::by_index(&THINGS, "by_age").equals(AGE, 1),
        Query::by_index(&THINGS, "by_nothing").equals(OWNER, "u"),
        owned("by_key", "u"),
        owned("by_age", "u").from(NOTE, "n"),
        owned("by_age", "u").filter(Filter::is(Field::<Text>::new("color"), "red")),
        owned("by_age", "u").filter(Filter::is(Field::<Integer>::new("colour"), 1)),
    ] {
        let refused = engine.find(query).await;
        assert!(matches!(refused, Err(EngineError::Undeclared(_))), "{refused:?}");
    }
}

async fn one_of_many_compare_and_sets_wins(engine: &Shared) {
    put(engine, "c1", json!({"owner": "c", "age": 0})).await;
    for round in 1..=20u64 {
        let tries = (0..12u64).map(|n| {
            let engine = engine.clone();
            let document =
                Document { id: "c1".into(), version: round, body: body(json!({"owner": "c", "age": n})) };
            tokio::spawn(async move { engine.compare_and_set(&THINGS, document).await })
        });
        let mut won = 0;
        for outcome in tries.collect::<Vec<_>>() {
            match outcome.await.unwrap() {
                Ok(version) => {
                    assert_eq!(version, round + 1);
                    won += 1;
                }
                Err(error) => assert_eq!(error, EngineError::Stale),
            }
        }
        assert_eq!(won, 1, "round {round}");
    }
    let missing = Document { id: "nobody".into(), version: 1, body: body(json!({"owner": "c", "age": 0})) };
    assert_eq!(engine.compare_and_set(&THINGS, missing).await, Err(EngineError::Stale));
}

async fn each_claim_is_given_once(engine: &Shared) {
    const JOBS: usize = 60;
    for n in 0..JOBS {
        put(engine, &format!("job{n:02}"), json!({"owner": "j", "age": n})).await;
    }
    let free = || owned("by_age", "j").filter(Filter::absent(BY));
    let workers = (0..8).map(|worker| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            while let Some(job) =
                engine.find_one_and_update(free(), Update::default().set(BY, worker)).await.unwrap()
            {
                assert_eq!((job.version, &job.body["by"]), (2, &json!(worker)), "it comes back changed");
                mine.push(job.id);
            }
            mine
        })
    });
    let mut claimed = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        claimed.extend(worker.await.unwrap());
    }
    claimed.sort();
    let expected: Vec<String> = (0..JOBS).map(|n| format!("job{n:02}")).collect();
    assert_eq!(claimed, expected);
    assert_eq!(engine.find_one_and_update(free(), Update::default().set(BY, 0)).await.unwrap(), None);
}

async fn increments_add_up(engine: &Shared) {
    put(engine, "i1", json!({"owner": "i", "age": 0})).await;
    let tasks = (0..16).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.increment(&THINGS, "i1".into(), (COUNT, 3)).await.unwrap() })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert!(task.await.unwrap().is_some());
    }
    assert_eq!(engine.increment(&THINGS, "i1".into(), (COUNT, -8)).await.unwrap(), Some(40));
    let beyond = engine.increment(&THINGS, "i1".into(), (COUNT, i64::MAX)).await;
    assert!(matches!(beyond, Err(EngineError::Overflow(_))), "{beyond:?}");
    assert_eq!(
        engine.increment(&THINGS, "i1".into(), (COUNT, 0)).await.unwrap(),
        Some(40),
        "nothing was changed"
    );
    assert_eq!(engine.increment(&THINGS, "nobody".into(), (COUNT, 1)).await.unwrap(), None);
}

async fn deletes_need_the_version(engine: &Shared) {
    put(engine, "d1", json!({"owner": "d", "age": 0, "key": "free again"})).await;
    assert!(!engine.delete(&THINGS, "d1".into(), 7).await.unwrap());
    assert!(engine.delete(&THINGS, "d1".into(), 1).await.unwrap());
    assert!(!engine.delete(&THINGS, "d1".into(), 1).await.unwrap());
    assert_eq!(engine.get(&THINGS, "d1".into()).await.unwrap(), None);
    put(engine, "d2", json!({"owner": "d", "age": 0, "key": "free again"})).await;
}

async fn values_come_back_as_they_were(engine: &Shared) {
    let value = json!({
        "owner": "ünï \u{0}\u{1F600} '\"\\", "age": -9_007_199_254_740_993_i64, "dotted.key": {"$gt": ""},
        "list": [1, 2.5, null, true, {"x": []}], "empty": {}, "text": "x".repeat(200_000)
    });
    put(engine, "v'1\"; --", value.clone()).await;
    let found = engine.get(&THINGS, "v'1\"; --".into()).await.unwrap().unwrap();
    assert_eq!((Value::Object(found.body), found.version), (value, 1));
}

async fn heavy_pages_end_early(engine: &Shared) {
    for n in 0..5 {
        put(engine, &format!("w{n}"), json!({"owner": "w", "age": n, "text": "x".repeat(3 << 20)})).await;
    }
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = engine.find(owned("by_age", "w").weighed().after(after)).await.unwrap();
        pages.push(page.documents.into_iter().map(|d| d.id).collect::<Vec<_>>());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["w0", "w1", "w2"], vec!["w3", "w4"]]);
}

#[tokio::test]
async fn sqlite_passes() {
    let (_data, engine) = temp_engine();
    suite(engine).await;
}

#[tokio::test]
async fn mongodb_passes() {
    let server = MongoDb::start();
    let engine: Shared = Arc::new(Mongo::open(&server.uri()).await.unwrap());
    suite(engine.clone()).await;
    engine.close().await.unwrap();
}

/// A date that somebody set by hand took a whole page with it, and with the page every job that goes by the list.
#[tokio::test]
async fn a_document_of_mongodb_that_vox_never_wrote_is_damaged_alone() {
    use mongodb::bson::{DateTime, Document as Bytes, doc};
    let server = MongoDb::start();
    let engine: Shared = Arc::new(Mongo::open(&server.uri()).await.unwrap());
    engine.prepare(&[&THINGS]).await.unwrap();
    for n in 0..6 {
        put(&engine, &format!("x{n}"), json!({"owner": "x", "age": n})).await;
    }
    let client = mongodb::Client::with_uri_str(server.uri()).await.unwrap();
    let raw = client.default_database().unwrap().collection::<Bytes>("things");
    for id in ["x1", "x2", "x5"] {
        let foreign = doc! { "$set": { "body.note": DateTime::from_millis(0) } };
        raw.update_one(doc! { "_id": id }, foreign).await.unwrap();
    }
    assert!(matches!(engine.get(&THINGS, "x1".into()).await, Err(EngineError::Malformed(_))));
    assert_eq!(ids(&engine, owned("by_age", "x")).await, ["x0", "x3", "x4"]);
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = engine.find(owned("by_age", "x").limit(2).after(after)).await.unwrap();
        listed.push(page.documents.into_iter().map(|d| d.id).collect::<Vec<_>>());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, [vec!["x0", "x3"], vec!["x4"]], "page after page, none of which is short");
    let first = owned("by_age", "x").from(AGE, 1).limit(1);
    assert_eq!(ids(&engine, first).await, ["x3"], "the first sound one");
    let kept = engine.list_by_id(&THINGS, Which::All, None).await.unwrap();
    let damaged: Vec<_> = kept.iter().filter(|k| k.is_damaged()).map(|k| k.document.id.as_str()).collect();
    assert_eq!((kept.len(), damaged), (6, vec!["x1", "x2", "x5"]));
    let written = engine.compare_and_set(&THINGS, kept[1].document.clone()).await;
    assert!(written.is_err(), "nobody writes over what it cannot read: {written:?}");
    client.shutdown().await;
    engine.close().await.unwrap();
}
