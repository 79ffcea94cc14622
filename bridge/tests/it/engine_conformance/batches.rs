//! Many documents in one write.

use std::collections::HashSet;

use serde_json::json;
use vox_bridge::store::engine::{
    Amendment, EngineError, Field, Filter, MAX_BATCH, New, Order, Query, Text, Update, Which,
};

use super::{AGE, BY, COLOUR, DEEP, IN, KEY, NOTE, Shared, THINGS, body, ids, owned, put};

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

pub async fn many_are_changed_and_nobody_else(engine: &Shared) {
    for n in 0..6 {
        let thing = json!({"owner": "m", "age": n, "note": "n", "colour": "red", "in": {"deep": n}, "key": format!("m{n}")});
        put(engine, &format!("many{n}"), thing).await;
    }
    let id = |n: usize| format!("many{n}");
    let thing = async |n: usize| engine.get(&THINGS, id(n)).await.unwrap().unwrap();
    let painted = || Update::default().set(COLOUR, "blue").unset(NOTE);
    let changed = engine.update_many(
        &THINGS,
        vec![
            Amendment::of(id(0), painted()),
            Amendment::of(id(1), painted()).when(Filter::is(COLOUR, "red")).when(Filter::below(AGE, 2)),
            Amendment::of(id(2), painted()).when(Filter::is(COLOUR, "green")),
            Amendment::of("nobody", painted()),
            // What an engine cannot do by itself.
            Amendment::of(id(3), Update::default().increment(DEEP, 4)).when(Filter::is(AGE, 3)),
            Amendment::of(
                id(4),
                Update::default().set(IN, json!({"deep": 9, "text": "\u{1F980} \"x\""})).unset(KEY),
            ),
            Amendment::of(id(5), Update::default().set(DEEP, 7)),
        ],
    );
    assert_eq!(changed.await, Ok(5), "one is not as it should be, and one is not there");
    for n in 0..2 {
        let expected =
            json!({"owner": "m", "age": n, "colour": "blue", "in": {"deep": n}, "key": format!("m{n}")});
        let found = thing(n).await;
        assert_eq!((found.version, json!(found.body)), (2, expected));
    }
    assert_eq!((thing(2).await.version, json!(thing(2).await.body)["colour"].clone()), (1, json!("red")));
    assert_eq!(json!(thing(3).await.body)["in"], json!({"deep": 7}));
    assert_eq!(json!(thing(4).await.body)["in"], json!({"deep": 9, "text": "\u{1F980} \"x\""}));
    assert_eq!(json!(thing(5).await.body)["in"], json!({"deep": 7}));
    assert_eq!(
        ids(engine, owned("by_note", "m")).await,
        ["many2", "many3", "many4", "many5"],
        "the indexes follow"
    );
    assert_eq!(ids(engine, owned("by_key", "m").equals(KEY, "m4")).await, [""; 0]);

    assert_eq!(engine.update_many(&THINGS, Vec::new()).await, Ok(0));
    for (bad, is_expected) in [
        (Update::default().set(Field::<Text>::new("nope"), "x"), "undeclared"),
        (Update::default().unset(AGE), "malformed"),
    ] {
        let refused = engine.update_many(&THINGS, vec![Amendment::of(id(5), bad)]).await;
        let found = match refused {
            Err(EngineError::Undeclared(_)) => "undeclared",
            Err(EngineError::Malformed(_)) => "malformed",
            other => panic!("{other:?}"),
        };
        assert_eq!(found, is_expected);
    }
    assert_eq!(thing(5).await.version, 2);
    let clash = vec![Amendment::of(id(5), Update::default().set(KEY, "m1"))];
    assert_eq!(engine.update_many(&THINGS, clash).await, Err(EngineError::Duplicate));
    let full = vec![Amendment::of("nobody", painted()); MAX_BATCH + 1];
    assert_eq!(
        engine.update_many(&THINGS, full.clone()).await,
        Err(EngineError::TooMany { got: MAX_BATCH + 1 })
    );
    assert_eq!(engine.update_many(&THINGS, full[1..].to_vec()).await, Ok(0));

    // Of two that would change the same one does.
    let wins = [1, 2, 3, 4].map(|by: i64| {
        let engine = engine.clone();
        let claim =
            move |n: usize| Amendment::of(id(n), Update::default().set(BY, by)).when(Filter::absent(BY));
        tokio::spawn(async move { engine.update_many(&THINGS, (0..6).map(claim).collect()).await.unwrap() })
    });
    let mut won = 0;
    for one in wins {
        won += one.await.unwrap();
    }
    assert_eq!(won, 6);
}

pub async fn changes_in_turn_end_at_the_first_that_cannot_be_made(engine: &Shared) {
    for n in 0..6 {
        put(engine, &format!("turn{n}"), json!({"owner": "t", "age": n})).await;
    }
    let keyed = |n: usize, key: &str| {
        let update = Update::default().set(KEY, key).set(COLOUR, "red");
        Amendment::of(format!("turn{n}"), update).when(Filter::absent(KEY))
    };
    let red = async || {
        let found = ids(engine, owned("by_age", "t").filter(Filter::is(COLOUR, "red"))).await;
        found.iter().map(|id| id.as_str()[4..].parse::<usize>().unwrap()).collect::<Vec<_>>()
    };
    let in_turn = |amendments| engine.update_in_turn(&THINGS, amendments);
    assert_eq!(in_turn(Vec::new()).await, Ok(0));
    assert_eq!(in_turn(vec![keyed(0, "a"), keyed(1, "b")]).await, Ok(2));
    assert_eq!(in_turn(vec![keyed(2, "c"), keyed(1, "d"), keyed(3, "e")]).await, Ok(1), "the second has one");
    assert_eq!(red().await, [0, 1, 2]);
    assert_eq!(
        in_turn(vec![keyed(3, "e"), keyed(4, "a"), keyed(5, "f")]).await,
        Ok(1),
        "another has the key"
    );
    assert_eq!(red().await, [0, 1, 2, 3]);
    assert_eq!(in_turn(vec![keyed(4, "b"), keyed(5, "f")]).await, Err(EngineError::Duplicate));
    assert_eq!(in_turn(vec![keyed(9, "f"), keyed(5, "f")]).await, Ok(0), "it is not there");
    assert_eq!(in_turn(vec![keyed(0, "f"), keyed(5, "f")]).await, Ok(0));
    let bad = Amendment::of("turn4", Update::default().set(Field::<Text>::new("nope"), "x"));
    let refused = in_turn(vec![keyed(5, "f"), bad]).await;
    assert!(matches!(refused, Err(EngineError::Undeclared(_))), "{refused:?}");
    let full = vec![keyed(5, "f"); MAX_BATCH + 1];
    assert_eq!(in_turn(full).await, Err(EngineError::TooMany { got: MAX_BATCH + 1 }));
    assert_eq!(red().await, [0, 1, 2, 3]);
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
