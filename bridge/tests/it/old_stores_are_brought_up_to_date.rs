//! A store that an older version wrote is read, at whatever point an earlier start was killed; one of a newer version is
//! refused in words. The old file was written by the first version (commit 1d67898) and dumped as SQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use vox_bridge::store::calls::CallStatus;
use vox_bridge::store::engine::EngineError;
use vox_bridge::store::engine::sqlite::Sqlite;
use vox_bridge::store::{Stamp, StoreError, Stores};
use vox_bridge::vault::master::MasterSource;
use vox_bridge::vault::{Sealed, Vault};
use vox_shared::ids::{SessionId, TenantId};

const FIRST_VERSION: &str = include_str!("store_of_the_first_version.sql");
const BOT: &str = "bot_01m8jfatt79mswzjjx3r6w94z3";

struct OldFile {
    dir: TempDir,
}

impl OldFile {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = Self { dir };
        file.run(FIRST_VERSION);
        file
    }

    fn path(&self) -> PathBuf {
        Path::new(self.dir.path()).join("vox.sqlite")
    }

    fn run(&self, text: &str) {
        Connection::open(self.path()).unwrap().execute_batch(text).unwrap();
    }

    fn number(&self, text: &str) -> i64 {
        Connection::open(self.path()).unwrap().query_row(text, [], |row| row.get(0)).unwrap()
    }

    async fn open(&self) -> Result<Stores, StoreError> {
        let engine = Arc::new(Sqlite::open(&self.path())?);
        let source = MasterSource::File(self.dir.path().join("master.key"));
        let vault = Arc::new(Vault::new(engine.clone(), source));
        Stores::open(Arc::new(Sealed::new(engine, vault))).await
    }
}

fn tenant() -> TenantId {
    "default".parse().unwrap()
}

async fn statuses(stores: &Stores) -> Vec<(String, CallStatus)> {
    let mut found = Vec::new();
    for name in ["busy", "customer", "rnr", "started", "voicemail"] {
        let id: SessionId = format!("call_old_{name}").parse().unwrap();
        found.push((name.to_owned(), stores.calls(&tenant()).get_call(&id).await.unwrap().value.status));
    }
    found
}

fn expected() -> Vec<(String, CallStatus)> {
    let all = [
        ("busy", CallStatus::Busy),
        ("customer", CallStatus::Completed),
        ("rnr", CallStatus::NoAnswer),
        ("started", CallStatus::Started),
        ("voicemail", CallStatus::Voicemail),
    ];
    all.map(|(name, status)| (name.to_owned(), status)).to_vec()
}

#[tokio::test]
async fn a_store_of_the_first_version_is_read() {
    let file = OldFile::new();
    let stores = file.open().await.unwrap();
    assert_eq!(statuses(&stores).await, expected());
    let bot = stores.bots(&tenant()).get_bot(&BOT.parse().unwrap()).await.unwrap().value;
    assert_eq!(bot.settings.name, "Reception");
    assert_eq!(bot.settings.llm.api_key.expose(), "sk-0123456789abcdef");
    assert_eq!(bot.settings.llm.fallbacks[0].api_key.expose(), "fb-0123456789abcdef");
    assert!(!bot.settings.line_access.is_guarded(), "what is new has its default");
    assert!(stores.all_users().find_by_email("admin@vox.local").await.unwrap().is_some());

    let later: Timestamp = "2026-11-29T01:00:00Z".parse().unwrap();
    assert_eq!(stores.all_calls().list_overdue(Stamp(later), 10, None).await.unwrap().items.len(), 0);
    let later: Timestamp = "2026-11-30T01:00:00Z".parse().unwrap();
    let overdue = stores.all_calls().list_overdue(Stamp(later), 10, None).await.unwrap().items;
    assert_eq!(overdue.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["call_old_started"]);
}

#[tokio::test]
async fn starting_again_changes_nothing() {
    let file = OldFile::new();
    drop(file.open().await.unwrap());
    let versions = || file.number("SELECT SUM(version) FROM calls");
    let before = versions();
    assert_eq!(statuses(&file.open().await.unwrap()).await, expected());
    assert_eq!(versions(), before);
}

#[tokio::test]
async fn a_start_that_was_killed_half_way_is_repeated() {
    // After the layout, before any document.
    let file = OldFile::new();
    drop(Sqlite::open(&file.path()).unwrap());
    assert_eq!(file.number("PRAGMA user_version"), 2);
    assert_eq!(statuses(&file.open().await.unwrap()).await, expected());
    // After some documents: as if these two had never been written.
    file.run(
        "UPDATE calls SET schema = 1, body = jsonb(json_set(body, '$.status', 'completed')) \
         WHERE id IN ('call_old_voicemail', 'call_old_busy')",
    );
    assert_eq!(statuses(&file.open().await.unwrap()).await, expected());
    assert_eq!(file.number("SELECT COUNT(*) FROM calls WHERE schema < 2"), 0);
}

#[tokio::test]
async fn a_newer_store_is_refused_in_words_and_left_alone() {
    let file = OldFile::new();
    drop(file.open().await.unwrap());
    file.run("UPDATE schemas SET body = jsonb('{\"schema\": 99}') WHERE id = 'calls'");
    let refused = file.open().await.err().unwrap();
    let StoreError::Engine(error) = refused else { panic!("{refused:?}") };
    assert_eq!(
        error.to_string(),
        "the collection 'calls' was written by a newer version (schema 99); this one reads up to 4"
    );
    file.run("PRAGMA user_version = 7");
    let error = Sqlite::open(&file.path()).err().unwrap();
    assert!(matches!(error, EngineError::Newer { found: 7, known: 2, .. }), "{error}");
    assert_eq!(file.number("PRAGMA user_version"), 7);
}

#[tokio::test]
async fn a_document_that_makes_no_sense_keeps_nothing_from_starting() {
    let file = OldFile::new();
    file.run("UPDATE calls SET body = jsonb(json_set(body, '$.disconnected_by', 'aliens')) WHERE id = 'call_old_busy'");
    let stores = file.open().await.unwrap();
    let broken = stores.calls(&tenant()).get_call(&"call_old_busy".parse().unwrap()).await;
    assert!(matches!(broken, Err(StoreError::Engine(EngineError::Malformed(_)))), "{broken:?}");
    let good = stores.calls(&tenant()).get_call(&"call_old_voicemail".parse().unwrap()).await.unwrap();
    assert_eq!(good.value.status, CallStatus::Voicemail);
}
