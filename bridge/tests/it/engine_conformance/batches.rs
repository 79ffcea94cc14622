//! Many documents in one write.

use std::collections::HashSet;

use serde_json::json;
use vox_bridge::store::engine::{EngineError, Filter, MAX_BATCH, New, Order, Query, Which};

use super::{AGE, COLOUR, KEY, Shared, THINGS, body, ids, owned, put};

pub async fn batches_are_inserted_and_tell_what_was_refused(engine: &Shared) {
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
        tokio::spawn(async move {
            for _ in 0..50 {
                match engine.insert_many(&THINGS, list.clone()).await {
                    Ok(_) => return,
                    // Some may be stored: it is repeated, as the seam says. A server may answer so to batches that race.
                    Err(error) => assert!(matches!(error, EngineError::Unavailable(_)), "{error}"),
                }
            }
            panic!("the batch is not taken");
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    let listed = engine.list_by_id(&THINGS, Which::All, Some("imp".into())).await.unwrap();
    let imported = listed.iter().filter(|kept| kept.document.id.starts_with("imp"));
    let keys: HashSet<&str> =
        imported.clone().filter_map(|kept| kept.document.body["key"].as_str()).collect();
    assert_eq!((imported.count(), keys.len()), (100, 100), "every contact once");
}

pub async fn many_are_deleted_by_an_index(engine: &Shared) {
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
