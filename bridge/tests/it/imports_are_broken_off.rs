//! Whoever reads a list into a campaign dies, at every step of every chunk, and another goes on (figure 25 of the dialler). What is there
//! in the end is what would be there, counts and error file too.

use std::collections::BTreeMap;
use std::future::pending;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use reqwest::{Method, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::Notify;
use vox_bridge::auth::scope::Scope;
use vox_bridge::campaign::import::CHUNK;
use vox_bridge::campaign::import::row::Counts;
use vox_bridge::campaign::intake::{Intake, KIND, carry_out};
use vox_bridge::store::campaign_imports::{CAMPAIGN_IMPORTS, Import, ImportState, REFUSED_ROWS};
use vox_bridge::store::do_not_call::DO_NOT_CALL;
use vox_bridge::store::engine::{Collection, EngineError};
use vox_bridge::store::jobs::{JOBS, Job, Queue};
use vox_bridge::store::{Stored, Stores};
use vox_shared::ids::ImportId;
use vox_shared::model::bot::BotSettings;

use crate::harness::interposed::{Documents, Step};
use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, client, json};
use crate::kill_safety::Process;

/// Four whole chunks and the beginning of one.
const ROWS: usize = 4 * CHUNK + 100;
/// Of a chunk's numbers so many were looked up when its reader dies before it stored any.
const LOOKS: usize = 40;

/// What a row of the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    New,
    /// In the campaign before, under another name.
    Other,
    /// As it is in the campaign already.
    Same,
    /// The row before once more, or the first of all.
    Again(usize),
    /// A spreadsheet rounded its number.
    Rounded,
    /// On the tenant's do-not-call list.
    Barred,
}

fn what(row: usize) -> What {
    match (row % CHUNK, row % 50) {
        (21, _) => What::Barred,
        (414, _) => What::Again(0),
        (_, 7) => What::Rounded,
        (_, 13) => What::Again(row - 1),
        (_, 30) => What::Other,
        (_, 31) => What::Same,
        _ => What::New,
    }
}

fn number(row: usize) -> String {
    format!("98765{row:05}")
}

fn list(rows: usize, what: impl Fn(usize) -> What) -> Vec<u8> {
    let mut text = String::from("phone,name\n");
    for row in 0..rows {
        let phone = match what(row) {
            What::Rounded => "9.87E+9".to_owned(),
            What::Again(other) => number(other),
            _ => number(row),
        };
        text.push_str(&format!("{phone},Person {row}\n"));
    }
    text.into_bytes()
}

/// What so many rows from the first come to.
fn counts(rows: usize) -> Counts {
    let mut counts = Counts { rows: rows as u64, ..Counts::default() };
    for row in 0..rows {
        match what(row) {
            What::New => counts.created += 1,
            What::Other => counts.updated += 1,
            What::Same => counts.unchanged += 1,
            What::Again(_) => counts.duplicate += 1,
            What::Rounded => counts.refuse("damaged_by_spreadsheet"),
            What::Barred => counts.refuse("do_not_call"),
        }
    }
    counts
}

/// Where whoever reads a chunk dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// Before it stored any of its contacts.
    Looking,
    /// After them, before the rows that were refused.
    Written,
    /// After those, before the note of its progress.
    Kept,
    /// After the note.
    Told,
    Never,
}

const DEATHS: [Death; 4] = [Death::Looking, Death::Written, Death::Kept, Death::Told];

/// Has a reader stand still for ever at its death, and tells of it.
struct Fate {
    now: Mutex<Now>,
    met: Notify,
}

struct Now {
    death: Death,
    looks: usize,
    is_told: bool,
}

impl Now {
    fn new(death: Death) -> Self {
        Self { death, looks: 0, is_told: false }
    }

    fn is_met(&mut self, step: Step, of: &'static Collection) -> bool {
        let is = |wanted: Step, collection: &Collection| step == wanted && of.name == collection.name;
        let (looks, notes) = (is(Step::Get, &DO_NOT_CALL), is(Step::Replace, &CAMPAIGN_IMPORTS));
        self.looks += usize::from(looks);
        let is_met = match self.death {
            Death::Looking => looks && self.looks == LOOKS,
            Death::Written => is(Step::Insert, &REFUSED_ROWS),
            Death::Kept => notes,
            // With the next chunk, or with what follows the last.
            Death::Told => self.is_told && (looks || is(Step::Get, &CAMPAIGN_IMPORTS)),
            Death::Never => false,
        };
        self.is_told |= notes;
        if is_met {
            // Once: of those who look at the same time the others need not be told.
            self.death = Death::Never;
        }
        is_met
    }
}

/// A bridge that does no job by itself, and somebody who does imports and dies.
struct Scene {
    bridge: TestBridge,
    key: TestKey,
    fate: Arc<Fate>,
    intake: Intake,
}

impl Scene {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let key = bridge.key(&[Scope::CampaignsRead, Scope::CampaignsWrite, Scope::DncWrite]).await;
        let fate = Arc::new(Fate { now: Mutex::new(Now::new(Death::Never)), met: Notify::new() });
        let meets = fate.clone();
        let before = move |step, of: &'static Collection| {
            let is_met = meets.now.lock().unwrap().is_met(step, of);
            let meets = meets.clone();
            async move {
                if is_met {
                    meets.met.notify_one();
                    pending::<()>().await;
                }
                Ok::<(), EngineError>(())
            }
            .boxed()
        };
        let engine = Documents { inner: bridge.engine.clone(), before: Box::new(before) };
        let stores = Stores::open(Arc::new(engine)).await.unwrap();
        let intake = Intake { stores, ..bridge.app.intake.clone() };
        let scene = Self { bridge, key, fate, intake };
        for row in (0..ROWS).filter(|row| what(*row) == What::Barred) {
            let body = json!({"number": format!("+91{}", number(row))});
            assert_eq!(scene.post("/api/v1/dnc", body).await.status(), StatusCode::CREATED);
        }
        scene
    }

    async fn post(&self, path: &str, body: Value) -> reqwest::Response {
        self.key.sign(self.bridge.request(Method::POST, path)).json(&body).send().await.unwrap()
    }

    /// A campaign that knows some of the list's people, as a path.
    async fn campaign(&self) -> String {
        let settings = BotSettings { name: "Asha".into(), ..BotSettings::default() };
        let bot = self.bridge.insert_bot(&self.bridge.tenant(), settings).await;
        let wish = json!({"name": "Reminders", "bot_id": bot, "settings": {"region": "IN"}});
        let made = json(self.post("/api/v1/campaigns", wish).await, StatusCode::CREATED).await;
        let campaign = format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap());
        let known = (0..ROWS).filter_map(|row| {
            let name = match what(row) {
                What::Other => "somebody".to_owned(),
                What::Same => format!("Person {row}"),
                _ => return None,
            };
            Some(json!({"phones": [number(row)], "variables": {"name": name}}))
        });
        let known: Vec<Value> = known.collect();
        json(self.post(&format!("{campaign}/contacts"), json!({ "rows": known })).await, StatusCode::OK)
            .await;
        campaign
    }

    async fn upload(&self, campaign: &str) -> ImportId {
        let request = self.bridge.request(Method::POST, &format!("{campaign}/imports"));
        let request = self.key.sign(request).header("content-type", "text/csv").body(list(ROWS, what));
        let import = json(request.send().await.unwrap(), StatusCode::ACCEPTED).await;
        import["id"].as_str().unwrap().parse().unwrap()
    }

    /// The job of an import, as one that takes it for the first time has it.
    async fn job(&self, import: &ImportId) -> Stored<Job> {
        let jobs = self.bridge.app.stores.jobs(&self.bridge.tenant());
        let laid = jobs.list_jobs((Some(Queue::Default), None), 200, None).await.unwrap().items;
        let is_its =
            |job: &Stored<Job>| job.value.kind == KIND && job.value.arguments["import_id"] == import.as_str();
        let mut job = laid.into_iter().find(is_its).unwrap();
        job.value.tries = 1;
        job
    }

    /// Read until the end or this death; whether it came to the end.
    async fn reads(&self, import: &ImportId, death: Death) -> bool {
        *self.fate.now.lock().unwrap() = Now::new(death);
        let job = self.job(import).await;
        tokio::select! {
            done = Box::pin(carry_out(self.intake.clone(), job)) => {
                done.unwrap();
                true
            }
            () = self.fate.met.notified() => false,
        }
    }

    async fn import(&self, import: &ImportId) -> Import {
        let imports = self.bridge.app.stores.campaign_imports(&self.bridge.tenant());
        imports.find_import(import).await.unwrap().unwrap().value
    }

    async fn error_file(&self, campaign: &str, import: &ImportId) -> String {
        let errors = self.key.sign(self.bridge.get(&format!("{campaign}/imports/{import}/errors")));
        errors.send().await.unwrap().text().await.unwrap()
    }

    /// What is known of everybody, but for ids and times.
    async fn people(&self, campaign: &str) -> BTreeMap<String, Value> {
        let (mut found, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let page = self.key.reads(&self.bridge, &format!("{campaign}/contacts?limit=200{cursor}")).await;
            for contact in page["items"].as_array().unwrap() {
                let said = ["status", "numbers", "variables", "priority"].map(|field| contact[field].clone());
                let number = contact["numbers"][0]["number"].as_str().unwrap().to_owned();
                assert!(found.insert(number, json!(said)).is_none(), "nobody is there twice: {contact}");
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }
}

#[tokio::test]
async fn an_import_ends_the_same_wherever_its_readers_die() {
    let scene = Scene::start().await;
    let calm = scene.campaign().await;
    let undisturbed = scene.upload(&calm).await;
    assert!(scene.reads(&undisturbed, Death::Never).await);
    assert_eq!(scene.import(&undisturbed).await.counts, counts(ROWS));
    let (people, errors) = (scene.people(&calm).await, scene.error_file(&calm, &undisturbed).await);

    let campaign = scene.campaign().await;
    let import = scene.upload(&campaign).await;
    for chunk in 0..ROWS.div_ceil(CHUNK) {
        for death in DEATHS {
            assert!(!scene.reads(&import, death).await, "{death:?} of chunk {chunk}");
            let told = if death == Death::Told { chunk + 1 } else { chunk };
            let kept = scene.import(&import).await;
            assert_eq!(kept.counts, counts(ROWS.min(told * CHUNK)), "{death:?} of chunk {chunk}");
            assert!(kept.counts.add_up() && kept.state == ImportState::Reading);
        }
    }
    assert!(scene.reads(&import, Death::Never).await);
    let kept = scene.import(&import).await;
    assert_eq!((kept.state, kept.counts), (ImportState::Done, counts(ROWS)));
    assert_eq!(scene.error_file(&campaign, &import).await, errors);
    assert_eq!(scene.people(&campaign).await, people);

    // Three times more, each of which is broken off too: everybody is there, and stays as they are.
    let all = counts(ROWS);
    let known = all.created + all.updated + all.unchanged;
    let again = Counts { created: 0, updated: 0, unchanged: known, ..all };
    for death in [Death::Looking, Death::Written, Death::Kept] {
        let import = scene.upload(&campaign).await;
        assert!(!scene.reads(&import, death).await);
        assert!(scene.reads(&import, Death::Never).await);
        let kept = scene.import(&import).await;
        assert_eq!((kept.state, &kept.counts), (ImportState::Done, &again), "{death:?}");
        assert_eq!(scene.error_file(&campaign, &import).await, errors);
    }
    assert_eq!(scene.people(&campaign).await, people);
    assert!(scene.bridge.objects_in("imports").await.is_empty(), "no file is left");
}

/// For a process to do something.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(5);
/// Rows of a list of a dozen chunks, all of them new.
const MANY: usize = 12 * CHUNK;

/// The program on a store of its own, and its administrator.
struct Real {
    process: Process,
    http: reqwest::Client,
    token: String,
}

impl Real {
    async fn start(dir: &Path) -> Self {
        let (http, process) = (client(), Process::start(dir, 1).await);
        let login = json!({"email": "admin@vox.local", "password": process.ready["admin_password"]});
        let session = http.post(process.url("/api/v1/auth/login")).json(&login).send().await.unwrap();
        let session = json(session, StatusCode::OK).await;
        let token = session["access_token"].as_str().unwrap().to_owned();
        Self { process, http, token }
    }

    /// Killed, and started again when its leases are over.
    async fn again(self, dir: &Path, round: u32) -> Self {
        self.process.kill().await;
        end_leases(dir);
        Self { process: Process::start(dir, round).await, ..self }
    }

    async fn reads(&self, path: &str) -> Value {
        let asked = self.http.get(self.process.url(path)).bearer_auth(&self.token);
        json(asked.send().await.unwrap(), StatusCode::OK).await
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(self.process.url(path)).bearer_auth(&self.token)
    }

    /// The import as soon as it has more rows than this, or its end.
    async fn beyond(&self, import: &str, rows: u64) -> Value {
        let began = Instant::now();
        loop {
            let seen = self.reads(import).await;
            if seen["state"] != "reading" || seen["counts"]["rows"].as_u64().unwrap() > rows {
                return seen;
            }
            assert!(began.elapsed() < PATIENCE, "nobody reads on: {seen}");
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// As if the minute were over for which a dead bridge's job is nobody else's.
fn end_leases(dir: &Path) {
    let store = Connection::open(dir.join("data/vox.sqlite")).unwrap();
    let text = format!(
        "UPDATE {} SET body = jsonb_set(body, '$.due_at', '2026-01-01T00:00:00.000000Z') \
         WHERE json_extract(body, '$.kind') = ?1",
        JOBS.name
    );
    assert_eq!(store.execute(&text, [KIND]).unwrap(), 1);
}

#[tokio::test]
async fn an_import_survives_sigkill() {
    let dir = tempfile::tempdir().unwrap();
    let mut bridge = Real::start(dir.path()).await;
    let wish = json!({"name": "Reminders", "bot_id": "faq", "settings": {"region": "IN"}});
    let made = bridge.post("/api/v1/campaigns").json(&wish).send().await.unwrap();
    let made = json(made, StatusCode::CREATED).await;
    let campaign = format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap());
    let file = bridge.post(&format!("{campaign}/imports")).header("content-type", "text/csv");
    let sent = file.body(list(MANY, |_| What::New)).send().await.unwrap();
    let import = json(sent, StatusCode::ACCEPTED).await;
    let import = format!("{campaign}/imports/{}", import["id"].as_str().unwrap());
    let mut rows = 0;
    for round in 2..4 {
        let seen = bridge.beyond(&import, rows).await;
        assert_eq!(seen["state"], "reading", "it is over before it is killed: {seen}");
        bridge = bridge.again(dir.path(), round).await;
        rows = bridge.reads(&import).await["counts"]["rows"].as_u64().unwrap();
        let told = seen["counts"]["rows"].as_u64().unwrap();
        assert!(rows >= told, "what was told is kept: {rows} of {told}");
    }
    let end = bridge.beyond(&import, MANY as u64).await;
    let all = json!({
        "rows": MANY, "created": MANY, "updated": 0, "unchanged": 0, "duplicate": 0, "refused": {},
    });
    assert_eq!((&end["state"], &end["counts"]), (&json!("done"), &all), "{end}");
    assert_eq!(bridge.reads(&campaign).await["contacts"]["ready"], MANY);
    bridge.process.kill().await;
}
