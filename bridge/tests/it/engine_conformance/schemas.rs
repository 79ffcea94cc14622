//! Documents of older schemas.

use serde_json::json;
use vox_bridge::store::engine::{Document, EngineError, Kept, MAX_PAGE, New, Which};

use super::{COUNT, NEWER_THINGS, Shared, THINGS, body, put};

pub async fn old_documents_are_listed_until_they_are_written(engine: &Shared) {
    for n in 0..5 {
        put(engine, &format!("o{n}"), json!({"owner": "o", "age": n})).await;
    }
    assert_eq!(
        engine.list_by_id(&THINGS, Which::Outdated, None).await,
        Ok(Vec::new()),
        "the first schema has none before it"
    );
    engine.prepare(&[&NEWER_THINGS]).await.unwrap();
    let page = engine.list_by_id(&NEWER_THINGS, Which::Outdated, Some("nz".into())).await.unwrap();
    let listed: Vec<_> = page.iter().map(|o| (o.document.id.as_str(), o.schema)).collect();
    assert_eq!(listed[..3], [("o0", 1), ("o1", 1), ("o2", 1)], "by id, after the given one");
    engine.compare_and_set(&NEWER_THINGS, page[0].document.clone()).await.unwrap();
    engine.increment(&NEWER_THINGS, "o1".into(), (COUNT, 1)).await.unwrap();
    engine.insert(&NEWER_THINGS, "o00".into(), body(json!({"owner": "o", "age": 9}))).await.unwrap();
    let page = engine.list_by_id(&NEWER_THINGS, Which::Outdated, Some("nz".into())).await.unwrap();
    let owned: Vec<_> =
        page.iter().filter(|o| o.document.body["owner"] == "o").map(|o| o.document.id.as_str()).collect();
    assert_eq!(owned, ["o2", "o3", "o4"], "every write stores the present schema");
}

pub async fn documents_are_listed_by_their_ids_and_kept_as_they_were(engine: &Shared) {
    let new = |n: usize| New { id: format!("~{n:04}"), body: body(json!({"owner": "list", "age": 1})) };
    let count = MAX_PAGE + 2;
    for some in (0..count).map(new).collect::<Vec<_>>().chunks(400) {
        assert_eq!(engine.insert_many(&THINGS, some.to_vec()).await, Ok(vec![]));
    }
    let (mut listed, mut after) = (Vec::new(), Some("~".to_owned()));
    while let Some(last) = after {
        let page = engine.list_by_id(&THINGS, Which::All, Some(last)).await.unwrap();
        after = page.last().map(|kept| kept.document.id.clone());
        listed.extend(page.into_iter().map(|kept| kept.document.id));
    }
    assert_eq!(listed, (0..count).map(|n| new(n).id).collect::<Vec<_>>(), "each once, in order");

    let kept = |id: &str, key: &str| Kept {
        document: Document {
            id: id.into(),
            version: 41,
            body: body(json!({"owner": "kept", "age": 1, "key": key})),
        },
        schema: 1,
    };
    let whole = vec![kept("~x", "a"), kept("~y", "b")];
    engine.restore(&NEWER_THINGS, whole.clone()).await.unwrap();
    engine.restore(&NEWER_THINGS, whole.clone()).await.unwrap();
    let found = engine.list_by_id(&NEWER_THINGS, Which::All, Some("~w".into())).await.unwrap();
    assert_eq!(found, whole, "version and schema are those of before");
    let changed = Document { version: 41, ..whole[0].document.clone() };
    assert_eq!(engine.compare_and_set(&NEWER_THINGS, changed).await, Ok(42));
    assert_eq!(engine.restore(&NEWER_THINGS, vec![kept("~z", "a")]).await, Err(EngineError::Duplicate));

    let large = |n: usize| New {
        id: format!("\u{7f}{n}"),
        body: body(json!({"owner": "large", "age": 1, "text": "x".repeat(3 << 20)})),
    };
    for n in 0..7 {
        assert_eq!(engine.insert_many(&THINGS, vec![large(n)]).await, Ok(vec![]));
    }
    let (mut pages, mut after) = (Vec::new(), Some("\u{7f}".to_owned()));
    while let Some(last) = after {
        let page = engine.list_by_id(&THINGS, Which::All, Some(last)).await.unwrap();
        after = page.last().map(|kept| kept.document.id.clone());
        pages.push(page.len());
    }
    assert_eq!(pages, [3, 3, 1, 0], "a page ends when it is large");
}
