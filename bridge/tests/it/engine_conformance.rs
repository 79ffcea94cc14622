//! The suite that every document engine passes. It uses nothing but the seam, so another engine joins with one more test
//! at the end of this file.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use vox_bridge::store::COLLECTIONS;
use vox_bridge::store::engine::{
    Boolean, Collection, Cursor, Document, Engine, EngineError, Field, FieldType, Filter, Index, IndexKind,
    Integer, Json, MAX_BATCH, MAX_KEY_BYTES, New, Order, Place, Query, Text, Update,
};

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
    filters_and_ranges_narrow(&engine).await;
    undeclared_searches_are_refused(&engine).await;
    undeclared_changes_are_refused(&engine).await;
    a_field_has_one_type(&engine).await;
    batches_are_inserted_and_tell_what_was_refused(&engine).await;
    many_are_deleted_by_an_index(&engine).await;
    sums_are_exact(&engine).await;
    old_documents_are_listed_until_they_are_written(&engine).await;
    one_of_many_compare_and_sets_wins(&engine).await;
    each_claim_is_given_once(&engine).await;
    increments_add_up(&engine).await;
    deletes_need_the_version(&engine).await;
    counts_and_sums(&engine).await;
    values_come_back_as_they_were(&engine).await;
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
    assert!(matches!(unset, Err(EngineError::Malformed(_))));
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

async fn counts_and_sums(engine: &Shared) {
    for (n, vendor, cost) in [(1, "a", 1_500_000_i64), (2, "b", 2), (3, "a", 4)] {
        put(engine, &format!("s{n}"), json!({"owner": "s", "age": n, "vendor": vendor, "cost_micros": cost}))
            .await;
    }
    put(engine, "s4", json!({"owner": "s", "age": 4, "vendor": "b"})).await;
    let all = || owned("by_age", "s");
    assert_eq!(engine.count(all()).await.unwrap(), 4);
    assert_eq!(engine.count(all().filter(Filter::is(VENDOR, "a"))).await.unwrap(), 2);
    let mut groups = engine.sum(all(), VENDOR.place(), COST).await.unwrap();
    groups.sort_by_key(|g| g.key.to_string());
    let plain: Vec<_> = groups.into_iter().map(|g| (g.key, g.count, g.sum)).collect();
    assert_eq!(plain, [(json!("a"), 2, 1_500_004), (json!("b"), 2, 2)], "a missing amount adds nothing");
    let undeclared = engine.sum(all(), VENDOR.place(), Field::new("cost")).await;
    assert!(matches!(undeclared, Err(EngineError::Undeclared(_))));
}

async fn sums_are_exact(engine: &Shared) {
    let amounts = [i64::MAX - 5, 9, -4, -9_007_199_254_740_993, 9_007_199_254_740_993];
    for (n, cost) in amounts.into_iter().enumerate() {
        put(engine, &format!("e{n}"), json!({"owner": "e", "age": n, "vendor": "a", "cost_micros": cost}))
            .await;
    }
    let sum = |query| async { engine.sum(query, VENDOR.place(), COST).await.map(|g| g[0].sum) };
    assert_eq!(
        sum(owned("by_age", "e")).await,
        Ok(i64::MAX),
        "the way to the sum may leave its bounds, the sum not"
    );
    put(engine, "e9", json!({"owner": "e", "age": 9, "vendor": "a", "cost_micros": 1})).await;
    let beyond = sum(owned("by_age", "e")).await;
    assert!(matches!(beyond, Err(EngineError::Overflow(_))), "{beyond:?}");
    assert_eq!(sum(owned("by_age", "e").from(AGE, 2)).await, Ok(-3));
}

async fn undeclared_changes_are_refused(engine: &Shared) {
    put(engine, "x1", json!({"owner": "x", "age": 1, "colour": "red"})).await;
    let change = |update| engine.find_one_and_update(Query::by_id(&THINGS, "x1"), update);
    for update in [
        Update::default().set(Field::<Text>::new("color"), "blue"),
        Update::default().set(Field::<Integer>::new("colour"), 3),
        Update::default().unset(Field::<Text>::new("nothing")),
        Update::default().increment(Field::new("years"), 1),
        Update::default().set(COLOUR, "blue").unset(COLOUR),
        Update::default().set(IN, json!({})).increment(DEEP, 1),
    ] {
        let refused = change(update).await;
        assert!(matches!(refused, Err(EngineError::Undeclared(_))), "{refused:?}");
    }
    let stored = engine.get(&THINGS, "x1".into()).await.unwrap().unwrap();
    assert_eq!((stored.version, &stored.body["colour"]), (1, &json!("red")), "nothing was changed");
}

/// Engines agree on the order of equal types only, and give large or broken numbers back in different ways.
async fn a_field_has_one_type(engine: &Shared) {
    let good = json!({"owner": "y", "age": 1, "colour": "red", "flag": true, "cost_micros": 3});
    let with = |field: &str, value: Value| {
        let mut body = body(good.clone());
        body.insert(field.into(), value);
        body
    };
    let wrong = [
        ("owner", json!(7)),
        ("age", json!("1")),
        ("age", json!(1.5)),
        ("age", json!(1.0)),
        ("age", json!(u64::MAX)),
        ("age", json!(true)),
        ("key", json!(7)),
        ("note", json!(["n"])),
        ("colour", json!(3)),
        ("flag", json!("yes")),
        ("cost_micros", json!(0.1)),
        ("in", json!({"deep": "3"})),
    ];
    engine.insert(&THINGS, "y0".into(), body(good.clone())).await.unwrap();
    for (field, value) in wrong {
        let refused = [
            engine.insert(&THINGS, "y1".into(), with(field, value.clone())).await,
            engine
                .insert_many(&THINGS, vec![New { id: "y1".into(), body: with(field, value.clone()) }])
                .await
                .map(drop),
            engine
                .compare_and_set(
                    &THINGS,
                    Document { id: "y0".into(), version: 1, body: with(field, value.clone()) },
                )
                .await
                .map(drop),
        ];
        for outcome in refused {
            assert!(matches!(outcome, Err(EngineError::Malformed(_))), "{field} {value}: {outcome:?}");
        }
    }
    assert_eq!(engine.get(&THINGS, "y1".into()).await.unwrap(), None);
    let nulls = body(json!({"owner": "y", "age": 2, "colour": null, "flag": null, "key": null}));
    assert_eq!(engine.insert(&THINGS, "y2".into(), nulls).await, Ok(()), "absent is not a type");
}

async fn batches_are_inserted_and_tell_what_was_refused(engine: &Shared) {
    let new = |id: &str, key: Option<&str>| New {
        id: id.into(),
        body: body(json!({"owner": "b", "age": 1, "key": key})),
    };
    put(engine, "b0", json!({"owner": "b", "age": 1, "key": "taken"})).await;
    let batch = || {
        vec![
            new("b1", Some("one")),
            new("b0", None),
            new("b2", Some("taken")),
            new("b3", None),
            new("b3", None),
        ]
    };
    assert_eq!(engine.insert_many(&THINGS, batch()).await, Ok(vec![1, 2, 4]));
    assert_eq!(ids(engine, owned("by_age", "b")).await, ["b0", "b1", "b3"]);
    assert_eq!(
        engine.insert_many(&THINGS, batch()).await,
        Ok(vec![0, 1, 2, 3, 4]),
        "repeated, they are all there"
    );
    assert_eq!(engine.insert_many(&THINGS, Vec::new()).await, Ok(Vec::new()));

    let broken = vec![new("b4", None), New { id: "b5".into(), body: body(json!({"owner": "b"})) }];
    assert!(matches!(engine.insert_many(&THINGS, broken).await, Err(EngineError::Malformed(_))));
    assert_eq!(engine.get(&THINGS, "b4".into()).await.unwrap(), None, "nothing of a broken batch is stored");

    let full: Vec<New> = (0..=MAX_BATCH).map(|n| new(&format!("full{n:04}"), None)).collect();
    assert_eq!(
        engine.insert_many(&THINGS, full.clone()).await,
        Err(EngineError::TooMany { got: MAX_BATCH + 1 })
    );
    assert_eq!(engine.insert_many(&THINGS, full[1..].to_vec()).await, Ok(Vec::new()));

    // Two importers of one list: every key is taken once.
    let list = |importer: usize| -> Vec<New> {
        (0..100).map(|n| new(&format!("imp{importer}-{n}"), Some(&format!("contact {n}")))).collect()
    };
    let tasks = [0, 1, 2, 3].map(|importer| {
        let (engine, list) = (engine.clone(), list(importer));
        tokio::spawn(async move { 100 - engine.insert_many(&THINGS, list).await.unwrap().len() })
    });
    let mut stored = 0;
    for task in tasks {
        stored += task.await.unwrap();
    }
    assert_eq!(stored, 100);
}

async fn many_are_deleted_by_an_index(engine: &Shared) {
    for n in 0..25 {
        put(
            engine,
            &format!("r{n:02}"),
            json!({"owner": "r", "age": n, "colour": if n % 2 == 0 { "red" } else { "blue" }}),
        )
        .await;
    }
    let old = || owned("by_age", "r").below(AGE, 20).filter(Filter::is(COLOUR, "red")).limit(4);
    for expected in [4, 4, 2, 0] {
        assert_eq!(engine.delete_many(old()).await, Ok(expected));
    }
    let left = ids(engine, owned("by_age", "r").below(AGE, 6)).await;
    assert_eq!(left, ["r01", "r03", "r05"], "what the search does not yield stays");
    let newest = owned("by_age", "r").order(Order::Descending).limit(1);
    assert_eq!(engine.delete_many(newest).await, Ok(1));
    assert_eq!(engine.get(&THINGS, "r24".into()).await.unwrap(), None);
    for query in [Query::by_id(&THINGS, "r01"), Query::by_index(&THINGS, "by_age"), owned("by_key", "r")] {
        let refused = engine.delete_many(query).await;
        assert!(matches!(refused, Err(EngineError::Undeclared(_))), "{refused:?}");
    }
    put(engine, "r30", json!({"owner": "r", "age": 30, "key": "once"})).await;
    assert_eq!(engine.delete_many(owned("by_key", "r").equals(KEY, "once")).await, Ok(1));
    put(engine, "r31", json!({"owner": "r", "age": 31, "key": "once"})).await;
}

async fn old_documents_are_listed_until_they_are_written(engine: &Shared) {
    for n in 0..5 {
        put(engine, &format!("o{n}"), json!({"owner": "o", "age": n})).await;
    }
    assert_eq!(
        engine.list_outdated(&THINGS, None, 10).await,
        Ok(Vec::new()),
        "the first schema has none before it"
    );
    engine.prepare(&[&NEWER_THINGS]).await.unwrap();
    let page = engine.list_outdated(&NEWER_THINGS, Some("nz".into()), 3).await.unwrap();
    let listed: Vec<_> = page.iter().map(|o| (o.document.id.as_str(), o.schema)).collect();
    assert_eq!(listed, [("o0", 1), ("o1", 1), ("o2", 1)], "by id, after the given one");
    engine.compare_and_set(&NEWER_THINGS, page[0].document.clone()).await.unwrap();
    engine.increment(&NEWER_THINGS, "o1".into(), (COUNT, 1)).await.unwrap();
    engine.insert(&NEWER_THINGS, "o00".into(), body(json!({"owner": "o", "age": 9}))).await.unwrap();
    let page = engine.list_outdated(&NEWER_THINGS, Some("nz".into()), 10).await.unwrap();
    let owned: Vec<_> =
        page.iter().filter(|o| o.document.body["owner"] == "o").map(|o| o.document.id.as_str()).collect();
    assert_eq!(owned, ["o2", "o3", "o4"], "every write stores the present schema");
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

#[tokio::test]
async fn sqlite_passes() {
    let (_data, engine) = temp_engine();
    suite(engine).await;
}

/// The SQLite engine refuses plans that scan or sort in memory while debug assertions are on, so asking is proving.
#[tokio::test]
async fn every_declared_index_serves_every_search_it_allows() {
    let (_data, engine) = temp_engine();
    engine.prepare(COLLECTIONS).await.unwrap();
    let mut asked = 0;
    for collection in COLLECTIONS.iter().copied() {
        for index in collection.indexes {
            let least = if index.kind == IndexKind::Unique { index.fields.len() } else { 0 };
            for fixed in least..=index.fields.len() {
                for query in searches(collection, index, fixed) {
                    engine.find(query.clone()).await.unwrap_or_else(|e| panic!("{query:?}: {e}"));
                    engine.count(query.clone()).await.unwrap();
                    engine.delete_many(query.after(None)).await.unwrap();
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
    let turned: Vec<Query> = all
        .iter()
        .flat_map(|q| {
            let other = index.fields.first().expect("an index has fields");
            let filtered = match other.kind {
                FieldType::Integer => Filter::absent(Field::<Integer>::new(other.path)),
                FieldType::Boolean => Filter::absent(Field::<Boolean>::new(other.path)),
                _ => Filter::absent(Field::<Text>::new(other.path)),
            };
            let filtered = q.clone().filter(filtered).order(Order::Descending);
            [filtered, paged(q, Order::Ascending, "Ascending"), paged(q, Order::Descending, "Descending")]
        })
        .collect();
    all.extend(turned);
    all
}
