use super::super::{Index, Json, Text, Word};
use super::*;

static THINGS: Collection = Collection {
    name: "things",
    indexes: &[Index::ordered("by_n", &[Field::<Integer>::new("n").place()])],
    fields: &[],
    steps: &[],
};

/// Building an index over a large file takes longer than any answer may: time that stands still passes the deadline
/// as soon as the runtime has nothing to do but wait.
#[tokio::test]
async fn a_batch_with_a_row_that_cannot_be_stored_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(&dir.path().join("t.sqlite")).unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    let new = |id: &str, levels: u32| {
        let nested = (0..levels).fold(Value::from(1), |inside, _| Value::Array(vec![inside]));
        New { id: id.into(), body: Map::from_iter([("n".to_owned(), 1.into()), ("a".to_owned(), nested)]) }
    };
    let refused = engine.insert_many(&THINGS, vec![new("x", 1), new("y", 1_500)]).await;
    assert!(matches!(refused, Err(EngineError::Malformed(_))), "no other try will do better: {refused:?}");
    assert_eq!(engine.get(&THINGS, "x".into()).await, Ok(None));
    assert_eq!(engine.insert_many(&THINGS, vec![new("x", 1)]).await, Ok(vec![]));
    assert_eq!(engine.check_writable().await, Ok(()));
}

#[tokio::test]
async fn what_is_only_ever_added_stays_whatever_program_tries() {
    use crate::store::ledger::LEDGER;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.sqlite");
    let engine = Sqlite::open(&path).unwrap();
    engine.prepare(&[&LEDGER]).await.unwrap();
    let keys = ["tenant_id", "session_id", "recorded_at", "day", "bot_id"];
    let body = keys.map(|key| (key.to_owned(), Value::from("x"))).into_iter().collect();
    engine.insert(&LEDGER, "x".into(), body).await.unwrap();
    let other_program = Connection::open(&path).unwrap();
    let refused = || EngineError::AppendOnly("ledger".into());
    for text in
        ["DELETE FROM ledger", "UPDATE ledger SET version = 2", "UPDATE ledger SET body = jsonb('{}')"]
    {
        let error = other_program.execute(text, []).unwrap_err();
        assert_eq!(write_failed(error), refused(), "{text}");
    }
    let mut kept = engine.list_by_id(&LEDGER, Which::All, None).await.unwrap();
    assert_eq!(engine.restore(&LEDGER, kept.clone()).await, Ok(()), "a copy is repeated");
    kept[0].document.body.insert("day".into(), "y".into());
    assert_eq!(engine.restore(&LEDGER, kept).await, Err(refused()));
}

/// The end of an erasure kept every write waiting for as long as any read went on, 10 s at most.
#[tokio::test]
async fn settling_keeps_no_write_waiting_for_a_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.sqlite");
    let engine = Sqlite::open(&path).unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    let body = Map::from_iter([("n".to_owned(), 1.into())]);
    engine.insert(&THINGS, "x".into(), body.clone()).await.unwrap();
    let reads = connect_to_read(&path).unwrap();
    reads.execute_batch("BEGIN; SELECT COUNT(*) FROM things").unwrap();
    let writing = async {
        for n in 0..10 {
            engine.insert(&THINGS, format!("y{n}"), body.clone()).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let both = async { futures_util::join!(engine.settle(), writing) };
    let (settled, ()) = tokio::time::timeout(Duration::from_secs(8), both).await.expect("nobody waits");
    assert!(matches!(settled, Err(EngineError::Unavailable(_))), "the reader has what is in the log");
    reads.execute_batch("COMMIT").unwrap();
    assert_eq!(engine.settle().await, Ok(()));
    assert_eq!(std::fs::metadata(dir.path().join("t.sqlite-wal")).unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn preparing_has_no_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(&dir.path().join("t.sqlite")).unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
}

static PAGES: Collection = Collection {
    name: "pages",
    indexes: &[
        Index::words(
            "by_words",
            &[Field::<Text>::new("owner").place(), Field::<Integer>::new("place").place()],
            Field::<Json>::new("words"),
        ),
        Index::ordered("by_kind", &[KIND.place()]),
    ],
    fields: &[],
    steps: &[],
};
const KIND: Field<Text> = Field::new("kind");

fn kind(number: usize) -> &'static str {
    if number.is_multiple_of(2) { "canary" } else { "other" }
}

/// With an end that the word before it does not have too: the index stores only what differs.
fn word(number: usize, n: usize) -> String {
    format!("{:03}{}{n:03}{:09}", number / 2, kind(number), n * 2_654_435)
}

/// A document with words that no other has; those of one kind are neighbours in the index.
fn page(number: usize) -> New {
    let words = (0..300).map(|n| Value::from(word(number, n)));
    let parts = [
        ("owner", "o".into()),
        ("place", number.into()),
        ("words", words.collect()),
        ("kind", Value::from(kind(number))),
    ];
    New {
        id: format!("p{number}"),
        body: Map::from_iter(parts.map(|(name, value)| (name.to_owned(), value))),
    }
}

async fn renew(engine: &Sqlite) -> usize {
    let mut steps = 1;
    while !engine.renew_words(Renewal::GoOn).await.unwrap() {
        steps += 1;
        assert!(steps < 100, "it comes to no end");
    }
    steps
}

/// FTS5's `secure-delete` leaves the words that led to its pages, and its `merge` and `optimize` do nothing to a segment alone.
#[tokio::test]
async fn nothing_is_left_of_a_word_once_the_index_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.sqlite");
    let open = || Sqlite::open(&path).unwrap();
    let left = async |engine: &Sqlite| {
        engine.settle().await.unwrap();
        let canary = b"63616e617279";
        std::fs::read(&path).unwrap().windows(canary.len()).filter(|part| part == canary).count()
    };
    let engine = open();
    engine.prepare(&[&PAGES]).await.unwrap();
    engine.insert_many(&PAGES, (0..200).map(page).collect()).await.unwrap();
    engine.renew_words(Renewal::Begin).await.unwrap();
    renew(&engine).await;
    let canaries = Query::by_index(&PAGES, "by_kind").equals(KIND, "canary").limit(100);
    assert_eq!(engine.delete_many(canaries).await, Ok(100));
    assert!(left(&engine).await > 5, "nothing that a renewal could remove");

    assert_eq!(engine.renew_words(Renewal::Begin).await, Ok(false));
    let other = Query::by_words(&PAGES, "by_words", (Field::<Text>::new("owner"), "o"));
    let other = || other.clone().word(Word::Whole(word(199, 299)));
    assert_eq!(engine.count(other()).await, Ok(1), "what is half done finds everything");
    drop(engine);
    // As after a kill, and while others write.
    let engine = open();
    engine.insert(&PAGES, "later".into(), page(201).body).await.unwrap();
    assert!(renew(&engine).await > 1, "it goes on where it was");
    assert_eq!(left(&engine).await, 0);
    assert_eq!(engine.count(other()).await, Ok(1));
    assert_eq!(renew(&engine).await, 1, "nothing to do costs one look");
}

#[tokio::test]
async fn a_beginning_is_asked_for_as_the_words_that_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.sqlite");
    let engine = Sqlite::open(&path).unwrap();
    engine.prepare(&[&PAGES]).await.unwrap();
    let words: Vec<String> =
        (0..300).map(|n| format!("many{n}")).chain(["few1".into(), "few2".into()]).collect();
    let page =
        |scope: &str| serde_json::json!({"owner": scope, "place": scope.len(), "words": words, "kind": "k"});
    for scope in ["s", "other"] {
        engine.insert(&PAGES, scope.into(), page(scope).as_object().unwrap().clone()).await.unwrap();
    }
    let reads = connect_to_read(&path).unwrap();
    let question = |word: &str| {
        let all = Query::by_words(&PAGES, "by_words", (Field::<Text>::new("owner"), "s"));
        let query = all.word(Word::Prefix(word.into())).word(Word::Whole("many7".into()));
        words::Begun::of(&query).unwrap().question(&reads).unwrap()
    };
    let hex = |word: &str| data_encoding::HEXLOWER.encode(format!("s\n{word}").as_bytes());
    let whole = format!("\"{}\"", hex("many7").to_uppercase());
    assert_eq!(question("few"), format!("(\"{}\" OR \"{}\") AND {whole}", hex("few1"), hex("few2")));
    assert_eq!(question("many1").matches(" OR ").count(), 110, "1, 10 to 19 and 100 to 199");
    assert_eq!(question("many"), format!("\"{}\" * AND {whole}", hex("many").to_uppercase()), "too many");
    assert_eq!(question("none"), format!("\"{}\" * AND {whole}", hex("none").to_uppercase()));
    let without = Query::by_words(&PAGES, "by_words", (Field::<Text>::new("owner"), "s"))
        .word(Word::Whole("few1".into()));
    assert!(words::Begun::of(&without).is_none());
}
