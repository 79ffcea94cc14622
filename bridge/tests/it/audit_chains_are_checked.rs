//! An audit log that was tampered with is told, and says where; many writers at once leave a whole one.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;
use vox_bridge::audit::log::AuditLog;
use vox_bridge::auth::role::Role;
use vox_bridge::config::TEST_MASTER_KEY;
use vox_bridge::store::Stamp;
use vox_bridge::store::audit::{AUDIT, Entry, Kind};
use vox_bridge::store::engine::sqlite::Sqlite;
use vox_bridge::store::engine::{Engine, Kept, Which};
use vox_shared::ids::TenantId;
use vox_shared::model::bot::BotSettings;

use crate::harness::servers::over_servers;
use crate::harness::{TestBridge, json};

async fn verified(bridge: &TestBridge, query: &str) -> Value {
    let token = bridge.token(Role::Admin).await;
    let path = format!("/api/v1/audit/verify{query}");
    json(bridge.get(&path).bearer_auth(token).send().await.unwrap(), StatusCode::OK).await
}

fn entry(tenant: &TenantId, n: usize) -> Entry {
    Entry {
        tenant_id: tenant.clone(),
        seq: 0,
        at: Stamp("2026-11-20T10:00:00Z".parse().unwrap()),
        kind: Kind::Begin,
        actor_id: format!("usr_{n}"),
        actor_email: Some("p@test".into()),
        actor_tenant: None,
        in_tenant: None,
        actor_role: Some(Role::Admin),
        client: "203.0.113.1".into(),
        method: "PATCH".into(),
        route: "/api/v1/bots/{bot_id}".into(),
        parameters: [("bot_id".to_owned(), "faq".to_owned())].into(),
        request_id: "r".into(),
        object: Some("faq".into()),
        begin: None,
        status: None,
        code: None,
        count: None,
        prev_hash: String::new(),
        hash: String::new(),
    }
}

async fn kept(engine: &dyn Engine) -> Vec<Kept> {
    engine.list_by_id(&AUDIT, Which::All, None).await.unwrap()
}

fn read(kept: &Kept) -> Entry {
    serde_json::from_value(Value::Object(kept.document.body.clone())).unwrap()
}

fn written(kept: &Kept, entry: &Entry) -> Kept {
    let mut kept = kept.clone();
    kept.document.body = serde_json::to_value(entry).unwrap().as_object().unwrap().clone();
    kept
}

async fn remove(engine: &dyn Engine, kept: &Kept) {
    assert!(engine.delete(&AUDIT, kept.document.id.clone(), kept.document.version).await.unwrap());
}

/// A tenant's log of eight entries.
async fn filled(bridge: &TestBridge) -> Vec<Kept> {
    for n in 0..8 {
        assert_eq!(bridge.app.audit.append(entry(&bridge.tenant(), n)).await.unwrap(), n as i64 + 1);
    }
    kept(&*bridge.engine).await
}

/// What a check says of the log, and again when it was put back as it was.
async fn finds(bridge: &TestBridge, sound: &[Kept], changed: Vec<Kept>, seq: i64, words: &str) {
    bridge.engine.restore(&AUDIT, changed).await.unwrap();
    let found = verified(bridge, "").await;
    assert_eq!((&found["intact"], &found["fault"]["seq"]), (&json!(false), &json!(seq)), "{words}: {found}");
    assert!(found["fault"]["message"].as_str().unwrap().contains(words), "{words}: {found}");
    bridge.engine.restore(&AUDIT, sound.to_vec()).await.unwrap();
    assert_eq!(verified(bridge, "").await["intact"], true);
}

#[tokio::test]
async fn what_was_changed_removed_or_swapped_is_found() {
    let bridge = TestBridge::start().await;
    let sound = filled(&bridge).await;
    let whole = verified(&bridge, "").await;
    assert_eq!(
        (&whole["intact"], &whole["entries"], &whole["next"]),
        (&json!(true), &json!(8), &Value::Null)
    );
    assert_eq!(whole["unfinished"], json!([1, 2, 3, 4, 5, 6, 7, 8]), "no end was written");
    let each = sound.iter().map(read).collect::<Vec<_>>();

    // Every field counts.
    let fields = sound[3].document.body.keys().filter(|name| !["tenant_id", "seq"].contains(&name.as_str()));
    for field in fields {
        let mut changed = sound[3].clone();
        let value = match field.as_str() {
            "at" => json!("2026-11-20T10:00:00.000001Z"),
            "kind" => json!("refused"),
            "actor_role" => json!("agent"),
            "parameters" => json!({"bot_id": "other"}),
            _ => json!("0"),
        };
        changed.document.body.insert(field.clone(), value);
        finds(&bridge, &sound, vec![changed], 4, "was changed").await;
    }
    for (field, value) in [("begin", json!(1)), ("status", json!(200)), ("count", json!(1))] {
        let mut changed = sound[3].clone();
        changed.document.body.insert(field.into(), value);
        finds(&bridge, &sound, vec![changed], 4, "was changed").await;
    }
    // What makes no sense, or has a field that no entry has.
    for (field, value) in [("kind", json!("nope")), ("more", json!("x"))] {
        let mut changed = sound[3].clone();
        changed.document.body.insert(field.into(), value);
        finds(&bridge, &sound, vec![changed], 4, "is missing, or makes no sense").await;
    }
    // With a hash that fits its content it no longer fits the next one.
    let mut forged = each[3].clone();
    forged.actor_email = Some("innocent@test".into());
    forged.hash = forged.digest();
    finds(&bridge, &sound, vec![written(&sound[3], &forged)], 5, "does not follow").await;
    // Two that took each other's place.
    let at_place = |from: &Entry, to: &Entry| {
        let mut moved = Entry { seq: to.seq, prev_hash: to.prev_hash.clone(), ..from.clone() };
        moved.hash = moved.digest();
        moved
    };
    let swapped = vec![
        written(&sound[2], &at_place(&each[5], &each[2])),
        written(&sound[5], &at_place(&each[2], &each[5])),
    ];
    finds(&bridge, &sound, swapped, 4, "does not follow").await;
    let renumbered = vec![
        written(&sound[2], &Entry { seq: 3, ..each[5].clone() }),
        written(&sound[5], &Entry { seq: 6, ..each[2].clone() }),
    ];
    finds(&bridge, &sound, renumbered, 3, "was changed").await;
    // One more under a number that is taken.
    let mut doubled = sound[6].clone();
    doubled.document.id = "elsewhere".into();
    bridge.engine.restore(&AUDIT, vec![doubled.clone()]).await.unwrap();
    assert_eq!(verified(&bridge, "").await["fault"]["seq"], 7);
    remove(&*bridge.engine, &doubled).await;
    for (n, gone) in sound.iter().enumerate().take(7) {
        remove(&*bridge.engine, gone).await;
        finds(&bridge, &sound, Vec::new(), n as i64 + 1, "is missing").await;
    }
}

/// Without a note of the last entry nothing says that there were more.
#[tokio::test]
async fn a_cut_off_end_and_a_chain_made_anew_are_found_by_who_noted_an_entry() {
    let bridge = TestBridge::start().await;
    let sound = filled(&bridge).await;
    let last = verified(&bridge, "").await["last"].clone();
    let noted = format!("?seq={}&hash={}", last["seq"], last["hash"].as_str().unwrap());
    assert_eq!(verified(&bridge, &noted).await["intact"], true);
    for gone in &sound[6..] {
        remove(&*bridge.engine, gone).await;
    }
    assert_eq!(verified(&bridge, "").await["intact"], true, "it looks like a log of six entries");
    let found = verified(&bridge, &noted).await;
    assert!(found["fault"]["message"].as_str().unwrap().contains("the end was cut off"), "{found}");

    // The last two made anew, as somebody would who knows how.
    let mut link = read(&sound[5]).link();
    for kept in &sound[6..] {
        let forged = Entry { actor_email: Some("innocent@test".into()), ..read(kept) }.linked(&link);
        link = forged.link();
        bridge.engine.restore(&AUDIT, vec![written(kept, &forged)]).await.unwrap();
    }
    assert_eq!(verified(&bridge, "").await["intact"], true);
    let found = verified(&bridge, &noted).await;
    assert_eq!((&found["intact"], &found["fault"]["seq"]), (&json!(false), &json!(8)), "{found}");
}

#[tokio::test]
async fn a_check_goes_on_where_the_one_before_ended() {
    let bridge = TestBridge::start().await;
    let sound = filled(&bridge).await;
    let rest = verified(&bridge, "?from=5").await;
    assert_eq!(
        (&rest["intact"], &rest["entries"], &rest["last"]["seq"]),
        (&json!(true), &json!(4), &json!(8))
    );
    remove(&*bridge.engine, &sound[3]).await;
    let token = bridge.token(Role::Admin).await;
    let asked = bridge.get("/api/v1/audit/verify?from=5").bearer_auth(token).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::NOT_FOUND, "the entry before is not there");
}

#[tokio::test]
async fn damage_at_the_end_keeps_nobody_from_writing() {
    let bridge = TestBridge::start().await;
    filled(&bridge).await;
    let id = kept(&*bridge.engine).await.pop().unwrap().document.id;
    bridge.damage(&AUDIT, &id, "kind", json!("nope")).await;
    bridge.damage(&AUDIT, &id, "hash", json!(7)).await;
    let after_a_start = AuditLog::new(bridge.app.stores.clone(), bridge.clock.clone());
    assert_eq!(after_a_start.append(entry(&bridge.tenant(), 9)).await.unwrap(), 9);
    assert_eq!(verified(&bridge, "").await["fault"]["seq"], 8);
    assert_eq!(verified(&bridge, "?from=9").await["intact"], true);
}

#[tokio::test]
async fn many_writers_leave_no_gap() {
    let bridge = TestBridge::start().await;
    let mut tokens = Vec::new();
    // Each waits three seconds at most for its place in the log; servers on the same machine are slower.
    let writers = if over_servers() { 8 } else { 20 };
    for _ in 0..writers {
        tokens.push(bridge.token(Role::Admin).await);
    }
    let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    let path = format!("/api/v1/bots/{bot}");
    let changes = tokens.iter().map(|token| {
        bridge.request(Method::PATCH, &path).bearer_auth(token).json(&json!({"name": "N"})).send()
    });
    for answer in join_all(changes).await {
        let status = answer.unwrap().status();
        assert!(matches!(status, StatusCode::OK | StatusCode::CONFLICT), "{status}");
    }
    let whole = verified(&bridge, "").await;
    assert_eq!(
        (&whole["intact"], &whole["entries"], &whole["unfinished"]),
        (&json!(true), &json!(2 * writers), &json!([]))
    );
}

/// Each of these logs knows only what it wrote itself, like a bridge of its own.
#[tokio::test]
async fn several_bridges_leave_one_chain() {
    let bridge = TestBridge::start().await;
    let logs: Vec<_> =
        (0..4).map(|_| Arc::new(AuditLog::new(bridge.app.stores.clone(), bridge.clock.clone()))).collect();
    let writers = (0..20).map(|n| {
        let (log, tenant) = (logs[n % logs.len()].clone(), bridge.tenant());
        tokio::spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..5 {
                taken.push(log.append(entry(&tenant, n)).await.unwrap());
            }
            taken
        })
    });
    let mut taken: Vec<i64> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    taken.sort_unstable();
    assert_eq!(taken, (1..=100).collect::<Vec<_>>());
    let whole = verified(&bridge, "").await;
    assert_eq!((&whole["intact"], &whole["entries"]), (&json!(true), &json!(100)), "{whole}");
}

/// It knew the head by its own last entry, so it won each number against a bridge that has to read it, which gave up.
#[tokio::test]
async fn a_busy_bridge_leaves_another_one_its_turn() {
    let bridge = TestBridge::start().await;
    let [busy, other] =
        [(); 2].map(|()| Arc::new(AuditLog::new(bridge.app.stores.clone(), bridge.clock.clone())));
    let (first, tenant) = (busy.append(entry(&bridge.tenant(), 0)).await.unwrap(), bridge.tenant());
    let writing = tokio::spawn(async move {
        loop {
            busy.append(entry(&tenant, 1)).await.unwrap();
        }
    });
    let (mut longest, mut before) = (0, first);
    for _ in 0..40 {
        let taken = other.append(entry(&bridge.tenant(), 2)).await.unwrap();
        (longest, before) = (longest.max(taken - before), taken);
    }
    writing.abort();
    assert!(longest <= 40, "{longest} entries of the busy one came first");
}

async fn audit_check(data: &Path, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vox-bridge"));
    command.arg("audit-check").args(arguments).env_clear().env("VOX_DATA_DIR", data).kill_on_drop(true);
    command.env("VOX_MASTER_KEY", TEST_MASTER_KEY);
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.success(), text(stdout), text(stderr))
}

/// Over the embedded store, which a command can open only while no bridge uses it.
#[tokio::test]
async fn the_command_checks_every_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let embedded = |config: &mut vox_bridge::config::Config| {
        (config.storage.data_dir, config.storage.mongodb_uri) = (data.clone(), None);
    };
    let bridge = TestBridge::start_with(embedded).await;
    let other = bridge.insert_tenant("other").await;
    for tenant in [&bridge.tenant(), &other] {
        for n in 0..3 {
            bridge.app.audit.append(entry(tenant, n)).await.unwrap();
        }
    }
    bridge.stop().await;
    let (is_sound, told, error) = audit_check(&data, &[]).await;
    assert!(is_sound && told.contains("default 3 ") && told.contains("other 3 "), "{told}{error}");
    assert!(told.contains("# other: begun and without an end: 3 (1, 2, 3)"), "{told}");
    let note = dir.path().join("noted");
    std::fs::write(&note, &told).unwrap();
    let with_note = ["--noted", note.to_str().unwrap()];
    assert!(audit_check(&data, &with_note).await.0);

    let engine = Sqlite::open(&data.join("vox.sqlite")).unwrap();
    let all = kept(&engine).await;
    remove(&engine, &all[2]).await;
    engine.close().await.unwrap();
    drop(engine);
    let (is_sound, told, _) = audit_check(&data, &[]).await;
    assert!(is_sound && told.contains("default 2 "), "nothing noted says that there were three: {told}");
    let (is_sound, told, error) = audit_check(&data, &with_note).await;
    assert!(!is_sound && told.contains("other 3 "), "{told}");
    assert!(error.contains("default: the log ends with entry 2, and entry 3 was noted"), "{error}");

    let engine = Sqlite::open(&data.join("vox.sqlite")).unwrap();
    let mut stray = all[4].clone();
    stray.document.id = "other/x".into();
    let changed = Entry { client: "198.51.100.1".into(), ..read(&all[0]) };
    engine.restore(&AUDIT, vec![stray, written(&all[0], &changed)]).await.unwrap();
    engine.close().await.unwrap();
    drop(engine);
    let (is_sound, _, error) = audit_check(&data, &[]).await;
    assert!(!is_sound && error.contains("default: entry 1 was changed"), "{error}");
    assert!(error.contains("other: is stored under another entry's number (document 'other/x')"), "{error}");
    std::fs::write(&note, "default three\n").unwrap();
    let (is_sound, _, error) = audit_check(&data, &with_note).await;
    assert!(!is_sound && error.contains("line 1"), "{error}");
}
