use super::super::Index;
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
