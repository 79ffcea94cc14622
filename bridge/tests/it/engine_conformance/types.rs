//! Fields have one type and are declared; sums are exact.

use serde_json::{Value, json};
use vox_bridge::store::engine::{Document, EngineError, Field, Filter, Integer, New, Query, Text, Update};

use super::{AGE, COLOUR, COST, DEEP, IN, Shared, THINGS, VENDOR, body, owned, put};

/// Engines agree on the order of equal types only, and give large or broken numbers back in different ways.
pub async fn a_field_has_one_type(engine: &Shared) {
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

pub async fn undeclared_changes_are_refused(engine: &Shared) {
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

pub async fn counts_and_sums(engine: &Shared) {
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
    let mut both = engine.sums(all(), VENDOR.place(), vec![COST, AGE]).await.unwrap();
    both.sort_by_key(|g| g.key.to_string());
    let plain: Vec<_> = both.into_iter().map(|g| (g.key, g.count, g.sums)).collect();
    assert_eq!(plain, [(json!("a"), 2, vec![1_500_004, 4]), (json!("b"), 2, vec![2, 6])], "in one pass");
    let counted = engine.sums(all(), VENDOR.place(), Vec::new()).await.unwrap();
    assert!(counted.len() == 2 && counted.iter().all(|g| g.count == 2 && g.sums.is_empty()), "{counted:?}");
    let undeclared = engine.sum(all(), VENDOR.place(), Field::new("cost")).await;
    assert!(matches!(undeclared, Err(EngineError::Undeclared(_))));
}

pub async fn sums_are_exact(engine: &Shared) {
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
