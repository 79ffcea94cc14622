//! Documents of older schemas.

use serde_json::json;

use super::{COUNT, NEWER_THINGS, Shared, THINGS, body, put};

pub async fn old_documents_are_listed_until_they_are_written(engine: &Shared) {
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
