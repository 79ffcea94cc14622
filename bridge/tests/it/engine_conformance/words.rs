//! Indexes over words.

use serde_json::json;
use vox_bridge::store::engine::{
    Collection, Cursor, Document, EngineError, Field, Filter, Index, Integer, Json, Kept, MAX_WORD_BYTES,
    MAX_WORDS, New, Order, Query, Renewal, Text, Update, Which, Word,
};

use super::{Shared, body, ids};

const OWNER: Field<Text> = Field::new("owner");
const PLACE: Field<Integer> = Field::new("place");
const WORDS: Field<Json> = Field::new("words");
const KIND: Field<Text> = Field::new("kind");

static PAGES: Collection = Collection {
    name: "pages",
    indexes: &[
        Index::words("by_words", &[OWNER.place(), PLACE.place()], WORDS),
        Index::ordered("by_kind", &[KIND.place()]),
    ],
    fields: &[],
    steps: &[],
};

fn page(owner: &str, place: i64, words: &[&str]) -> serde_json::Map<String, serde_json::Value> {
    body(json!({"owner": owner, "place": place, "words": words, "kind": "k"}))
}

fn asked(owner: &str, words: &[&str]) -> Query {
    let all = Query::by_words(&PAGES, "by_words", (OWNER, owner));
    words.iter().fold(all, |query, word| query.word(Word::Whole((*word).into())))
}

fn beginning(owner: &str, prefix: &str) -> Query {
    Query::by_words(&PAGES, "by_words", (OWNER, owner)).word(Word::Prefix(prefix.into()))
}

pub async fn words_find_documents(engine: &Shared) {
    engine.prepare(&[&PAGES]).await.unwrap();
    engine.prepare(&[&PAGES]).await.unwrap();
    let odd = ["Two Words", "=key:a\"b*", "OR", "ünï", "नमस्ते", "x\u{0}y", "$gt", "$gtx"];
    for (id, owner, place, words) in [
        ("w1", "o", 1, vec!["red", "round"]),
        ("w2", "o", 2, vec!["red", "square", "redder"]),
        ("w3", "o", i64::MAX, vec!["red"]),
        ("w4", "other", 4, vec!["red", "round"]),
        ("w5", "o", 5, odd.to_vec()),
        ("w6", "o", 6, vec![]),
    ] {
        engine.insert(&PAGES, id.into(), page(owner, place, &words)).await.unwrap();
    }
    engine.insert(&PAGES, "w7".into(), body(json!({"owner": "o", "place": 7, "kind": "k"}))).await.unwrap();
    assert_eq!(ids(engine, asked("o", &["red"])).await, ["w1", "w2", "w3"]);
    assert_eq!(ids(engine, asked("o", &["red"]).order(Order::Descending)).await, ["w3", "w2", "w1"]);
    assert_eq!(ids(engine, asked("o", &["red", "round"])).await, ["w1"]);
    assert_eq!(ids(engine, asked("o", &["red", "green"])).await, [""; 0]);
    assert_eq!(
        ids(engine, asked("o", &["Red"])).await,
        [""; 0],
        "what is the same word is not for engines to say"
    );
    assert_eq!(ids(engine, asked("other", &["red"])).await, ["w4"], "a scope is for itself");
    assert_eq!(ids(engine, beginning("o", "red")).await, ["w1", "w2", "w3"]);
    assert_eq!(ids(engine, beginning("o", "redd")).await, ["w2"]);
    assert_eq!(ids(engine, beginning("o", "s").word(Word::Whole("red".into()))).await, ["w2"]);
    for word in odd {
        assert_eq!(ids(engine, asked("o", &[word])).await, ["w5"], "{word:?}");
    }
    assert_eq!(ids(engine, asked("o", &["red"]).from(PLACE, 2).below(PLACE, 3)).await, ["w2"]);
    assert_eq!(ids(engine, asked("o", &["red"]).filter(Filter::is(KIND, "other"))).await, [""; 0]);
    assert_eq!(engine.count(asked("o", &["red"])).await, Ok(3));
    let lean = engine.find(asked("o", &["round"]).omit(&[WORDS])).await.unwrap().documents.remove(0);
    assert!(!lean.body.contains_key("words"));
}

pub async fn what_changes_is_found_anew(engine: &Shared) {
    let find = async |words: &[&str]| ids(engine, asked("c", words)).await;
    engine.insert(&PAGES, "c1".into(), page("c", 101, &["old", "kept"])).await.unwrap();
    let second = New { id: "c2".into(), body: page("c", 102, &["old"]) };
    let same_place = New { id: "c3".into(), body: page("c", 101, &["old"]) };
    assert_eq!(
        engine.insert_many(&PAGES, vec![second, same_place]).await,
        Ok(vec![1]),
        "a place is nobody else's"
    );
    assert_eq!(find(&["old"]).await, ["c1", "c2"]);
    let update = Update::default().set(WORDS, json!(["new", "kept"]));
    engine.find_one_and_update(Query::by_id(&PAGES, "c1"), update).await.unwrap();
    assert_eq!((find(&["old"]).await, find(&["new"]).await), (vec!["c2".into()], vec!["c1".into()]));
    let moved = Document { id: "c2".into(), version: 1, body: page("c", 100, &["kept", "two"]) };
    engine.compare_and_set(&PAGES, moved).await.unwrap();
    assert_eq!((find(&["kept"]).await, find(&["old"]).await), (vec!["c2".into(), "c1".into()], vec![]));
    let mut is_renewed = engine.renew_words(Renewal::Begin).await.unwrap();
    while !is_renewed {
        is_renewed = engine.renew_words(Renewal::GoOn).await.unwrap();
    }
    assert_eq!((find(&["kept"]).await, find(&["old"]).await), (vec!["c2".into(), "c1".into()], vec![]));
    engine.find_one_and_update(Query::by_id(&PAGES, "c1"), Update::default().set(KIND, "z")).await.unwrap();
    assert_eq!(find(&["kept", "new"]).await, ["c1"], "what stays is still found");
    let kept: Vec<Kept> = engine.list_by_id(&PAGES, Which::All, Some("c0".into())).await.unwrap();
    let mut first = kept.into_iter().find(|kept| kept.document.id == "c1").unwrap();
    first.document.body = page("c", 101, &["restored"]);
    engine.restore(&PAGES, vec![first]).await.unwrap();
    assert_eq!((find(&["restored"]).await, find(&["new"]).await), (vec!["c1".into()], vec![]));
    engine.find_one_and_update(Query::by_id(&PAGES, "c1"), Update::default().unset(WORDS)).await.unwrap();
    assert_eq!(find(&["restored"]).await, [""; 0]);
    let gone = engine.delete(&PAGES, "c2".into(), 2).await.unwrap();
    assert!(gone && find(&["kept"]).await.is_empty());
    engine.insert(&PAGES, "c4".into(), page("c", 100, &["kept"])).await.unwrap();
    let all = Query::by_index(&PAGES, "by_kind").equals(KIND, "k");
    engine.delete_many(all).await.unwrap();
    assert_eq!(find(&["kept"]).await, [""; 0]);
}

pub async fn pages_of_words_are_complete_and_in_order(engine: &Shared) {
    let new = |n: i64| New {
        id: format!("p{n:03}"),
        body: page("p", 1_000 + n, &["all", ["even", "odd"][n as usize % 2]]),
    };
    engine.insert_many(&PAGES, (0..60).map(new).collect()).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let query = asked("p", &["all", "odd"]).order(Order::Descending).limit(7).after(after);
        let page = engine.find(query).await.unwrap();
        seen.extend(page.documents.into_iter().map(|document| document.id));
        let Some(next) = page.next else { break };
        after = Some(Cursor::parse(&next.encode()).unwrap());
    }
    let expected: Vec<String> = (0..30).rev().map(|n| format!("p{:03}", 2 * n + 1)).collect();
    assert_eq!(seen, expected);
    let foreign = engine.find(asked("p", &["all"]).limit(1)).await.unwrap().next;
    let refused = engine.find(asked("p", &["all"]).order(Order::Descending).after(foreign)).await;
    assert_eq!(refused.unwrap_err(), EngineError::BadCursor);
}

/// A beginning finds the same whether it is of a few words or of so many that an engine looks for them in another way.
pub async fn a_beginning_of_few_words_and_of_many(engine: &Shared) {
    let new = |n: i64| New {
        id: format!("b{n:03}"),
        body: page("b", 2_000 + n, &[&format!("word{n:03}"), &format!("worm{}", n % 7), "all", "wor"]),
    };
    engine.insert_many(&PAGES, (0..300).map(new).collect()).await.unwrap();
    engine.insert(&PAGES, "b999".into(), page("b", 3_000, &["wo", "worl", "xword001"])).await.unwrap();
    let found = async |query: Query| ids(engine, query).await;
    let id = |n: i64| format!("b{n:03}");
    assert_eq!(found(beginning("b", "word00")).await, (0..10).map(id).collect::<Vec<_>>());
    assert_eq!(found(beginning("b", "word")).await.len(), 300);
    let newest = beginning("b", "word").order(Order::Descending).limit(3);
    assert_eq!(found(newest).await, [id(299), id(298), id(297)]);
    assert_eq!(found(beginning("b", "worm")).await.len(), 300);
    assert_eq!(found(beginning("b", "worm3").from(PLACE, 2_291)).await, [id(297)]);
    assert_eq!(found(beginning("b", "worl")).await, ["b999"]);
    assert_eq!(found(beginning("b", "wor")).await.len(), 301);
    let two = beginning("b", "worm2").word(Word::Prefix("word01".into()));
    assert_eq!(found(two).await, [id(16)]);
    let whole = beginning("b", "word29").word(Word::Whole("worm3".into()));
    assert_eq!(found(whole).await, [id(290), id(297)]);
    assert_eq!(found(beginning("b", "nothing")).await, [""; 0]);
    assert_eq!(found(beginning("nobody", "word")).await, [""; 0]);
    let (mut seen, mut after) = (0, None);
    loop {
        let page = engine.find(beginning("b", "worm").limit(40).after(after)).await.unwrap();
        seen += page.documents.len();
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert_eq!(seen, 300);
}

pub async fn words_that_no_engine_could_index_are_refused(engine: &Shared) {
    let long = "x".repeat(MAX_WORD_BYTES + 1);
    let many: Vec<String> = (0..=MAX_WORDS).map(|n| n.to_string()).collect();
    for words in [json!("text"), json!([1]), json!([""]), json!([long]), json!(many)] {
        let bad = body(json!({"owner": "r", "place": 1_000_000, "words": words, "kind": "k"}));
        let refused = engine.insert(&PAGES, "r1".into(), bad).await;
        assert!(matches!(refused, Err(EngineError::Malformed(_))), "{refused:?}");
    }
    engine.insert(&PAGES, "r1".into(), page("r", 1_000_000, &["fine"])).await.unwrap();
    let update = Update::default().set(WORDS, json!([""]));
    let refused = engine.find_one_and_update(Query::by_id(&PAGES, "r1"), update).await;
    assert!(matches!(refused, Err(EngineError::Malformed(_))), "{refused:?}");
    for query in [
        Query::by_words(&PAGES, "by_words", (OWNER, "r")),
        Query::by_words(&PAGES, "by_kind", (OWNER, "r")).word(Word::Whole("fine".into())),
        Query::by_words(&PAGES, "by_words", (KIND, "r")).word(Word::Whole("fine".into())),
        Query::by_index(&PAGES, "by_words").equals(OWNER, "r"),
    ] {
        let refused = engine.find(query).await;
        assert!(matches!(refused, Err(EngineError::Undeclared(_))), "{refused:?}");
    }
    let refused = engine.delete_many(asked("r", &["fine"])).await;
    assert!(matches!(refused, Err(EngineError::Undeclared(_))), "{refused:?}");
}
